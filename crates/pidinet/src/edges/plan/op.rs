//! The steps of a plan: what each computes, and which rows of which maps it reads.

use pidinet_kernels::rows::dense::{Activation, DenseWeights};
use pidinet_kernels::rows::depthwise::DepthwiseWeights;
use pidinet_kernels::rows::dilated::{self, DilatedWeights};
use pidinet_kernels::rows::packed::{PackedDilatedWeights, PackedWeights, ProjectingWeights};

use super::graph::Id;
use super::reads::Reach;

/// A tap of a dense convolution: rows down, columns right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offset {
    pub(crate) dy: isize,
    pub(crate) dx: isize,
}

/// The taps with which a dense step reads one map.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) x: Id,
    pub(crate) taps: Vec<Offset>,
}

impl Source {
    /// The map that it reads, and how far.
    fn read(&self) -> Read {
        let rows = || self.taps.iter().map(|tap| tap.dy);
        Read {
            id: self.x,
            reach: Reach::Window {
                above: rows().min().unwrap_or(0).min(0).unsigned_abs(),
                below: rows().max().unwrap_or(0).max(0).unsigned_abs(),
            },
            padding: self.taps.iter().map(|tap| tap.dx.unsigned_abs()).max().unwrap_or(0),
        }
    }
}

/// What a step computes; ids are the maps it reads.
#[derive(Debug)]
pub(crate) enum Op {
    Image,
    Dense {
        sources: Vec<Source>,
        weights: DenseWeights,
        activation: Activation,
        add: Option<Id>,
    },
    /// A sum of dilated 3x3 convolutions of one map: in bands, or `direct`, row by row.
    Dilated {
        source: Source,
        bands: DilatedWeights,
        direct: DenseWeights,
    },
    /// As `Dilated`, with products of int16 in bands.
    PackedDilated {
        source: Source,
        bands: PackedDilatedWeights,
        direct: DenseWeights,
    },
    Depthwise {
        x: Id,
        weights: DepthwiseWeights,
        radius: usize,
        relu: bool,
    },
    /// `projection`: the shortcut is part of `pointwise`, whose second half of inputs is `x` itself.
    Block {
        x: Id,
        depthwise: DepthwiseWeights,
        radius: usize,
        pointwise: DenseWeights,
        projection: bool,
    },
    /// A 1x1 convolution that packs what it reads, and what it writes.
    PackedPointwise {
        x: Id,
        channels: usize,
        weights: PackedWeights,
        activation: Activation,
    },
    /// A dense convolution of a packed map.
    PackedDense {
        source: Source,
        weights: PackedWeights,
    },
    /// As `Block`, with packed values in its 1x1 convolution.
    PackedBlock {
        x: Id,
        depthwise: DepthwiseWeights,
        radius: usize,
        pointwise: PackedWeights,
        projection: bool,
        /// The same block in floats, for values out of the packed range.
        floats: Option<Box<(DepthwiseWeights, DenseWeights)>>,
    },
    /// As `Block` with a projection, with products of int16, or `direct` in floats.
    ProjectingBlock {
        x: Id,
        depthwise: DepthwiseWeights,
        radius: usize,
        weights: ProjectingWeights,
        direct: DenseWeights,
    },
    MaxPool(Id),
    Relu(Id),
    Sigmoid(Id),
    Add(Id, Id),
    Gate {
        x: Id,
        gate: Id,
    },
    GatedBias {
        x: Id,
        logit: Id,
        bias: f32,
    },
    Resize(Id),
    Concat(Vec<Id>),
    /// Writes a map without margins.
    Fuse {
        maps: Vec<Id>,
        weights: Vec<f32>,
        bias: f32,
    },
}

/// One step: it makes the map of its own number.
#[derive(Debug)]
pub(crate) struct Step {
    /// The parameters it uses, or the operation.
    pub(crate) name: String,
    pub(crate) op: Op,
    /// Multiply-adds for each pixel of the output.
    pub(crate) macs: usize,
}

/// A map that a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) id: Id,
    pub(super) reach: Reach,
    /// Columns left and right of the map that are read, too.
    pub(super) padding: usize,
}

impl Op {
    /// Whether its map has no margins, so that it can be handed out as it is.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Fuse { .. })
    }

    /// Rows that are computed together, if memory allows.
    pub(super) fn band(&self) -> usize {
        if matches!(self, Self::Dilated { .. } | Self::PackedDilated { .. }) { dilated::BAND } else { 1 }
    }

    /// The maps that it reads.
    pub(super) fn reads(&self) -> Vec<Read> {
        let read = |id: &Id, reach| Read { id: *id, reach, padding: 0 };
        let same = |id: &Id| read(id, Reach::Window { above: 0, below: 0 });
        let window = |id: &Id, radius: usize| Read {
            padding: radius,
            ..read(id, Reach::Window { above: radius, below: radius })
        };
        match self {
            Self::Image => vec![],
            Self::Dense { sources, add, .. } => {
                sources.iter().map(Source::read).chain(add.iter().map(same)).collect()
            }
            Self::Dilated { source, .. }
            | Self::PackedDilated { source, .. }
            | Self::PackedDense { source, .. } => vec![source.read()],
            Self::Depthwise { x, radius, .. }
            | Self::Block { x, radius, .. }
            | Self::PackedBlock { x, radius, .. }
            | Self::ProjectingBlock { x, radius, .. } => vec![window(x, *radius)],
            Self::PackedPointwise { x, .. } | Self::Relu(x) | Self::Sigmoid(x) => vec![same(x)],
            Self::Add(a, b) => vec![same(a), same(b)],
            Self::Gate { x, gate: y } | Self::GatedBias { x, logit: y, .. } => vec![same(x), same(y)],
            Self::Concat(maps) => maps.iter().map(same).collect(),
            Self::MaxPool(x) => vec![read(x, Reach::Pair)],
            Self::Resize(x) => vec![read(x, Reach::Resized)],
            Self::Fuse { maps, .. } => maps.iter().map(|map| read(map, Reach::Resized)).collect(),
        }
    }
}
