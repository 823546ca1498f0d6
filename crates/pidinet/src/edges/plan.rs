//! From a network and its weights to steps that kernels run.
//!
//! `arch` is recorded as a [`graph`], [fused](fuse), and [lowered](lower): weights are folded, put into the order in
//! which a kernel reads them, and packed for one instruction set. A plan does not depend on the size of
//! an image; its [schedule](super::schedule) does.

pub(crate) mod fuse;
pub(crate) mod graph;
mod lower;
mod matrix;
pub(crate) mod op;
pub(crate) mod reads;

use pidinet_kernels::isa::Isa;

use crate::arch::{self, Outputs};
use crate::weights::Model;
use graph::{Graph, Id, Node, Shape};
use lower::Lowering;
pub(crate) use lower::Packing;
use op::Step;
use reads::Reads;

/// Which maps a run returns besides the fused one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// None.
    Fused,
    /// The four side maps.
    Sides,
    /// Everything in [`Outputs`].
    All,
    /// Instead of all these, the map between the two convolutions of each block.
    Activations,
}

/// Whether steps are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fusion {
    On,
    /// Every operation of the network is a step of its own: the fused plan is tested against this one.
    #[cfg_attr(not(test), expect(dead_code, reason = "the plain plan is what tests compare with"))]
    Off,
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
        let format = packing.format;
        let lowering = Lowering::new(model, isa, packing, &graph, &kept);
        let steps: Vec<Step> = (0..graph.nodes.len()).map(|id| lowering.step(&graph, id)).collect();
        let in_memory = |(shape, &is_packed): (&Shape, &bool)| match format {
            Some(format) if is_packed => format.words(shape.channels),
            _ => shape.channels,
        };
        let floats = graph.shapes.iter().zip(lowering.is_packed()).map(in_memory).collect();
        let mut paddings = vec![0; steps.len()];
        let reads = steps.iter().map(|step| {
            let reads = step.op.reads();
            reads.iter().for_each(|read| paddings[read.id] = read.padding.max(paddings[read.id]));
            let inputs = reads.iter().map(|read| (read.id, read.reach)).collect();
            Reads { inputs, band: step.op.band() }
        });
        let reads = reads.collect();
        Self { isa, steps, shapes: graph.shapes, floats, reads, paddings, keep: kept }
    }

    /// Bytes that one row of an image becomes in all maps together; a map with half as many rows counts half
    /// a row.
    pub(crate) fn row_bytes(&self, width: usize) -> usize {
        let values = |shape: &Shape| (shape.channels * width) >> (2 * shape.level);
        size_of::<f32>() * self.shapes.iter().map(values).sum::<usize>()
    }
}

/// The nodes of the maps that are wanted, the fused one first if it is among them.
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
