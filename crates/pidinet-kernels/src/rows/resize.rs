//! Bilinear resizing as PyTorch does it with `align_corners=False`, and the last pass of the network.
//!
//! Output position `i` lies at `(i + 1/2) * input / output - 1/2` of the input, in `f32` and not below zero;
//! it takes its value from the two input positions around it. Rows are blended first, while they are short,
//! and then stretched.

use std::ops::Range;

use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::elementwise::sigmoid;
use crate::rows::row::{MARGIN, Row};

/// For every output position of one axis, the input position to its left and the weight of the next one.
#[derive(Clone, Debug)]
pub struct Axis {
    first: Vec<u32>,
    weight: Vec<f32>,
    input: usize,
}

/// The two input positions that an output position lies between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// The position at or before it.
    pub first: usize,
    /// The next one, or the same at the end.
    pub second: usize,
    /// Weight of `second`; that of `first` is one minus it. In `[0, 1)`.
    pub weight: f32,
}

impl Axis {
    /// An axis of `input` positions resized to `output`.
    ///
    /// # Panics
    ///
    /// When one of them is zero.
    pub fn new(input: usize, output: usize) -> Axis {
        Axis::part(input, output, 0..input, 0..output)
    }

    /// Part of an axis: `from` positions of its input and `to` positions of its output, placed as on the
    /// whole axis. Positions outside `from` take the value at its end.
    ///
    /// # Panics
    ///
    /// When a range is empty.
    pub fn part(input: usize, output: usize, from: Range<usize>, to: Range<usize>) -> Axis {
        assert!(
            !from.is_empty() && !to.is_empty(),
            "resizing {from:?} of {input} positions to {to:?} of {output}"
        );
        let scale = input as f32 / output as f32;
        let last = from.len() - 1;
        let place = |i: usize| {
            if input == output {
                return (i.saturating_sub(from.start).min(last) as u32, 0.0);
            }
            let position = (scale * (i as f32 + 0.5) - 0.5).max(0.0);
            let first = (position as usize).min(input - 1);
            let weight = (position - first as f32).min(1.0);
            (first.saturating_sub(from.start).min(last) as u32, weight)
        };
        let (first, weight) = to.map(place).unzip();
        Axis { first, weight, input: from.len() }
    }

    /// Input positions.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Output positions.
    pub fn output(&self) -> usize {
        self.first.len()
    }

    /// Where output position `i` lies.
    pub fn at(&self, i: usize) -> Between {
        let first = self.first[i] as usize;
        Between { first, second: (first + 1).min(self.input - 1), weight: self.weight[i] }
    }
}

/// A map of one channel that takes part in a [`Fuse`]: the two of its rows around the output row.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The row at [`Between::first`].
    pub upper: Row<'a>,
    /// The row at [`Between::second`].
    pub lower: Row<'a>,
    /// [`Between::weight`] of the output row.
    pub lower_weight: f32,
    /// What the map is multiplied by.
    pub scale: f32,
    /// From its columns to the output's.
    pub columns: &'a Axis,
}

/// The last operation of a [`Fuse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The sum itself.
    Sum,
    /// The logistic function of the sum.
    Sigmoid,
}

/// One row of the network's output: `dst = sigmoid(bias + sum over parts of scale * resized map)`.
///
/// # Panics
///
/// [`Kernel::run`] panics when an axis does not have as many outputs as `dst`, a row is too short,
/// or `scratch` is shorter than [`scratch_len`].
#[derive(Debug)]
pub struct Fuse<'a> {
    /// The maps.
    pub parts: &'a [Part<'a>],
    /// Added to the sum.
    pub bias: f32,
    /// What is done to the sum.
    pub finish: Finish,
    /// Working memory; its content does not matter.
    pub scratch: &'a mut [f32],
    /// The row to write: all of its columns, and nothing after.
    pub dst: &'a mut [f32],
}

/// Length of [`Fuse::scratch`] for parts with these axes.
pub fn scratch_len<'a>(axes: impl IntoIterator<Item = &'a Axis>) -> usize {
    axes.into_iter().map(|axis| blended_len(axis.input)).sum()
}

