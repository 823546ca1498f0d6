//! From a batch of images to logits.

use pidinet_kernels::Isa;
use rayon::prelude::*;

use super::conv::Conv;
use super::norm::Moments;
use super::stack::Stack;
use super::tape::{Mode, Op, Tape, Workspace};

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
        for (number, node) in self.nodes.iter().enumerate() {
            let mut dst = std::mem::take(&mut space.values[number]);
            let to = space.stacks[node.level];
            match &node.op {
                Op::Image => load(images, &to, &mut dst),
                Op::Conv(op) => {
                    let from = space.stacks[self.nodes[op.x].level];
                    let conv = Conv { isa, mode, op, from, to };
                    let weights = self.values(op.weight, parameters);
                    let bias = op.bias.map(|bias| self.values(bias, parameters));
                    if conv.is_plain() {
                        let src = &space.values[op.x][op.first * from.plane()..];
                        conv.convolve(weights, bias, src, &mut dst);
                    } else {
                        let mut views = space.take(node.level, conv.planes());
                        conv.gather(&space.values[op.x][op.first * from.plane()..], &mut views);
                        conv.convolve(weights, bias, &views, &mut dst);
                        space.give(node.level, views);
                    }
                }
                &Op::Norm { x, weight } => {
                    let [weight, bias, mean, variance] =
                        std::array::from_fn(|i| self.values(weight + i, parameters));
                    let src = &space.values[x];
                    let moments = |(channel, src): (usize, &[f32])| {
                        if mode.running {
                            Moments { mean: mean[channel], variance: variance[channel] }
                        } else {
                            Moments::of(src, &to)
                        }
                    };
                    let moments: Vec<Moments> = src.par_chunks(to.plane()).enumerate().map(moments).collect();
                    each_plane(&mut dst, src, &to, |channel, dst, src| {
                        moments[channel].normalise(weight[channel], bias[channel], src, dst, &to);
                    });
                    space.moments[number] = moments;
                }
                &Op::Shift { x, bias } => {
                    let bias = self.values(bias, parameters);
                    each_plane(&mut dst, &space.values[x], &to, |channel, dst, src| {
                        let bias = bias[channel];
                        map(&to, dst, src, |x| x + bias);
                    });
                }
                &Op::Rprelu { x, shift } => {
                    let [shift, slope, bias] = std::array::from_fn(|i| self.values(shift + i, parameters));
                    each_plane(&mut dst, &space.values[x], &to, |channel, dst, src| {
                        let (shift, slope, bias) = (shift[channel], slope[channel], bias[channel]);
                        map(&to, dst, src, |x| {
                            let t = x + shift;
                            t * if t < 0.0 { slope } else { 1.0 } + bias
                        });
                    });
                }
                &Op::Twice { x } => {
                    let (first, second) = dst.split_at_mut(space.values[x].len());
                    first.copy_from_slice(&space.values[x]);
                    second.copy_from_slice(&space.values[x]);
                }
                &Op::Add { a, b } => {
                    let b = &space.values[b];
                    each_plane(&mut dst, &space.values[a], &to, |channel, dst, a| {
                        let b = &b[channel * to.plane()..];
                        for ((dst, a), b) in dst.iter_mut().zip(a).zip(b) {
                            *dst = a + b;
                        }
                    });
                }
                &Op::MaxPool { x } => {
                    let from = space.stacks[node.level - 1];
                    each_window(&mut dst, &space.values[x], &to, &from, |image, y, x, plane| {
                        let best = greatest(&from, image, y, x, plane);
                        plane[best]
                    });
                }
                &Op::AveragePool { x } => {
                    let from = space.stacks[node.level - 1];
                    each_window(&mut dst, &space.values[x], &to, &from, |image, y, x, plane| {
                        let (places, share) = window(&from, image, y, x);
                        places.map(|place| plane[place]).sum::<f32>() * share
                    });
                }
                &Op::GlobalPool { x } => {
                    let from = space.stacks[self.nodes[x].level];
                    each_window(&mut dst, &space.values[x], &to, &from, |image, _, _, plane| {
                        let rows = (0..from.height).flat_map(|y| &plane[from.pixels(image, y)]);
                        (rows.map(|&x| f64::from(x)).sum::<f64>() / (from.height * from.width) as f64) as f32
                    });
                }
            }
            space.values[number] = dst;
        }
    }

    /// Moves the means and variances that are kept for later towards those of the last batch, which gets the
    /// share `momentum`.
    pub(super) fn note(&self, momentum: f32, space: &Workspace, parameters: &mut [f32]) {
        for (node, moments) in self.nodes.iter().zip(&space.moments) {
            let &Op::Norm { weight, .. } = &node.op else { continue };
            // The variance of the whole is a little more than that of a sample.
            let count = space.stacks[node.level].count() as f32;
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
        let stack = space.stacks[self.nodes[self.logits].level];
        let planes: Vec<&[f32]> = space.values[self.logits].chunks_exact(stack.plane()).collect();
        (0..stack.images)
            .flat_map(|image| planes.iter().map(move |plane| plane[stack.row(image, 0)]))
            .collect()
    }
}

/// Calls `each` with the number of a channel, its plane in `dst` and that in `src`, which lie alike, in
/// parallel.
fn each_plane(dst: &mut [f32], src: &[f32], stack: &Stack, each: impl Fn(usize, &mut [f32], &[f32]) + Sync) {
    let planes = dst.par_chunks_mut(stack.plane()).zip(src.par_chunks(stack.plane())).enumerate();
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
    pixel: impl Fn(usize, usize, usize, &[f32]) -> f32 + Sync,
) {
    let planes = dst.par_chunks_mut(to.plane()).zip(src.par_chunks(from.plane()));
    planes.for_each(|(dst, src)| {
        for image in 0..to.images {
            for y in 0..to.height {
                for (x, dst) in dst[to.pixels(image, y)].iter_mut().enumerate() {
                    *dst = pixel(image, y, x, src);
                }
            }
        }
    });
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

fn load(images: &[f32], stack: &Stack, dst: &mut [f32]) {
    let mut rows = images.chunks_exact(stack.width);
    for image in 0..stack.images {
        for plane in dst.chunks_exact_mut(stack.plane()) {
            for y in 0..stack.height {
                plane[stack.pixels(image, y)].copy_from_slice(rows.next().expect("a row for each row"));
            }
        }
    }
}
