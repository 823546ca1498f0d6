//! Where training time goes: each operation of a tape, forward and backward.

use std::time::Duration;

use super::nodes::Op;
use super::{Geometry, Tape, Workspace};

/// An operation of a network and the time of its last run.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The name of its weights, or a word for what it is. A depthwise convolution belongs to the one after it.
    pub name: String,
    /// Channels, rows and columns of its output.
    pub shape: [usize; 3],
    /// Multiply-adds of the forward pass; the backward pass has twice as many, or as many for convolutions of
    /// the image.
    pub macs: usize,
    /// Time of the last [`Tape::forward`].
    pub forward: Duration,
    /// Time of the last [`Tape::backward`].
    pub backward: Duration,
}

impl Tape {
    /// The times of each operation when `workspace` was last used, with images of this size.
    pub fn layers(&self, geometry: &Geometry, workspace: &Workspace) -> Vec<Layer> {
        let nodes = self.nodes.iter().zip(&workspace.times).enumerate();
        let alone = nodes.filter(|(number, _)| self.pair_ops(number + 1).is_none());
        let layer = alone.map(|(number, (node, &[forward, backward]))| {
            let frame = geometry.frames[node.layout];
            let (name, terms) = match &node.op {
                Op::Image => ("image", 0),
                Op::Conv(conv) => {
                    let inputs = if conv.depthwise { 1 } else { conv.inputs };
                    (self.parameters.tensors()[conv.parts[0].weight].name.as_str(), inputs * conv.taps())
                }
                Op::Widen { .. } => ("zeros around it", 0),
                Op::MaxPool { .. } => ("maximum of 2x2", 0),
                Op::Sigmoid { .. } => ("sigmoid", 0),
                Op::Gate { .. } => ("gate", 0),
                Op::Resize { .. } => ("resize", 0),
                Op::Concat { .. } => ("concatenate", 0),
            };
            let shape = [node.channels, frame.height, frame.width];
            let pair = self.pair_ops(number).map(|(depthwise, ..)| depthwise);
            let both = pair.map_or(0, |depthwise| depthwise.taps() * depthwise.outputs);
            let macs = (terms * node.channels + both) * frame.height * frame.width;
            Layer { name: name.to_owned(), shape, macs, forward, backward }
        });
        layer.collect()
    }
}
