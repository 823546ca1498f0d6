//! Weights of a dense convolution as words, in the order its tiles read them.

use super::bf16;
use crate::buffer::Aligned;
use crate::isa::Isa;
use crate::lanes::words::Format;
use crate::rows::dense::{TallestTile, tiles};
use std::ops::Range;

/// Weights `[tile][tap][word][output of the tile]`, tiles as [`DenseWeights`](crate::rows::dense::DenseWeights) cuts them.
#[derive(Clone, Debug)]
pub struct PackedWeights {
    format: Format,
    packed: Aligned<u32>,
    start: Vec<u32>,
    scale: Vec<f32>,
    words_per_tap: Vec<usize>,
    tiles: Vec<Range<usize>>,
}

/// The weights of one tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile<'a> {
    /// The first of its outputs.
    pub(super) first: usize,
    /// `[tap][word][height]`.
    pub(super) weights: &'a [u32],
    /// What sums begin with: `[height]`.
    pub(super) start: &'a [u32],
    /// What whole numbers are multiplied by: `[height]`.
    pub(super) scale: &'a [f32],
    /// Words of each tap.
    pub(super) words_per_tap: &'a [usize],
}

impl PackedWeights {
    /// Packs weights `[outputs, tap, input]` for `isa`, as
    /// [`DenseWeights::pack`](crate::rows::dense::DenseWeights::pack) does. Each is rounded to the nearest that the
    /// format has; for int8 these are 127 positive and as many negative ones for each output, evenly up to its greatest
    /// weight, and biases are rounded to a multiple of their distance.
    ///
    /// # Panics
    ///
    /// When the lengths of `matrix`, `inputs_per_tap` and `bias` do not fit together.
    pub fn pack(
        isa: Isa,
        format: Format,
        matrix: &[f32],
        inputs_per_tap: &[usize],
        bias: Option<&[f32]>,
    ) -> PackedWeights {
        let inputs: usize = inputs_per_tap.iter().sum();
        assert!(inputs > 0, "a dense convolution of no inputs");
        let outputs = matrix.len() / inputs;
        assert_eq!(outputs * inputs, matrix.len(), "weights are not rows of {inputs} inputs");
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        assert_eq!(bias.len(), outputs, "biases of {outputs} outputs");

        let rows: Vec<Rounded> = matrix
            .chunks_exact(inputs)
            .zip(&bias)
            .map(|(row, &bias)| Rounded::new(format, row, bias))
            .collect();
        let words: Vec<Vec<u32>> = rows.iter().map(|row| row.words(format, inputs_per_tap)).collect();
        let words_per_tap: Vec<usize> = inputs_per_tap.iter().map(|&inputs| format.words(inputs)).collect();
        let depth: usize = words_per_tap.iter().sum();

        let tiles = tiles(outputs, isa.run(TallestTile));
        let mut packed = Aligned::zeroed(outputs * depth);
        let mut rest = &mut *packed;
        for tile in &tiles {
            let (here, after) = rest.split_at_mut(tile.len() * depth);
            for (k, column) in here.chunks_exact_mut(tile.len()).enumerate() {
                for (word, output) in column.iter_mut().zip(tile.clone()) {
                    *word = words[output][k];
                }
            }
            rest = after;
        }
        PackedWeights {
            format,
            packed,
            start: rows.iter().map(|row| row.start).collect(),
            scale: rows.iter().map(|row| row.scale).collect(),
            words_per_tap,
            tiles,
        }
    }

    /// What words hold.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.start.len()
    }

    /// Words that a pixel of all taps together has.
    pub fn words(&self) -> usize {
        self.words_per_tap.iter().sum()
    }

    /// Words of each tap.
    pub fn words_per_tap(&self) -> &[usize] {
        &self.words_per_tap
    }

    pub(super) fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        let depth = self.words();
        self.tiles.iter().map(move |tile| Tile {
            first: tile.start,
            weights: &self.packed[tile.start * depth..tile.end * depth],
            start: &self.start[tile.clone()],
            scale: &self.scale[tile.clone()],
            words_per_tap: &self.words_per_tap,
        })
    }
}

/// The weights of one output in a format: the bits of each, what sums begin with, and what they are multiplied by.
struct Rounded {
    bits: Vec<u16>,
    start: u32,
    scale: f32,
}

impl Rounded {
    fn new(format: Format, row: &[f32], bias: f32) -> Self {
        match format {
            Format::Bf16 => Self {
                bits: row.iter().map(|&weight| bf16(weight)).collect(),
                start: bias.to_bits(),
                scale: 1.0,
            },
            Format::Int8 => {
                let greatest = row.iter().fold(0.0f32, |greatest, weight| greatest.max(weight.abs()));
                // Weights of zero, or too small to divide by, stay zero, and leave a scale to the bias.
                let scale = if greatest > 1e-30 { greatest / 127.0 } else { bias.abs().max(1e-30) / 127.0 };
                let bits =
                    |weight: &f32| u16::from(((weight / scale).round_ties_even() as i8).cast_unsigned());
                let start = ((bias / scale).round_ties_even() as i32).cast_unsigned();
                Self { bits: row.iter().map(bits).collect(), start, scale }
            }
        }
    }

    /// The words of each tap, one after the other.
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

/// The first channel becomes the lowest bits; what is missing is zero.
fn word(format: Format, channels: &[u16]) -> u32 {
    let width = 32 / format.channels();
    channels.iter().enumerate().fold(0, |word, (i, &bits)| word | u32::from(bits) << (width * i))
}
