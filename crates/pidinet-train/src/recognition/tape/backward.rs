//! From the gradients of logits to those of parameters.

use pidinet_kernels::Isa;
use rayon::prelude::*;

use super::conv::Conv;
use super::forward::{Pass, each_plane, greatest, totals, window};
use super::norm::{Slopes, sum};
use super::shard::{Shard, Workspace};
use super::stack::Stack;
use super::{Mode, Node, Op, Tape};

/// For each channel of a batch norm's map, the sums over the pixels of the batch that its gradient needs, and
/// the number of pixels.
type Sums = (Vec<Slopes>, f64);

impl Tape {
    /// Adds to `gradients` the gradient of every parameter, from those of the logits, `[n, classes]`. The maps
    /// in `space` are those of the last [`Tape::forward`], in the same mode.
    ///
    /// # Panics
    ///
    /// If there are not as many logits, or if batch norms did not use the moments of the batch.
    pub fn backward(
        &self,
        isa: Isa,
        mode: Mode,
        parameters: &[f32],
        logits: &[f32],
        space: &mut Workspace,
        gradients: &mut [f32],
    ) {
        assert!(!mode.running, "gradients need the moments of the batch");
        let (classes, images) = (self.nodes[self.logits].channels, space.count(self.borders.len() - 1));
        assert_eq!(logits.len(), images * classes, "a gradient for each logit");
        let counts: Vec<f64> = self.nodes.iter().map(|node| space.count(node.level) as f64).collect();
        let Workspace { shards, moments, weights, .. } = space;
        self.pack(weights, parameters, |op, own, packed| op.pack_transposed(mode, own, packed));
        let pass = Pass { tape: self, isa, mode, parameters, weights, moments };
        shards.par_iter_mut().for_each(|shard| {
            shard.sums.fill(0.0);
            let own = shard.images.start * classes..shard.images.end * classes;
            pass.seed(&logits[own], shard);
        });
        // The batch norm that ends a segment of the way back, and its sums.
        let mut known: Option<(usize, Sums)> = None;
        for segment in self.segments.iter().rev() {
            let norm = segment.start;
            let slopes: Vec<Vec<Slopes>> = shards
                .par_iter_mut()
                .map(|shard| {
                    if let Some((norm, sums)) = &known {
                        pass.differentiate_norm(*norm, sums, shard);
                    }
                    segment.clone().skip(1).rev().for_each(|number| pass.differentiate(number, shard));
                    pass.slopes(norm, shard)
                })
                .collect();
            known = Some((norm, (totals(&slopes, Slopes::merge), counts[norm])));
            if let (&Op::Norm { weight, .. }, Some((_, (slopes, _)))) = (&self.nodes[norm].op, &known) {
                for (i, slope) in slopes.iter().enumerate() {
                    self.values_mut(weight, gradients)[i] += slope.weight as f32;
                    self.values_mut(weight + 1, gradients)[i] += slope.bias as f32;
                }
            }
        }
        self.collect(mode, parameters, shards, gradients);
    }

    /// Adds what all shards say to the gradients of parameters.
    fn collect(&self, mode: Mode, parameters: &[f32], shards: &mut [Shard], gradients: &mut [f32]) {
        const PART: usize = 1 << 14;
        let Some((first, others)) = shards.split_first_mut() else { return };
        first.sums.par_chunks_mut(PART).enumerate().for_each(|(number, sums)| {
            for shard in &*others {
                add(sums, &shard.sums[number * PART..]);
            }
        });
        let mut packed = vec![None; self.tensors().len()];
        for node in &self.nodes {
            if let Op::Conv(op) = &node.op {
                packed[op.weight] = Some(op);
            }
        }
        for (number, (tensor, op)) in self.tensors().iter().zip(packed).enumerate() {
            let sums = &first.sums[tensor.range.clone()];
            let gradients = self.values_mut(number, gradients);
            match op {
                Some(op) => op.unpack(mode, self.values(number, parameters), sums, gradients),
                None => add(gradients, sums),
            }
        }
    }
}

