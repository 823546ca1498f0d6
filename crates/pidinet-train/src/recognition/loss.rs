//! Cross-entropy with distributions as targets: smoothed labels, mixtures, or a teacher's output.

/// For each label, a distribution with `1 − smoothing` on it and `smoothing` spread over all classes.
pub fn targets(labels: &[usize], classes: usize, smoothing: f32) -> Vec<f32> {
    let mut targets = vec![smoothing / classes as f32; labels.len() * classes];
    for (row, &label) in targets.chunks_exact_mut(classes).zip(labels) {
        row[label] += 1.0 - smoothing;
    }
    targets
}

/// Turns logits, `[n, classes]`, into probabilities.
pub fn softmax(logits: &mut [f32], classes: usize) {
    for row in logits.chunks_exact_mut(classes) {
        let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|x| *x = (*x - greatest).exp());
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|x| *x /= sum);
    }
}

/// The sum over images of `−Σ t · ln p`, where `p` is the softmax of the logits and `t` the target, both
/// `[n, classes]`. Logits are replaced by the gradient of the sum, times `scale`.
pub fn differentiate(logits: &mut [f32], targets: &[f32], classes: usize, scale: f32) -> f64 {
    let mut loss = 0.0;
    for (row, targets) in logits.chunks_exact_mut(classes).zip(targets.chunks_exact(classes)) {
        let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|x| (x - greatest).exp()).sum();
        let log = greatest + sum.ln();
        for (x, t) in row.iter_mut().zip(targets) {
            loss += f64::from(t * (log - *x));
            *x = scale * ((*x - log).exp() - t);
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_finite_differences() {
        let logits = [0.3, -1.2, 2.0, 40.0, -3.0, 0.0];
        let targets = targets(&[2, 1], 3, 0.1);
        let mut gradients = logits;
        differentiate(&mut gradients, &targets, 3, 1.0);
        for i in 0..logits.len() {
            let at = |step: f32| {
                let mut logits = logits;
                logits[i] += step;
                differentiate(&mut logits, &targets, 3, 1.0)
            };
            let expected = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!(
                (expected - f64::from(gradients[i])).abs() < 2e-4,
                "{i}: {expected} and {}",
                gradients[i]
            );
        }
    }

    #[test]
    fn probabilities_and_targets_sum_to_one() {
        let mut logits = vec![1000.0, 999.0, -1000.0];
        softmax(&mut logits, 3);
        assert!((logits.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(logits[0] > 0.73 && logits[2] == 0.0);
        assert!((targets(&[1], 4, 0.2).iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
