//! Whole numbers whose step follows from the values that are packed together: a 4095th of the greatest of them.
//!
//! No range has to be known beforehand, and rounding is as fine as with numbers of twelve bits and a sign. What is
//! packed together shares a step, so how much that is decides the result, and is the same on every machine.

use crate::lanes::floats::WIDEST;
use crate::lanes::words::{GREATEST_INT16, PackedKernel, PackedLanes};
use crate::rows::row::{MARGIN, Row, RowMut};
use std::ops::Range;

/// What is read together: of each channel of each row, `len` columns, whole vectors.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    /// Rows whose data begin with the first of these columns.
    pub(super) rows: &'a [Row<'a>],
    pub(super) inputs: usize,
    pub(super) len: usize,
}

impl<'a> Read<'a> {
    fn channel(&self, row: usize, channel: usize) -> &'a [f32] {
        let Row { data, stride } = self.rows[row];
        &data[channel * stride..][..self.len]
    }
}

/// Packs what is read into row blocks of `len` words, and returns the step of its whole numbers.
#[inline(always)]
pub(super) fn pack<L: PackedLanes>(lanes: L, read: Read<'_>, words: &mut [f32], len: usize) -> f32 {
    let step = lanes.enter_packed(Greatest(read)) / GREATEST_INT16;
    // Of numbers that are zero, or none, nothing is left.
    let step = if step > f32::MIN_POSITIVE * 1e4 && step.is_finite() { step } else { 1.0 };
    lanes.enter_packed(Pack { read, scale: 1.0 / step, words, len });
    step
}

/// The greatest absolute value.
struct Greatest<'a>(Read<'a>);

impl PackedKernel for Greatest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) -> f32 {
        let zero = lanes.splat(0.0);
        let mut greatest = [zero; 2];
        for row in 0..self.0.rows.len() {
            for channel in 0..self.0.inputs {
                for values in self.0.channel(row, channel).chunks_exact(L::WIDTH) {
                    let values = lanes.load(values);
                    greatest[0] = lanes.max(values, greatest[0]);
                    greatest[1] = lanes.max(lanes.sub(zero, values), greatest[1]);
                }
            }
        }
        let mut all = [0.0; WIDEST];
        lanes.store(&mut all, lanes.max(greatest[0], greatest[1]));
        all.into_iter().fold(0.0, f32::max)
    }
}

/// Packs rows, `len` apart.
struct Pack<'a> {
    read: Read<'a>,
    scale: f32,
    words: &'a mut [f32],
    len: usize,
}

impl PackedKernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { read, scale, words, len } = self;
        let scale = lanes.splat(scale);
        let zero = lanes.splat(0.0);
        for (row, words) in words.chunks_exact_mut(len).enumerate().take(read.rows.len()) {
            let words = words[MARGIN..].chunks_exact_mut(read.len);
            for (channel, words) in (0..read.inputs).step_by(2).zip(words) {
                let even = read.channel(row, channel);
                let odd = if channel + 1 < read.inputs { read.channel(row, channel + 1) } else { even };
                // A missing channel is zero.
                let odd_scale = if channel + 1 < read.inputs { scale } else { zero };
                for x in (0..read.len).step_by(L::WIDTH) {
                    let even = lanes.mul(lanes.load(&even[x..]), scale);
                    let odd = lanes.mul(lanes.load(&odd[x..]), odd_scale);
                    lanes.store_words(&mut words[x..], lanes.pack([even, odd, zero, zero]));
                }
            }
        }
    }
}

/// Multiplies sums by the step and adds the bias.
pub(super) struct Finish<'a> {
    pub(super) step: f32,
    pub(super) bias: &'a [f32],
    pub(super) columns: Range<usize>,
    pub(super) width: usize,
    pub(super) dst: RowMut<'a>,
}

impl PackedKernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { step, bias, columns, width, dst } = self;
        let step = lanes.splat(step);
        for (channel, &bias) in bias.iter().enumerate() {
            let bias = lanes.splat(bias);
            for x in columns.clone().step_by(L::WIDTH) {
                let place = &mut dst.data[MARGIN + channel * dst.stride + x..];
                let value = lanes.mul_add(lanes.load(place), step, bias);
                lanes.store(place, lanes.keep_first(value, width - x));
            }
        }
    }
}
