//! The network on the CPU, with gradients.
//!
//! A [`Tape`] is the list of what `pidinet::arch::pidinet` computes, recorded once: convolutions, with what
//! is added to them, and a few small operations. It is replayed forward and backward for one image at a time
//! (`tape/passes.rs`); each operation and its gradient are in the same file. Images of a batch are
//! independent, so they run in parallel, and their gradients are added in order, so the sum is the same for
//! any number of threads.
//!
//! Rectified maps are never stored: a convolution that reads one rectifies while it reads.

use pidinet::arch::{Arch, Build, Conv, pidinet};
use pidinet_kernels::planes::Window;

use crate::Parameters;

mod concat;
mod conv;
mod gate;
mod geometry;
mod layers;
mod nodes;
mod packed;
mod pair;
mod passes;
mod resize;
mod rows;
mod sigmoid;
mod taps;
mod workspace;

pub use geometry::Geometry;
pub use layers::Layer;
pub use packed::Packed;
pub(crate) use sigmoid::sigmoid;
pub use workspace::Workspace;

use nodes::{ConvOp, Layout, Node, Op, Part};
use taps::Taps;

/// The operations of a network, to replay forward and backward.
#[derive(Clone, Debug)]
pub struct Tape {
    nodes: Vec<Node>,
    parameters: Parameters,
    /// The maps before the five sigmoids: of the four sides, and fused.
    logits: [usize; 5],
}

impl Tape {
    /// Records the network of this architecture.
    pub fn new(arch: &Arch) -> Self {
        let mut recorder = Recorder { nodes: Vec::new(), parameters: Parameters::of(arch) };
        let image = recorder.push(Op::Image, 3, Layout { level: 0, wide: false });
        let outputs = pidinet(arch, &mut recorder, &image);
        let Recorder { mut nodes, parameters, .. } = recorder;
        let logit = |value: &Value| match nodes[value.node].op {
            Op::Sigmoid { x } => x,
            _ => unreachable!("every output of the network is a sigmoid"),
        };
        let [a, b, c, d] = &outputs.sides;
        let logits = [a, b, c, d, &outputs.fused].map(logit);
        // What is learnt from are the maps before the last sigmoids, which are not computed.
        nodes.truncate(1 + logits.into_iter().max().unwrap_or(0));
        Self { parameters, logits, nodes }
    }

    /// How many sizes maps have.
    fn levels(&self) -> usize {
        1 + self.nodes.iter().map(|node| node.layout.level).max().unwrap_or(0)
    }

    /// Zeros around maps of this layout: as far as any convolution reads.
    fn border(&self, layout: Layout) -> usize {
        let convs = self.nodes.iter().filter_map(|node| match &node.op {
            Op::Conv(conv) if node.layout == layout => Some(conv.reach()),
            _ => None,
        });
        convs.max().unwrap_or(0)
    }

    /// A depthwise convolution, and the 1x1 convolution that alone reads it, if this node is such a one: they
    /// are computed together.
    fn pair_ops(&self, number: usize) -> Option<(&ConvOp, Window, &ConvOp)> {
        let [first, second] = self.nodes.get(number.checked_sub(1)?..=number)? else { return None };
        let (Op::Conv(depthwise), Op::Conv(pointwise)) = (&first.op, &second.op) else { return None };
        let alone = pointwise.pointwise() && pointwise.x == number - 1 && first.readers == 1;
        depthwise.window().filter(|_| alone).map(|window| (depthwise, window, pointwise))
    }

    /// The parameters of the network.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// How far convolutions read in maps that are not wide: as far as the windows of pixel differences.
const NARROW: usize = 2;

/// The interpreter that records what the network computes.
struct Recorder {
    nodes: Vec<Node>,
    parameters: Parameters,
}

/// A map during recording.
#[derive(Clone)]
struct Value {
    node: usize,
    version: usize,
    /// Whether this stands for `max(node, 0)`.
    rectified: bool,
}

impl Recorder {
    fn push(&mut self, op: Op, channels: usize, layout: Layout) -> Value {
        self.nodes.push(Node { op, channels, layout, readers: 0, version: 0 });
        Value { node: self.nodes.len() - 1, version: 0, rectified: false }
    }

    /// The node of `value`; it now has one more reader.
    fn read(&mut self, value: &Value) -> usize {
        assert!(!value.rectified, "only convolutions read rectified maps");
        self.read_any(value)
    }

    fn read_any(&mut self, value: &Value) -> usize {
        let node = &mut self.nodes[value.node];
        assert_eq!(node.version, value.version, "a map was used after it was added to");
        node.readers += 1;
        value.node
    }

