//! From the gradients of logits to those of parameters.

use pidinet_kernels::Isa;
use rayon::prelude::*;

use super::conv::Conv;
use super::forward::{greatest, window};
use super::norm::sum;
use super::stack::Stack;
use super::tape::{Mode, Op, Tape, Workspace};

impl Tape {
    /// Adds to `gradients` the gradient of every parameter, from those of the logits, `[n, classes]`. The maps
    /// in `space` are those of the last [`Tape::forward`], in the same mode.
    pub fn backward(
        &self,
        isa: Isa,
        mode: Mode,
        parameters: &[f32],
        logits: &[f32],
        space: &mut Workspace,
        gradients: &mut [f32],
    ) {
        self.seed(logits, space);
        for (number, node) in self.nodes.iter().enumerate().skip(1).rev() {
            let Some(gradient) = space.gradients[number].take() else { continue };
            let to = space.stacks[node.level];
            match &node.op {
                Op::Image => unreachable!("the image is node 0"),
                Op::Conv(op) => {
                    let from = space.stacks[self.nodes[op.x].level];
                    let conv = Conv { isa, mode, op, from, to };
                    let weights = self.values(op.weight, parameters);
                    let channels = op.first * from.plane()..(op.first + op.inputs) * from.plane();
                    let own = self.values_mut(op.weight, gradients);
                    let mut views = space.take(node.level, conv.planes());
                    let x = &space.values[op.x][channels.clone()];
                    if conv.is_plain() {
                        conv.weight_gradient(weights, x, &gradient, own);
                    } else {
                        conv.gather(x, &mut views);
                        conv.weight_gradient(weights, &views, &gradient, own);
                    }
                    if let Some(bias) = op.bias {
                        let planes = gradient.chunks_exact(to.plane());
                        let sums: Vec<f32> = planes.map(|plane| sum(plane, |g| g) as f32).collect();
                        add(self.values_mut(bias, gradients), &sums);
                    }
                    if op.x != 0 {
                        let mut dst = self.gradient_of(op.x, space);
                        conv.view_gradient(weights, &gradient, &mut views);
                        if conv.is_plain() {
                            add(&mut dst[channels], &views);
                        } else {
                            conv.scatter(&space.values[op.x][channels.clone()], &views, &mut dst[channels]);
                        }
                        space.gradients[op.x] = Some(dst);
                    }
                    space.give(node.level, views);
                }
                &Op::Norm { x, weight } => {
                    assert!(!mode.running, "gradients need the moments of the batch");
                    let mut dst = self.gradient_of(x, space);
                    let moments = &space.moments[number];
                    let factors = self.values(weight, parameters);
                    let own = |channel: usize, dst: &mut [f32], gradient: &[f32]| {
                        let x = &space.values[x][channel * to.plane()..][..to.plane()];
                        moments[channel].differentiate(factors[channel], x, gradient, dst, &to)
                    };
                    let sums = each_plane(&mut dst, &gradient, &to, own);
                    let (factor, bias): (Vec<f32>, Vec<f32>) = sums.into_iter().unzip();
                    add(self.values_mut(weight, gradients), &factor);
                    add(self.values_mut(weight + 1, gradients), &bias);
                    space.gradients[x] = Some(dst);
                }
                &Op::Shift { x, bias } => {
                    let mut dst = self.gradient_of(x, space);
                    let sums = each_plane(&mut dst, &gradient, &to, |_, dst, gradient| {
                        add(dst, gradient);
                        sum(&gradient[to.span()], |g| g) as f32
                    });
                    add(self.values_mut(bias, gradients), &sums);
                    space.gradients[x] = Some(dst);
                }
                &Op::Rprelu { x, shift } => {
                    let mut dst = self.gradient_of(x, space);
                    let [shifts, slopes] = std::array::from_fn(|i| self.values(shift + i, parameters));
                    let sums = each_plane(&mut dst, &gradient, &to, |channel, dst, gradient| {
                        let (shift, slope) = (shifts[channel], slopes[channel]);
                        let x = &space.values[x][channel * to.plane()..];
                        rprelu(shift, slope, &x[to.span()], &gradient[to.span()], &mut dst[to.span()])
                    });
                    for i in 0..3 {
                        let sums: Vec<f32> = sums.iter().map(|sums| sums[i]).collect();
                        add(self.values_mut(shift + i, gradients), &sums);
                    }
                    space.gradients[x] = Some(dst);
                }
                &Op::Twice { x } => {
                    let mut dst = self.gradient_of(x, space);
                    let (first, second) = gradient.split_at(dst.len());
                    add(&mut dst, first);
                    add(&mut dst, second);
                    space.gradients[x] = Some(dst);
                }
                &Op::Add { a, b } => {
                    for x in [a, b] {
                        let mut dst = self.gradient_of(x, space);
                        each_plane(&mut dst, &gradient, &to, |_, dst, gradient| add(dst, gradient));
                        space.gradients[x] = Some(dst);
                    }
                }
                &Op::MaxPool { x } => {
                    let from = space.stacks[node.level - 1];
                    let mut dst = self.gradient_of(x, space);
                    let src = &space.values[x];
                    each_window(&mut dst, &gradient, &to, &from, |channel, [image, y, x], g, dst| {
                        let src = &src[channel * from.plane()..][..from.plane()];
                        dst[greatest(&from, image, y, x, src)] += g;
                    });
                    space.gradients[x] = Some(dst);
                }
                &Op::AveragePool { x } => {
                    let from = space.stacks[node.level - 1];
                    let mut dst = self.gradient_of(x, space);
                    each_window(&mut dst, &gradient, &to, &from, |_, [image, y, x], g, dst| {
                        let (places, share) = window(&from, image, y, x);
                        places.for_each(|place| dst[place] += g * share);
                    });
                    space.gradients[x] = Some(dst);
                }
                &Op::GlobalPool { x } => {
                    let from = space.stacks[self.nodes[x].level];
                    let mut dst = self.gradient_of(x, space);
                    let share = 1.0 / (from.height * from.width) as f32;
                    each_window(&mut dst, &gradient, &to, &from, |_, [image, ..], g, dst| {
                        for y in 0..from.height {
                            dst[from.pixels(image, y)].iter_mut().for_each(|dst| *dst += g * share);
                        }
                    });
                    space.gradients[x] = Some(dst);
                }
            }
            space.give(node.level, gradient);
        }
    }