/// Length of a blended row: whole vectors, and one more to read past the end.
fn blended_len(input: usize) -> usize {
    (input + 1).next_multiple_of(MARGIN) + MARGIN
}

impl Kernel for Fuse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { parts, bias, finish, scratch, dst } = self;
        let mut rest = &mut *scratch;
        for part in parts {
            assert_eq!(part.columns.output(), dst.len(), "columns of an axis and of the row");
            let (blended, after) = rest.split_at_mut(blended_len(part.columns.input));
            blend(lanes, part, blended);
            rest = after;
        }
        for x in (0..dst.len()).step_by(L::WIDTH) {
            let mut sum = lanes.splat(bias);
            let mut rest = &*scratch;
            for part in parts {
                let (blended, after) = rest.split_at(blended_len(part.columns.input));
                sum = lanes.add(sum, stretch(lanes, part.columns, blended, x));
                rest = after;
            }
            if finish == Finish::Sigmoid {
                sum = sigmoid(lanes, sum);
            }
            let end = dst.len().min(x + L::WIDTH);
            lanes.store_first(&mut dst[x..end], sum);
        }
    }
}

/// `scale * (upper + (lower - upper) * weight)` for all columns, with the last one repeated.
#[inline(always)]
fn blend<L: Lanes>(lanes: L, part: &Part<'_>, blended: &mut [f32]) {
    let width = part.columns.input;
    let upper_weight = lanes.splat((1.0 - part.lower_weight) * part.scale);
    let lower_weight = lanes.splat(part.lower_weight * part.scale);
    for x in (0..width).step_by(L::WIDTH) {
        let upper = lanes.mul(upper_weight, lanes.load(&part.upper.data[MARGIN + x..]));
        let both = lanes.mul_add(lower_weight, lanes.load(&part.lower.data[MARGIN + x..]), upper);
        lanes.store(&mut blended[x..], both);
    }
    blended[width] = blended[width - 1];
}

/// Output columns `x..x + WIDTH` of a blended row.
#[inline(always)]
fn stretch<L: Lanes>(lanes: L, axis: &Axis, blended: &[f32], x: usize) -> L::F32 {
    let (indices, weights) = (&axis.first[x..], &axis.weight[x..]);
    if axis.input > axis.output() || indices.len() < L::WIDTH {
        let mut values = [0.0; MARGIN];
        for ((value, &index), &weight) in values[..L::WIDTH].iter_mut().zip(indices).zip(weights) {
            let index = index as usize;
            *value = (1.0 - weight) * blended[index] + weight * blended[index + 1];
        }
        return lanes.load(&values);
    }
    // Input columns are at least as far apart as output columns, so one vector holds all that are needed.
    let first = indices[0];
    let left = lanes.pick(lanes.load(&blended[first as usize..]), first, indices);
    let right = lanes.pick(lanes.load(&blended[first as usize + 1..]), first, indices);
    let weight = lanes.load(weights);
    let rest = lanes.sub(lanes.splat(1.0), weight);
    lanes.mul_add(weight, right, lanes.mul(rest, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions of a part are those of the whole axis; at its ends, where the input is missing, the nearest
    /// one is used.
    #[test]
    fn a_part_of_an_axis_lies_where_the_whole_does() {
        for (input, output) in [(125, 1003), (40, 40), (125, 1000)] {
            let whole = Axis::new(input, output);
            let per = output / input;
            let (from, to) = (16..input - 5, 16 * per..output - 5 * per);
            let part = Axis::part(input, output, from.clone(), to.clone());
            assert_eq!((part.input(), part.output()), (from.len(), to.len()));
            for i in 8 * per..to.len() - 8 * per {
                let (want, got) = (whole.at(i + to.start), part.at(i));
                let moved = Between { first: got.first + from.start, second: got.second + from.start, ..got };
                assert_eq!(moved, want, "{i} of {input} to {output}");
            }
            assert!((0..to.len()).all(|i| part.at(i).second < from.len()));
        }
    }
}
