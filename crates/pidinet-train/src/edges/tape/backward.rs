//! From the gradients of the five maps to those of the parameters.

use pidinet_kernels::Isa;
use pidinet_kernels::planes::{Correlate, Frame, Mix, Onto};

use super::geometry::Reads;
use super::packed::{PackedConv, unpack};
use super::{ConvOp, Geometry, Op, Packed, Tape, Workspace};

impl Tape {
    /// Adds to `gradients` the gradient of every parameter, from those of the five logits (`[h, w]` each).
    /// The maps in `workspace` are those of the last [`Tape::forward`].
    pub fn backward(
        &self,
        isa: Isa,
        geometry: &Geometry,
        packed: &Packed,
        logits: &[Vec<f32>; 5],
        workspace: &mut Workspace,
        gradients: &mut [f32],
    ) {
        for (&node, gradient) in self.logits.iter().zip(logits) {
            self.seed(geometry, node, gradient, workspace);
        }
        for number in (1..self.nodes.len()).rev() {
            // The five last sigmoids are part of the loss.
            let Some(gradient) = workspace.gradients[number].take() else { continue };
            let node = &self.nodes[number];
            let mut rest = Some(gradient);
            let gradient = rest.as_deref().expect("just put there");
            let frame = geometry.frames[node.level];
            match &node.op {
                Op::Image => unreachable!("the image is node 0"),
                Op::Conv(conv) => {
                    let packed = packed.0[number].as_ref().expect("weights of every convolution are packed");
                    let reads =
                        geometry.reads[number].as_ref().expect("reads of every convolution are known");
                    let sums = weight_gradient(isa, conv, reads, frame, &workspace.values[conv.x], gradient);
                    unpack(self, conv, &sums, gradients);
                    if let Some(bias) = conv.bias {
                        let range = self.parameters.tensors()[bias].range.clone();
                        for (sum, plane) in
                            gradients[range].iter_mut().zip(gradient.chunks_exact(frame.plane()))
                        {
                            *sum += (0..frame.height)
                                .map(|y| f64::from(plane[frame.pixels(y)].iter().sum::<f32>()))
                                .sum::<f64>() as f32;
                        }
                    }
                    if conv.x != 0 {
                        let (mut dst, there) = self.gradient_of(conv.x, workspace);
                        let positive = conv.rectify.then(|| workspace.values[conv.x].as_slice());
                        let onto = if there { Onto::Itself } else { Onto::Nothing };
                        input_gradient(isa, conv, packed, reads, frame, gradient, positive, onto, &mut dst);
                        workspace.gradients[conv.x] = Some(dst);
                    }
                    if let Some(onto) = conv.onto {
                        match &mut workspace.gradients[onto] {
                            Some(sum) => add(sum, gradient),
                            none => *none = rest.take(),
                        }
                    }
                }
                Op::MaxPool { x } => {
                    let (mut dst, there) = self.gradient_of(*x, workspace);
                    let above = geometry.frames[node.level - 1];
                    if !there {
                        dst.fill(0.0);
                    }
                    let planes = workspace.values[*x].chunks_exact(above.plane());
                    let planes = planes.zip(dst.chunks_exact_mut(above.plane()));
                    for ((src, dst), gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
                        max_pool(src, above, gradient, frame, dst);
                    }
                    workspace.gradients[*x] = Some(dst);
                }
                Op::Sigmoid { x } => {
                    let (mut dst, there) = self.gradient_of(*x, workspace);
                    let value = &workspace.values[number];
                    for ((dst, g), s) in dst.iter_mut().zip(gradient).zip(value) {
                        *dst = if there { *dst } else { 0.0 } + g * s * (1.0 - s);
                    }
                    workspace.gradients[*x] = Some(dst);
                }
                Op::Gate { x, gate } => {
                    let (mut dst, there) = self.gradient_of(*gate, workspace);
                    if !there {
                        dst.fill(0.0);
                    }
                    let planes = workspace.values[*x].chunks_exact(frame.plane());
                    for (x, gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
                        for ((dst, x), g) in dst.iter_mut().zip(x).zip(gradient) {
                            *dst += x * g;
                        }
                    }
                    workspace.gradients[*gate] = Some(dst);
                    let (mut dst, there) = self.gradient_of(*x, workspace);
                    let gates = &workspace.values[*gate];
                    let planes = dst.chunks_exact_mut(frame.plane());
                    for (dst, gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
                        for ((dst, gate), g) in dst.iter_mut().zip(gates).zip(gradient) {
                            *dst = if there { *dst } else { 0.0 } + gate * g;
                        }
                    }
                    workspace.gradients[*x] = Some(dst);
                }
                Op::Resize { x } => {
                    let (mut dst, there) = self.gradient_of(*x, workspace);
                    if !there {
                        dst.fill(0.0);
                    }
                    let level = self.nodes[*x].level;
                    let planes = dst.chunks_exact_mut(geometry.frames[level].plane());
                    for (src, gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
                        geometry.resizes[level].backward(gradient, src);
                    }
                    workspace.gradients[*x] = Some(dst);
                }
                Op::Concat { maps } => {
                    let mut parts = gradient;
                    for &map in maps {
                        let (mut dst, there) = self.gradient_of(map, workspace);
                        let (part, next) = parts.split_at(dst.len());
                        if there {
                            add(&mut dst, part);
                        } else {
                            dst.copy_from_slice(part);
                        }
                        workspace.gradients[map] = Some(dst);
                        parts = next;
                    }
                }
            }
            if let Some(gradient) = rest {
                workspace.give(node.level, node.channels, gradient);
            }
        }
    }

