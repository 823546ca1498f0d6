//! Memory for one image's maps and their gradients, reused for the next image.

use std::collections::HashMap;
use std::time::Duration;

use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::planes::Frame;

use super::geometry::Each;
use super::nodes::{Layout, Node};
use super::pair::Between;
use super::{Geometry, Tape};

/// All maps of one image. Everything outside the frames' pixels is always zero.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The map of each node; none of those between two convolutions that are computed together.
    pub(super) values: Vec<Buffer>,
    /// Rows of such a map.
    pub(super) between: Between,
    /// The gradient of each node, while it is needed.
    pub(super) gradients: Vec<Option<Buffer>>,
    /// The last times of each node, forward and backward.
    pub(super) times: Vec<[Duration; 2]>,
    /// Free buffers, by layout and channels.
    free: HashMap<(Layout, usize), Vec<Buffer>>,
    /// The frames that the buffers are for.
    frames: Each<Frame>,
}

impl Workspace {
    /// Makes room for images of this size, unless there is room already.
    pub(super) fn prepare(&mut self, tape: &Tape, geometry: &Geometry) {
        if self.frames == geometry.frames && self.values.len() == tape.nodes.len() {
            return;
        }
        self.frames.clone_from(&geometry.frames);
        self.free.clear();
        let map = |(number, node): (usize, &Node)| match tape.pair_ops(number + 1) {
            Some(_) => Buffer::default(),
            None => Buffer::zeroed(node.channels * geometry.frames[node.layout].plane()),
        };
        self.values = tape.nodes.iter().enumerate().map(map).collect();
        self.gradients = vec![None; tape.nodes.len()];
        self.times = vec![Default::default(); tape.nodes.len()];
    }

    /// A buffer for a map: zero outside the pixels, arbitrary inside.
    pub(super) fn take(&mut self, layout: Layout, channels: usize) -> Buffer {
        let free = self.free.get_mut(&(layout, channels)).and_then(Vec::pop);
        free.unwrap_or_else(|| Buffer::zeroed(channels * self.frames[layout].plane()))
    }

    /// Gives a buffer back.
    pub(super) fn give(&mut self, layout: Layout, channels: usize, buffer: Buffer) {
        self.free.entry((layout, channels)).or_default().push(buffer);
    }
}
