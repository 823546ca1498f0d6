//! What a tape consists of: maps, and the operations that they come from.

use pidinet_kernels::planes::Window;

use super::taps::Taps;

/// One map: where it comes from and its size.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) channels: usize,
    pub(super) layout: Layout,
    /// How many operations read it.
    pub(super) readers: usize,
    /// Incremented when the node starts to stand for another map, see `Recorder::add`.
    pub(super) version: usize,
}

/// How a map lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Layout {
    /// How many times its sides were halved.
    pub(super) level: usize,
    /// Whether the zeros around it are enough for dilated convolutions, of which there are few. Every row of a
    /// map has these zeros beside it, and kernels compute them, too.
    pub(super) wide: bool,
}

/// What a node computes from nodes before it.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Image,
    Conv(ConvOp),
    /// The same map with more zeros around it.
    Widen {
        x: usize,
    },
    MaxPool {
        x: usize,
    },
    Sigmoid {
        x: usize,
    },
    Gate {
        x: usize,
        gate: usize,
    },
    Resize {
        x: usize,
    },
    Concat {
        maps: Vec<usize>,
    },
}

/// A sum of convolutions of one map, a bias and another map.
#[derive(Clone, Debug)]
pub(super) struct ConvOp {
    pub(super) x: usize,
    /// Whether `max(x, 0)` is convolved instead of `x`.
    pub(super) rectify: bool,
    pub(super) parts: Vec<Part>,
    /// Number of the bias among the parameters.
    pub(super) bias: Option<usize>,
    /// The map that is added.
    pub(super) onto: Option<usize>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) depthwise: bool,
}

impl ConvOp {
    /// How many rows or columns away it reads.
    pub(super) fn reach(&self) -> usize {
        self.parts.iter().map(|part| part.taps.reach()).max().unwrap_or(0)
    }

    /// Whether it is a dense 1x1 convolution.
    pub(super) fn pointwise(&self) -> bool {
        !self.depthwise && self.taps() == 1
    }

    /// The window of a plain depthwise convolution, if there is specialised code for it.
    pub(super) fn window(&self) -> Option<Window> {
        match &self.parts[..] {
            [part] if self.depthwise && !self.rectify && self.bias.is_none() && self.onto.is_none() => {
                Window::of(&part.taps.offsets)
            }
            _ => None,
        }
    }
}

/// One convolution of a [`ConvOp`].
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Number of the weights among the parameters.
    pub(super) weight: usize,
    pub(super) taps: Taps,
}
