//! Counts of matched pixels, in the ground truth and in the prediction.

use pidinet::post::Mask;
use serde::{Deserialize, Serialize};

use crate::edges::matching::{Matching, Pixels};

/// Counts at one threshold, for one image or summed over many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pixels of the truth that are matched, summed over annotators (`cntR` in the toolbox).
    pub found: u64,
    /// Pixels of the truth, summed over annotators (`sumR`).
    pub truth: u64,
    /// Predicted pixels matched to at least one annotator (`cntP`).
    pub right: u64,
    /// Predicted pixels (`sumP`).
    pub predicted: u64,
}

impl Counts {
    /// Share of the truth that was found; 0 if there is no truth.
    pub fn recall(&self) -> f64 {
        self.found as f64 / self.truth.max(1) as f64
    }

    /// Share of the prediction that is right; 0 if nothing is predicted.
    pub fn precision(&self) -> f64 {
        self.right as f64 / self.predicted.max(1) as f64
    }

    /// The harmonic mean of recall and precision.
    pub fn f(&self) -> f64 {
        f_measure(self.recall(), self.precision())
    }
}

/// Counts of several images together.
impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.found += other.found;
        self.truth += other.truth;
        self.right += other.right;
        self.predicted += other.predicted;
    }
}

/// The harmonic mean of recall and precision; 0 if both are 0.
pub fn f_measure(recall: f64, precision: f64) -> f64 {
    if recall + precision > 0.0 { 2.0 * recall * precision / (recall + precision) } else { 0.0 }
}

/// The counts of several predictions for one image, one after the other.
///
/// Only the pixels that change from one prediction to the next are rematched, so an order in which neighbours are
/// alike, such as by threshold, is fast. The counts do not depend on the order.
///
/// # Panics
///
/// If the images differ in size.
pub fn counts(predictions: &[Mask], annotators: &[Mask], reach: f64) -> Vec<Counts> {
    let Some(first) = predictions.first() else { return Vec::new() };
    let mut union = Mask::new(first.size());
    for prediction in predictions {
        union |= prediction;
    }
    let candidates = Pixels::of(&union);
    let mut matchings: Vec<Matching> =
        annotators.iter().map(|truth| Matching::new(&candidates, truth, reach)).collect();
    let truth = annotators.iter().map(|truth| truth.count() as u64).sum();

    let mut present = Mask::new(first.size());
    let mut right = vec![false; candidates.len()];
    let mut counts = Vec::with_capacity(predictions.len());
    for prediction in predictions {
        let number = |(x, y)| candidates.number(x, y).expect("the union has every predicted pixel");
        let gone: Vec<u32> = present.without(prediction).pixels().map(number).collect();
        let new: Vec<u32> = prediction.without(&present).pixels().map(number).collect();
        right.fill(false);
        for matching in &mut matchings {
            gone.iter().for_each(|&number| matching.remove(number));
            new.iter().for_each(|&number| matching.insert(number));
            for (right, matched) in right.iter_mut().zip(matching.matched()) {
                *right |= matched;
            }
        }
        counts.push(Counts {
            found: matchings.iter().map(|matching| matching.pairs() as u64).sum(),
            truth,
            right: right.iter().filter(|&&right| right).count() as u64,
            predicted: prediction.count() as u64,
        });
        present = prediction.clone();
    }
    counts
}

#[cfg(test)]
mod tests {
    use pidinet::Size;

    use super::*;
    use crate::edges::matching::matching;

    /// Vertical lines, broken every `gap` rows.
    fn lines(columns: &[usize], gap: usize) -> Mask {
        Mask::from_fn(Size { height: 40, width: 80 }, |x, y| columns.contains(&x) && y % gap != 0)
    }

    #[test]
    fn counts_are_those_of_separate_matchings() {
        let annotators = [lines(&[10, 40, 64], 50), lines(&[11, 39], 7), lines(&[20, 70], 3)];
        let predictions =
            [lines(&[], 2), lines(&[12, 40], 5), lines(&[12, 38, 66, 75], 9), lines(&[40, 13], 4)];
        let reach = 3.0;
        let together = counts(&predictions, &annotators, reach);
        for (prediction, counts) in predictions.iter().zip(&together) {
            let each: Vec<_> = annotators.iter().map(|truth| matching(prediction, truth, reach)).collect();
            let mut right = Mask::new(Size { height: 40, width: 80 });
            each.iter().flat_map(|m| m.positions()).for_each(|((x, y), _)| right.insert(x, y));
            let want = Counts {
                found: each.iter().map(|matching| matching.pairs() as u64).sum(),
                truth: annotators.iter().map(|truth| truth.count() as u64).sum(),
                right: right.count() as u64,
                predicted: prediction.count() as u64,
            };
            assert_eq!(*counts, want);
        }
        let backwards: Vec<Mask> = predictions.iter().rev().cloned().collect();
        let mut again = super::counts(&backwards, &annotators, reach);
        again.reverse();
        assert_eq!(again, together);
    }

    #[test]
    fn shares_of_nothing_are_zero() {
        let none = Counts::default();
        assert_eq!((none.recall(), none.precision(), none.f()), (0.0, 0.0, 0.0));
        let half = Counts { found: 1, truth: 2, right: 1, predicted: 1 };
        assert_eq!((half.recall(), half.precision()), (0.5, 1.0));
        assert!((half.f() - 2.0 / 3.0).abs() < 1e-15);
    }
}
