//! Ranges of columns.

use pidinet_kernels::rows::row;
use std::ops::Range;

/// `0..width` cut at the multiples of 16 among `cuts`, in reverse order.
pub(crate) fn ranges(width: usize, cuts: &[usize]) -> Vec<Range<usize>> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut * row::MARGIN).filter(|&cut| cut < width).collect();
    ends.extend([0, width]);
    ends.sort_unstable();
    ends.dedup();
    ends.windows(2).rev().map(|ends| ends[0]..ends[1]).collect()
}
