//! From a batch of images to logits.

use pidinet_kernels::Isa;
use rayon::prelude::*;

use super::conv::Conv;
use super::norm::{Moments, Spread};
use super::shard::{Shard, Workspace};
use super::stack::Stack;
use super::{ConvOp, Mode, Op, Tape};

/// What all shards of a batch need to go through the network.
pub(super) struct Pass<'a> {
    pub(super) tape: &'a Tape,
    pub(super) isa: Isa,
    pub(super) mode: Mode,
    pub(super) parameters: &'a [f32],
    /// The packed weights of each convolution.
    pub(super) weights: &'a [Vec<f32>],
    /// What each batch norm normalises by.
    pub(super) moments: &'a [Vec<Moments>],
}

impl Tape {
    /// Computes every map of a batch of `images` (`[n, 3, h, w]`, normalised) of `height × width` pixels.
    ///
    /// # Panics
    ///
    /// If `images` is not of whole images, or `parameters` not those of this network.
    pub fn forward(
        &self,
        isa: Isa,
        mode: Mode,
        parameters: &[f32],
        images: &[f32],
        (height, width): (usize, usize),
        space: &mut Workspace,
    ) {
        assert_eq!(parameters.len(), self.len(), "one value for each parameter");
        assert!(images.len().is_multiple_of(3 * height * width), "images of three channels");
        space.prepare(self, images.len() / (3 * height * width), height, width);
        let Workspace { shards, moments, weights, .. } = space;
        self.pack(weights, parameters, |op, own, packed| op.pack(mode, own, packed));
        for (number, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(number + 1).map(|segment| segment.start);
            let measured = next.and_then(|norm| match self.nodes[norm].op {
                Op::Norm { x, .. } if !mode.running => Some(x),
                _ => None,
            });
            let pass = Pass { tape: self, isa, mode, parameters, weights, moments };
            let spreads: Vec<Vec<Spread>> = shards
                .par_iter_mut()
                .map(|shard| {
                    segment.clone().for_each(|number| pass.compute(number, images, shard));
                    measured.map_or_else(Vec::new, |x| shard.spreads(x, self.nodes[x].level))
                })
                .collect();
            let Some(norm) = next else { continue };
            moments[norm] = match (measured, &self.nodes[norm].op) {
                (None, &Op::Norm { weight, .. }) => {
                    let [means, variances] = [2, 3].map(|i| self.values(weight + i, parameters));
                    let each = means.iter().zip(variances);
                    each.map(|(&mean, &variance)| Moments { mean, variance }).collect()
                }
                _ => totals(&spreads, Spread::merge).into_iter().map(Moments::from).collect(),
            };
        }
    }

    /// Packs the weights of all convolutions.
    pub(super) fn pack(
        &self,
        packed: &mut [Vec<f32>],
        parameters: &[f32],
        pack: impl Fn(&ConvOp, &[f32], &mut Vec<f32>) + Sync,
    ) {
        packed.par_iter_mut().zip(&self.nodes).for_each(|(packed, node)| {
            if let Op::Conv(op) = &node.op {
                pack(op, self.values(op.weight, parameters), packed);
            }
        });
    }

    /// Moves the means and variances that are kept for later towards those of the last batch, which gets the
    /// share `momentum`.
    pub(in crate::recognition) fn note(&self, momentum: f32, space: &Workspace, parameters: &mut [f32]) {
        for (node, moments) in self.nodes.iter().zip(&space.moments) {
            let &Op::Norm { weight, .. } = &node.op else { continue };
            // The variance of the whole is a little more than that of a sample.
            let count = space.count(node.level) as f32;
            let whole = count / (count - 1.0).max(1.0);
            let mut move_to = |tensor: usize, of: &dyn Fn(&Moments) -> f32| {
                for (kept, moments) in self.values_mut(tensor, parameters).iter_mut().zip(moments) {
                    *kept += momentum * (of(moments) - *kept);
                }
            };
            move_to(weight + 2, &|moments| moments.mean);
            move_to(weight + 3, &|moments| moments.variance * whole);
        }
    }

    /// The logits of the last forward pass, `[n, classes]`.
    pub fn logits(&self, space: &Workspace) -> Vec<f32> {
        let mut logits = Vec::new();
        for shard in &space.shards {
            let stack = shard.stacks[self.nodes[self.logits].level];
            let planes = shard.values[self.logits].chunks_exact(stack.plane());
            for image in 0..stack.images {
                logits.extend(planes.clone().map(|plane| plane[stack.row(image, 0)]));
            }
        }
        logits
    }
}

