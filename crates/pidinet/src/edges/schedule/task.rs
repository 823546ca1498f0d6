//! What a schedule consists of: tasks, rings of rows, and the portions in which an image goes through.

use std::ops::Range;

use pidinet_kernels::rows::resize::Axis;

use crate::edges::plan::graph::Id;

/// Where the pixels of a resized map come from.
#[derive(Clone, Debug)]
pub(crate) struct Resize {
    pub(crate) rows: Axis,
    pub(crate) columns: Axis,
}

/// Some rows of one map: what one thread computes in one go.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: Id,
    pub(crate) rows: Range<usize>,
    /// The rows of other maps that are read.
    pub(crate) reads: Vec<(Id, Range<usize>)>,
    /// Streams, and how many of their first tasks must be done before this one may begin.
    pub(crate) after: Vec<(usize, usize)>,
}

/// In what portions an image goes through the network. The result does not depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Streams side by side.
    pub(crate) streams: usize,
    /// Rows of the image that go through all stages of a stream before the next ones.
    pub(crate) strip: usize,
    /// Rows of a stream that one step computes before the next step of its stage goes on.
    pub(crate) pass: usize,
    /// Rows of a task.
    pub(crate) task: usize,
    /// Whether the tasks of a pass need not wait for each other, at the price of more rows in memory.
    pub(crate) overlap: bool,
    /// Whether steps get the bands they want, at the price of more rows in memory.
    pub(crate) bands: bool,
}

/// Where the rows of a map are kept: every stream has the same number of slots, which its rows take in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    /// The first row of each stream.
    pub(super) starts: Vec<usize>,
    /// Rows of a stream that are kept.
    pub(super) capacity: usize,
}

impl Ring {
    /// The rows that it holds.
    pub(crate) fn slots(&self) -> usize {
        self.starts.len() * self.capacity
    }

    /// Where row `y` is.
    pub(crate) fn slot(&self, y: usize) -> usize {
        let stream = self.starts.partition_point(|&start| start <= y) - 1;
        stream * self.capacity + y % self.capacity
    }
}
