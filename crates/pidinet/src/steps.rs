//! What the steps of a network did in a run.

use std::time::Duration;

/// What one step of a network did in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepStats {
    /// The parameters it uses, or the operation.
    pub name: String,
    /// `[c, h, w]` of its output.
    pub shape: [usize; 3],
    /// Multiply-adds, of floats or of bits.
    pub macs: u64,
    /// Bytes read and written, each map once.
    pub bytes: u64,
    /// Time that the threads spent on it, divided by their number.
    pub time: Duration,
}

impl StepStats {
    /// The work of two runs together.
    pub(crate) fn plus(self, other: &Self) -> Self {
        let (macs, bytes) = (self.macs + other.macs, self.bytes + other.bytes);
        Self { macs, bytes, time: self.time + other.time, ..self }
    }
}
