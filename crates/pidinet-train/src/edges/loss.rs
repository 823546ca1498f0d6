//! The loss: weighted binary cross-entropy of five maps, and that of a teacher's map.

use pidinet_kernels::Isa;
use pidinet_kernels::planes::CrossEntropy;

use super::sample::{Label, Lesson, Sample};

/// How labels become targets and weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// λ: how many times as much a negative pixel counts as its share of the pixels says.
    pub lambda: f32,
    /// Whether a target is the label itself, or 1 for every positive pixel.
    pub soft: bool,
}

impl Loss {
    /// The loss of a sample: that of its labels, and the teacher's term if it has a teacher. As
    /// [`Loss::differentiate`] and [`Loss::teach`].
    pub fn of(&self, sample: &Sample, scale: f32, maps: &mut [Vec<f32>; 5]) -> f64 {
        let Some(lesson) = &sample.lesson else { return self.differentiate(&sample.labels, scale, maps) };
        let mut fused = maps[4].clone();
        let taught = self.teach(&sample.labels, lesson, scale, &mut fused);
        let loss = self.differentiate(&sample.labels, scale, maps);
        maps[4].iter_mut().zip(fused).for_each(|(sum, gradient)| *sum += gradient);
        loss + taught
    }

    /// The teacher's term of the fused map `[h, w]` before its sigmoid, and its gradient, which replaces the map.
    ///
    /// ```text
    /// Σ_A trust · M/|A| · H(t, p)
    /// ```
    ///
    /// where `A` are the pixels inside the picture, `t` is the teacher's map, and `M` the sum of the truth's
    /// weights in one map, so that with a trust of 1 teacher and truth count equally:
    /// `M = (1 + λ) |Y+||Y−|/(|Y+|+|Y−|)`. If `Y+` or `Y−` is empty, there is no such truth, and the teacher's own map gives
    /// their sizes: `Σ t` and `Σ (1 − t)`. Every pixel has the same weight, since the teacher's probabilities
    /// already come from the balanced truth.
    pub fn teach(&self, labels: &[Label], lesson: &Lesson, scale: f32, fused: &mut [f32]) -> f64 {
        let weight = self.lesson_weight(labels, lesson);
        let weights: Vec<f32> =
            lesson.map.iter().map(|&target| if target < 0.0 { 0.0 } else { weight }).collect();
        CrossEntropy { logits: fused, targets: &lesson.map, weights: &weights, scale }.run_on(Isa::best())
    }

    /// The weight of each pixel in the teacher's term, `trust · M/|A|`.
    pub fn lesson_weight(&self, labels: &[Label], lesson: &Lesson) -> f32 {
        let mut inside = 0.0;
        let mut edges = 0.0;
        for &value in lesson.map.iter().filter(|value| **value >= 0.0) {
            inside += 1.0;
            edges += f64::from(value);
        }
        if inside == 0.0 {
            return 0.0;
        }
        let positive = labels.iter().filter(|&&label| label > 0.0).count() as f64;
        let negative = labels.iter().filter(|&&label| label == 0.0).count() as f64;
        let known = positive > 0.0 && negative > 0.0;
        let [positive, negative] = if known { [positive, negative] } else { [edges, inside - edges] };
        let mass = (1.0 + f64::from(self.lambda)) * positive * negative / (positive + negative);
        (f64::from(lesson.trust) * mass / inside) as f32
    }

    /// The loss of five maps `[h, w]` before their sigmoids, and its gradients, which replace the maps.
    ///
    /// With `Y+` the positive pixels of the image and `Y−` the negative ones, each map adds
    ///
    /// ```text
    /// Σ_{Y+} |Y−|/(|Y+|+|Y−|) · H(t, p)  +  Σ_{Y−} λ |Y+|/(|Y+|+|Y−|) · H(0, p)
    /// ```
    ///
    /// where `p` is the sigmoid, `t` the target and `H` the cross-entropy. Without negative pixels, because
    /// the truth knows only boundaries, each positive one counts once. The gradient of a term with respect to
    /// the logit is its weight times `p − t`. Gradients are multiplied by `scale`, the loss is not.
    pub fn differentiate(&self, labels: &[Label], scale: f32, maps: &mut [Vec<f32>; 5]) -> f64 {
        let asked = self.asked(labels);
        let weights: Vec<f32> = labels.iter().map(|&label| asked(label).0).collect();
        let targets: Vec<f32> = labels.iter().map(|&label| asked(label).1).collect();
        let of = |logits: &mut Vec<f32>| {
            CrossEntropy { logits, targets: &targets, weights: &weights, scale }.run_on(Isa::best())
        };
        maps.iter_mut().map(of).sum()
    }

