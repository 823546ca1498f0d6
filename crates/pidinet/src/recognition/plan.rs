//! From a Bi-PiDiNet and its weights to steps that kernels run.
//!
//! [`Planner`] is an interpreter of [`bi_pidinet`]. It collects shifts, sums of signs, norms and shortcuts
//! until an RPReLU closes a block, which then becomes one step. A plan does not depend on the size of an
//! image.

use std::collections::BTreeMap;
use std::ops::Range;

use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::isa::Isa;
use pidinet_kernels::pixels::finish::Rprelu;
use pidinet_kernels::pixels::pack::GROUP;
use pidinet_kernels::pixels::real_conv::RealWeights;

use super::lower::{self, Difference, Vanilla};
use crate::arch::Kind;
use crate::arch::recognition::sum::{Norm, Sum};
use crate::arch::recognition::{BinaryConv, BuildRecognition, RealConv, bi_pidinet};
use crate::weights::RecognitionModel;

/// Number of a map.
pub(super) type Id = usize;

/// The shape of a map, except for the image's size.
#[derive(Clone, Copy, Debug)]
pub(super) struct MapShape {
    pub(super) channels: usize,
    /// Floats from pixel to pixel.
    pub(super) step: usize,
    /// How many times its sides were halved, rounding up.
    pub(super) halvings: u32,
}

impl MapShape {
    /// A map whose pixels are padded.
    fn padded(channels: usize, halvings: u32) -> Self {
        Self { channels, step: channels.next_multiple_of(GROUP), halvings }
    }

    /// Rows or columns of the map for an image with `image` of them.
    pub(super) fn side(&self, image: usize) -> usize {
        image.div_ceil(1 << self.halvings)
    }
}

/// Numbers of RPReLU, padded.
#[derive(Clone, Debug)]
pub(super) struct Activation {
    shift: Buffer,
    slope: Buffer,
    bias: Buffer,
}

impl Activation {
    pub(super) fn rprelu(&self) -> Rprelu<'_> {
        Rprelu { shift: &self.shift, slope: &self.slope, bias: &self.bias }
    }
}

/// A real convolution, and what follows it.
#[derive(Debug)]
pub(super) struct RealStep {
    pub(super) x: Id,
    pub(super) conv: RealConv,
    pub(super) weights: RealWeights,
    /// Factors and terms of a batch norm, padded.
    pub(super) norm: Option<(Buffer, Buffer)>,
    pub(super) activation: Option<Activation>,
}

/// A block: one or two binary convolutions, added to the map `dst`.
#[derive(Debug)]
pub(super) struct BlockStep {
    pub(super) x: Id,
    pub(super) stride: usize,
    pub(super) difference: Option<Difference>,
    pub(super) vanilla: Option<Vanilla>,
    /// Padded.
    pub(super) offset: Buffer,
    pub(super) activation: Activation,
}

/// What a step computes.
#[derive(Debug)]
pub(super) enum Op {
    Real(Box<RealStep>),
    Block(Box<BlockStep>),
    MaxPool(Id),
    AveragePool(Id),
    Twice(Id),
    GlobalPool(Id),
    /// Weights of the inputs, followed by those of a constant one, which are the bias.
    Linear(Id, RealWeights),
}

impl Op {
    /// The map that it reads; a block also reads the map that it is added to.
    pub(super) fn reads(&self) -> Id {
        match self {
            Self::Real(real) => real.x,
            Self::Block(block) => block.x,
            Self::MaxPool(x)
            | Self::AveragePool(x)
            | Self::Twice(x)
            | Self::GlobalPool(x)
            | Self::Linear(x, _) => *x,
        }
    }
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) op: Op,
    /// The map that is written; a block's is its shortcut.
    pub(super) dst: Id,
    /// Multiply-adds for each pixel of the output, of floats or of bits.
    pub(super) macs: usize,
}

/// A network ready to run on one instruction set.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) isa: Isa,
    pub(super) steps: Vec<Step>,
    pub(super) maps: Vec<MapShape>,
    /// Maps `[features, 1, 1]` and `[classes, 1, 1]`.
    pub(super) features: Id,
    pub(super) logits: Id,
}

/// The image's map.
pub(super) const IMAGE: Id = 0;