    /// The node of `value` with the zeros that dilated convolutions read. Those of one map share it.
    fn widened(&mut self, value: &Value) -> usize {
        let Node { channels, layout, .. } = self.nodes[value.node];
        if layout.wide {
            return self.read_any(value);
        }
        let widens = |node: &Node| matches!(node.op, Op::Widen { x } if x == value.node);
        let node = self.nodes.iter().position(widens).unwrap_or_else(|| {
            let x = self.read_any(value);
            self.push(Op::Widen { x }, channels, Layout { wide: true, ..layout }).node
        });
        self.nodes[node].readers += 1;
        node
    }
}

impl Build for Recorder {
    type Value = Value;

    fn conv(&mut self, name: &str, conv: &Conv, x: &Value) -> Value {
        let rectify = x.rectified;
        let taps = Taps::new(conv);
        let node = if taps.reach() > NARROW { self.widened(x) } else { self.read_any(x) };
        let weight = self.parameters.number(&format!("{name}.weight"));
        let bias = conv.bias.then(|| self.parameters.number(&format!("{name}.bias")));
        let depthwise = conv.groups > 1;
        assert!(conv.groups == 1 || conv.groups == conv.inputs && conv.inputs == conv.outputs);
        let op = ConvOp {
            x: node,
            rectify,
            parts: vec![Part { weight, taps }],
            bias,
            onto: None,
            inputs: conv.inputs,
            outputs: conv.outputs,
            depthwise,
        };
        self.push(Op::Conv(op), conv.outputs, self.nodes[node].layout)
    }

    fn max_pool(&mut self, x: &Value) -> Value {
        let x = self.read(x);
        let Node { channels, layout, .. } = self.nodes[x];
        self.push(Op::MaxPool { x }, channels, Layout { level: layout.level + 1, ..layout })
    }

    fn relu(&mut self, x: &Value) -> Value {
        Value { rectified: true, ..x.clone() }
    }

    fn sigmoid(&mut self, x: &Value) -> Value {
        let x = self.read(x);
        let Node { channels, layout, .. } = self.nodes[x];
        self.push(Op::Sigmoid { x }, channels, layout)
    }

    /// The later of the two is a convolution that nothing else reads: it adds the other one itself. If both
    /// are convolutions of the same map, they become one.
    fn add(&mut self, a: &Value, b: &Value) -> Value {
        let (first, last) = if a.node < b.node { (a, b) } else { (b, a) };
        let (first, last) = (self.read(first), self.read(last));
        assert_eq!(self.nodes[last].readers, 1, "what is added must not be used alone");
        let [Op::Conv(_), ..] = [&self.nodes[last].op] else {
            panic!("one of two maps that are added must be a convolution");
        };
        let mergeable = match (&self.nodes[first].op, &self.nodes[last].op) {
            (Op::Conv(f), Op::Conv(l)) => {
                let plain = |c: &ConvOp| c.bias.is_none() && c.onto.is_none() && !c.depthwise;
                plain(f) && plain(l) && f.x == l.x && f.rectify == l.rectify && self.nodes[first].readers == 1
            }
            _ => false,
        };
        if mergeable && last + 1 == self.nodes.len() {
            let Some(Node { op: Op::Conv(last), .. }) = self.nodes.pop() else {
                unreachable!("just seen to be a convolution");
            };
            self.nodes[last.x].readers -= 1;
            let node = &mut self.nodes[first];
            let Op::Conv(op) = &mut node.op else { unreachable!("just seen to be a convolution") };
            op.parts.extend(last.parts);
            node.readers = 0;
            node.version += 1;
            return Value { node: first, version: node.version, rectified: false };
        }
        let node = &mut self.nodes[last];
        let Op::Conv(op) = &mut node.op else { unreachable!("just seen to be a convolution") };
        assert!(op.onto.is_none(), "one map is added to a convolution");
        op.onto = Some(first);
        node.readers = 0;
        node.version += 1;
        Value { node: last, version: node.version, rectified: false }
    }

    fn gate(&mut self, x: &Value, gate: &Value) -> Value {
        let (x, gate) = (self.read(x), self.read(gate));
        let Node { channels, layout, .. } = self.nodes[x];
        self.push(Op::Gate { x, gate }, channels, layout)
    }

    fn resize(&mut self, x: &Value, like: &Value) -> Value {
        let level = self.nodes[like.node].layout.level;
        if self.nodes[x.node].layout.level == level {
            return x.clone();
        }
        assert_eq!(level, 0, "maps are resized to the size of the image");
        let x = self.read(x);
        let Node { channels, layout, .. } = self.nodes[x];
        self.push(Op::Resize { x }, channels, Layout { level, ..layout })
    }

    fn concat(&mut self, maps: &[Value]) -> Value {
        let maps: Vec<_> = maps.iter().map(|map| self.read(map)).collect();
        let channels = maps.iter().map(|&map| self.nodes[map].channels).sum();
        let layout = self.nodes[maps[0]].layout;
        assert!(
            maps.iter().all(|&map| self.nodes[map].layout == layout),
            "maps of one layout are concatenated"
        );
        self.push(Op::Concat { maps }, channels, layout)
    }
}
