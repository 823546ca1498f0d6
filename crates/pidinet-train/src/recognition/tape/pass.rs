//! One shard of a batch through one operation of the tape, forward and backward.

use pidinet_kernels::Isa;

use super::conv::Conv;
use super::norm::{Moments, Slopes};
use super::shard::Shard;
use super::stack::Stack;
use super::sums::{add, sum};
use super::{Mode, Node, Op, Tape};
use super::{pool, rprelu, shift};

/// What all shards of a batch need to go through the network.
pub(super) struct Pass<'a> {
    pub(super) tape: &'a Tape,
    pub(super) isa: Isa,
    pub(super) mode: Mode,
    pub(super) parameters: &'a [f32],
    /// The packed weights of each convolution.
    pub(super) weights: &'a [Vec<f32>],
    /// The moments that each batch norm normalises with.
    pub(super) moments: &'a [Vec<Moments>],
}

/// For each channel of a batch norm's map, the sums over the pixels of the batch that its gradient needs, and
/// the number of pixels.
pub(super) type Sums = (Vec<Slopes>, f64);

impl Pass<'_> {
    /// The values of a tensor of parameters.
    fn values(&self, tensor: usize) -> &[f32] {
        self.tape.parameters.part(tensor, self.parameters)
    }

    /// Computes the map of a node for the images of a shard.
    pub(super) fn compute(&self, number: usize, images: &[f32], shard: &mut Shard) {
        let node = &self.tape.nodes[number];
        let mut dst = std::mem::take(&mut shard.values[number]);
        let to = shard.stacks[node.level];
        match &node.op {
            Op::Image => load(images, shard.images.start, &to, &mut dst),
            Op::Conv(op) => {
                let from = shard.stacks[self.tape.nodes[op.x].level];
                let conv = Conv { isa: self.isa, mode: self.mode, op, from, to };
                let bias = op.bias.map(|bias| self.values(bias));
                let first = op.first * from.plane();
                if conv.is_plain() {
                    conv.convolve(&self.weights[number], bias, &shard.values[op.x][first..], &mut dst);
                } else {
                    let mut views = shard.take(node.level, conv.planes());
                    conv.gather(&shard.values[op.x][first..], &mut views);
                    conv.convolve(&self.weights[number], bias, &views, &mut dst);
                    shard.give(node.level, views);
                }
            }
            &Op::Norm { x, weight } => {
                let [weight, bias] = std::array::from_fn(|i| self.values(weight + i));
                let moments = &self.moments[number];
                to.each_plane(&mut dst, &shard.values[x], |channel, dst, src| {
                    moments[channel].normalise(weight[channel], bias[channel], src, dst, &to);
                });
            }
            &Op::Shift { x, bias } => {
                let bias = self.values(bias);
                to.each_plane(&mut dst, &shard.values[x], |channel, dst, src| {
                    shift::forward(bias[channel], src, dst, &to);
                });
            }
            &Op::Rprelu { x, shift } => {
                let tensors: [&[f32]; 3] = std::array::from_fn(|i| self.values(shift + i));
                to.each_plane(&mut dst, &shard.values[x], |channel, dst, src| {
                    rprelu::forward(tensors.map(|values| values[channel]), src, dst, &to);
                });
            }
            &Op::Twice { x } => {
                let (first, second) = dst.split_at_mut(shard.values[x].len());
                first.copy_from_slice(&shard.values[x]);
                second.copy_from_slice(&shard.values[x]);
            }
            &Op::Add { a, b } => {
                for ((dst, a), b) in dst.iter_mut().zip(&shard.values[a]).zip(&shard.values[b]) {
                    *dst = a + b;
                }
            }
            &Op::MaxPool { x } => pool::max(&shard.values[x], &shard.stacks[node.level - 1], &to, &mut dst),
            &Op::AveragePool { x } => {
                pool::average(&shard.values[x], &shard.stacks[node.level - 1], &to, &mut dst);
            }
            &Op::GlobalPool { x } => {
                let from = shard.stacks[self.tape.nodes[x].level];
                pool::global(&shard.values[x], &from, &to, &mut dst);
            }
        }
        shard.values[number] = dst;
    }

    /// The sums that a batch norm's gradient needs, for a shard; empty if nothing depends on the norm.
    pub(super) fn slopes(&self, number: usize, shard: &Shard) -> Vec<Slopes> {
        let (node, Some(gradient)) = (&self.tape.nodes[number], &shard.gradients[number]) else {
            return Vec::new();
        };
        let Op::Norm { x, .. } = node.op else { return Vec::new() };
        let stack = &shard.stacks[node.level];
        let planes = shard.values[x].chunks_exact(stack.plane()).zip(gradient.chunks_exact(stack.plane()));
        let each = planes.zip(&self.moments[number]);
        each.map(|((x, gradient), moments)| moments.slopes(x, gradient, stack)).collect()
    }

    /// Adds the gradient of a batch norm's argument.
    pub(super) fn differentiate_norm(&self, number: usize, (slopes, count): &Sums, shard: &mut Shard) {
        let (node, Some(gradient)) = (&self.tape.nodes[number], shard.gradients[number].take()) else {
            return;
        };
        let &Op::Norm { x, weight } = &node.op else { return };
        let to = shard.stacks[node.level];
        let mut dst = self.gradient_of(x, shard);
        let (moments, factors) = (&self.moments[number], self.values(weight));
        to.each_plane(&mut dst, &gradient, |channel, dst, gradient| {
            let x = &shard.values[x][channel * to.plane()..][..to.plane()];
            let sums = (slopes[channel], *count);
            moments[channel].differentiate(factors[channel], sums, x, gradient, dst, &to);
        });
        shard.gradients[x] = Some(dst);
        shard.give(node.level, gradient);
    }

    /// Adds the gradients of a node's arguments and parameters.
    pub(super) fn differentiate(&self, number: usize, shard: &mut Shard) {
        let node = &self.tape.nodes[number];
        let Some(gradient) = shard.gradients[number].take() else { return };
        let to = shard.stacks[node.level];
        let range = |tensor: usize| self.tape.parameters.tensors()[tensor].range.clone();
        match &node.op {
            Op::Image | Op::Norm { .. } => unreachable!("segments start with these"),
            Op::Conv(op) => {
                let from = shard.stacks[self.tape.nodes[op.x].level];
                let conv = Conv { isa: self.isa, mode: self.mode, op, from, to };
                let channels = op.first * from.plane()..(op.first + op.inputs) * from.plane();
                let mut views = shard.take(node.level, conv.planes());
                let x = &shard.values[op.x][channels.clone()];
                let sums = &mut shard.sums[range(op.weight)];
                if conv.is_plain() {
                    conv.weight_gradient(x, &gradient, sums);
                } else {
                    conv.gather(x, &mut views);
                    conv.weight_gradient(&views, &gradient, sums);
                }
                if let Some(bias) = op.bias {
                    let planes = gradient.chunks_exact(to.plane());
                    for (dst, plane) in shard.sums[range(bias)].iter_mut().zip(planes) {
                        *dst += sum(plane, |g| g) as f32;
                    }
                }
                if op.x != 0 {
                    let mut dst = self.gradient_of(op.x, shard);
                    conv.view_gradient(&self.weights[number], &gradient, &mut views);
                    if conv.is_plain() {
                        add(&mut dst[channels], &views);
                    } else {
                        conv.scatter(&shard.values[op.x][channels.clone()], &views, &mut dst[channels]);
                    }
                    shard.gradients[op.x] = Some(dst);
                }
                shard.give(node.level, views);
            }
            &Op::Shift { x, bias } => {
                let mut dst = self.gradient_of(x, shard);
                let sums = &mut shard.sums[range(bias)];
                to.each_plane(&mut dst, &gradient, |channel, dst, gradient| {
                    sums[channel] += shift::backward(gradient, dst, &to);
                });
                shard.gradients[x] = Some(dst);
            }
            &Op::Rprelu { x, shift } => {
                let mut dst = self.gradient_of(x, shard);
                let tensors: [&[f32]; 2] = std::array::from_fn(|i| self.values(shift + i));
                to.each_plane(&mut dst, &gradient, |channel, dst, gradient| {
                    let own = tensors.map(|values| values[channel]);
                    let x = &shard.values[x][channel * to.plane()..];
                    let parts = rprelu::backward(own, x, gradient, dst, &to);
                    for (i, part) in parts.into_iter().enumerate() {
                        shard.sums[range(shift + i)][channel] += part;
                    }
                });
                shard.gradients[x] = Some(dst);
            }
            &Op::Twice { x } => {
                let mut dst = self.gradient_of(x, shard);
                let (first, second) = gradient.split_at(dst.len());
                add(&mut dst, first);
                add(&mut dst, second);
                shard.gradients[x] = Some(dst);
            }
            &Op::Add { a, b } => {
                for x in [a, b] {
                    let mut dst = self.gradient_of(x, shard);
                    add(&mut dst, &gradient);
                    shard.gradients[x] = Some(dst);
                }
            }
            &Op::MaxPool { x } => {
                let from = shard.stacks[node.level - 1];
                let mut dst = self.gradient_of(x, shard);
                pool::max_gradient(&shard.values[x], &from, &gradient, &to, &mut dst);
                shard.gradients[x] = Some(dst);
            }
            &Op::AveragePool { x } => {
                let from = shard.stacks[node.level - 1];
                let mut dst = self.gradient_of(x, shard);
                pool::average_gradient(&from, &gradient, &to, &mut dst);
                shard.gradients[x] = Some(dst);
            }
            &Op::GlobalPool { x } => {
                let from = shard.stacks[self.tape.nodes[x].level];
                let mut dst = self.gradient_of(x, shard);
                pool::global_gradient(&from, &gradient, &to, &mut dst);
                shard.gradients[x] = Some(dst);
            }
        }
        shard.give(node.level, gradient);
    }

    /// Puts the gradients of the logits in place.
    pub(super) fn seed(&self, logits: &[f32], shard: &mut Shard) {
        let node = self.tape.logits;
        let mut gradient = self.gradient_of(node, shard);
        let stack = shard.stacks[self.tape.nodes[node].level];
        for (image, logits) in logits.chunks_exact(self.tape.nodes[node].channels).enumerate() {
            for (plane, &logit) in gradient.chunks_exact_mut(stack.plane()).zip(logits) {
                plane[stack.row(image, 0)] = logit;
            }
        }
        shard.gradients[node] = Some(gradient);
    }

    /// The gradient of a node so far.
    fn gradient_of(&self, node: usize, shard: &mut Shard) -> Vec<f32> {
        shard.gradients[node].take().unwrap_or_else(|| {
            let Node { level, channels, .. } = self.tape.nodes[node];
            let mut gradient = shard.take(level, channels);
            gradient.fill(0.0);
            gradient
        })
    }
}

/// Copies the images of a shard; its first one is image `first` of the batch.
fn load(images: &[f32], first: usize, stack: &Stack, dst: &mut [f32]) {
    let mut rows = images.chunks_exact(stack.width).skip(first * 3 * stack.height);
    for image in 0..stack.images {
        for plane in dst.chunks_exact_mut(stack.plane()) {
            for y in 0..stack.height {
                plane[stack.pixels(image, y)].copy_from_slice(rows.next().expect("a row for each row"));
            }
        }
    }
}
