//! The border of a 3x3 convolution of signs, where pixels are missing.

use crate::pixels::pack::GROUP;

/// What pixels outside a map wrongly add to a 3x3 convolution: their bits are 0 and so read as +1, which adds
/// the signs of the weights that multiply them. They should add nothing.
#[derive(Clone, Debug)]
pub struct Border {
    /// For each set of missing sides, `[outputs padded to GROUP]`.
    excess: Vec<Vec<f32>>,
}

const TOP: usize = 1;
const BOTTOM: usize = 2;
const LEFT: usize = 4;
const RIGHT: usize = 8;

/// A row of a convolution, and the map it is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Row of the output.
    pub y: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Distance between neighbouring outputs in the input.
    pub stride: usize,
}

impl Border {
    /// From the sums of the signs of each tap's weights: `[output][9]`, row by row.
    ///
    /// # Panics
    ///
    /// When `taps` are not nine for each output.
    pub fn new(taps: &[f32]) -> Self {
        let (taps, rest) = taps.as_chunks::<9>();
        assert!(rest.is_empty(), "nine sums for each output");
        let padded = taps.len().next_multiple_of(GROUP);
        let excess = (0..16).map(|sides| {
            let is_outside = |tap: &usize| {
                let (row, column) = (tap / 3, tap % 3);
                row == 0 && sides & TOP != 0
                    || row == 2 && sides & BOTTOM != 0
                    || column == 0 && sides & LEFT != 0
                    || column == 2 && sides & RIGHT != 0
            };
            let outside: Vec<usize> = (0..9).filter(is_outside).collect();
            let mut sums: Vec<f32> =
                taps.iter().map(|sums| outside.iter().map(|&tap| sums[tap]).sum()).collect();
            sums.resize(padded, 0.0);
            sums
        });
        Self { excess: excess.collect() }
    }

    /// Subtracts from a row `[pixel][outputs padded to GROUP]` what missing pixels added to it.
    pub fn take_off(&self, place: Place, dst: &mut [f32]) {
        let Place { y, height, width, stride } = place;
        let padded = self.excess[0].len();
        let pixels = dst.len() / padded;
        let missing = |at: usize, length: usize, [before, after]: [usize; 2]| {
            let (first, last) = (at == 0, at * stride + 1 >= length);
            before * usize::from(first) + after * usize::from(last)
        };
        let rows = missing(y, height, [TOP, BOTTOM]);
        let mut pixel = |x: usize| {
            let sides = rows + missing(x, width, [LEFT, RIGHT]);
            if sides != 0 {
                let sums = dst[x * padded..].iter_mut();
                sums.zip(&self.excess[sides]).for_each(|(sum, excess)| *sum -= excess);
            }
        };
        if rows == 0 {
            pixel(0);
            if pixels > 1 {
                pixel(pixels - 1);
            }
        } else {
            (0..pixels).for_each(pixel);
        }
    }
}