    /// Adds the gradient of a logit, `[h, w]` without gaps, to its node.
    fn seed(&self, geometry: &Geometry, node: usize, gradient: &[f32], workspace: &mut Workspace) {
        let frame = geometry.frames[0];
        assert_eq!(gradient.len(), frame.height * frame.width, "a gradient for each pixel");
        let (mut map, there) = self.gradient_of(node, workspace);
        assert!(!there, "outputs have one gradient each");
        for (y, row) in gradient.chunks_exact(frame.width).enumerate() {
            map[frame.pixels(y)].copy_from_slice(row);
        }
        workspace.gradients[node] = Some(map);
    }

    /// The gradient of a node and whether something is in it already.
    fn gradient_of(&self, node: usize, workspace: &mut Workspace) -> (Vec<f32>, bool) {
        match workspace.gradients[node].take() {
            Some(gradient) => (gradient, true),
            None => (workspace.take(self.nodes[node].level, self.nodes[node].channels), false),
        }
    }
}

fn add(sum: &mut [f32], term: &[f32]) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}

/// Gradients of the packed forward weights.
fn weight_gradient(
    isa: Isa,
    conv: &ConvOp,
    reads: &Reads,
    frame: Frame,
    src: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let plane = frame.plane();
    let rows = 0..frame.height;
    if !conv.depthwise {
        let mut sums = vec![0.0; conv.inputs * conv.taps() * conv.outputs];
        let reads = &reads.forward;
        Correlate { src, reads, gradient, sums: &mut sums, frame, rows, rectify: conv.rectify }.run_on(isa);
        return sums;
    }
    let mut sums = vec![0.0; conv.taps() * conv.outputs];
    for (channel, sums) in sums.chunks_exact_mut(conv.taps()).enumerate() {
        Correlate {
            src: &src[channel * plane..],
            reads: &reads.forward,
            gradient: &gradient[channel * plane..],
            sums,
            frame,
            rows: rows.clone(),
            rectify: conv.rectify,
        }
        .run_on(isa);
    }
    sums
}

/// The gradient by the convolved map.
#[expect(clippy::too_many_arguments, reason = "all of a convolution's surroundings")]
fn input_gradient(
    isa: Isa,
    conv: &ConvOp,
    packed: &PackedConv,
    reads: &Reads,
    frame: Frame,
    gradient: &[f32],
    positive: Option<&[f32]>,
    onto: Onto<'_>,
    dst: &mut [f32],
) {
    let plane = frame.plane();
    let groups = if conv.depthwise { conv.inputs } else { 1 };
    let inputs = conv.inputs / groups;
    let weights = packed.backward.len() / groups;
    for group in 0..groups {
        let first = group * inputs * plane;
        Mix {
            src: &gradient[first..],
            reads: &reads.backward,
            weights: &packed.backward[group * weights..][..weights],
            bias: None,
            onto,
            dst: &mut dst[first..][..inputs * plane],
            frame,
            rows: 0..frame.height,
            rectify: false,
            positive: positive.map(|positive| &positive[first..]),
        }
        .run_on(isa);
    }
}

/// Adds each gradient to the largest of its four pixels, the first if there are several.
fn max_pool(src: &[f32], src_frame: Frame, gradient: &[f32], frame: Frame, dst: &mut [f32]) {
    for y in 0..frame.height {
        let (upper, lower) = (src_frame.row(2 * y), src_frame.row(2 * y + 1));
        for (x, gradient) in gradient[frame.pixels(y)].iter().enumerate() {
            let places = [upper + 2 * x, upper + 2 * x + 1, lower + 2 * x, lower + 2 * x + 1];
            let mut largest = places[0];
            for place in places {
                if src[place] > src[largest] {
                    largest = place;
                }
            }
            dst[largest] += gradient;
        }
    }
}
