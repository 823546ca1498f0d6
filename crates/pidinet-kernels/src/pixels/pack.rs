//! Signs of floats, and of differences of floats, as bits: 0 for +1 and zero, 1 for −1.
//!
//! Maps of binary networks lie pixel by pixel, `[h][w][channels]`, so that the bits of a pixel are adjacent,
//! and so are the outputs of a convolution. Channels are padded to a multiple of [`GROUP`]; bits are padded
//! with zeros to whole words.

use crate::lanes::bits::{BitKernel, BitLanes};

/// Floats of a pixel are padded to a multiple of this: the widest vector.
pub const GROUP: usize = 16;

/// Words of 32 bits that hold `bits` bits.
pub fn words(bits: usize) -> usize {
    bits.div_ceil(32)
}

/// The signs of some channels of a row of pixels: a bit is set where a float is less than its threshold.
///
/// `x + shift` is less than 0 exactly where `x < -shift`, rounded or not.
///
/// # Panics
///
/// [`BitKernel::run`] panics when `src` does not have a whole [`GROUP`] where the last channels are, or
/// `thresholds` is shorter than the channels rounded up to a group.
#[derive(Debug)]
pub struct PackSigns<'a> {
    /// From the first of the channels of the first pixel on.
    pub src: &'a [f32],
    /// Floats from one pixel to the next.
    pub step: usize,
    /// Channels to pack.
    pub channels: usize,
    /// One threshold for each, padded.
    pub thresholds: &'a [f32],
    /// `[pixel][words(channels)]`; its length says how many pixels there are.
    pub dst: &'a mut [u32],
}

impl BitKernel for PackSigns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: BitLanes>(self, lanes: L) {
        let Self { src, step, channels, thresholds, dst } = self;
        for (pixel, words) in dst.chunks_exact_mut(words(channels)).enumerate() {
            let src = &src[pixel * step..];
            for (number, word) in words.iter_mut().enumerate() {
                let start = 32 * number;
                let (src, thresholds) = (&src[start..], &thresholds[start..]);
                *word = match (src.first_chunk::<32>(), thresholds.first_chunk::<32>()) {
                    // Loops of constant length, which unroll.
                    (Some(src), Some(thresholds)) if channels - start >= 32 => {
                        let vector = |at| lanes.less(&src[at..], &thresholds[at..]) << at;
                        (0..32).step_by(L::WIDTH).fold(0, |bits, at| bits | vector(at))
                    }
                    _ => {
                        let left = channels - start;
                        let vector =
                            |at| first_bits(lanes.less(&src[at..], &thresholds[at..]), left - at) << at;
                        (0..left.min(32)).step_by(L::WIDTH).fold(0, |bits, at| bits | vector(at))
                    }
                };
            }
        }
    }
}

/// The signs of eight differences of each channel of a row of pixels, difference by difference: bit
/// `n * channels + c` is set where `first[n][c] < second[n][c]`, that is where `first - second` is negative.
///
/// # Panics
///
/// [`BitKernel::run`] panics when a slice does not have a whole [`GROUP`] where the last channels are.
#[derive(Debug)]
pub struct PackDifferences<'a> {
    /// For each difference, both pixels of the first output, and everything after them.
    pub pairs: [(&'a [f32], &'a [f32]); 8],
    /// Floats from the pixels of one output to those of the next.
    pub step: usize,
    /// Channels to take differences of, the first of each pixel.
    pub channels: usize,
    /// `[pixel][words(8 * channels)]`; its length says how many pixels there are.
    pub dst: &'a mut [u32],
}

impl BitKernel for PackDifferences<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: BitLanes>(self, lanes: L) {
        let Self { pairs, step, channels, dst } = self;
        for (pixel, words) in dst.chunks_exact_mut(words(8 * channels)).enumerate() {
            let mut words = words.iter_mut();
            let (mut waiting, mut count) = (0u64, 0);
            for (first, second) in pairs {
                let (first, second) = (&first[pixel * step..], &second[pixel * step..]);
                for c in (0..channels).step_by(L::WIDTH) {
                    let bits = first_bits(lanes.less(&first[c..], &second[c..]), channels - c);
                    waiting |= u64::from(bits) << count;
                    count += L::WIDTH.min(channels - c);
                    if count >= 32 {
                        *words.next().expect("a word for every 32 bits") = waiting as u32;
                        waiting >>= 32;
                        count -= 32;
                    }
                }
            }
            if let Some(last) = words.next() {
                *last = waiting as u32;
            }
        }
    }
}

/// The first `n` of `bits`.
#[inline(always)]
fn first_bits(bits: u32, n: usize) -> u32 {
    if n < 32 { bits & ((1 << n) - 1) } else { bits }
}
