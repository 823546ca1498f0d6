//! The published loss on Burn's tensors: [`pidinet_train::edges::loss::Loss`], differentiated by Burn.

use burn_tensor::activation::log_sigmoid;
use burn_tensor::{Device, Tensor, TensorData};
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::sample::Sample;

/// The targets of a batch.
pub(crate) struct Asked {
    /// How much each pixel counts, `[n, 1, h, w]`.
    weights: Tensor<4>,
    /// The target of each pixel, `[n, 1, h, w]`.
    targets: Tensor<4>,
    /// How much each pixel counts in the teacher's term, and its target, `[n, 1, h, w]`.
    taught: Option<[Tensor<4>; 2]>,
}

impl Asked {
    /// The targets of samples of equal size. Weights are computed for each sample.
    pub(crate) fn new(loss: &Loss, samples: &[&Sample], device: &Device) -> Self {
        let (weights, targets): (Vec<f32>, Vec<f32>) = samples
            .iter()
            .flat_map(|sample| sample.labels.iter().copied().map(loss.asked(&sample.labels)))
            .unzip();
        let shape = [samples.len(), 1, samples[0].height, samples[0].width];
        let tensor = |values| Tensor::from_data(TensorData::new(values, shape), device);
        let taught = samples.iter().any(|sample| sample.lesson.is_some()).then(|| {
            let (weights, targets): (Vec<f32>, Vec<f32>) =
                samples.iter().flat_map(|sample| taught(loss, sample)).unzip();
            [tensor(weights), tensor(targets)]
        });
        Self { weights: tensor(weights), targets: tensor(targets), taught }
    }

    /// The sum of the cross-entropies of five maps before their sigmoids, `[n, 5, h, w]`, the last of which
    /// also has the teacher's term.
    ///
    /// `−t ln p − (1 − t) ln(1 − p)` is `(1 − t) x − ln p`, where `p` is the sigmoid of `x`.
    pub(crate) fn loss(self, logits: Tensor<4>) -> Tensor<1> {
        let fused = logits.clone().slice_dim(1, 4..5);
        let truth = entropy(self.weights, self.targets, logits);
        match self.taught {
            Some([weights, targets]) => truth + entropy(weights, targets, fused),
            None => truth,
        }
    }
}

fn entropy(weights: Tensor<4>, targets: Tensor<4>, logits: Tensor<4>) -> Tensor<1> {
    let negative = -targets + 1.0;
    (weights * (negative * logits.clone() - log_sigmoid(logits))).sum()
}

/// Weight and target of each pixel of a sample in the teacher's term.
fn taught(loss: &Loss, sample: &Sample) -> Vec<(f32, f32)> {
    let Some(lesson) = &sample.lesson else { return vec![(0.0, 0.0); sample.labels.len()] };
    let weight = loss.lesson_weight(&sample.labels, lesson);
    let pixel = |&target: &f32| if target < 0.0 { (0.0, 0.0) } else { (weight, target) };
    lesson.map.iter().map(pixel).collect()
}
