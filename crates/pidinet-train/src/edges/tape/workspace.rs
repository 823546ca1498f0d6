//! Memory for one image's maps and their gradients, reused for the next image.

use std::collections::HashMap;
use std::time::Duration;

use super::{Geometry, Tape};

/// All maps of one image. Everything outside the frames' pixels is always zero.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The map of each node.
    pub(super) values: Vec<Vec<f32>>,
    /// The gradient of each node, while it is needed.
    pub(super) gradients: Vec<Option<Vec<f32>>>,
    /// The last times of each node, forward and backward.
    pub(super) times: Vec<[Duration; 2]>,
    /// Free buffers, by level and channels.
    free: HashMap<(usize, usize), Vec<Vec<f32>>>,
    /// Sizes of the levels that the buffers are for.
    frames: Vec<pidinet_kernels::planes::Frame>,
}

impl Workspace {
    /// Makes room for images of this size, unless there is room already.
    pub(super) fn prepare(&mut self, tape: &Tape, geometry: &Geometry) {
        if self.frames == geometry.frames && self.values.len() == tape.nodes.len() {
            return;
        }
        let plane = |level: usize| geometry.frames[level].plane();
        self.frames.clone_from(&geometry.frames);
        self.free.clear();
        self.values = tape.nodes.iter().map(|node| vec![0.0; node.channels * plane(node.level)]).collect();
        self.gradients = vec![None; tape.nodes.len()];
        self.times = vec![Default::default(); tape.nodes.len()];
    }

    /// A buffer for a map: zero outside the pixels, arbitrary inside.
    pub(super) fn take(&mut self, level: usize, channels: usize) -> Vec<f32> {
        let free = self.free.get_mut(&(level, channels)).and_then(Vec::pop);
        free.unwrap_or_else(|| vec![0.0; channels * self.frames[level].plane()])
    }

    /// Gives a buffer back.
    pub(super) fn give(&mut self, level: usize, channels: usize, buffer: Vec<f32>) {
        self.free.entry((level, channels)).or_default().push(buffer);
    }
}
