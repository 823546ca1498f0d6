//! Batch norm during training, with the moments of the batch.

use burn_tensor::Tensor;
use pidinet::arch::recognition::NORM_EPSILON;

/// Means and variances of the channels of a batch, one number for each.
#[derive(Debug)]
pub(crate) struct Moments {
    pub(crate) mean: Tensor<1>,
    pub(crate) variance: Tensor<1>,
    /// Pixels of a channel.
    pub(crate) count: usize,
}

/// `(x − mean) / √(variance + ε) · weight + bias` with the moments of the batch.
pub(super) fn normalise(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<4>) -> (Tensor<4>, Moments) {
    let [images, _, height, width] = x.dims();
    let mean = |x: Tensor<4>| x.mean_dim(0).mean_dim(2).mean_dim(3);
    let middle = mean(x.clone());
    let x = x - middle.clone();
    let variance = mean(x.clone() * x.clone());
    let scale = (variance.clone() + NORM_EPSILON as f32).sqrt().recip();
    let flat = |x: Tensor<4>| x.detach().flatten(0, 3);
    let moments = Moments { mean: flat(middle), variance: flat(variance), count: images * height * width };
    (x * scale * weight + bias, moments)
}
