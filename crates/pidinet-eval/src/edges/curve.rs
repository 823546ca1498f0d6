//! The precision-recall curve of a detector and its summary scores.

use serde::{Deserialize, Serialize};

use crate::edges::counts::{Counts, f_measure};

/// A point of a precision-recall curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The probability at and above which a pixel is an edge.
    pub threshold: f64,
    /// Share of the truth that was found.
    pub recall: f64,
    /// Share of the prediction that is right.
    pub precision: f64,
    /// Their harmonic mean.
    pub f: f64,
}

impl Point {
    /// The point of `counts`.
    pub fn new(threshold: f64, counts: &Counts) -> Self {
        Self { threshold, recall: counts.recall(), precision: counts.precision(), f: counts.f() }
    }

    /// The point a share `t` of the way to `end`; recall and precision change evenly.
    fn towards(&self, end: &Self, t: f64) -> Self {
        let mix = |start: f64, end: f64| end * t + start * (1.0 - t);
        let (recall, precision) = (mix(self.recall, end.recall), mix(self.precision, end.precision));
        Self {
            threshold: mix(self.threshold, end.threshold),
            recall,
            precision,
            f: f_measure(recall, precision),
        }
    }
}

/// A precision-recall curve, by increasing threshold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Curve {
    points: Vec<Point>,
}

/// Points tried between two neighbours of a curve, including both, as in the toolbox.
const STEPS: usize = 100;

impl Curve {
    /// The curve through these points, in any order.
    pub fn new(mut points: Vec<Point>) -> Self {
        points.sort_by(|a, b| a.threshold.total_cmp(&b.threshold));
        Self { points }
    }

    /// The curve of the counts at each threshold.
    ///
    /// # Panics
    ///
    /// If there are not as many thresholds as counts.
    pub fn of_counts(thresholds: &[f64], counts: &[Counts]) -> Self {
        assert_eq!(thresholds.len(), counts.len(), "a threshold for each count");
        Self::new(
            thresholds.iter().zip(counts).map(|(&threshold, counts)| Point::new(threshold, counts)).collect(),
        )
    }

    /// The points, by increasing threshold.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The point of greatest F, on the curve that joins the points by straight lines; the lowest threshold, if there
    /// are several. `None` if the curve has no point.
    pub fn best(&self) -> Option<Point> {
        let between = self.points.windows(2).flat_map(|ends| {
            (0..STEPS).map(move |step| ends[0].towards(&ends[1], step as f64 / (STEPS - 1) as f64))
        });
        let first = self.points.first().copied();
        first.into_iter().chain(between).reduce(|best, point| if point.f > best.f { point } else { best })
    }

    /// Average precision: precision at the recalls 0, 0.01, …, 1, interpolated between the points and 0 outside
    /// them, added up and divided by 100.
    ///
    /// There are 101 recalls, so a perfect curve would have 1.01; published figures are computed this way.
    pub fn average_precision(&self) -> f64 {
        let by_recall = sorted(self.points.iter().map(|point| (point.recall, point.precision)));
        if by_recall.len() < 2 {
            return 0.0;
        }
        (0..=100).filter_map(|step| interpolated(&by_recall, f64::from(step) * 0.01)).sum::<f64>() / 100.0
    }

    /// R50: the recall where precision is one half, or where it is least, if it is greater everywhere; 0 if it is
    /// less everywhere.
    pub fn recall_at_half_precision(&self) -> f64 {
        let by_precision = sorted(self.points.iter().map(|point| (point.precision, point.recall)));
        match by_precision.first() {
            Some(&(least, _)) => interpolated(&by_precision, least.max(0.5)).unwrap_or(0.0),
            None => 0.0,
        }
    }
}

/// Pairs by their first number; of those that share it, the first.
fn sorted(pairs: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs.dedup_by(|later, first| later.0 == first.0);
    pairs
}

/// The value at `x` of the piecewise linear curve through sorted points; `None` outside them.
fn interpolated(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = points.partition_point(|point| point.0 < x);
    let &(right, at_right) = points.get(after)?;
    if right == x {
        return Some(at_right);
    }
    let &(left, at_left) = points.get(after.checked_sub(1)?)?;
    Some(at_left + (at_right - at_left) * (x - left) / (right - left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(threshold: f64, recall: f64, precision: f64) -> Point {
        Point { threshold, recall, precision, f: f_measure(recall, precision) }
    }

    #[test]
    fn the_best_point_may_lie_between_thresholds() {
        let curve = Curve::new(vec![point(0.8, 0.2, 1.0), point(0.2, 1.0, 0.2)]);
        let best = curve.best().unwrap();
        // On the line from (1, 0.2) to (0.2, 1), F = 2rp / 1.2 is greatest where r = p; 100 steps miss it by half one.
        assert!((best.threshold - 0.5).abs() < 0.0031 && (best.recall - 0.6).abs() < 0.0041, "{best:?}");
        assert!((best.f - 0.6).abs() < 3e-5 && best.f < 0.6);
    }

    #[test]
    fn of_equal_points_the_first_is_best() {
        let curve = Curve::new((1..5).map(|k| point(f64::from(k) / 5.0, 0.5, 0.5)).collect());
        assert_eq!(curve.best(), Some(point(0.2, 0.5, 0.5)));
        assert_eq!(Curve::default().best(), None);
        assert_eq!(Curve::new(vec![point(0.5, 0.1, 0.2)]).best(), Some(point(0.5, 0.1, 0.2)));
    }

    #[test]
    fn average_precision_is_the_area_with_101_recalls() {
        let flat = Curve::new(vec![point(0.9, 0.0, 0.8), point(0.1, 1.0, 0.8)]);
        assert!((flat.average_precision() - 0.808).abs() < 1e-12);
        let part = Curve::new(vec![point(0.9, 0.25, 1.0), point(0.1, 0.75, 0.5)]);
        let want: f64 = (25..=75).map(|r| 1.0 - f64::from(r - 25) / 100.0).sum::<f64>() / 100.0;
        assert!((part.average_precision() - want).abs() < 1e-12);
        assert_eq!(Curve::new(vec![point(0.5, 0.5, 0.5)]).average_precision(), 0.0);
    }

    #[test]
    fn recall_at_half_precision_is_interpolated() {
        let curve = Curve::new(vec![point(0.1, 0.9, 0.4), point(0.5, 0.6, 0.6), point(0.9, 0.2, 0.9)]);
        assert!((curve.recall_at_half_precision() - 0.75).abs() < 1e-12);
        assert_eq!(
            Curve::new(vec![point(0.1, 0.9, 0.7), point(0.9, 0.2, 0.9)]).recall_at_half_precision(),
            0.9
        );
        assert_eq!(Curve::new(vec![point(0.1, 0.9, 0.3)]).recall_at_half_precision(), 0.0);
    }
}
