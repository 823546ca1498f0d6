//! Sizes of all maps for one size of image.

use std::ops::Index;

use pidinet_kernels::planes::Frame;

use super::Tape;
use super::nodes::{ConvOp, Layout, Op};
use super::resize::Resize;

/// What depends on the size of the image, but not on its content or the parameters.
#[derive(Clone, Debug)]
pub struct Geometry {
    pub(super) frames: Each<Frame>,
    /// For each node that is a convolution, which pixels it reads, forward and backward.
    pub(super) reads: Vec<Option<Reads>>,
    /// How maps are resized to the image.
    pub(super) resizes: Each<Resize>,
}

/// Something for each layout.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Each<T>(Vec<[T; 2]>);

impl<T> Each<T> {
    pub(super) fn new(levels: usize, of: impl Fn(Layout) -> T) -> Self {
        Self((0..levels).map(|level| [false, true].map(|wide| of(Layout { level, wide }))).collect())
    }
}

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Index<Layout> for Each<T> {
    type Output = T;

    fn index(&self, layout: Layout) -> &T {
        &self.0[layout.level][usize::from(layout.wide)]
    }
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
        let levels = tape.levels();
        let frames = Each::new(levels, |layout| Frame {
            height: height >> layout.level,
            width: width >> layout.level,
            border: tape.border(layout),
        });
        let image = |layout| frames[Layout { level: 0, ..layout }];
        let resizes = Each::new(levels, |layout| Resize::new(frames[layout], image(layout)));
        let reads = tape.nodes.iter().map(|node| match &node.op {
            Op::Conv(conv) => Some(Reads::new(conv, frames[node.layout])),
            _ => None,
        });
        Self { reads: reads.collect(), resizes, frames }
    }

    /// Rows and columns of the image.
    pub fn size(&self) -> (usize, usize) {
        let frame = self.frames[Layout { level: 0, wide: false }];
        (frame.height, frame.width)
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