    /// For a label in an image with these labels: how much its pixel counts, and its target.
    pub fn asked(self, labels: &[Label]) -> impl Fn(Label) -> (f32, f32) {
        let positive = labels.iter().filter(|&&label| label > 0.0).count() as f32;
        let negative = labels.iter().filter(|&&label| label == 0.0).count() as f32;
        let all = (positive + negative).max(1.0);
        let weights = [self.lambda * positive / all, if negative > 0.0 { negative / all } else { 1.0 }];
        move |label| {
            let weight = if label < 0.0 { 0.0 } else { weights[usize::from(label > 0.0)] };
            let target = if self.soft || label <= 0.0 { label.max(0.0) } else { 1.0 };
            (weight, target)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::sample::IGNORED;

    const LOSS: Loss = Loss { lambda: 1.1, soft: false };

    fn cross_entropy(target: f64, x: f64) -> f64 {
        let p = 1.0 / (1.0 + (-x).exp());
        -target * p.ln() - (1.0 - target) * (1.0 - p).ln()
    }

    fn sample(labels: &[f32], map: &[f32], trust: f32) -> Sample {
        let lesson = Some(Lesson { map: map.to_vec(), trust });
        let (width, labels) = (labels.len(), labels.to_vec());
        Sample { width, height: 1, image: Vec::new(), labels, lesson, name: String::new() }
    }

    #[test]
    fn trust_one_weighs_as_much_as_the_truth_does_in_one_map() {
        let labels = [1.0, 0.0, 0.0, 0.0, IGNORED, 0.4];
        let map = [0.9, 0.1, 0.0, 0.2, 0.3, IGNORED];
        let asked = LOSS.asked(&labels);
        let truth: f32 = labels.iter().map(|&label| asked(label).0).sum();
        let lesson = Lesson { map: map.to_vec(), trust: 1.0 };
        assert!((5.0 * LOSS.lesson_weight(&labels, &lesson) - truth).abs() < 1e-6, "of five pixels inside");
        let nothing = [IGNORED; 6];
        let edges: f32 = 1.5;
        let mass = 2.1 * edges * (5.0 - edges) / 5.0;
        assert!((5.0 * LOSS.lesson_weight(&nothing, &lesson) - mass).abs() < 1e-6, "as the teacher sees it");
    }

    #[test]
    fn the_teacher_is_asked_of_the_fused_map_alone() {
        let (labels, map) = ([1.0, 0.0, 0.0, IGNORED], [0.9, 0.25, IGNORED, 0.5]);
        let logits = [0.5, -2.0, 1.0, 3.0_f32];
        let mut maps: [Vec<f32>; 5] = std::array::from_fn(|k| logits.map(|x| x + k as f32 / 4.0).to_vec());
        let fused = maps[4].clone();
        let mut alone = maps.clone();
        let truth = LOSS.differentiate(&labels, 0.5, &mut alone);
        let sample = sample(&labels, &map, 2.0);
        let weight = LOSS.lesson_weight(&labels, sample.lesson.as_ref().unwrap());
        let loss = LOSS.of(&sample, 0.5, &mut maps);
        let inside = map.iter().zip(&fused).filter(|(target, _)| **target >= 0.0);
        let taught: f64 = inside.map(|(&t, &x)| cross_entropy(t.into(), x.into())).sum();
        assert!((loss - truth - f64::from(weight) * taught).abs() < 1e-5);
        assert_eq!(maps[..4], alone[..4], "the sides learn from the truth");
        for at in 0..4 {
            let p = 1.0 / (1.0 + (-fused[at]).exp());
            let pull = if map[at] < 0.0 { 0.0 } else { 0.5 * weight * (p - map[at]) };
            assert!((maps[4][at] - alone[4][at] - pull).abs() < 1e-6, "pixel {at}");
        }
    }

    #[test]
    fn boundaries_count_once_where_nothing_else_is_known() {
        let labels = [1.0, IGNORED, IGNORED, 0.5];
        let mut maps: [Vec<f32>; 5] = std::array::from_fn(|_| vec![0.0; 4]);
        let loss = LOSS.differentiate(&labels, 1.0, &mut maps);
        assert!((loss - 10.0 * std::f64::consts::LN_2).abs() < 1e-5);
        assert!(maps.iter().all(|map| map[..] == [-0.5, 0.0, 0.0, -0.5]));
    }
}
