//! Which pixels a convolution reads, and how its raw weights turn into those of its taps.

use pidinet::arch::Conv;
use pidinet::reparam::fold_f64;

/// The taps of a convolution and the linear map from raw to folded weights.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    /// Rows down and columns right of the pixel, in pixels.
    pub(super) offsets: Vec<(isize, isize)>,
    /// Raw weights of one kernel: 1 or 9.
    pub(super) raw: usize,
    /// `folded[tap] += coefficient · raw[weight]`, as `(tap, weight, coefficient)`.
    terms: Vec<(usize, usize, f32)>,
}

impl Taps {
    /// Folding is linear, so its matrix is found by folding kernels with a single 1. Taps that are always
    /// zero are left out.
    pub(super) fn new(conv: &Conv) -> Self {
        let raw = conv.size * conv.size;
        let kernel = Conv { inputs: 1, outputs: 1, groups: 1, ..*conv };
        let side = kernel.folded_shape()[2];
        let columns: Vec<Vec<f64>> = (0..raw)
            .map(|weight| {
                let mut unit = vec![0.0; raw];
                unit[weight] = 1.0;
                fold_f64(&kernel, &unit)
            })
            .collect();
        let (mut offsets, mut terms) = (Vec::new(), Vec::new());
        for place in 0..side * side {
            let row = columns.iter().map(|column| column[place] as f32).enumerate();
            let row: Vec<_> = row.filter(|(_, coefficient)| *coefficient != 0.0).collect();
            if row.is_empty() {
                continue;
            }
            terms.extend(row.into_iter().map(|(weight, coefficient)| (offsets.len(), weight, coefficient)));
            let from_centre = |i: usize| (i as isize - side as isize / 2) * conv.dilation as isize;
            offsets.push((from_centre(place / side), from_centre(place % side)));
        }
        Self { offsets, raw, terms }
    }

    /// Distance of the farthest tap in pixels, along rows or columns.
    pub(super) fn reach(&self) -> usize {
        self.offsets.iter().map(|(dy, dx)| dy.unsigned_abs().max(dx.unsigned_abs())).max().unwrap_or(0)
    }

    /// The folded weight of each tap, from the raw weights of a kernel.
    pub(super) fn fold(&self, raw: &[f32], folded: &mut [f32]) {
        folded.fill(0.0);
        for &(tap, weight, coefficient) in &self.terms {
            folded[tap] += coefficient * raw[weight];
        }
    }

    /// Gradients of the raw weights, from those of the folded ones; added to `raw`.
    pub(super) fn unfold(&self, folded: &[f32], raw: &mut [f32]) {
        for &(tap, weight, coefficient) in &self.terms {
            raw[weight] += coefficient * folded[tap];
        }
    }
}
