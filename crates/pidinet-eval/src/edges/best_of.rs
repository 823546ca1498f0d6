//! "Best of n": several predictions for each image, the best of which counts.
//!
//! A detector with an adjustable setting, such as the level of detail, gives n maps of an image. This is its score with
//! the best setting for each image, chosen by an oracle that knows the ground truth.

use crate::edges::counts::Counts;
use crate::edges::score::{Scores, best_threshold};

/// The best of several predictions for each image, and their scores.
#[derive(Clone, Debug, PartialEq)]
pub struct BestOf {
    /// For each image, the number of the run that is best on it.
    pub chosen: Vec<usize>,
    /// The scores of the chosen predictions, taken as those of one detector.
    pub scores: Scores,
}

/// Chooses for each image the run with the largest F, each at its own best threshold; the first of equal ones.
///
/// As for OIS, F is that of the counts at one of the thresholds, without interpolation.
///
/// `runs` has the counts of each run, `[run][image][threshold]`. `None` if there are no runs, images or thresholds.
///
/// # Panics
///
/// If runs have different numbers of images, or an image does not have a count for each threshold.
///
/// # Examples
///
/// ```
/// use pidinet_eval::edges::best_of::best_of;
/// use pidinet_eval::edges::counts::Counts;
/// let counts = |found| vec![Counts { found, truth: 100, right: found, predicted: 100 }];
/// // Two images; the first run is better on the first, the second on the second.
/// let runs = [vec![counts(80), counts(40)], vec![counts(60), counts(70)]];
/// let best = best_of(&[0.5], &runs).unwrap();
/// assert_eq!(best.chosen, [0, 1]);
/// assert_eq!(best.scores.ois.f, 0.75);
/// ```
pub fn best_of(thresholds: &[f64], runs: &[Vec<Vec<Counts>>]) -> Option<BestOf> {
    let images = runs.first()?.len();
    assert!(runs.iter().all(|run| run.len() == images), "runs of the same images");
    let mut chosen = Vec::with_capacity(images);
    let mut counts = Vec::with_capacity(images);
    for image in 0..images {
        let mut best: Option<(usize, f64)> = None;
        for (number, run) in runs.iter().enumerate() {
            let f = best_threshold(thresholds, &run[image])?.1.f();
            if best.is_none_or(|(_, greatest)| f > greatest) {
                best = Some((number, f));
            }
        }
        let (number, _) = best?;
        chosen.push(number);
        counts.push(runs[number][image].clone());
    }
    Some(BestOf { chosen, scores: Scores::new(thresholds, &counts)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(found: u64, predicted: u64) -> Counts {
        Counts { found, truth: 100, right: found, predicted }
    }

    const THRESHOLDS: [f64; 2] = [0.3, 0.6];

    /// Three images and two runs, by hand: F is 2 found / (100 + predicted).
    fn runs() -> [Vec<Vec<Counts>>; 2] {
        [
            // F: 0.8 and 0.4; 0.5 and 0.6; 0.5 and 0.5
            vec![
                vec![counts(80, 100), counts(30, 50)],
                vec![counts(50, 100), counts(45, 50)],
                vec![counts(50, 100), counts(50, 100)],
            ],
            // F: 0.7 and 0.6; 0.2 and 0.72; 0.5 and 0.4
            vec![
                vec![counts(70, 100), counts(45, 50)],
                vec![counts(20, 100), counts(54, 50)],
                vec![counts(50, 100), counts(40, 100)],
            ],
        ]
    }

    #[test]
    fn each_image_counts_with_the_run_that_is_best_at_its_own_best_threshold() {
        let best = best_of(&THRESHOLDS, &runs()).unwrap();
        // Both runs are equal on the third image: the first one counts.
        assert_eq!(best.chosen, [0, 1, 0]);
        // Counts at the best thresholds: 80 of 100, 54 of 50, 50 of 100, summed before shares are taken.
        let (recall, precision) = (184.0 / 300.0, 184.0 / 250.0);
        let ois = best.scores.ois;
        assert!((ois.recall - recall).abs() < 1e-12 && (ois.precision - precision).abs() < 1e-12, "{ois:?}");
        // ODS is of the chosen maps at one threshold: at 0.3, 80 + 20 + 50 of 300, predicted 300.
        let points = best.scores.curve.points();
        assert!((points[0].recall - 0.5).abs() < 1e-12 && (points[0].precision - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_best_of_one_is_that_run_and_more_runs_are_never_worse_on_an_image() {
        let [first, second] = runs();
        let alone = best_of(&THRESHOLDS, std::slice::from_ref(&first)).unwrap();
        assert_eq!(alone.scores, Scores::new(&THRESHOLDS, &first).unwrap());
        let both = best_of(&THRESHOLDS, &[first.clone(), second.clone()]).unwrap();
        for (image, &run) in both.chosen.iter().enumerate() {
            let f = |run: &[Vec<Counts>]| best_threshold(&THRESHOLDS, &run[image]).unwrap().1.f();
            let chosen = if run == 0 { f(&first) } else { f(&second) };
            assert!(chosen >= f(&first) && chosen >= f(&second));
        }
    }

    #[test]
    fn without_runs_images_or_thresholds_there_is_none() {
        assert_eq!(best_of(&[0.5], &[]), None);
        assert_eq!(best_of(&[0.5], &[vec![]]), None);
        assert_eq!(best_of(&[], &[vec![vec![]]]), None);
    }
}
