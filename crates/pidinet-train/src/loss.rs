//! What training makes small: weighted binary cross-entropy of five maps.

/// How labels become targets and weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// λ: how much more a negative pixel counts than its share of the pixels says.
    pub lambda: f32,
    /// Whether a target is the label itself, or 1 for every positive pixel.
    pub soft: bool,
}

/// Labels as they are stored: what the annotators say of each pixel.
///
/// 0 is no boundary, values in `(0, 1]` the share of annotators who see one; [`IGNORED`] counts nothing.
pub type Label = f32;

/// A pixel that is neither boundary nor not: outside the picture, or doubtful.
pub const IGNORED: Label = -1.0;

impl Loss {
    /// The loss of five maps `[h, w]` before their sigmoids, and its gradients, which replace the maps.
    ///
    /// With `Y+` the positive pixels of the image and `Y−` the negative ones, each map adds
    ///
    /// ```text
    /// Σ_{Y+} |Y−|/(|Y+|+|Y−|) · H(t, p)  +  Σ_{Y−} λ |Y+|/(|Y+|+|Y−|) · H(0, p)
    /// ```
    ///
    /// where `p` is the sigmoid, `t` the target and `H` the cross-entropy. The gradient of a term by the logit
    /// is its weight times `p − t`. Gradients are multiplied with `scale`, the loss is not.
    pub fn differentiate(&self, labels: &[Label], scale: f32, maps: &mut [Vec<f32>; 5]) -> f64 {
        let asked = self.asked(labels);
        let mut loss = 0.0;
        for map in maps {
            for (rows, labels) in map.chunks_mut(1024).zip(labels.chunks(1024)) {
                let mut sum = 0.0;
                for (x, &label) in rows.iter_mut().zip(labels) {
                    let (weight, target) = asked(label);
                    // −t ln p − (1 − t) ln(1 − p), with nothing large in an exponential.
                    let small = (-x.abs()).exp();
                    sum += weight * (x.max(0.0) - *x * target + small.ln_1p());
                    let p = if *x >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
                    *x = scale * weight * (p - target);
                }
                loss += f64::from(sum);
            }
        }
        loss
    }

    /// What a label asks for, in an image with these labels: how much its pixel counts, and its target.
    pub fn asked(self, labels: &[Label]) -> impl Fn(Label) -> (f32, f32) {
        let positive = labels.iter().filter(|&&label| label > 0.0).count() as f32;
        let negative = labels.iter().filter(|&&label| label == 0.0).count() as f32;
        let all = (positive + negative).max(1.0);
        let weights = [self.lambda * positive / all, negative / all];
        move |label| {
            let weight = if label < 0.0 { 0.0 } else { weights[usize::from(label > 0.0)] };
            let target = if self.soft || label <= 0.0 { label.max(0.0) } else { 1.0 };
            (weight, target)
        }
    }
}
