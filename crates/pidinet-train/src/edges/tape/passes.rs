//! The tape forward, from an image to the five maps, and backward, from their gradients to those of the
//! parameters: one operation after another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pidinet_kernels::Isa;
use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::planes::{GateGradient, Largest, LargestGradient};

use super::conv::Conv;
use super::nodes::{ConvOp, Node, Op};
use super::packed::unpack;
use super::pair::{Destination, Pair};
use super::{Geometry, Packed, Tape, Workspace};
use super::{concat, gate, rows, sigmoid};

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
        let never = AtomicBool::new(false);
        self.forward_until(&never, isa, geometry, packed, image, workspace);
    }

    /// [`Tape::forward`]; false, with unusable maps, if `stop` becomes true before it is done.
    pub(crate) fn forward_until(
        &self,
        stop: &AtomicBool,
        isa: Isa,
        geometry: &Geometry,
        packed: &Packed,
        image: &[f32],
        workspace: &mut Workspace,
    ) -> bool {
        workspace.prepare(self, geometry);
        for (number, node) in self.nodes.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return false;
            }
            if self.pair_ops(number + 1).is_some() {
                // Computed with the next one.
                continue;
            }
            let start = Instant::now();
            if let Some(pair) = self.pair(isa, number, geometry, packed) {
                let (before, rest) = workspace.values.split_at_mut(number);
                let onto = pair.pointwise.op.onto.map(|onto| &before[onto][..]);
                let between = &mut workspace.between;
                pair.forward(&before[pair.depthwise.op.x], onto, between, &mut rest[0]);
                workspace.times[number][0] = start.elapsed();
                continue;
            }
            let (before, rest) = workspace.values.split_at_mut(number);
            let dst = &mut rest[0][..];
            let frame = geometry.frames[node.layout];
            match &node.op {
                Op::Image => {
                    assert_eq!(image.len(), 3 * frame.height * frame.width, "the image has another size");
                    rows::load(image, frame, dst);
                }
                Op::Conv(op) => {
                    let onto = op.onto.map(|onto| &before[onto][..]);
                    self.conv(isa, number, op, geometry, packed).forward(&before[op.x], onto, dst);
                }
                &Op::Widen { x } => {
                    rows::copy(&before[x], geometry.frames[self.nodes[x].layout], false, frame, dst);
                }
                &Op::MaxPool { x } => {
                    let src_frame = geometry.frames[self.nodes[x].layout];
                    Largest { src: &before[x], src_frame, dst, frame }.run_on(isa);
                }
                &Op::Sigmoid { x } => sigmoid::forward(isa, &before[x], frame, dst),
                &Op::Gate { x, gate } => gate::forward(&before[x], &before[gate], frame, dst),
                &Op::Resize { x } => geometry.resizes[self.nodes[x].layout].forward(&before[x], dst),
                Op::Concat { maps } => concat::forward(maps.iter().map(|&map| &before[map][..]), dst),
            }
            workspace.times[number][0] = start.elapsed();
        }
        true
    }

    /// The five maps before their sigmoids, `[h, w]` each: those of the sides, and fused.
    pub fn logits(&self, geometry: &Geometry, workspace: &Workspace) -> [Vec<f32>; 5] {
        self.logits
            .map(|node| rows::unload(&workspace.values[node], geometry.frames[self.nodes[node].layout]))
    }

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
        let never = AtomicBool::new(false);
        self.backward_until(&never, isa, geometry, packed, logits, workspace, gradients);
    }

    /// [`Tape::backward`]; false, with unusable gradients and workspace, if `stop` becomes true before it is
    /// done.
    #[expect(clippy::too_many_arguments, reason = "those of backward, and one more")]
    pub(crate) fn backward_until(
        &self,
        stop: &AtomicBool,
        isa: Isa,
        geometry: &Geometry,
        packed: &Packed,
        logits: &[Vec<f32>; 5],
        workspace: &mut Workspace,
        gradients: &mut [f32],
    ) -> bool {
        for (&node, gradient) in self.logits.iter().zip(logits) {
            self.seed(geometry, node, gradient, workspace);
        }
        for number in (1..self.nodes.len()).rev() {
            if stop.load(Ordering::Relaxed) {
                return false;
            }
            // The first of a pair is computed with the second.
            let Some(gradient) = workspace.gradients[number].take() else { continue };
            let start = Instant::now();
            if let Some(pair) = self.pair(isa, number, geometry, packed) {
                self.pair_backward(&pair, number, gradient, workspace, gradients);
                workspace.times[number][1] = start.elapsed();
                continue;
            }
            let node = &self.nodes[number];
            let frame = geometry.frames[node.layout];
            match &node.op {
                Op::Image => unreachable!("the image is node 0"),
                Op::Conv(op) => {
                    let conv = self.conv(isa, number, op, geometry, packed);
                    let mut sums = Vec::new();
                    if op.x == 0 {
                        sums = conv.gradients(&workspace.values[0], &gradient, None);
                    } else {
                        self.pass_on(op.x, workspace, |maps, is_there, dst| {
                            sums = conv.gradients(&maps[op.x], &gradient, Some((is_there, dst)));
                        });
                    }
                    unpack(self, op, &sums, gradients);
                    if let Some(bias) = op.bias {
                        conv.bias_gradient(&gradient, self.parameters.part_mut(bias, gradients));
                    }
                    if let Some(onto) = op.onto {
                        let Some(sum) = &mut workspace.gradients[onto] else {
                            workspace.gradients[onto] = Some(gradient);
                            workspace.times[number][1] = start.elapsed();
                            continue;
                        };
                        rows::put(&gradient, true, sum);
                    }
                }
                &Op::Widen { x } => self.pass_on(x, workspace, |_, is_there, dst| {
                    rows::copy(&gradient, frame, is_there, geometry.frames[self.nodes[x].layout], dst);
                }),
                &Op::MaxPool { x } => self.pass_on(x, workspace, |maps, is_there, dst| {
                    let (src, src_frame) = (&maps[x], geometry.frames[self.nodes[x].layout]);
                    let (gradient, accumulate) = (&gradient, is_there);
                    LargestGradient { src, src_frame, gradient, frame, accumulate, dst }.run_on(isa);
                }),
                &Op::Sigmoid { x } => self.pass_on(x, workspace, |maps, is_there, dst| {
                    sigmoid::backward(&maps[number], &gradient, is_there, dst);
                }),
                &Op::Gate { x, gate } => {
                    let (add_gate, mut gate_gradient) = self.take_gradient(gate, workspace);
                    self.pass_on(x, workspace, |maps, add_x, x_gradient| {
                        GateGradient {
                            x: &maps[x],
                            gate: &maps[gate],
                            gradient: &gradient,
                            frame,
                            accumulate: [add_gate, add_x],
                            gate_gradient: &mut gate_gradient,
                            x_gradient,
                        }
                        .run_on(isa);
                    });
                    workspace.gradients[gate] = Some(gate_gradient);
                }
                &Op::Resize { x } => self.pass_on(x, workspace, |_, is_there, dst| {
                    geometry.resizes[self.nodes[x].layout].backward(&gradient, is_there, dst);
                }),
                Op::Concat { maps } => {
                    let mut parts = &gradient[..];
                    for &map in maps {
                        self.pass_on(map, workspace, |_, is_there, dst| {
                            let (part, next) = parts.split_at(dst.len());
                            rows::put(part, is_there, dst);
                            parts = next;
                        });
                    }
                }
            }
            workspace.give(node.layout, node.channels, gradient);
            workspace.times[number][1] = start.elapsed();
        }
        true
    }

    /// The gradients of the two convolutions that end with this node, from the gradient of their output.
    fn pair_backward(
        &self,
        pair: &Pair<'_>,
        number: usize,
        mut gradient: Buffer,
        workspace: &mut Workspace,
        gradients: &mut [f32],
    ) {
        let (depthwise, pointwise) = (pair.depthwise.op, pair.pointwise.op);
        let Node { layout, channels, .. } = self.nodes[number];
        if let Some(bias) = pointwise.bias {
            pair.pointwise.bias_gradient(&gradient, self.parameters.part_mut(bias, gradients));
        }
        let x = depthwise.x;
        let mut between = std::mem::take(&mut workspace.between);
        let becomes_that_of_x = pointwise.onto == Some(x) && workspace.gradients[x].is_none();
        let sums = if becomes_that_of_x {
            let x_map = &workspace.values[x];
            let sums = pair.gradients(x_map, &mut gradient, &mut between, Destination::Gradient);
            workspace.gradients[x] = Some(gradient);
            sums
        } else {
            if let Some(onto) = pointwise.onto {
                self.pass_on(onto, workspace, |_, is_there, dst| rows::put(&gradient, is_there, dst));
            }
            let mut sums = Default::default();
            self.pass_on(x, workspace, |maps, is_there, dst| {
                let destination = Destination::Map(is_there, dst);
                sums = pair.gradients(&maps[x], &mut gradient, &mut between, destination);
            });
            workspace.give(layout, channels, gradient);
            sums
        };
        workspace.between = between;
        unpack(self, depthwise, &sums[0], gradients);
        unpack(self, pointwise, &sums[1], gradients);
    }

    /// The two convolutions of which this node is the second.
    pub(super) fn pair<'a>(
        &'a self,
        isa: Isa,
        number: usize,
        geometry: &'a Geometry,
        packed: &'a Packed,
    ) -> Option<Pair<'a>> {
        let (depthwise, window, pointwise) = self.pair_ops(number)?;
        Some(Pair {
            window,
            depthwise: self.conv(isa, number - 1, depthwise, geometry, packed),
            pointwise: self.conv(isa, number, pointwise, geometry, packed),
        })
    }

    /// The convolution of a node.
    fn conv<'a>(
        &self,
        isa: Isa,
        number: usize,
        op: &'a ConvOp,
        geometry: &'a Geometry,
        packed: &'a Packed,
    ) -> Conv<'a> {
        Conv {
            isa,
            op,
            packed: packed.0[number].as_ref().expect("weights of every convolution are packed"),
            reads: geometry.reads[number].as_ref().expect("reads of every convolution are known"),
            frame: geometry.frames[self.nodes[number].layout],
        }
    }

    /// Adds the gradient of a logit, `[h, w]` without gaps, to its node.
    fn seed(&self, geometry: &Geometry, node: usize, gradient: &[f32], workspace: &mut Workspace) {
        let frame = geometry.frames[self.nodes[node].layout];
        assert_eq!(gradient.len(), frame.height * frame.width, "a gradient for each pixel");
        self.pass_on(node, workspace, |_, is_there, dst| {
            assert!(!is_there, "outputs have one gradient each");
            rows::load(gradient, frame, dst);
        });
    }

    /// Calls `add` to add to the gradient of a node. It gets all maps, whether the gradient already holds
    /// something (if not, its pixels are arbitrary), and the gradient.
    fn pass_on(&self, node: usize, workspace: &mut Workspace, add: impl FnOnce(&[Buffer], bool, &mut [f32])) {
        let (is_there, mut gradient) = self.take_gradient(node, workspace);
        add(&workspace.values, is_there, &mut gradient);
        workspace.gradients[node] = Some(gradient);
    }

    /// The gradient of a node, and whether it already holds something; if not, its pixels are arbitrary.
    fn take_gradient(&self, node: usize, workspace: &mut Workspace) -> (bool, Buffer) {
        match workspace.gradients[node].take() {
            Some(gradient) => (true, gradient),
            None => (false, workspace.take(self.nodes[node].layout, self.nodes[node].channels)),
        }
    }
}
