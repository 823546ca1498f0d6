//! Batch norm: by the batch while a network learns, else as one factor and one term for each channel.

use burn_tensor::Tensor;
use pidinet::arch::binary::NORM_EPSILON;

/// Means and variances of the channels of a batch, one number for each.
#[derive(Debug)]
pub(crate) struct Moments {
    pub(crate) mean: Tensor<1>,
    pub(crate) variance: Tensor<1>,
    /// Pixels of a channel.
    pub(crate) count: usize,
}

/// `(x − mean) / √(variance + ε) · weight + bias` by the moments of the batch.
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

/// A batch norm with what it has seen before.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) scale: Vec<f64>,
    pub(super) offset: Vec<f64>,
}

impl Affine {
    pub(super) fn new([weight, bias, mean, variance]: [&[f32]; 4]) -> Self {
        let each = |c: usize| {
            let scale = f64::from(weight[c]) / (f64::from(variance[c]) + NORM_EPSILON).sqrt();
            (scale, f64::from(bias[c]) - f64::from(mean[c]) * scale)
        };
        let (scale, offset) = (0..weight.len()).map(each).unzip();
        Self { scale, offset }
    }
}