impl Plan {
    /// Plans a checked model.
    pub(super) fn new(model: &RecognitionModel, isa: Isa) -> Self {
        let image = MapShape { channels: 3, step: 3, halvings: 0 };
        let blocks = model.arch.blocks().into_iter().map(|block| (block.activation(), block.name)).collect();
        let mut planner = Planner { model, isa, blocks, maps: vec![image], steps: Vec::new() };
        let outputs = bi_pidinet(&model.arch, &mut planner, &Value::Map(IMAGE));
        let (features, logits) = (outputs.features.map(), outputs.logits.map());
        let Planner { maps, steps, .. } = planner;
        Self { isa, steps, maps, features, logits }
    }
}

/// A map, or what will become one.
#[derive(Clone, Debug)]
enum Value {
    /// A map in memory.
    Map(Id),
    /// Some channels of a map, shifted by parameters of this name.
    Shifted { x: Id, shift: String, channels: Range<usize> },
    /// A sum of binary convolutions, and what is added to it.
    Sums { sums: Sums, shortcut: Option<Id> },
}

impl Value {
    /// The map in memory.
    fn map(&self) -> Id {
        match self {
            Self::Map(id) => *id,
            other => unreachable!("only blocks read what is not a map: {other:?}"),
        }
    }
}

/// Binary convolutions of a shifted map, with their batch norms.
#[derive(Clone, Debug)]
struct Sums {
    x: Id,
    shift: String,
    sum: Sum<Branch>,
}

#[derive(Clone, Debug)]
struct Branch {
    name: String,
    conv: BinaryConv,
    /// Channels of the shifted map.
    channels: Range<usize>,
}

struct Planner<'a> {
    model: &'a RecognitionModel,
    isa: Isa,
    /// The names of blocks by the names of the activations that close them.
    blocks: BTreeMap<String, String>,
    maps: Vec<MapShape>,
    steps: Vec<Step>,
}

impl Planner<'_> {
    fn parameter(&self, name: &str, suffix: &str) -> &[f32] {
        &self.model.weights[&format!("{name}.{suffix}")].data
    }

    /// Adds a step that makes a new map.
    fn push(&mut self, name: &str, op: Op, macs: usize, shape: MapShape) -> Value {
        let dst = self.maps.len();
        self.maps.push(shape);
        self.steps.push(Step { name: name.to_owned(), op, dst, macs });
        Value::Map(dst)
    }

    fn activation(&self, name: &str) -> Activation {
        let [shift, slope, bias] =
            ["shift", "slope", "bias"].map(|suffix| lower::padded(self.parameter(name, suffix)));
        Activation { shift, slope, bias }
    }

    /// The real convolution that has just been planned, if `x` is its map.
    fn real(&mut self, x: &Value) -> &mut RealStep {
        match (x, self.steps.last_mut()) {
            (Value::Map(id), Some(Step { op: Op::Real(real), dst, .. })) if dst == id => real,
            (other, _) => unreachable!("norms and activations follow convolutions: {other:?}"),
        }
    }

    fn block(&mut self, name: &str, sums: &Sums, shortcut: Id) -> Value {
        let Sums { x, shift, sum } = sums;
        let shift = self.parameter(shift, "bias");
        let mut step = BlockStep {
            x: *x,
            stride: sum.terms[0].0.conv.stride,
            difference: None,
            vanilla: None,
            offset: lower::rounded(sum.offset.as_ref().expect("a block ends with a batch norm")),
            activation: self.activation(name),
        };
        for (Branch { name, conv, channels }, scale) in &sum.terms {
            let scale = scale.as_ref().expect("a block ends with a batch norm");
            let weights = self.parameter(name, "weight");
            let shift = &shift[channels.clone()];
            if conv.kind == Kind::Vanilla {
                step.vanilla = Some(Vanilla::new(self.isa, conv, weights, channels.start, shift, scale));
            } else {
                assert_eq!(channels.start, 0, "differences are taken of the first channels");
                step.difference = Some(Difference::new(self.isa, conv, weights, shift, scale));
            }
        }
        let name = self.blocks[name].clone();
        let macs =
            sum.terms.iter().map(|(Branch { conv, .. }, _)| conv.outputs * conv.inputs * conv.taps()).sum();
        self.steps.push(Step { name, op: Op::Block(Box::new(step)), dst: shortcut, macs });
        Value::Map(shortcut)
    }

    fn halved(&self, x: Id) -> MapShape {
        MapShape { halvings: self.maps[x].halvings + 1, ..self.maps[x] }
    }
}