impl Pass<'_> {
    /// The sums a batch norm's gradient needs, of a shard; none if nothing depends on the norm.
    fn slopes(&self, number: usize, shard: &Shard) -> Vec<Slopes> {
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
    fn differentiate_norm(&self, number: usize, (slopes, count): &Sums, shard: &mut Shard) {
        let (node, Some(gradient)) = (&self.tape.nodes[number], shard.gradients[number].take()) else {
            return;
        };
        let &Op::Norm { x, weight } = &node.op else { return };
        let to = shard.stacks[node.level];
        let mut dst = self.gradient_of(x, shard);
        let (moments, factors) = (&self.moments[number], self.values(weight));
        each_plane(&mut dst, &gradient, &to, |channel, dst, gradient| {
            let x = &shard.values[x][channel * to.plane()..][..to.plane()];
            let sums = (slopes[channel], *count);
            moments[channel].differentiate(factors[channel], sums, x, gradient, dst, &to);
        });
        shard.gradients[x] = Some(dst);
        shard.give(node.level, gradient);
    }

    /// Adds the gradients of a node's arguments and parameters.
    fn differentiate(&self, number: usize, shard: &mut Shard) {
        let node = &self.tape.nodes[number];
        let Some(gradient) = shard.gradients[number].take() else { return };
        let to = shard.stacks[node.level];
        let range = |tensor: usize| self.tape.tensors()[tensor].range.clone();
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
                each_plane(&mut dst, &gradient, &to, |channel, dst, gradient| {
                    add(dst, gradient);
                    sums[channel] += sum(&gradient[to.span()], |g| g) as f32;
                });
                shard.gradients[x] = Some(dst);
            }
            &Op::Rprelu { x, shift } => {
                let mut dst = self.gradient_of(x, shard);
                let [shifts, slopes] = std::array::from_fn(|i| self.values(shift + i));
                each_plane(&mut dst, &gradient, &to, |channel, dst, gradient| {
                    let (own, slope) = (shifts[channel], slopes[channel]);
                    let x = &shard.values[x][channel * to.plane()..];
                    let (gradient, dst) = (&gradient[to.span()], &mut dst[to.span()]);
                    let parts = rprelu(own, slope, &x[to.span()], gradient, dst);
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
                let src = &shard.values[x];
                each_window(&mut dst, &gradient, &to, &from, |channel, [image, y, x], g, dst| {
                    let src = &src[channel * from.plane()..][..from.plane()];
                    dst[greatest(&from, image, y, x, src)] += g;
                });
                shard.gradients[x] = Some(dst);
            }
            &Op::AveragePool { x } => {
                let from = shard.stacks[node.level - 1];
                let mut dst = self.gradient_of(x, shard);
                each_window(&mut dst, &gradient, &to, &from, |_, [image, y, x], g, dst| {
                    let (places, share) = window(&from, image, y, x);
                    places.for_each(|place| dst[place] += g * share);
                });
                shard.gradients[x] = Some(dst);
            }
            &Op::GlobalPool { x } => {
                let from = shard.stacks[self.tape.nodes[x].level];
                let mut dst = self.gradient_of(x, shard);
                let share = 1.0 / (from.height * from.width) as f32;
                each_window(&mut dst, &gradient, &to, &from, |_, [image, ..], g, dst| {
                    for y in 0..from.height {
                        dst[from.pixels(image, y)].iter_mut().for_each(|dst| *dst += g * share);
                    }
                });
                shard.gradients[x] = Some(dst);
            }
        }
        shard.give(node.level, gradient);
    }

    /// Puts the gradients of logits in their place.
    fn seed(&self, logits: &[f32], shard: &mut Shard) {
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

/// Adds the gradient of the argument of an RPReLU to `dst`; returns those of shift, slope and bias.
fn rprelu(shift: f32, slope: f32, x: &[f32], gradient: &[f32], dst: &mut [f32]) -> [f32; 3] {
    let mut sums = [0.0f64; 3];
    for ((x, g), dst) in x.chunks(256).zip(gradient.chunks(256)).zip(dst.chunks_mut(256)) {
        let mut part = [0.0f32; 3];
        for ((x, g), dst) in x.iter().zip(g).zip(dst) {
            let t = x + shift;
            let (factor, below) = if t < 0.0 { (slope, t) } else { (1.0, 0.0) };
            *dst += g * factor;
            part[0] += g * factor;
            part[1] += g * below;
            part[2] += g;
        }
        for (sum, part) in sums.iter_mut().zip(part) {
            *sum += f64::from(part);
        }
    }
    sums.map(|sum| sum as f32)
}

fn add(sum: &mut [f32], term: &[f32]) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}

/// Calls `each` for every pixel of `gradient` with its channel, its image, row and column, its value, and the
/// plane of the channel in `dst`.
fn each_window(
    dst: &mut [f32],
    gradient: &[f32],
    to: &Stack,
    from: &Stack,
    each: impl Fn(usize, [usize; 3], f32, &mut [f32]),
) {
    let planes = dst.chunks_exact_mut(from.plane()).zip(gradient.chunks_exact(to.plane()));
    for (channel, (dst, gradient)) in planes.enumerate() {
        for image in 0..to.images {
            for y in 0..to.height {
                for (x, &g) in gradient[to.pixels(image, y)].iter().enumerate() {
                    each(channel, [image, y, x], g, dst);
                }
            }
        }
    }
}
