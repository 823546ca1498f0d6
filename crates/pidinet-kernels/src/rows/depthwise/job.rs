//! What a depthwise convolution computes.

use super::weights::DepthwiseWeights;
use crate::lanes::floats::Lanes;
use crate::rows::row::Row;
use crate::rows::window::Activation;
use std::ops::Range;

/// A depthwise convolution of a row, without the destination.
pub(crate) struct Job<'a> {
    pub(crate) rows: &'a [Row<'a>],
    pub(crate) weights: &'a DepthwiseWeights,
    pub(crate) activation: Activation,
    pub(crate) columns: Range<usize>,
}

impl Job<'_> {
    /// Whether there is nothing to compute.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        assert_eq!(self.rows.len(), self.weights.size, "rows of the window");
        self.columns.is_empty()
    }

    /// The least value that the activation lets through.
    #[inline(always)]
    pub(super) fn floor<L: Lanes>(&self, lanes: L) -> L::F32 {
        match self.activation {
            Activation::None => lanes.splat(f32::NEG_INFINITY),
            Activation::Relu => lanes.splat(0.0),
        }
    }
}