impl Pass<'_> {
    /// The values of a tensor of parameters.
    pub(super) fn values(&self, tensor: usize) -> &[f32] {
        self.tape.values(tensor, self.parameters)
    }

    /// Computes the map of a node for the images of a shard.
    fn compute(&self, number: usize, images: &[f32], shard: &mut Shard) {
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
                each_plane(&mut dst, &shard.values[x], &to, |channel, dst, src| {
                    moments[channel].normalise(weight[channel], bias[channel], src, dst, &to);
                });
            }
            &Op::Shift { x, bias } => {
                let bias = self.values(bias);
                each_plane(&mut dst, &shard.values[x], &to, |channel, dst, src| {
                    let bias = bias[channel];
                    map(&to, dst, src, |x| x + bias);
                });
            }
            &Op::Rprelu { x, shift } => {
                let [shift, slope, bias] = std::array::from_fn(|i| self.values(shift + i));
                each_plane(&mut dst, &shard.values[x], &to, |channel, dst, src| {
                    let (shift, slope, bias) = (shift[channel], slope[channel], bias[channel]);
                    map(&to, dst, src, |x| {
                        let t = x + shift;
                        t * if t < 0.0 { slope } else { 1.0 } + bias
                    });
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
            &Op::MaxPool { x } => {
                let from = shard.stacks[node.level - 1];
                each_window(&mut dst, &shard.values[x], &to, &from, |image, y, x, plane| {
                    let best = greatest(&from, image, y, x, plane);
                    plane[best]
                });
            }
            &Op::AveragePool { x } => {
                let from = shard.stacks[node.level - 1];
                each_window(&mut dst, &shard.values[x], &to, &from, |image, y, x, plane| {
                    let (places, share) = window(&from, image, y, x);
                    places.map(|place| plane[place]).sum::<f32>() * share
                });
            }
            &Op::GlobalPool { x } => {
                let from = shard.stacks[self.tape.nodes[x].level];
                each_window(&mut dst, &shard.values[x], &to, &from, |image, _, _, plane| {
                    let rows = (0..from.height).flat_map(|y| &plane[from.pixels(image, y)]);
                    (rows.map(|&x| f64::from(x)).sum::<f64>() / (from.height * from.width) as f64) as f32
                });
            }
        }
        shard.values[number] = dst;
    }
}

/// What shards found for each channel, put together in their order.
pub(super) fn totals<T: Copy + Default>(shards: &[Vec<T>], merge: impl Fn(T, T) -> T) -> Vec<T> {
    let channels = shards.first().map_or(0, Vec::len);
    let total = |channel| shards.iter().fold(T::default(), |total, shard| merge(total, shard[channel]));
    (0..channels).map(total).collect()
}

/// Calls `each` with the number of a channel, its plane in `dst` and that in `src`, which lie alike.
pub(super) fn each_plane(
    dst: &mut [f32],
    src: &[f32],
    stack: &Stack,
    mut each: impl FnMut(usize, &mut [f32], &[f32]),
) {
    let planes = dst.chunks_exact_mut(stack.plane()).zip(src.chunks_exact(stack.plane())).enumerate();
    planes.for_each(|(channel, (dst, src))| each(channel, dst, src));
}

/// `dst = f(src)`, zero between pixels.
fn map(stack: &Stack, dst: &mut [f32], src: &[f32], f: impl Fn(f32) -> f32) {
    for (dst, &src) in dst[stack.span()].iter_mut().zip(&src[stack.span()]) {
        *dst = f(src);
    }
    stack.clear(dst);
}

/// Every pixel of every plane from its image, row, column, and the plane of `src`.
fn each_window(
    dst: &mut [f32],
    src: &[f32],
    to: &Stack,
    from: &Stack,
    pixel: impl Fn(usize, usize, usize, &[f32]) -> f32,
) {
    for (dst, src) in dst.chunks_exact_mut(to.plane()).zip(src.chunks_exact(from.plane())) {
        for image in 0..to.images {
            for y in 0..to.height {
                for (x, dst) in dst[to.pixels(image, y)].iter_mut().enumerate() {
                    *dst = pixel(image, y, x, src);
                }
            }
        }
    }
}

/// The pixels inside the map of a 2×2 window, and the share of each.
pub(super) fn window(
    from: &Stack,
    image: usize,
    y: usize,
    x: usize,
) -> (impl Iterator<Item = usize> + use<>, f32) {
    let (rows, columns) = ((from.height - 2 * y).min(2), (from.width - 2 * x).min(2));
    let (start, stride) = (from.row(image, 2 * y) + 2 * x, from.frame.stride());
    let places = (0..rows).flat_map(move |dy| (0..columns).map(move |dx| start + dy * stride + dx));
    (places, 1.0 / (rows * columns) as f32)
}

/// Where the greatest pixel of a 3×3 window is, the first of equal ones.
pub(super) fn greatest(from: &Stack, image: usize, y: usize, x: usize, plane: &[f32]) -> usize {
    let (rows, columns) = (2 * y..2 * y + 3, 2 * x..2 * x + 3);
    let inside = |i: usize, len: usize| (1..=len).contains(&i).then(|| i - 1);
    let rows = rows.filter_map(|y| inside(y, from.height));
    let places = rows.flat_map(|y| {
        columns.clone().filter_map(move |x| inside(x, from.width)).map(move |x| from.row(image, y) + x)
    });
    places
        .reduce(|best, place| if plane[place] > plane[best] { place } else { best })
        .expect("a window has its centre")
}

/// Copies the images of a shard, of which `first` is the first of the batch.
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
