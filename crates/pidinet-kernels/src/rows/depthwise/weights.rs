//! Weights of a depthwise convolution, and where its taps read.

use crate::rows::row::MARGIN;

/// Folded depthwise weights without the taps that are zero in every channel: a radial kernel keeps 16 of
/// 25, an angular one 8 of 9.
#[derive(Clone, Debug)]
pub struct DepthwiseWeights {
    /// `[c][tap]`
    pub(super) packed: Vec<f32>,
    pub(super) taps: Vec<TapPlace>,
    pub(super) channels: usize,
    pub(super) size: usize,
    /// Size, dilation, and a bit for every position that has a tap.
    pub(super) shape: (usize, usize, u32),
}

/// Where a tap reads: which of the rows, and how far right of the output column.
#[derive(Clone, Copy, Debug)]
pub(super) struct TapPlace {
    pub(super) row: usize,
    pub(super) dx: isize,
}

impl DepthwiseWeights {
    /// Packs weights `[channels, size, size]` of a convolution with the given dilation.
    ///
    /// # Panics
    ///
    /// When `size` is even, `weights` does not have `channels * size * size` elements, or the
    /// padding is wider than [`MARGIN`].
    pub fn pack(weights: &[f32], channels: usize, size: usize, dilation: usize) -> DepthwiseWeights {
        assert!(
            size % 2 == 1 && size / 2 * dilation <= MARGIN,
            "a {size}x{size} window of dilation {dilation}"
        );
        assert_eq!(weights.len(), channels * size * size, "weights of {channels} channels of {size}x{size}");
        let positions = size * size;
        let used: Vec<usize> = (0..positions)
            .filter(|&tap| weights.iter().skip(tap).step_by(positions).any(|&weight| weight != 0.0))
            .collect();
        let packed = weights.chunks_exact(positions).flat_map(|kernel| used.iter().map(|&tap| kernel[tap]));
        let reach = (size / 2 * dilation) as isize;
        let place = |tap: usize| TapPlace { row: tap / size, dx: (tap % size * dilation) as isize - reach };
        let shape = (size, dilation, used.iter().map(|tap| 1 << tap).sum());
        DepthwiseWeights {
            packed: packed.collect(),
            taps: used.iter().map(|&tap| place(tap)).collect(),
            channels,
            size,
            shape,
        }
    }

    /// Channels in and out.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows of the window: 3 or 5.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Multiply-adds for one output: the remaining taps.
    pub fn taps(&self) -> usize {
        self.taps.len()
    }
}
