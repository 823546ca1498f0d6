//! From a network and its weights to steps that kernels run.
//!
//! `arch` is recorded as a [`graph`], [`fuse`]d, and lowered: weights are folded, put into the order in
//! which a kernel reads them, and packed for one instruction set. A plan does not depend on the size of
//! an image; its [`schedule`] does.

pub(crate) mod fuse;
pub(crate) mod graph;
pub(crate) mod schedule;

use pidinet_kernels::isa::Isa;
use pidinet_kernels::lanes::words::Format;
use pidinet_kernels::rows::dense::{Activation, DenseWeights};
use pidinet_kernels::rows::depthwise::DepthwiseWeights;
use pidinet_kernels::rows::dilated::{self, DilatedWeights};
use pidinet_kernels::rows::packed::PackedWeights;

use crate::arch::{self, Conv, Outputs};
use crate::calibration::Calibration;
use crate::reparam;
use crate::weights::{Model, Weights};
use graph::{Graph, Id, Named, Node, Shape, Term};
use schedule::{Reach, Reads};

/// Which maps a run gives beside the fused one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// None.
    Fused,
    /// The four side maps.
    Sides,
    /// Everything in [`Outputs`].
    All,
    /// Instead of all these, what is between the convolutions of each block.
    Activations,
}

/// Which products are of packed values; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packing<'a> {
    /// Those with most arithmetic, of this format.
    pub(crate) format: Option<Format>,
    /// Those of the blocks that are calibrated, of int8.
    pub(crate) blocks: Option<&'a Calibration>,
}