impl BuildRecognition for Planner<'_> {
    type Value = Value;

    fn conv(&mut self, name: &str, conv: &RealConv, x: &Value) -> Value {
        let x = x.map();
        let weights = lower::real(self.isa, conv, self.parameter(name, "weight"), self.maps[x].step);
        let halvings = self.maps[x].halvings + conv.stride.trailing_zeros();
        let op = Op::Real(Box::new(RealStep { x, conv: *conv, weights, norm: None, activation: None }));
        self.push(name, op, conv.weight_shape().iter().product(), MapShape::padded(conv.outputs, halvings))
    }

    fn binary_conv(&mut self, name: &str, conv: &BinaryConv, x: &Value) -> Value {
        let Value::Shifted { x, shift, channels } = x.clone() else {
            unreachable!("signs are taken of shifted maps: {x:?}")
        };
        let sum = Sum::branch(Branch { name: name.to_owned(), conv: *conv, channels });
        Value::Sums { sums: Sums { x, shift, sum }, shortcut: None }
    }

    fn batch_norm(&mut self, name: &str, _: usize, x: &Value) -> Value {
        let parameters = ["weight", "bias", "running_mean", "running_var"];
        let norm = Norm::new(parameters.map(|suffix| self.parameter(name, suffix)));
        let Value::Sums { mut sums, shortcut: None } = x.clone() else {
            self.real(x).norm = Some((lower::rounded(&norm.scale), lower::rounded(&norm.offset)));
            return x.clone();
        };
        sums.sum = sums.sum.normalised(&norm);
        Value::Sums { sums, shortcut: None }
    }

    fn shift(&mut self, name: &str, channels: usize, x: &Value) -> Value {
        Value::Shifted { x: x.map(), shift: name.to_owned(), channels: 0..channels }
    }

    fn rprelu(&mut self, name: &str, _: usize, x: &Value) -> Value {
        if let Value::Sums { sums, shortcut: Some(shortcut) } = x {
            return self.block(name, sums, *shortcut);
        }
        let activation = self.activation(name);
        self.real(x).activation = Some(activation);
        x.clone()
    }

    fn channels(&mut self, x: &Value, channels: Range<usize>) -> Value {
        match x {
            Value::Shifted { x, shift, .. } => Value::Shifted { x: *x, shift: shift.clone(), channels },
            other => unreachable!("only shifted maps are taken apart: {other:?}"),
        }
    }

    fn twice(&mut self, x: &Value) -> Value {
        let x = x.map();
        let shape = MapShape::padded(2 * self.maps[x].channels, self.maps[x].halvings);
        self.push("twice", Op::Twice(x), 0, shape)
    }

    fn add(&mut self, a: &Value, b: &Value) -> Value {
        match (a, b) {
            (Value::Sums { sums: a, shortcut: None }, Value::Sums { sums: b, shortcut: None }) => {
                let sum = a.sum.plus(&b.sum, |_| unreachable!("both are of binary convolutions"));
                Value::Sums { sums: Sums { sum, ..a.clone() }, shortcut: None }
            }
            (Value::Sums { sums, shortcut: None }, Value::Map(shortcut)) => {
                Value::Sums { sums: sums.clone(), shortcut: Some(*shortcut) }
            }
            other => unreachable!("blocks add branches, and then a shortcut: {other:?}"),
        }
    }

    fn max_pool(&mut self, x: &Value) -> Value {
        let x = x.map();
        self.push("max_pool", Op::MaxPool(x), 0, self.halved(x))
    }

    fn average_pool(&mut self, x: &Value) -> Value {
        let x = x.map();
        self.push("average_pool", Op::AveragePool(x), 0, self.halved(x))
    }

    fn global_pool(&mut self, x: &Value) -> Value {
        let x = x.map();
        // More halvings than the size of any image has bits leave one pixel.
        self.push("global_pool", Op::GlobalPool(x), 0, MapShape { halvings: 31, ..self.maps[x] })
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize, x: &Value) -> Value {
        let (weights, bias) = (self.parameter(name, "weight"), self.parameter(name, "bias"));
        let rows = weights.chunks_exact(inputs).zip(bias);
        let matrix: Vec<f32> = rows.flat_map(|(row, bias)| row.iter().chain([bias]).copied()).collect();
        let weights = RealWeights::pack(self.isa, &matrix, &[inputs + 1]);
        let x = x.map();
        let shape = MapShape::padded(outputs, self.maps[x].halvings);
        self.push(name, Op::Linear(x, weights), inputs * outputs, shape)
    }
}
