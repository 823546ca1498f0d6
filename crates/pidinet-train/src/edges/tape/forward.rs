//! From an image to the five maps.

use pidinet_kernels::Isa;
use pidinet_kernels::planes::{Frame, Mix, Onto};

use super::packed::PackedConv;
use super::{ConvOp, Geometry, Op, Packed, Tape, Workspace};

impl Tape {
    /// Computes every map of `image` (`[3, h, w]`, normalised, without gaps) in `workspace`.
    pub fn forward(
        &self,
        isa: Isa,
        geometry: &Geometry,
        packed: &Packed,
        image: &[f32],
        workspace: &mut Workspace,
    ) {
        workspace.prepare(self, geometry);
        for (number, node) in self.nodes.iter().enumerate() {
            let (before, rest) = workspace.values.split_at_mut(number);
            let dst = &mut rest[0];
            let frame = geometry.frames[node.level];
            match &node.op {
                Op::Image => load(image, frame, dst),
                Op::Conv(conv) => {
                    let packed = packed.0[number].as_ref().expect("weights of every convolution are packed");
                    let reads =
                        geometry.reads[number].as_ref().expect("reads of every convolution are known");
                    convolve(isa, conv, packed, &reads.forward, frame, before, dst);
                }
                Op::MaxPool { x } => {
                    let src_frame = geometry.frames[node.level - 1];
                    let planes = before[*x].chunks_exact(src_frame.plane());
                    for (src, dst) in planes.zip(dst.chunks_exact_mut(frame.plane())) {
                        max_pool(src, src_frame, dst, frame);
                    }
                }
                Op::Sigmoid { x } => each_row(frame, dst, |plane, at, row| {
                    for (dst, x) in row.iter_mut().zip(&before[*x][plane * frame.plane()..][at]) {
                        *dst = sigmoid(*x);
                    }
                }),
                Op::Gate { x, gate } => each_row(frame, dst, |plane, at, row| {
                    let x = &before[*x][plane * frame.plane()..][at.clone()];
                    for ((dst, x), gate) in row.iter_mut().zip(x).zip(&before[*gate][at]) {
                        *dst = x * gate;
                    }
                }),
                Op::Resize { x } => {
                    let level = self.nodes[*x].level;
                    let planes = before[*x].chunks_exact(geometry.frames[level].plane());
                    for (src, dst) in planes.zip(dst.chunks_exact_mut(frame.plane())) {
                        geometry.resizes[level].forward(src, dst);
                    }
                }
                Op::Concat { maps } => {
                    let mut rest = dst.as_mut_slice();
                    for &map in maps {
                        let (part, next) = rest.split_at_mut(before[map].len());
                        part.copy_from_slice(&before[map]);
                        rest = next;
                    }
                }
            }
        }
    }

    /// The five maps before their sigmoids, `[h, w]` each: those of the sides, and fused.
    pub fn logits(&self, geometry: &Geometry, workspace: &Workspace) -> [Vec<f32>; 5] {
        let frame = geometry.frames[0];
        self.logits.map(|node| {
            let map = &workspace.values[node];
            (0..frame.height).flat_map(|y| map[frame.pixels(y)].iter().copied()).collect()
        })
    }
}

/// `1 / (1 + exp(−x))`.
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Calls `each` with the number of the plane, the place of a row in it, and the row.
fn each_row(frame: Frame, map: &mut [f32], mut each: impl FnMut(usize, std::ops::Range<usize>, &mut [f32])) {
    for (number, plane) in map.chunks_exact_mut(frame.plane()).enumerate() {
        for y in 0..frame.height {
            each(number, frame.pixels(y), &mut plane[frame.pixels(y)]);
        }
    }
}

fn load(image: &[f32], frame: Frame, dst: &mut [f32]) {
    assert_eq!(image.len(), 3 * frame.height * frame.width, "the image has another size");
    let mut rows = image.chunks_exact(frame.width);
    each_row(frame, dst, |_, _, row| row.copy_from_slice(rows.next().expect("a row for each row")));
}

fn convolve(
    isa: Isa,
    conv: &ConvOp,
    packed: &PackedConv,
    reads: &[isize],
    frame: Frame,
    maps: &[Vec<f32>],
    dst: &mut [f32],
) {
    let plane = frame.plane();
    let src = &maps[conv.x];
    let onto = conv.onto.map(|onto| &maps[onto]);
    // Channels that share their reads: all of them, or each alone.
    let (inputs, outputs) = if conv.depthwise { (1, 1) } else { (conv.inputs, conv.outputs) };
    for first in (0..conv.outputs).step_by(outputs) {
        let taps = conv.taps() * inputs * outputs;
        Mix {
            src: &src[if conv.depthwise { first * plane } else { 0 }..],
            reads,
            weights: &packed.forward[if conv.depthwise { first * taps } else { 0 }..][..taps],
            bias: packed.bias.as_ref().map(|bias| &bias[first..first + outputs]),
            onto: onto.map_or(Onto::Nothing, |onto| Onto::Planes(&onto[first * plane..])),
            dst: &mut dst[first * plane..(first + outputs) * plane],
            frame,
            rows: 0..frame.height,
            rectify: conv.rectify,
            positive: None,
        }
        .run_on(isa);
    }
}

fn max_pool(src: &[f32], src_frame: Frame, dst: &mut [f32], frame: Frame) {
    for y in 0..frame.height {
        let (upper, lower) = (&src[src_frame.pixels(2 * y)], &src[src_frame.pixels(2 * y + 1)]);
        let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
        for (dst, (&[a, b], &[c, d])) in dst[frame.pixels(y)].iter_mut().zip(pairs) {
            *dst = a.max(b).max(c.max(d));
        }
    }
}
