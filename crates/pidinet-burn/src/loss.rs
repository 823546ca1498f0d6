//! The published loss on Burn's tensors: [`pidinet_train::loss::Loss`], differentiated by Burn.

use burn_tensor::activation::log_sigmoid;
use burn_tensor::{Device, Tensor, TensorData};
use pidinet_train::data::augment::Sample;
use pidinet_train::loss::Loss;

/// What a batch asks for.
pub(crate) struct Asked {
    /// How much each pixel counts, `[n, 1, h, w]`.
    weights: Tensor<4>,
    /// What each should be, `[n, 1, h, w]`.
    targets: Tensor<4>,
}

impl Asked {
    /// What samples of equal size ask for. Weights are counted for each of them.
    pub(crate) fn new(loss: &Loss, samples: &[&Sample], device: &Device) -> Self {
        let (weights, targets): (Vec<f32>, Vec<f32>) = samples
            .iter()
            .flat_map(|sample| sample.labels.iter().copied().map(loss.asked(&sample.labels)))
            .unzip();
        let shape = [samples.len(), 1, samples[0].height, samples[0].width];
        let tensor = |values| Tensor::from_data(TensorData::new(values, shape), device);
        Self { weights: tensor(weights), targets: tensor(targets) }
    }

    /// The sum of the cross-entropies of five maps before their sigmoids, `[n, 5, h, w]`.
    ///
    /// `−t ln p − (1 − t) ln(1 − p)` is `(1 − t) x − ln p`, where `p` is the sigmoid of `x`.
    pub(crate) fn loss(self, logits: Tensor<4>) -> Tensor<1> {
        let negative = -self.targets + 1.0;
        (self.weights * (negative * logits.clone() - log_sigmoid(logits))).sum()
    }
}
