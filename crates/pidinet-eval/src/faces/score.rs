//! Cross-validated accuracy.

use super::pairs::PairList;

/// How well similarities distinguish the same person from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The accuracy on each fold, from 0 to 1, with the threshold that is best for all other folds.
    pub folds: Vec<f64>,
    /// Those thresholds: pairs at least as similar count as the same person.
    pub thresholds: Vec<f32>,
    /// Mean of the folds.
    pub accuracy: f64,
    /// Standard error of the mean: the standard deviation of the folds over the root of their number.
    pub standard_error: f64,
}

/// Scores the similarities of the pairs of a list; larger means more similar.
///
/// # Panics
///
/// If there are not as many similarities as pairs, or one is NaN.
pub fn verify(list: &PairList, similarities: &[f32]) -> Verification {
    assert_eq!(list.pairs.len(), similarities.len(), "a similarity for each pair");
    assert!(similarities.iter().all(|x| !x.is_nan()), "similarities are numbers");
    let scored = || list.pairs.iter().zip(similarities.iter().copied());
    let (mut folds, mut thresholds) = (Vec::new(), Vec::new());
    for fold in 0..list.folds {
        let others: Vec<(f32, bool)> =
            scored().filter(|(pair, _)| pair.fold != fold).map(|(pair, x)| (x, pair.same)).collect();
        let threshold = best_threshold(others);
        let own = scored().filter(|(pair, _)| pair.fold == fold);
        let (right, all) = own.fold((0, 0), |(right, all), (pair, x)| {
            (right + u32::from((x >= threshold) == pair.same), all + 1)
        });
        folds.push(f64::from(right) / f64::from(all));
        thresholds.push(threshold);
    }
    let count = folds.len() as f64;
    let accuracy = folds.iter().sum::<f64>() / count;
    let variance = folds.iter().map(|fold| (fold - accuracy).powi(2)).sum::<f64>() / (count - 1.0);
    Verification { folds, thresholds, accuracy, standard_error: (variance / count).sqrt() }
}

/// The threshold that classifies most pairs correctly: halfway between two similarities, the lowest of
/// equally good ones.
fn best_threshold(mut pairs: Vec<(f32, bool)>) -> f32 {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    // At first all count as the same person; raising the threshold past a pair changes that.
    let mut right = pairs.iter().filter(|(_, same)| *same).count();
    let mut best = (right, f32::NEG_INFINITY);
    for (at, &(similarity, same)) in pairs.iter().enumerate() {
        right = if same { right - 1 } else { right + 1 };
        let next = pairs.get(at + 1).map_or(f32::INFINITY, |pair| pair.0);
        if right > best.0 && similarity < next {
            let middle = similarity / 2.0 + next / 2.0;
            best = (right, if middle > similarity { middle } else { next });
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pair;
    use super::*;

    fn list(pairs: &[(usize, bool)]) -> PairList {
        let pair = |&(fold, same): &(usize, bool)| Pair { fold, same, sides: Default::default() };
        PairList {
            pairs: pairs.iter().map(pair).collect(),
            folds: 1 + pairs.iter().map(|p| p.0).max().unwrap(),
        }
    }

    #[test]
    fn the_threshold_comes_from_the_other_folds() {
        let list = list(&[(0, true), (0, false), (1, true), (1, false), (2, true), (2, false)]);
        // Folds 0 and 1 are separated halfway between 0.3 and 0.6; fold 2 would need more than 0.8.
        let got = verify(&list, &[0.6, 0.3, 0.7, 0.1, 0.9, 0.8]);
        assert_eq!(got.folds, [1.0, 1.0, 0.5]);
        assert!((got.thresholds[2] - 0.45).abs() < 1e-6, "{:?}", got.thresholds);
        assert!((got.accuracy - 2.5 / 3.0).abs() < 1e-12);
        // Deviations 1/6, 1/6, −1/3: variance 1/12, over three folds 1/36.
        assert!((got.standard_error - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn equal_similarities_are_not_told_apart() {
        assert_eq!(best_threshold(vec![(0.5, true), (0.5, false), (0.5, true)]), f32::NEG_INFINITY);
        assert_eq!(best_threshold(vec![(0.5, false), (0.5, false)]), f32::INFINITY);
        assert_eq!(best_threshold(vec![(0.25, false), (0.75, true)]), 0.5);
        let next = 0.5f32.next_up();
        assert_eq!(best_threshold(vec![(0.5, false), (next, true)]), next);
    }
}
