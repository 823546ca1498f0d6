//! The network, recorded once to run forward and backward.
//!
//! Consecutive nodes without a batch norm between them form a segment: its result for an image does not
//! depend on other images, so shards of a batch go through it in parallel.

use std::ops::Range;

use pidinet::arch::Kind;
use pidinet::arch::recognition::{
    BinaryConv, BuildRecognition, Offset, RealConv, RecognitionArch, bi_pidinet,
};

use super::signs::{Precision, Straight};
use crate::Parameters;

mod conv;
mod norm;
mod pass;
mod passes;
mod pool;
mod rprelu;
pub mod shard;
mod shift;
pub mod stack;
mod sums;

/// What a convolution reads for a pixel of its output: an input pixel, or the difference of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) first: Offset,
    pub(super) second: Option<Offset>,
}

/// A weight's pixel: in which view, and how many rows down and columns right in the output's map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) view: usize,
    pub(super) offset: Offset,
}

/// A convolution, of a map or of the signs of its views; a fully connected layer is one too.
///
/// A stride of 2 becomes an ordinary convolution of four views, one for each parity of row and column.
#[derive(Clone, Debug, Default)]
pub(super) struct ConvOp {
    pub(super) x: usize,
    /// The first channel of `x` that is read.
    pub(super) first: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: usize,
    pub(super) bias: Option<usize>,
    pub(super) stride: usize,
    pub(super) views: Vec<View>,
    pub(super) taps: Vec<Tap>,
    /// Whether signs are convolved.
    pub(super) binary: bool,
}

/// An operation; maps are given by node numbers, parameters by tensor numbers.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Image,
    Conv(ConvOp),
    /// The four parameters of a batch norm follow one another.
    Norm {
        x: usize,
        weight: usize,
    },
    Shift {
        x: usize,
        bias: usize,
    },
    /// Shift, slope and bias follow one another.
    Rprelu {
        x: usize,
        shift: usize,
    },
    Twice {
        x: usize,
    },
    Add {
        a: usize,
        b: usize,
    },
    MaxPool {
        x: usize,
    },
    AveragePool {
        x: usize,
    },
    GlobalPool {
        x: usize,
    },
}

/// An operation and the map it makes.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) channels: usize,
    /// How often the map was halved; vectors have the last level.
    pub(super) level: usize,
}

/// A recorded recognition network.
#[derive(Clone, Debug)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
    pub(super) parameters: Parameters,
    pub(super) logits: usize,
    /// Width of the border of zeros around maps of each level; vectors come last.
    pub(super) borders: Vec<usize>,
    /// All nodes; each segment but the first starts with a batch norm and has no other.
    pub(super) segments: Vec<Range<usize>>,
}

impl Tape {
    /// Records the network of this architecture.
    pub fn new(arch: &RecognitionArch) -> Self {
        let mut recorder = Recorder { nodes: Vec::new(), parameters: Parameters::of_recognition(arch) };
        let image = recorder.push(Op::Image, 3, 0);
        let outputs = bi_pidinet(arch, &mut recorder, &image);
        let Recorder { mut nodes, parameters } = recorder;
        let levels =
            1 + nodes.iter().map(|node| node.level).filter(|&level| level != VECTOR).max().unwrap_or(0);
        for node in &mut nodes {
            node.level = node.level.min(levels);
        }
        let mut borders = vec![0; levels + 1];
        let reach = |offset: Offset| offset.0.unsigned_abs().max(offset.1.unsigned_abs());
        for node in &nodes {
            if let Op::Conv(conv) = &node.op {
                let views = conv.views.iter().flat_map(|view| [Some(view.first), view.second]).flatten();
                let from = nodes[conv.x].level;
                borders[from] = views.map(reach).fold(borders[from], usize::max);
                let taps = conv.taps.iter().map(|tap| reach(tap.offset));
                borders[node.level] = taps.fold(borders[node.level], usize::max);
            }
        }
        let norms = (0..nodes.len()).filter(|&number| matches!(nodes[number].op, Op::Norm { .. }));
        let starts: Vec<usize> = std::iter::once(0).chain(norms).collect();
        let ends = starts[1..].iter().copied().chain([nodes.len()]);
        let segments = starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect();
        Self { nodes, parameters, logits: outputs.logits.node, borders, segments }
    }

    /// The parameters of the network, including means and variances of batch norms, which follow from the
    /// data and are not learnt.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// How a network is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// What is binary.
    pub precision: Precision,
    /// What replaces the gradient of a sign.
    pub straight: Straight,
    /// Whether batch norms use the running means and variances instead of the batch's.
    pub running: bool,
}

/// The level of vectors, until the number of levels is known.
const VECTOR: usize = usize::MAX;

/// The interpreter that records what the network computes.
struct Recorder {
    nodes: Vec<Node>,
    parameters: Parameters,
}

/// Channels of a map during recording.
#[derive(Clone, Debug)]
struct Value {
    node: usize,
    channels: Range<usize>,
}

