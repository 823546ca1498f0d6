//! The network as a list of nodes: what [`Plan`](super::Plan) is made from.
//!
//! [`Graph`] is an interpreter of [`crate::arch::Build`] that only records. It holds names of
//! parameters, not their values, and knows no image size.

use crate::arch::{Build, Conv};

/// Number of a node; its output is a map.
pub(crate) type Id = usize;

/// A convolution and the name of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    /// Name without `.weight` or `.bias`.
    pub(crate) name: String,
    /// Its shape and kind.
    pub(crate) conv: Conv,
}

/// One of the convolutions whose outputs a [`Node::Dense`] adds up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) conv: Named,
    pub(crate) x: Id,
}

/// An operation on maps. A network is recorded as the first group; [`fuse`](super::fuse) turns some
/// of them into the second.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// The network's input.
    Image,
    /// The sum of convolutions (one, as recorded), of `max(x, 0)` if `relu`, plus the map `add`.
    Dense {
        terms: Vec<Term>,
        relu: bool,
        add: Option<Id>,
    },
    /// A depthwise convolution, followed by `max(·, 0)` if `relu` (not as recorded).
    Depthwise {
        conv: Named,
        x: Id,
        relu: bool,
    },
    MaxPool(Id),
    Relu(Id),
    Sigmoid(Id),
    Add(Id, Id),
    Gate {
        x: Id,
        gate: Id,
    },
    /// A resize to the size of the image.
    Resize(Id),
    Concat(Vec<Id>),

    /// `pointwise(relu(depthwise(x))) + shortcut(x)`.
    Block {
        depthwise: Named,
        pointwise: Named,
        shortcut: Option<Named>,
        x: Id,
    },
    /// `x · sigmoid(logit) + bias`, all of one channel; `bias` is the name of the parameter.
    GatedBias {
        x: Id,
        logit: Id,
        bias: Option<String>,
    },
    /// `sigmoid(Σ weights · resize(maps) + bias)`: parameters of the convolution over the resized
    /// one-channel maps, or for one map none.
    Fuse {
        maps: Vec<Id>,
        classifier: Option<Named>,
    },
}

impl Node {
    /// The nodes it reads.
    pub(crate) fn inputs(&self) -> Vec<Id> {
        match self {
            Self::Image => vec![],
            Self::Dense { terms, add, .. } => terms.iter().map(|term| term.x).chain(*add).collect(),
            Self::Depthwise { x, .. }
            | Self::MaxPool(x)
            | Self::Relu(x)
            | Self::Sigmoid(x)
            | Self::Resize(x)
            | Self::Block { x, .. } => vec![*x],
            Self::Add(a, b) => vec![*a, *b],
            Self::Gate { x, gate } => vec![*x, *gate],
            Self::Concat(maps) | Self::Fuse { maps, .. } => maps.clone(),
            Self::GatedBias { x, logit, .. } => vec![*x, *logit],
        }
    }

    /// Replaces the nodes it reads.
    pub(crate) fn renumber(&mut self, new: impl Fn(Id) -> Id) {
        let each = |id: &mut Id| *id = new(*id);
        match self {
            Self::Image => {}
            Self::Dense { terms, add, .. } => {
                terms.iter_mut().for_each(|term| each(&mut term.x));
                add.iter_mut().for_each(each);
            }
            Self::Depthwise { x, .. }
            | Self::MaxPool(x)
            | Self::Relu(x)
            | Self::Sigmoid(x)
            | Self::Resize(x)
            | Self::Block { x, .. } => each(x),
            Self::Add(a, b) => [a, b].into_iter().for_each(each),
            Self::Gate { x, gate } => [x, gate].into_iter().for_each(each),
            Self::Concat(maps) | Self::Fuse { maps, .. } => maps.iter_mut().for_each(each),
            Self::GatedBias { x, logit, .. } => [x, logit].into_iter().for_each(each),
        }
    }
}

/// What is known about a node's output without the image: channels, and how often it was halved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    pub(crate) level: u32,
}

/// A network, recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) shapes: Vec<Shape>,
}

impl Graph {
    /// Adds the image `[3, h, w]`.
    pub(crate) fn image(&mut self) -> Id {
        self.push(Node::Image, Shape { channels: 3, level: 0 })
    }

    fn push(&mut self, node: Node, shape: Shape) -> Id {
        self.nodes.push(node);
        self.shapes.push(shape);
        self.nodes.len() - 1
    }
}

impl Build for Graph {
    type Value = Id;

    fn conv(&mut self, name: &str, conv: &Conv, x: &Id) -> Id {
        let named = Named { name: name.to_owned(), conv: *conv };
        let shape = Shape { channels: conv.outputs, ..self.shapes[*x] };
        let node = if conv.groups == 1 {
            Node::Dense { terms: vec![Term { conv: named, x: *x }], relu: false, add: None }
        } else {
            assert_eq!(conv.groups, conv.inputs, "{name} is neither dense nor depthwise");
            Node::Depthwise { conv: named, x: *x, relu: false }
        };
        self.push(node, shape)
    }

    fn max_pool(&mut self, x: &Id) -> Id {
        let shape = self.shapes[*x];
        self.push(Node::MaxPool(*x), Shape { level: shape.level + 1, ..shape })
    }

    fn relu(&mut self, x: &Id) -> Id {
        self.push(Node::Relu(*x), self.shapes[*x])
    }

    fn sigmoid(&mut self, x: &Id) -> Id {
        self.push(Node::Sigmoid(*x), self.shapes[*x])
    }

    fn add(&mut self, a: &Id, b: &Id) -> Id {
        self.push(Node::Add(*a, *b), self.shapes[*a])
    }

    fn gate(&mut self, x: &Id, gate: &Id) -> Id {
        self.push(Node::Gate { x: *x, gate: *gate }, self.shapes[*x])
    }

    fn resize(&mut self, x: &Id, like: &Id) -> Id {
        let level = self.shapes[*like].level;
        assert_eq!(level, 0, "maps are resized to the size of the image");
        self.push(Node::Resize(*x), Shape { level, ..self.shapes[*x] })
    }

    fn concat(&mut self, maps: &[Id]) -> Id {
        let channels = maps.iter().map(|&map| self.shapes[map].channels).sum();
        self.push(Node::Concat(maps.to_vec()), Shape { channels, ..self.shapes[maps[0]] })
    }
}
