//! Weights in the order and form in which kernels read them.

use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::isa::Isa;
use pidinet_kernels::pixels::pack::{GROUP, words};
use pidinet_kernels::pixels::padding::Border;
use pidinet_kernels::pixels::real_conv::RealWeights;
use pidinet_kernels::pixels::xnor::XnorWeights;

use crate::arch::recognition::{BinaryConv, Offset, RealConv};

/// Numbers of channels, followed by zeros up to a whole group.
pub(super) fn padded(values: &[f32]) -> Buffer {
    let mut buffer = Buffer::zeroed(values.len().next_multiple_of(GROUP));
    buffer[..values.len()].copy_from_slice(values);
    buffer
}

/// The same for numbers in f64, rounded.
pub(super) fn rounded(values: &[f64]) -> Buffer {
    padded(&values.iter().map(|&x| x as f32).collect::<Vec<f32>>())
}

/// The runs in which a real convolution reads a map with `step` floats from pixel to pixel, as numbers of
/// inputs: whole rows of its window if there is no padding between pixels, else single pixels.
pub(super) fn real_runs(conv: &RealConv, step: usize) -> Vec<usize> {
    match step == conv.inputs {
        true => vec![conv.size * conv.inputs; conv.size],
        false => vec![conv.inputs; conv.size * conv.size],
    }
}

/// Weights `[outputs, inputs, size, size]` in the order `[output][tap][input]`.
pub(super) fn real(isa: Isa, conv: &RealConv, weights: &[f32], step: usize) -> RealWeights {
    let area = conv.size * conv.size;
    let rows = weights.chunks_exact(conv.inputs * area);
    let matrix: Vec<f32> = rows
        .flat_map(|row| (0..area).flat_map(move |tap| row.iter().skip(tap).step_by(area)))
        .copied()
        .collect();
    RealWeights::pack(isa, &matrix, &real_runs(conv, step))
}

/// An ordinary binary convolution.
#[derive(Debug)]
pub(super) struct Vanilla {
    /// The first of its channels.
    pub(super) first: usize,
    pub(super) channels: usize,
    /// A sign is negative where a number is below the threshold of its channel.
    pub(super) thresholds: Buffer,
    pub(super) weights: XnorWeights,
    pub(super) border: Border,
    pub(super) scale: Buffer,
}

impl Vanilla {
    /// For the channels from `first` on, as many as `shift` has numbers.
    pub(super) fn new(
        isa: Isa,
        conv: &BinaryConv,
        weights: &[f32],
        first: usize,
        shift: &[f32],
        scale: &[f64],
    ) -> Self {
        let (channels, each) = (conv.inputs, words(conv.inputs));
        let mut packed = vec![0; conv.outputs * 9 * each];
        let mut taps = vec![0.0; conv.outputs * 9];
        for (output, weights) in weights.chunks_exact(channels * 9).enumerate() {
            for (at, &weight) in weights.iter().enumerate() {
                let (c, tap) = (at / 9, 9 * output + at % 9);
                packed[tap * each + c / 32] |= u32::from(weight < 0.0) << (c % 32);
                taps[tap] += if weight < 0.0 { -1.0 } else { 1.0 };
            }
        }
        let thresholds: Vec<f32> = shift.iter().map(|shift| -shift).collect();
        Self {
            first,
            channels,
            thresholds: padded(&thresholds),
            weights: XnorWeights::pack(isa, &packed, &[3 * each; 3], 9 * channels),
            border: Border::new(&taps),
            scale: rounded(scale),
        }
    }
}

/// A convolution of signs of differences.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) channels: usize,
    pub(super) pairs: [(Offset, Offset); 8],
    /// Distance in pixels of the farthest pixel in a pair.
    pub(super) reach: usize,
    /// RSign's shift, padded.
    pub(super) shift: Buffer,
    pub(super) weights: XnorWeights,
    pub(super) scale: Buffer,
}

impl Difference {
    pub(super) fn new(isa: Isa, conv: &BinaryConv, weights: &[f32], shift: &[f32], scale: &[f64]) -> Self {
        let (channels, each) = (conv.inputs, words(8 * conv.inputs));
        let mut packed = vec![0; conv.outputs * each];
        for (words, weights) in packed.chunks_exact_mut(each).zip(weights.chunks_exact(8 * channels)) {
            for (at, &weight) in weights.iter().enumerate() {
                let bit = at % 8 * channels + at / 8;
                words[bit / 32] |= u32::from(weight < 0.0) << (bit % 32);
            }
        }
        let pairs = conv.pairs();
        let far = |(y, x): Offset| y.unsigned_abs().max(x.unsigned_abs());
        Self {
            channels,
            pairs,
            reach: pairs.iter().map(|&(first, second)| far(first).max(far(second))).max().unwrap_or(0),
            shift: padded(shift),
            weights: XnorWeights::pack(isa, &packed, &[each], 8 * channels),
            scale: rounded(scale),
        }
    }
}