impl Recorder {
    fn push(&mut self, op: Op, channels: usize, level: usize) -> Value {
        self.nodes.push(Node { op, channels, level });
        Value { node: self.nodes.len() - 1, channels: 0..channels }
    }

    fn tensor(&self, name: &str, suffix: &str) -> usize {
        self.parameters.number(&format!("{name}.{suffix}"))
    }

    /// The node of a value that is a whole map.
    fn whole(&self, x: &Value) -> (usize, usize, usize) {
        let Node { channels, level, .. } = self.nodes[x.node];
        assert_eq!(x.channels, 0..channels, "only convolutions read some of the channels");
        (x.node, channels, level)
    }

    /// Adds a convolution of `x` with the weights of this name.
    fn push_conv(&mut self, name: &str, x: &Value, mut conv: ConvOp) -> Value {
        conv.weight = self.tensor(name, "weight");
        (conv.x, conv.first) = (x.node, x.channels.start);
        let level = self.nodes[x.node].level;
        let level = if conv.stride == 1 { level } else { level + 1 };
        let outputs = conv.outputs;
        self.push(Op::Conv(conv), outputs, level)
    }
}

/// The views and taps of a square kernel.
fn square(size: usize, stride: usize) -> (Vec<View>, Vec<Tap>) {
    let (side, stride) = (size as isize, stride as isize);
    let views = (0..stride).flat_map(|y| (0..stride).map(move |x| View { first: (y, x), second: None }));
    let taps = (0..side * side).map(|i| {
        let (y, x) = (i / side - side / 2, i % side - side / 2);
        let view = (y.rem_euclid(stride) * stride + x.rem_euclid(stride)) as usize;
        Tap { view, offset: (y.div_euclid(stride), x.div_euclid(stride)) }
    });
    let taps: Vec<Tap> = taps.collect();
    let views: Vec<View> = views.collect();
    if size == 1 { (vec![views[0]], taps) } else { (views, taps) }
}

impl BuildRecognition for Recorder {
    type Value = Value;

    fn conv(&mut self, name: &str, conv: &RealConv, x: &Value) -> Value {
        let (views, taps) = square(conv.size, conv.stride);
        let RealConv { inputs, outputs, stride, .. } = *conv;
        self.push_conv(name, x, ConvOp { inputs, outputs, stride, views, taps, ..ConvOp::default() })
    }

    fn binary_conv(&mut self, name: &str, conv: &BinaryConv, x: &Value) -> Value {
        let (views, taps) = if conv.kind == Kind::Vanilla {
            square(3, conv.stride)
        } else {
            let view = |(first, second)| View { first, second: Some(second) };
            (conv.pairs().map(view).to_vec(), (0..8).map(|view| Tap { view, offset: (0, 0) }).collect())
        };
        let BinaryConv { inputs, outputs, stride, .. } = *conv;
        let conv = ConvOp { inputs, outputs, stride, views, taps, binary: true, ..ConvOp::default() };
        self.push_conv(name, x, conv)
    }

    fn batch_norm(&mut self, name: &str, _channels: usize, x: &Value) -> Value {
        let (x, channels, level) = self.whole(x);
        self.push(Op::Norm { x, weight: self.tensor(name, "weight") }, channels, level)
    }

    fn shift(&mut self, name: &str, _channels: usize, x: &Value) -> Value {
        let (x, channels, level) = self.whole(x);
        self.push(Op::Shift { x, bias: self.tensor(name, "bias") }, channels, level)
    }

    fn rprelu(&mut self, name: &str, _channels: usize, x: &Value) -> Value {
        let (x, channels, level) = self.whole(x);
        self.push(Op::Rprelu { x, shift: self.tensor(name, "shift") }, channels, level)
    }

    fn channels(&mut self, x: &Value, channels: Range<usize>) -> Value {
        let start = x.channels.start;
        Value { node: x.node, channels: start + channels.start..start + channels.end }
    }

    fn twice(&mut self, x: &Value) -> Value {
        let (x, channels, level) = self.whole(x);
        self.push(Op::Twice { x }, 2 * channels, level)
    }

    fn add(&mut self, a: &Value, b: &Value) -> Value {
        let ((a, channels, level), (b, ..)) = (self.whole(a), self.whole(b));
        self.push(Op::Add { a, b }, channels, level)
    }

    fn max_pool(&mut self, x: &Value) -> Value {
        let (x, channels, level) = self.whole(x);
        self.push(Op::MaxPool { x }, channels, level + 1)
    }

    fn average_pool(&mut self, x: &Value) -> Value {
        let (x, channels, level) = self.whole(x);
        self.push(Op::AveragePool { x }, channels, level + 1)
    }

    fn global_pool(&mut self, x: &Value) -> Value {
        let (x, channels, _) = self.whole(x);
        self.push(Op::GlobalPool { x }, channels, VECTOR)
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize, x: &Value) -> Value {
        let (views, taps) = square(1, 1);
        let bias = Some(self.tensor(name, "bias"));
        let conv = ConvOp { inputs, outputs, stride: 1, bias, views, taps, ..ConvOp::default() };
        self.push_conv(name, x, conv)
    }
}