/// Whether steps are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fusion {
    On,
    /// Every operation of the network is a step of its own: the fused plan is tested against it.
    #[cfg_attr(not(test), expect(dead_code, reason = "the plain plan is what tests compare with"))]
    Off,
}

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
    /// Columns that it is read left or right of the output's.
    fn padding(&self) -> usize {
        self.taps.iter().map(|tap| tap.dx.unsigned_abs()).max().unwrap_or(0)
    }

    /// The rows that are read.
    fn reach(&self) -> Reach {
        let rows = || self.taps.iter().map(|tap| tap.dy);
        Reach::Window {
            above: rows().min().unwrap_or(0).min(0).unsigned_abs(),
            below: rows().max().unwrap_or(0).max(0).unsigned_abs(),
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
    /// As `Block`, its 1x1 convolution of packed values.
    PackedBlock {
        x: Id,
        depthwise: DepthwiseWeights,
        radius: usize,
        pointwise: PackedWeights,
        projection: bool,
        /// The block of floats for where words do not hold what is packed into them.
        floats: Option<Box<(DepthwiseWeights, DenseWeights)>>,
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

/// A network ready to run on one instruction set.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) isa: Isa,
    pub(crate) steps: Vec<Step>,
    pub(crate) shapes: Vec<Shape>,
    /// Floats that a pixel of each map takes in memory: its channels, or fewer if they are packed.
    pub(crate) floats: Vec<usize>,
    /// Rows of the inputs that each step reads.
    pub(crate) reads: Vec<Reads>,
    /// Columns of border with which each map is read.
    pub(crate) paddings: Vec<usize>,
    /// Maps that stay whole: the fused one, then the side maps, the stem and the stages, as asked for.
    pub(crate) keep: Vec<Id>,
}

impl Plan {
    /// Plans a checked model.
    pub(crate) fn new(model: &Model, isa: Isa, packing: Packing<'_>, keep: Keep, fusion: Fusion) -> Self {
        let mut graph = Graph::default();
        let image = graph.image();
        let outputs = arch::pidinet(&model.arch, &mut graph, &image);
        let mut kept = wanted(&graph, &outputs, keep);
        let graph = match fusion {
            Fusion::On => fuse::fuse(graph, &mut kept),
            Fusion::Off => {
                fuse::remove_unused(&mut graph, &mut kept);
                graph
            }
        };
        let parameters = Parameters { weights: &model.weights, is_folded: model.is_folded() };
        let format = packing.format;
        let lowering = Lowering { isa, packing, is_packed: packed_maps(&graph, &kept, format), parameters };
        let steps: Vec<Step> = (0..graph.nodes.len()).map(|id| lowering.step(&graph, id)).collect();
        let in_memory = |(shape, &is_packed): (&Shape, &bool)| match format {
            Some(format) if is_packed => format.words(shape.channels),
            _ => shape.channels,
        };
        let floats = graph.shapes.iter().zip(&lowering.is_packed).map(in_memory).collect();
        let mut paddings = vec![0; steps.len()];
        for (id, padding) in steps.iter().flat_map(|step| step.op.paddings()) {
            paddings[id] = padding.max(paddings[id]);
        }
        let reads =
            steps.iter().map(|step| Reads { inputs: step.op.reads(), band: step.op.band() }).collect();
        Self { isa, steps, shapes: graph.shapes, floats, reads, paddings, keep: kept }
    }

    /// Bytes that one row of an image becomes in all maps together; half a row where there are half as many.
    pub(crate) fn row_bytes(&self, width: usize) -> usize {
        let values = |shape: &Shape| (shape.channels * width) >> (2 * shape.level);
        size_of::<f32>() * self.shapes.iter().map(values).sum::<usize>()
    }
}

/// The nodes of the maps that are wanted, the fused one first where it is.
fn wanted(graph: &Graph, outputs: &Outputs<Id>, keep: Keep) -> Vec<Id> {
    if keep == Keep::Activations {
        let is_activation = |&id: &Id| match graph.nodes[id] {
            Node::Relu(x) => matches!(graph.nodes[x], Node::Depthwise { .. }),
            _ => false,
        };
        return (0..graph.nodes.len()).filter(is_activation).collect();
    }
    let mut ids = vec![outputs.fused];
    if keep != Keep::Fused {
        ids.extend(outputs.sides);
    }
    if keep == Keep::All {
        ids.push(outputs.stem);
        ids.extend(outputs.stages);
    }
    ids
}

/// Whether a node is the dilated convolutions of a CDCM: a sum of 3x3 convolutions of one map.
fn is_context(node: &Node) -> bool {
    match node {
        Node::Dense { terms, relu: false, add: None } => {
            let is_one_of_them = |term: &Term| {
                let Conv { size, dilation, .. } = term.conv.conv;
                term.x == terms[0].x && size == 3 && dilation > 1
            };
            terms.len() > 1 && terms.iter().all(is_one_of_them)
        }
        _ => false,
    }
}

/// Which maps are stored packed: those that a 1x1 convolution makes for one dense convolution alone, as before the
/// dilated ones of a CDCM.
fn packed_maps(graph: &Graph, kept: &[Id], format: Option<Format>) -> Vec<bool> {
    let is_pointwise = |id: Id| {
        matches!(&graph.nodes[id],
        Node::Dense { terms, add: None, .. } if terms.len() == 1 && terms[0].conv.conv.size == 1)
    };
    let is_packed = |id: Id| {
        let mut readers = graph.nodes.iter().filter(|node| node.inputs().contains(&id));
        format.is_some()
            && is_pointwise(id)
            && !kept.contains(&id)
            && readers.next().is_some_and(is_context)
            && readers.next().is_none()
    };
    (0..graph.nodes.len()).map(is_packed).collect()
}

impl Op {
    /// The maps read, and with how many columns of border.
    fn paddings(&self) -> Vec<(Id, usize)> {
        match self {
            Self::Dense { sources, .. } => {
                sources.iter().map(|source| (source.x, source.padding())).collect()
            }
            Self::Dilated { source, .. } | Self::PackedDense { source, .. } => {
                vec![(source.x, source.padding())]
            }
            Self::Depthwise { x, radius, .. }
            | Self::Block { x, radius, .. }
            | Self::PackedBlock { x, radius, .. } => vec![(*x, *radius)],
            _ => vec![],
        }
    }

    /// Rows that are computed together, if memory allows.
    fn band(&self) -> usize {
        if matches!(self, Self::Dilated { .. }) { dilated::BAND } else { 1 }
    }

    /// The maps read, and which of their rows.
    fn reads(&self) -> Vec<(Id, Reach)> {
        const SAME: Reach = Reach::Window { above: 0, below: 0 };
        let window = |radius: usize| Reach::Window { above: radius, below: radius };
        match self {
            Self::Image => vec![],
            Self::Dense { sources, add, .. } => {
                let added = add.iter().map(|&x| (x, SAME));
                sources.iter().map(|source| (source.x, source.reach())).chain(added).collect()
            }
            Self::Dilated { source, .. } | Self::PackedDense { source, .. } => {
                vec![(source.x, source.reach())]
            }
            Self::PackedPointwise { x, .. } => vec![(*x, SAME)],
            Self::Depthwise { x, radius, .. }
            | Self::Block { x, radius, .. }
            | Self::PackedBlock { x, radius, .. } => vec![(*x, window(*radius))],
            Self::MaxPool(x) => vec![(*x, Reach::Pair)],
            Self::Relu(x) | Self::Sigmoid(x) => vec![(*x, SAME)],
            Self::Add(a, b) => vec![(*a, SAME), (*b, SAME)],
            Self::Gate { x, gate: y } | Self::GatedBias { x, logit: y, .. } => vec![(*x, SAME), (*y, SAME)],
            Self::Resize(x) => vec![(*x, Reach::Resized)],
            Self::Concat(maps) => maps.iter().map(|&map| (map, SAME)).collect(),
            Self::Fuse { maps, .. } => maps.iter().map(|&map| (map, Reach::Resized)).collect(),
        }
    }
}

struct Lowering<'a> {
    isa: Isa,
    packing: Packing<'a>,
    /// Which maps are stored packed.
    is_packed: Vec<bool>,
    parameters: Parameters<'a>,
}

impl Lowering<'_> {
    fn step(&self, graph: &Graph, id: Id) -> Step {
        let plain = |name: &str, op| Step { name: name.to_owned(), op, macs: 0 };
        match &graph.nodes[id] {
            Node::Image => plain("image", Op::Image),
            Node::Dense { terms, relu, add } => match self.packing.format {
                Some(format) if self.is_packed[id] => self.packed_pointwise(format, &terms[0], *relu),
                Some(format) if self.is_packed[terms[0].x] => self.packed_dense(format, terms),
                _ if is_context(&graph.nodes[id]) => self.dilated(terms),
                _ => self.dense(terms, *relu, *add),
            },
            Node::Depthwise { conv, x, relu } => {
                let (weights, radius, macs) = self.depthwise(conv);
                Step {
                    name: conv.name.clone(),
                    op: Op::Depthwise { x: *x, weights, radius, relu: *relu },
                    macs,
                }
            }
            Node::Block { depthwise: conv, pointwise, shortcut, x } => {
                let (depthwise, radius, macs) = self.depthwise(conv);
                let convs: Vec<&Named> = [pointwise].into_iter().chain(shortcut).collect();
                let mut dense = self.parameters.matrix(&convs);
                let name = pointwise.name.trim_end_matches(".conv2").to_owned();
                let macs = macs + dense.values.len();
                let (x, projection) = (*x, shortcut.is_some());
                let steps = self.packing.blocks.and_then(|calibration| calibration.steps(&name));
                let op = match (self.packing.format, steps) {
                    (_, Some(steps)) => {
                        let floats = Some(Box::new((depthwise, dense.pack(self.isa))));
                        let depthwise = self.depthwise_in_steps(conv, &steps);
                        dense.scale_inputs(&steps);
                        let pointwise = dense.pack_words(self.isa, Format::Int8);
                        Op::PackedBlock { x, depthwise, radius, pointwise, projection, floats }
                    }
                    (Some(format), None) => {
                        let pointwise = dense.pack_words(self.isa, format);
                        Op::PackedBlock { x, depthwise, radius, pointwise, projection, floats: None }
                    }
                    (None, None) => {
                        Op::Block { x, depthwise, radius, pointwise: dense.pack(self.isa), projection }
                    }
                };
                Step { name, op, macs }
            }
            Node::MaxPool(x) => plain("max_pool", Op::MaxPool(*x)),
            Node::Relu(x) => plain("relu", Op::Relu(*x)),
            Node::Sigmoid(x) => plain("sigmoid", Op::Sigmoid(*x)),
            Node::Add(a, b) => plain("add", Op::Add(*a, *b)),
            Node::Gate { x, gate } => plain("gate", Op::Gate { x: *x, gate: *gate }),
            Node::GatedBias { x, logit, bias } => {
                let bias = bias.as_ref().map_or(0.0, |name| self.parameters.get(name)[0]);
                plain("gate", Op::GatedBias { x: *x, logit: *logit, bias })
            }
            Node::Resize(x) => plain("resize", Op::Resize(*x)),
            Node::Concat(maps) => plain("concat", Op::Concat(maps.clone())),
            Node::Fuse { maps, classifier: Some(conv) } => {
                let matrix = self.parameters.matrix(&[conv]);
                let bias = matrix.bias.map_or(0.0, |bias| bias[0]);
                plain(&conv.name, Op::Fuse { maps: maps.clone(), weights: matrix.values, bias })
            }
            Node::Fuse { maps, classifier: None } => {
                plain("side map", Op::Fuse { maps: maps.clone(), weights: vec![1.0], bias: 0.0 })
            }
        }
    }

    fn packed_pointwise(&self, format: Format, term: &Term, relu: bool) -> Step {
        let matrix = self.parameters.matrix(&[&term.conv]);
        let op = Op::PackedPointwise {
            x: term.x,
            channels: term.conv.conv.inputs,
            weights: matrix.pack_words(self.isa, format),
            activation: if relu { Activation::Relu } else { Activation::None },
        };
        Step { name: term.conv.name.clone(), op, macs: matrix.values.len() }
    }

    /// The terms read one map; where they read the same place of it, their weights are added.
    fn packed_dense(&self, format: Format, terms: &[Term]) -> Step {
        let convs: Vec<&Named> = terms.iter().map(|term| &term.conv).collect();
        let matrix = self.parameters.matrix(&convs).merged();
        let source = Source { x: terms[0].x, taps: matrix.taps.concat() };
        let macs = matrix.values.len();
        let weights = matrix.pack_words(self.isa, format);
        Step { name: name_of(terms), op: Op::PackedDense { source, weights }, macs }
    }

    /// The dilated convolutions of a CDCM.
    fn dilated(&self, terms: &[Term]) -> Step {
        let convs: Vec<&Named> = terms.iter().map(|term| &term.conv).collect();
        let matrix = self.parameters.matrix(&convs).merged();
        let source = Source { x: terms[0].x, taps: matrix.taps.concat() };
        let kernels = convs.iter().map(|conv| (conv.conv.dilation, self.parameters.folded(conv).0));
        let kernels: Vec<(usize, Vec<f32>)> = kernels.collect();
        let inputs = convs[0].conv.inputs;
        let bands = DilatedWeights::pack(self.isa, &kernels, inputs, matrix.bias.as_deref());
        let macs = bands.macs();
        Step { name: name_of(terms), op: Op::Dilated { source, bands, direct: matrix.pack(self.isa) }, macs }
    }

    fn dense(&self, terms: &[Term], relu: bool, add: Option<Id>) -> Step {
        let convs: Vec<&Named> = terms.iter().map(|term| &term.conv).collect();
        let matrix = self.parameters.matrix(&convs);
        let sources = terms.iter().zip(&matrix.taps);
        let sources = sources.map(|(term, taps)| Source { x: term.x, taps: taps.clone() }).collect();
        let name = name_of(terms);
        let activation = if relu { Activation::Relu } else { Activation::None };
        let macs = matrix.values.len();
        Step { name, op: Op::Dense { sources, weights: matrix.pack(self.isa), activation, add }, macs }
    }

    /// Packed weights, radius of the kernel in pixels, and multiply-adds a pixel.
    fn depthwise(&self, conv: &Named) -> (DepthwiseWeights, usize, usize) {
        assert_eq!(conv.conv.dilation, 1, "{}: depthwise convolutions have dilation 1", conv.name);
        let (kernel, size) = self.parameters.folded(conv);
        let macs = kernel.iter().filter(|&&tap| tap != 0.0).count();
        (DepthwiseWeights::pack(&kernel, conv.conv.outputs, size, 1), size / 2, macs)
    }

    /// The packed weights of a depthwise convolution that counts in a step for each channel.
    fn depthwise_in_steps(&self, conv: &Named, steps: &[f32]) -> DepthwiseWeights {
        let (mut kernel, size) = self.parameters.folded(conv);
        for (channel, step) in kernel.chunks_exact_mut(size * size).zip(steps) {
            channel.iter_mut().for_each(|weight| *weight /= step);
        }
        DepthwiseWeights::pack(&kernel, conv.conv.outputs, size, 1)
    }
}