    /// Puts the gradients of logits in their place.
    fn seed(&self, logits: &[f32], space: &mut Workspace) {
        let mut gradient = self.gradient_of(self.logits, space);
        let stack = space.stacks[self.nodes[self.logits].level];
        let classes = self.nodes[self.logits].channels;
        assert_eq!(logits.len(), stack.images * classes, "a gradient for each logit");
        for (image, logits) in logits.chunks_exact(classes).enumerate() {
            for (plane, &logit) in gradient.chunks_exact_mut(stack.plane()).zip(logits) {
                plane[stack.row(image, 0)] = logit;
            }
        }
        space.gradients[self.logits] = Some(gradient);
    }

    /// The gradient of a node so far.
    fn gradient_of(&self, node: usize, space: &mut Workspace) -> Vec<f32> {
        space.gradients[node].take().unwrap_or_else(|| {
            let mut gradient = space.take(self.nodes[node].level, self.nodes[node].channels);
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

/// Calls `each` with the number of a channel, its plane in `dst` and that in `src`, which lie alike, in
/// parallel; what it returns, by channel.
fn each_plane<T: Send>(
    dst: &mut [f32],
    src: &[f32],
    stack: &Stack,
    each: impl Fn(usize, &mut [f32], &[f32]) -> T + Sync,
) -> Vec<T> {
    let planes = dst.par_chunks_mut(stack.plane()).zip(src.par_chunks(stack.plane())).enumerate();
    planes.map(|(channel, (dst, src))| each(channel, dst, src)).collect()
}

/// Calls `each` for every pixel of `gradient` with its channel, its image, row and column, its value, and the
/// plane of the channel in `dst`.
fn each_window(
    dst: &mut [f32],
    gradient: &[f32],
    to: &Stack,
    from: &Stack,
    each: impl Fn(usize, [usize; 3], f32, &mut [f32]) + Sync,
) {
    let planes = dst.par_chunks_mut(from.plane()).zip(gradient.par_chunks(to.plane())).enumerate();
    planes.for_each(|(channel, (dst, gradient))| {
        for image in 0..to.images {
            for y in 0..to.height {
                for (x, &g) in gradient[to.pixels(image, y)].iter().enumerate() {
                    each(channel, [image, y, x], g, dst);
                }
            }
        }
    });
}
