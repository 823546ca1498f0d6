//! Sizes of all maps for one size of image.

use pidinet_kernels::planes::Frame;

use super::Tape;
use super::nodes::{ConvOp, Op};
use super::resize::Resize;

/// What depends on the size of the image, but not on its content or the parameters.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// The layout of maps of each level.
    pub(super) frames: Vec<Frame>,
    /// For each node that is a convolution, which pixels it reads, forward and backward.
    pub(super) reads: Vec<Option<Reads>>,
    /// How each level is resized to the image.
    pub(super) resizes: Vec<Resize>,
}

/// Distances in memory that a convolution reads.
#[derive(Clone, Debug)]
pub(super) struct Reads {
    /// `[inputs, taps]`; for a depthwise convolution `[taps]`, the same for each channel.
    pub(super) forward: Vec<isize>,
    /// `[outputs, taps]`; for a depthwise convolution `[taps]`.
    pub(super) backward: Vec<isize>,
}

impl Geometry {
    /// The geometry for images of `height × width`.
    pub fn new(tape: &Tape, height: usize, width: usize) -> Self {
        let frames: Vec<Frame> = tape
            .borders
            .iter()
            .enumerate()
            .map(|(level, &border)| Frame { height: height >> level, width: width >> level, border })
            .collect();
        let reads = tape.nodes.iter().map(|node| match &node.op {
            Op::Conv(conv) => Some(Reads::new(conv, frames[node.level])),
            _ => None,
        });
        let resizes = frames.iter().map(|&frame| Resize::new(frame, frames[0])).collect();
        Self { reads: reads.collect(), resizes, frames }
    }

    /// Rows and columns of the image.
    pub fn size(&self) -> (usize, usize) {
        (self.frames[0].height, self.frames[0].width)
    }
}

impl Reads {
    fn new(conv: &ConvOp, frame: Frame) -> Self {
        let distances: Vec<isize> = conv
            .parts
            .iter()
            .flat_map(|part| part.taps.offsets.iter().map(|&(dy, dx)| frame.distance(dy, dx)))
            .collect();
        let planes = |count: usize| {
            let count = if conv.depthwise { 1 } else { count };
            (0..count).map(|plane| (plane * frame.plane()) as isize)
        };
        let forward = planes(conv.inputs).flat_map(|plane| distances.iter().map(move |d| plane + d));
        let backward = planes(conv.outputs).flat_map(|plane| distances.iter().map(move |d| plane - d));
        Self { forward: forward.collect(), backward: backward.collect() }
    }
}
