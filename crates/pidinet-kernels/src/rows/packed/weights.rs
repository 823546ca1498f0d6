//! Weights of a dense convolution as words, in the order in which its tiles read them.

use crate::isa::Isa;
use crate::lanes::words::{Format, GREATEST_INT16, bf16};
use crate::rows::matrix::{Matrix, biases};

/// Weights and biases as words, cut into tiles as [`DenseWeights`](crate::rows::dense::DenseWeights) are.
#[derive(Clone, Debug)]
pub struct PackedWeights {
    format: Format,
    matrix: Matrix<u32, Output>,
}

/// What belongs to an output besides its words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// The start of its sums.
    pub(super) start: u32,
    /// The factor of whole numbers.
    pub(super) scale: f32,
}

impl PackedWeights {
    /// Packs weights `[outputs, tap, input]` for `isa`, as
    /// [`DenseWeights::pack`](crate::rows::dense::DenseWeights::pack) does. Each is rounded to the nearest
    /// value of the format. For int8 these are, for each output, 127 evenly spaced positive values up to its
    /// greatest weight, or sum of a [pair](Format::Int8), and as many negative ones; biases are rounded to a
    /// multiple of a value's step. For int16 they are as many as sums of 32 bits have room for, and there must not
    /// be a bias: it depends on the step of values.
    ///
    /// # Panics
    ///
    /// When the lengths of `matrix`, `inputs_per_tap` and `bias` do not fit together, or int16 has a bias.
    pub fn pack(
        isa: Isa,
        format: Format,
        matrix: &[f32],
        inputs_per_tap: &[usize],
        bias: Option<&[f32]>,
    ) -> PackedWeights {
        let inputs: usize = inputs_per_tap.iter().sum();
        assert!(format != Format::Int16 || bias.is_none(), "sums of int16 begin with zero");
        let bias = biases(matrix, inputs, bias);
        let rows = matrix.chunks_exact(inputs).zip(&bias);
        let rows: Vec<Rounded> =
            rows.map(|(row, &bias)| Rounded::new(format, row, inputs_per_tap, bias)).collect();
        let words: Vec<Vec<u32>> = rows.iter().map(|row| row.words(format, inputs_per_tap)).collect();
        let words_per_tap = inputs_per_tap.iter().map(|&inputs| format.words(inputs)).collect();
        let outputs = rows.iter().map(|row| row.output).collect();
        PackedWeights { format, matrix: Matrix::pack(isa, outputs, words_per_tap, |o, k| words[o][k]) }
    }

    /// What words hold.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.matrix.outputs()
    }

    /// Words of a pixel, all taps together.
    pub fn words(&self) -> usize {
        self.matrix.depth()
    }

    /// Words of each tap.
    pub fn words_per_tap(&self) -> &[usize] {
        self.matrix.depths()
    }

    pub(super) fn matrix(&self) -> &Matrix<u32, Output> {
        &self.matrix
    }
}

/// The weights of one output in a format, the bits of each.
struct Rounded {
    bits: Vec<u16>,
    output: Output,
}

impl Rounded {
    fn new(format: Format, row: &[f32], inputs_per_tap: &[usize], bias: f32) -> Self {
        match format {
            Format::Bf16 => Self {
                bits: row.iter().map(|&weight| bf16(weight)).collect(),
                output: Output { start: bias.to_bits(), scale: 1.0 },
            },
            Format::Int8 => {
                let greatest = greatest_of_pairs(row, inputs_per_tap);
                // Weights of zero, or too small to divide by, stay zero, and leave a scale to the bias.
                let scale = if greatest > 1e-30 { greatest / 127.0 } else { bias.abs().max(1e-30) / 127.0 };
                let bits =
                    |weight: &f32| u16::from(((weight / scale).round_ties_even() as i8).cast_unsigned());
                let start = ((bias / scale).round_ties_even() as i32).cast_unsigned();
                Self { bits: row.iter().map(bits).collect(), output: Output { start, scale } }
            }
            Format::Int16 => {
                let greatest = row.iter().fold(0.0f32, |greatest, weight| greatest.max(weight.abs()));
                let sum: f64 = row.iter().map(|weight| f64::from(weight.abs())).sum();
                // Rounding adds no more than a half to each.
                let room = f64::from(i32::MAX) / f64::from(GREATEST_INT16) - row.len() as f64;
                let scale = (greatest / 32767.0).max((sum / room) as f32).max(1e-30);
                let bits = |weight: &f32| ((weight / scale).round_ties_even() as i16).cast_unsigned();
                Self { bits: row.iter().map(bits).collect(), output: Output { start: 0, scale } }
            }
        }
    }

    /// The words of each tap, one after another.
    fn words(&self, format: Format, inputs_per_tap: &[usize]) -> Vec<u32> {
        let mut rest = &self.bits[..];
        let mut words = Vec::new();
        for &inputs in inputs_per_tap {
            let (tap, after) = rest.split_at(inputs);
            words.extend(tap.chunks(format.channels()).map(|channels| word(format, channels)));
            rest = after;
        }
        words
    }
}

/// The greatest absolute value of a weight, or of the sum of two that make a [pair](Format::Int8) of int8.
fn greatest_of_pairs(row: &[f32], inputs_per_tap: &[usize]) -> f32 {
    let mut rest = row;
    let mut greatest = 0.0f32;
    for &inputs in inputs_per_tap {
        let (tap, after) = rest.split_at(inputs);
        for pair in tap.chunks(2) {
            let sum = pair.iter().sum::<f32>().abs();
            greatest = pair.iter().fold(greatest.max(sum), |greatest, weight| greatest.max(weight.abs()));
        }
        rest = after;
    }
    greatest
}

/// The first channel becomes the lowest bits; missing channels are zero.
fn word(format: Format, channels: &[u16]) -> u32 {
    let width = 32 / format.channels();
    channels.iter().enumerate().fold(0, |word, (i, &bits)| word | u32::from(bits) << (width * i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pair_of_int8_exceeds_sixteen_bits() {
        let mut state = 1u32;
        let mut weight = || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let mut greatest = 0;
        for (channels, taps) in [(1, 1), (2, 1), (7, 9), (60, 1), (61, 2)] {
            for _ in 0..200 {
                let row: Vec<f32> = (0..channels * taps).map(|_| weight()).collect();
                let inputs = vec![channels; taps];
                let words = Rounded::new(Format::Int8, &row, &inputs, 0.3).words(Format::Int8, &inputs);
                for word in words {
                    let [a, b, c, d] = word.to_le_bytes().map(|byte| i32::from(byte.cast_signed()));
                    for pair in [a + b, c + d] {
                        assert!(i16::try_from(255 * pair).is_ok(), "{channels} channels: {pair}");
                        greatest = greatest.max(pair.abs());
                    }
                }
            }
        }
        assert!(greatest >= 127, "the range is used");
    }
}
