//! Which rows of which maps a step reads.

use super::graph::Id;

/// Which rows of an input one row of the output needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From `above` rows above to `below` rows below; outside the map there are zeros.
    Window { above: usize, below: usize },
    /// Rows `2y` and `2y + 1`.
    Pair,
    /// The two rows that a bilinear resize mixes.
    Resized,
}

/// A step as the schedule sees it: it makes the map of its own number from others.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    /// The maps it reads.
    pub(crate) inputs: Vec<(Id, Reach)>,
    /// Rows that are cheaper to compute together, in groups that begin at a multiple of this number; 1 if
    /// there is no gain.
    pub(crate) band: usize,
}
