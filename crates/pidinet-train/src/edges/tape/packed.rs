//! Weights in the order in which kernels read them, and gradients back from that order.

use super::Tape;
use super::nodes::{ConvOp, Op};

/// The weights of all convolutions, folded and laid out for both directions; made once for each step.
#[derive(Clone, Debug)]
pub struct Packed(pub(super) Vec<Option<PackedConv>>);

/// The weights of one convolution. `taps` are those of all its parts.
#[derive(Clone, Debug)]
pub(super) struct PackedConv {
    /// `[inputs, taps, outputs]`; `[channels, taps]` for a depthwise convolution.
    pub(super) forward: Vec<f32>,
    /// `[outputs, taps, inputs]`; as forward for a depthwise convolution.
    pub(super) backward: Vec<f32>,
    /// `[outputs]`.
    pub(super) bias: Option<Vec<f32>>,
}

impl Packed {
    /// Packs the values of all parameters.
    pub fn new(tape: &Tape, values: &[f32]) -> Self {
        assert_eq!(values.len(), tape.parameters.len(), "one value for each parameter");
        let pack = |op: &Op| match op {
            Op::Conv(conv) => Some(PackedConv::new(tape, conv, values)),
            _ => None,
        };
        Self(tape.nodes.iter().map(|node| pack(&node.op)).collect())
    }
}

impl ConvOp {
    /// Taps of all parts.
    pub(super) fn taps(&self) -> usize {
        self.parts.iter().map(|part| part.taps.offsets.len()).sum()
    }

    /// Input channels that an output channel reads.
    fn group_inputs(&self) -> usize {
        if self.depthwise { 1 } else { self.inputs }
    }
}

impl PackedConv {
    fn new(tape: &Tape, conv: &ConvOp, values: &[f32]) -> Self {
        let (taps, inputs, outputs) = (conv.taps(), conv.group_inputs(), conv.outputs);
        let mut forward = vec![0.0; inputs * taps * outputs];
        let mut backward = forward.clone();
        let mut first = 0;
        for part in &conv.parts {
            let raw = tape.parameters.part(part.weight, values);
            let mut folded = vec![0.0; part.taps.offsets.len()];
            for (kernel, raw) in raw.chunks_exact(part.taps.raw).enumerate() {
                let (o, i) = (kernel / inputs, kernel % inputs);
                part.taps.fold(raw, &mut folded);
                for (tap, &weight) in folded.iter().enumerate() {
                    let tap = first + tap;
                    if conv.depthwise {
                        forward[o * taps + tap] = weight;
                    } else {
                        forward[(i * taps + tap) * outputs + o] = weight;
                    }
                    backward[(o * taps + tap) * inputs + i] = weight;
                }
            }
            first += folded.len();
        }
        let bias = conv.bias.map(|bias| tape.parameters.part(bias, values).to_vec());
        Self { forward, backward, bias }
    }
}

/// Adds the gradients of packed forward weights to those of the raw ones.
pub(super) fn unpack(tape: &Tape, conv: &ConvOp, packed: &[f32], gradients: &mut [f32]) {
    let (taps, inputs, outputs) = (conv.taps(), conv.group_inputs(), conv.outputs);
    let mut first = 0;
    for part in &conv.parts {
        let raw = tape.parameters.part_mut(part.weight, gradients);
        let mut folded = vec![0.0; part.taps.offsets.len()];
        for (kernel, raw) in raw.chunks_exact_mut(part.taps.raw).enumerate() {
            let (o, i) = (kernel / inputs, kernel % inputs);
            for (tap, gradient) in folded.iter_mut().enumerate() {
                let tap = first + tap;
                *gradient =
                    packed[if conv.depthwise { o * taps + tap } else { (i * taps + tap) * outputs + o }];
            }
            part.taps.unfold(&folded, raw);
        }
        first += folded.len();
    }
}
