//! How a model file is opened: what the file does not say, and how much it may cost, whoever wrote it.

use crate::arch::Kinds;
use crate::error::ModelError;

/// How to open a model file.
///
/// The limits leave room for models ten times the size of the published ones, stored with the state of their
/// optimiser; raise one only for files from a source that you trust.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenOptions {
    /// The configuration of a file that does not name one, as checkpoints never do [default:
    /// `carv4`, or for folded weights one with radial layers in the same places].
    pub kinds: Option<Kinds>,
    /// Share of the pixel difference, see [`Arch::theta`](crate::arch::Arch::theta), of a file that does not say it
    /// [default: 1].
    pub theta: Option<f32>,
    /// Bytes of the file [default: 256 MiB].
    pub file_bytes: u64,
    /// Bytes of the JSON header of a safetensors file [default: 1 MiB].
    pub header_bytes: u64,
    /// Tensors in a file, including those of an optimiser [default: 4096].
    pub tensors: u64,
    /// Bytes of all weights of the model, as f32 [default: 256 MiB].
    pub weight_bytes: u64,
    /// Channels of the first stage, and of a CDCM [default: 2048].
    pub channels: u64,
    /// Files inside the zip archive of a checkpoint [default: 16,384].
    pub zip_entries: u64,
    /// Bytes unpacked from the zip archive in total [default: 256 MiB].
    pub unpacked_bytes: u64,
    /// Bytes of the pickle in a checkpoint [default: 512 KiB, thirty times the published ones].
    ///
    /// Every instruction is at least one byte and makes at most one object, so this also bounds the
    /// number of instructions, the stack, the memo and the nesting of objects.
    pub pickle_bytes: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            kinds: None,
            theta: None,
            file_bytes: 256 << 20,
            header_bytes: 1 << 20,
            tensors: 4096,
            weight_bytes: 256 << 20,
            channels: 2048,
            zip_entries: 16_384,
            unpacked_bytes: 256 << 20,
            pickle_bytes: 512 << 10,
        }
    }
}

impl OpenOptions {
    /// For models made by this program: no limits except those that keep sizes from overflowing.
    pub(super) fn unlimited() -> Self {
        Self {
            kinds: None,
            theta: None,
            file_bytes: u64::MAX,
            header_bytes: u64::MAX,
            tensors: u64::MAX,
            weight_bytes: u64::MAX,
            channels: 1 << 15,
            zip_entries: u64::MAX,
            unpacked_bytes: u64::MAX,
            pickle_bytes: u64::MAX,
        }
    }
}

/// Refuses `found` if it is more than `allowed` by the limit of this name.
pub(super) fn check(limit: &'static str, allowed: u64, found: u64) -> Result<(), ModelError> {
    if found > allowed { Err(ModelError::Limit { limit, allowed, found }) } else { Ok(()) }
}
