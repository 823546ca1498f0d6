//! The benchmark's scores of a whole data set.

use serde::{Deserialize, Serialize};

use crate::edges::counts::Counts;
use crate::edges::curve::{Curve, Point};

/// The scores of a detector on a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// ODS, optimal data set scale: the best point of the curve, one threshold for all images.
    pub ods: Point,
    /// OIS, optimal image scale: all images together, each at its best threshold. Its `threshold` is their mean.
    pub ois: Point,
    /// Average precision.
    pub ap: f64,
    /// Recall at a precision of one half.
    pub r50: f64,
    /// The curve of all images together.
    pub curve: Curve,
    /// The best point of each image's own curve, in the order of the images.
    pub images: Vec<Point>,
}

impl Scores {
    /// The scores, from the counts of each image at each threshold; `None` without images or thresholds.
    ///
    /// As in the BSDS and Dollár toolboxes, the curve of the data set comes from summed counts, not mean
    /// scores, so that images count in proportion to their pixels. The best points of curves are interpolated
    /// between thresholds ([`Curve::best`]), but OIS uses the counts at each image's best threshold, the
    /// first of equal ones.
    ///
    /// # Panics
    ///
    /// If an image does not have a count for each threshold.
    pub fn new(thresholds: &[f64], images: &[Vec<Counts>]) -> Option<Self> {
        let mut total = vec![Counts::default(); thresholds.len()];
        let mut best_total = Counts::default();
        let mut best_thresholds = 0.0;
        let mut points = Vec::with_capacity(images.len());
        for image in images {
            let curve = Curve::of_counts(thresholds, image);
            points.push(curve.best()?);
            let (threshold, best) = best_threshold(thresholds, image)?;
            best_total += best;
            best_thresholds += threshold;
            for (sum, counts) in total.iter_mut().zip(image) {
                *sum += *counts;
            }
        }
        let curve = Curve::of_counts(thresholds, &total);
        Some(Self {
            ods: curve.best()?,
            ois: Point::new(best_thresholds / images.len() as f64, &best_total),
            ap: curve.average_precision(),
            r50: curve.recall_at_half_precision(),
            curve,
            images: points,
        })
        .filter(|_| !images.is_empty())
    }
}

/// The threshold at which an image has the greatest F, the first of equal ones, and its counts there; `None` if there
/// are no thresholds.
pub(crate) fn best_threshold(thresholds: &[f64], image: &[Counts]) -> Option<(f64, Counts)> {
    let counts = thresholds.iter().zip(image);
    let (threshold, best) = counts.reduce(|best, next| if better(next, best) { next } else { best })?;
    Some((*threshold, *best))
}

/// Whether the counts at one threshold have a greater F, or the same at a lower threshold.
fn better(next: (&f64, &Counts), best: (&f64, &Counts)) -> bool {
    let (next_f, best_f) = (next.1.f(), best.1.f());
    next_f > best_f || next_f == best_f && next.0 < best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::counts::f_measure;

    fn counts(found: u64, right: u64, predicted: u64) -> Counts {
        Counts { found, truth: 100, right, predicted }
    }

    #[test]
    fn images_are_added_up_before_shares_are_taken() {
        let images =
            [vec![counts(80, 80, 160), counts(40, 40, 40)], vec![counts(60, 30, 40), counts(20, 20, 20)]];
        let scores = Scores::new(&[0.3, 0.6], &images).unwrap();
        let points = scores.curve.points();
        assert_eq!((points[0].recall, points[0].precision), (0.7, 0.55));
        assert_eq!((points[1].recall, points[1].precision), (0.3, 1.0));
        assert!(scores.ods.f >= f_measure(0.7, 0.55));
        // The first image is best at 0.3 (F = 8/13 against 4/7), the second too (2/3 against 1/3).
        assert_eq!((scores.ois.recall, scores.ois.precision, scores.ois.threshold), (0.7, 0.55, 0.3));
        assert_eq!(scores.images.len(), 2);
    }

    #[test]
    fn without_images_or_thresholds_there_is_no_score() {
        assert_eq!(Scores::new(&[0.5], &[]), None);
        assert_eq!(Scores::new(&[], &[vec![]]), None);
    }
}
