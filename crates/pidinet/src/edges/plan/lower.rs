//! From fused nodes and weights to steps.

use std::collections::BTreeMap;

use pidinet_kernels::isa::Isa;
use pidinet_kernels::lanes::words::Format;
use pidinet_kernels::rows::dense::Activation;
use pidinet_kernels::rows::depthwise::DepthwiseWeights;
use pidinet_kernels::rows::dilated::DilatedWeights;
use pidinet_kernels::rows::packed::{PackedDilatedWeights, ProjectingWeights};

use super::graph::{Graph, Id, Named, Node, Term};
use super::matrix::Parameters;
use super::op::{Op, Source, Step};
use crate::arch::Conv;
use crate::calibration::Calibration;
use crate::weights::Model;

/// Which products use packed values; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packing<'a> {
    /// Those with the most arithmetic use this format.
    pub(crate) format: Option<Format>,
    /// Those of the calibrated blocks use int8.
    pub(crate) blocks: Option<&'a Calibration>,
    /// Those of the dilated convolutions and of blocks with projection use int16, where no format is given.
    pub(crate) int16: bool,
}

/// Makes the steps of a graph.
pub(super) struct Lowering<'a> {
    isa: Isa,
    packing: Packing<'a>,
    /// Which maps are stored packed.
    is_packed: Vec<bool>,
    parameters: Parameters<'a>,
    /// The names of blocks and sums, by those of their convolutions.
    modules: BTreeMap<String, String>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(model: &'a Model, isa: Isa, packing: Packing<'a>, graph: &Graph, kept: &[Id]) -> Self {
        let parameters = Parameters { weights: &model.weights, is_folded: model.is_folded() };
        let is_packed = packed_maps(graph, kept, packing.format);
        Self { isa, packing, is_packed, parameters, modules: model.arch.modules() }
    }

    /// Which maps are stored packed.
    pub(super) fn is_packed(&self) -> &[bool] {
        &self.is_packed
    }

    /// The step of a node.
    pub(super) fn step(&self, graph: &Graph, id: Id) -> Step {
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
                let name = self.module(pointwise);
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
                    (None, None) if self.packing.int16 && projection => {
                        let inputs = conv.conv.outputs;
                        let (values, bias) = (&dense.values, dense.bias.as_deref());
                        let weights = ProjectingWeights::pack(self.isa, values, inputs, bias);
                        Op::ProjectingBlock { x, depthwise, radius, weights, direct: dense.pack(self.isa) }
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

    /// A dense convolution of a packed map. All terms read the same map; where they read the same place,
    /// their weights are added.
    fn packed_dense(&self, format: Format, terms: &[Term]) -> Step {
        let convs: Vec<&Named> = terms.iter().map(|term| &term.conv).collect();
        let matrix = self.parameters.matrix(&convs).merged();
        let source = Source { x: terms[0].x, taps: matrix.taps.concat() };
        let macs = matrix.values.len();
        let weights = matrix.pack_words(self.isa, format);
        Step { name: self.name_of(terms), op: Op::PackedDense { source, weights }, macs }
    }

    /// The dilated convolutions of a CDCM.
    fn dilated(&self, terms: &[Term]) -> Step {
        let convs: Vec<&Named> = terms.iter().map(|term| &term.conv).collect();
        let matrix = self.parameters.matrix(&convs).merged();
        let source = Source { x: terms[0].x, taps: matrix.taps.concat() };
        let kernels = convs.iter().map(|conv| (conv.conv.dilation, self.parameters.folded(conv).0));
        let kernels: Vec<(usize, Vec<f32>)> = kernels.collect();
        let inputs = convs[0].conv.inputs;
        if self.packing.int16 {
            let taps: Vec<(isize, isize)> = source.taps.iter().map(|tap| (tap.dy, tap.dx)).collect();
            let (values, bias) = (&matrix.values, matrix.bias.as_deref());
            let bands = PackedDilatedWeights::pack(self.isa, values, &taps, inputs, bias);
            let (macs, direct) = (values.len(), matrix.pack(self.isa));
            return Step { name: self.name_of(terms), op: Op::PackedDilated { source, bands, direct }, macs };
        }
        let bands = DilatedWeights::pack(self.isa, &kernels, inputs, matrix.bias.as_deref());
        let macs = bands.macs();
        Step {
            name: self.name_of(terms),
            op: Op::Dilated { source, bands, direct: matrix.pack(self.isa) },
            macs,
        }
    }

    fn dense(&self, terms: &[Term], relu: bool, add: Option<Id>) -> Step {
        let convs: Vec<&Named> = terms.iter().map(|term| &term.conv).collect();
        let matrix = self.parameters.matrix(&convs);
        let sources = terms.iter().zip(&matrix.taps);
        let sources = sources.map(|(term, taps)| Source { x: term.x, taps: taps.clone() }).collect();
        let name = self.name_of(terms);
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

    /// The name of the block or sum that a convolution belongs to; its own name if it stands alone.
    fn module(&self, conv: &Named) -> String {
        self.modules.get(&conv.name).unwrap_or(&conv.name).clone()
    }

    /// The name of a sum of convolutions.
    fn name_of(&self, terms: &[Term]) -> String {
        match terms {
            [term] => term.conv.name.clone(),
            _ => self.module(&terms[0].conv),
        }
    }

    /// The packed weights of a depthwise convolution whose output, in each channel, is counted in that
    /// channel's step.
    fn depthwise_in_steps(&self, conv: &Named, steps: &[f32]) -> DepthwiseWeights {
        let (mut kernel, size) = self.parameters.folded(conv);
        for (channel, step) in kernel.chunks_exact_mut(size * size).zip(steps) {
            channel.iter_mut().for_each(|weight| *weight /= step);
        }
        DepthwiseWeights::pack(&kernel, conv.conv.outputs, size, 1)
    }
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

/// Which maps are stored packed: those that a 1x1 convolution makes for a single dense convolution, as for
/// the dilated ones of a CDCM.
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