/// The name of a sum of convolutions.
fn name_of(terms: &[Term]) -> String {
    match terms {
        [term] => term.conv.name.clone(),
        _ => terms[0].conv.name.trim_end_matches("_1").to_owned(),
    }
}

/// The weights of a sum of convolutions as one matrix.
struct Matrix {
    /// `[outputs, columns]`; the columns are the taps of the first convolution, the input channels of
    /// each together, then those of the second, and so on.
    values: Vec<f32>,
    /// Input channels of each tap.
    inputs: Vec<usize>,
    /// Taps of each convolution.
    taps: Vec<Vec<Offset>>,
    bias: Option<Vec<f32>>,
}

impl Matrix {
    fn pack(&self, isa: Isa) -> DenseWeights {
        DenseWeights::pack(isa, &self.values, &self.inputs, self.bias.as_deref())
    }

    /// Multiplies the weights of each input of the only tap.
    fn scale_inputs(&mut self, scales: &[f32]) {
        assert_eq!(self.inputs, [scales.len()], "inputs of one tap");
        for row in self.values.chunks_exact_mut(scales.len()) {
            row.iter_mut().zip(scales).for_each(|(weight, scale)| *weight *= scale);
        }
    }

    fn pack_words(&self, isa: Isa, format: Format) -> PackedWeights {
        PackedWeights::pack(isa, format, &self.values, &self.inputs, self.bias.as_deref())
    }

    /// The same sum of convolutions of one map with each place read once, as if there were one convolution: all four
    /// of a CDCM read the centre.
    fn merged(self) -> Self {
        let Self { values, inputs, taps, bias } = self;
        let channels = inputs[0];
        let taps = taps.concat();
        let mut places: Vec<Offset> = Vec::new();
        let place_of: Vec<usize> = taps
            .iter()
            .map(|tap| {
                places.iter().position(|place| place == tap).unwrap_or_else(|| {
                    places.push(*tap);
                    places.len() - 1
                })
            })
            .collect();
        let row = |row: &[f32]| {
            let mut sums = vec![0.0; places.len() * channels];
            for (weights, &place) in row.chunks_exact(channels).zip(&place_of) {
                let sums = &mut sums[place * channels..][..channels];
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            }
            sums
        };
        let values = values.chunks_exact(channels * taps.len()).flat_map(row).collect();
        Self { values, inputs: vec![channels; places.len()], taps: vec![places], bias }
    }
}

struct Parameters<'a> {
    weights: &'a Weights,
    is_folded: bool,
}

impl Parameters<'_> {
    fn get(&self, name: &str) -> &[f32] {
        let parameter = self.weights.get(name);
        &parameter.unwrap_or_else(|| panic!("{name} is missing from a checked model")).data
    }

    /// The folded kernel `[outputs, inputs / groups, size, size]`, and its size.
    fn folded(&self, Named { name, conv }: &Named) -> (Vec<f32>, usize) {
        let weights = self.get(&format!("{name}.weight"));
        let [outputs, inputs, size, _] = conv.folded_shape();
        let kernel = if self.is_folded { weights.to_vec() } else { reparam::fold(conv, weights) };
        assert_eq!(kernel.len(), outputs * inputs * size * size, "{name} has another shape");
        (kernel, size)
    }

    /// The sum of these convolutions as one matrix product. Taps that are zero for every channel, as
    /// differences leave them, are dropped.
    fn matrix(&self, convs: &[&Named]) -> Matrix {
        let outputs = convs[0].conv.outputs;
        let mut rows = vec![Vec::new(); outputs];
        let (mut inputs, mut taps) = (Vec::new(), Vec::new());
        let mut bias: Option<Vec<f32>> = None;
        for named in convs {
            let Conv { inputs: channels, dilation, .. } = named.conv;
            let (kernel, size) = self.folded(named);
            let area = size * size;
            let is_used = |tap: &usize| kernel.iter().skip(*tap).step_by(area).any(|&weight| weight != 0.0);
            let mut used: Vec<usize> = (0..area).filter(is_used).collect();
            if used.is_empty() {
                used.push(area / 2); // an untrained convolution of zeros still is one
            }
            for (row, kernel) in rows.iter_mut().zip(kernel.chunks_exact(channels * area)) {
                for &tap in &used {
                    row.extend(kernel.chunks_exact(area).map(|window| window[tap]));
                }
            }
            let offset = |tap: usize| {
                let along = |index: usize| (index as isize - (size / 2) as isize) * dilation as isize;
                Offset { dy: along(tap / size), dx: along(tap % size) }
            };
            inputs.extend(used.iter().map(|_| channels));
            taps.push(used.into_iter().map(offset).collect());
            if named.conv.bias {
                let values = self.get(&format!("{}.bias", named.name));
                let sum = bias.get_or_insert_with(|| vec![0.0; outputs]);
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        Matrix { values: rows.concat(), inputs, taps, bias }
    }
}
