//! From an edge map and its truth to counts: suppress, then at each threshold thin and match.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use pidinet::EdgeMap;
use pidinet::post::{Mask, Suppression, suppress, thin};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::GroundTruth;
use crate::edges::counts::{Counts, counts};
use crate::edges::matching::matching;

/// Options of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluateOptions {
    /// Non-maximum suppression to apply first; `None` to score the maps as they are.
    pub suppression: Option<Suppression>,
    /// Whether to round probabilities to `v / 255` after suppression, as in published scores, for which maps were saved
    /// as 8-bit images. Has no effect on maps of 8 bits.
    pub eight_bit: bool,
    /// Thresholds: a pixel is an edge if its probability is at least this, and not 0.
    pub thresholds: Vec<f64>,
    /// The largest distance of matched pixels, as a fraction of the image's diagonal.
    pub max_distance: f64,
}

/// The suppression of HED, 99 thresholds, and the distance of BSDS.
impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            suppression: Some(Suppression::HED),
            eight_bit: true,
            thresholds: thresholds(99),
            max_distance: 0.0075,
        }
    }
}

/// `count` evenly spaced thresholds between 0 and 1, excluding both: `k / (count + 1)`.
///
/// They are rounded as MATLAB's `linspace` does, which decides where a level `v / 255` equals a threshold: of five
/// thresholds, the second is just above 85 / 255, as it is in the toolbox.
pub fn thresholds(count: usize) -> Vec<f64> {
    let (first, last) = (1.0 / (count + 1) as f64, 1.0 - 1.0 / (count + 1) as f64);
    let between = |k| first + k as f64 * (last - first) / (count - 1) as f64;
    (0..count).map(|k| if k + 1 == count { last } else { between(k) }).collect()
}

/// The evaluation of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The counts at each threshold, in the order of the options.
    pub counts: Vec<Counts>,
    /// The time of each stage.
    pub times: Times,
}

/// Wall-clock time of each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Non-maximum suppression.
    pub suppress: Duration,
    /// Binarisation and thinning, all thresholds.
    pub thin: Duration,
    /// Matching, all thresholds and annotators.
    pub matching: Duration,
}

impl std::ops::AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.suppress += other.suppress;
        self.thin += other.thin;
        self.matching += other.matching;
    }
}

/// Evaluates one image.
///
/// # Panics
///
/// If map and truth differ in size.
pub fn evaluate(map: &EdgeMap, truth: &GroundTruth, options: &EvaluateOptions) -> Evaluation {
    assert_same_size(map, truth);
    let mut times = Times::default();

    let start = Instant::now();
    let map = suppressed(map, options);
    times.suppress = start.elapsed();

    let start = Instant::now();
    // From few pixels to many, so that each mask is almost a subset of the next.
    let mut order: Vec<usize> = (0..options.thresholds.len()).collect();
    order.sort_by(|&a, &b| options.thresholds[b].total_cmp(&options.thresholds[a]));
    let masks: Vec<Mask> =
        order.iter().map(|&k| prediction(&map, options.thresholds[k], truth, options)).collect();
    times.thin = start.elapsed();

    let start = Instant::now();
    let ordered = counts(&masks, &truth.annotators, reach(&map, options));
    times.matching = start.elapsed();

    let mut counts = vec![Counts::default(); order.len()];
    for (&k, &count) in order.iter().zip(&ordered) {
        counts[k] = count;
    }
    Evaluation { counts, times }
}

/// An upper estimate of the pairs of pixels that [`evaluate`] considers, which determine its memory and time; 0 if the
/// matching distance is so small that their number hardly matters.
///
/// # Panics
///
/// If map and truth differ in size.
pub fn links(map: &EdgeMap, truth: &GroundTruth, options: &EvaluateOptions) -> u64 {
    const FEW: f64 = 16.0;
    assert_same_size(map, truth);
    let reach = reach(map, options);
    if reach <= FEW {
        return 0;
    }
    let map = suppressed(map, options);
    let lowest = options.thresholds.iter().copied().fold(1.0, f64::min);
    let mask = Mask::at_least(&map, least(lowest, options));
    let (width, height) = (map.width(), map.height());
    // Sums of the pixels above and left of each corner, `[height + 1, width + 1]`.
    let mut sums = vec![0_u32; (width + 1) * (height + 1)];
    for (x, y) in mask.pixels() {
        sums[(y + 1) * (width + 1) + x + 1] = 1;
    }
    for y in 1..=height {
        let mut row = 0;
        for x in 1..=width {
            row += sums[y * (width + 1) + x];
            sums[y * (width + 1) + x] = row + sums[(y - 1) * (width + 1) + x];
        }
    }
    let reach = reach as usize;
    let near = |(x, y): (usize, usize)| {
        let (left, top) = (x.saturating_sub(reach), y.saturating_sub(reach));
        let (right, bottom) = ((x + reach + 1).min(width), (y + reach + 1).min(height));
        let at = |x: usize, y: usize| u64::from(sums[y * (width + 1) + x]);
        at(right, bottom) + at(left, top) - at(left, bottom) - at(right, top)
    };
    truth.annotators.iter().flat_map(Mask::pixels).map(near).sum()
}

/// Evaluates images on all threads of the current rayon pool.
///
/// `load` returns the map and the ground truth of an image in `0..images`; `done` is called with each result as it
/// becomes available. The results are in the order of the images and do not depend on the number of threads. An image
/// that cannot be loaded does not stop the others.
pub fn evaluate_all<E: Send>(
    images: usize,
    options: &EvaluateOptions,
    load: impl Fn(usize) -> Result<(EdgeMap, GroundTruth), E> + Sync,
    done: impl Fn(usize, &Result<Evaluation, E>) + Sync,
) -> Vec<Result<Evaluation, E>> {
    let one = |image| {
        let result = load(image).map(|(map, truth)| evaluate(&map, &truth, options));
        done(image, &result);
        result
    };
    // One image at a time for each thread, or the last chunk would leave threads idle.
    (0..images).into_par_iter().with_max_len(1).map(one).collect()
}

/// The pixels of an image that are right, wrong and missed at one threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// Predicted pixels matched to at least one annotator.
    pub right: Mask,
    /// The other predicted pixels.
    pub wrong: Mask,
    /// The unmatched pixels of each annotator.
    pub missed: Vec<Mask>,
}

/// Classifies the pixels of one image at one threshold; their numbers agree with [`evaluate`].
///
/// # Panics
///
/// If map and truth differ in size.
pub fn verdicts(map: &EdgeMap, truth: &GroundTruth, options: &EvaluateOptions, threshold: f64) -> Verdicts {
    assert_same_size(map, truth);
    let map = suppressed(map, options);
    let mut wrong = prediction(&map, threshold, truth, options);
    let mut right = Mask::new(map.size());
    let mut missed = truth.annotators.clone();
    for truth in &mut missed {
        for ((x, y), (u, v)) in matching(&wrong, truth, reach(&map, options)).positions() {
            right.insert(x, y);
            truth.remove(u, v);
        }
    }
    wrong = wrong.without(&right);
    Verdicts { right, wrong, missed }
}

fn assert_same_size(map: &EdgeMap, truth: &GroundTruth) {
    assert_eq!((map.width(), map.height()), (truth.width, truth.height), "map and truth differ in size");
}

/// The map after suppression.
fn suppressed<'a>(map: &'a EdgeMap, options: &EvaluateOptions) -> Cow<'a, EdgeMap> {
    match &options.suppression {
        Some(suppression) => Cow::Owned(suppress(map, suppression)),
        None => Cow::Borrowed(map),
    }
}

/// The thinned edges of a map at a threshold, without ignored pixels.
fn prediction(map: &EdgeMap, threshold: f64, truth: &GroundTruth, options: &EvaluateOptions) -> Mask {
    let mut mask = Mask::at_least(map, least(threshold, options));
    thin(&mut mask);
    match &truth.ignored {
        Some(ignored) => mask.without(ignored),
        None => mask,
    }
}

/// The lowest probability that counts as an edge at a threshold.
fn least(threshold: f64, options: &EvaluateOptions) -> f32 {
    if options.eight_bit {
        let level = (1..=255).find(|&v| f64::from(v) / 255.0 >= threshold).unwrap_or(256);
        (level as f32 - 0.5) / 255.0
    } else {
        let nearest = (threshold as f32).max(f32::MIN_POSITIVE);
        if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
    }
}

/// The largest distance of matched pixels, in pixels.
fn reach(map: &EdgeMap, options: &EvaluateOptions) -> f64 {
    options.max_distance * (map.width() as f64).hypot(map.height() as f64)
}

#[cfg(test)]
mod tests {
    use pidinet::Size;

    use super::*;

    /// Three soft lines and noise, and two annotators who drew them slightly off.
    fn scene() -> (EdgeMap, GroundTruth) {
        let (width, height) = (90, 70);
        let mut noise = 1u32;
        let pixels = (0..width * height).map(|at| {
            let (x, y) = ((at % width) as f32, (at / width) as f32);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let lines = [(x - 20.0, 0.9), (y - 30.0, 0.6), ((x - y - 15.0) * 0.7, 0.3)];
            let soft = lines.iter().map(|(distance, height)| height * (-distance * distance / 4.0).exp());
            soft.fold(0.0, f32::max).max((noise >> 24) as f32 / 255.0 * 0.4)
        });
        let drawn = |offset: usize| {
            Mask::from_fn(Size { height, width }, |x, y| {
                x == 20 + offset || y == 30 + offset || x + offset == y + 15
            })
        };
        let truth = GroundTruth { width, height, annotators: vec![drawn(1), drawn(2)], ignored: None };
        (EdgeMap::new(Size { height, width }, pixels.collect()), truth)
    }

    #[test]
    fn thresholds_are_those_of_the_toolbox() {
        assert_eq!(thresholds(1), [0.5]);
        assert_eq!(thresholds(3), [0.25, 0.5, 0.75]);
        // Of the levels v / 255, the second of five thresholds leaves out the one nearest to it.
        assert!(thresholds(5)[1] > 85.0 / 255.0 && thresholds(5)[3] <= 170.0 / 255.0);
        let many = thresholds(99);
        assert!(many.iter().enumerate().all(|(k, t)| (t - (k + 1) as f64 / 100.0).abs() < 1e-15));
        assert!([51, 102, 153, 204].iter().all(|&v| many[v * 20 / 51 - 1] <= v as f64 / 255.0));
    }

    #[test]
    fn each_threshold_is_scored_alone() {
        let (map, truth) = scene();
        let options = EvaluateOptions { max_distance: 0.02, ..EvaluateOptions::default() };
        let all = evaluate(&map, &truth, &options);
        assert!(all.counts.iter().any(|c| c.found > 150 && c.right < c.predicted), "{:?}", all.counts);
        for k in [0, 9, 30, 31, 98] {
            let alone = EvaluateOptions { thresholds: vec![options.thresholds[k]], ..options.clone() };
            assert_eq!(evaluate(&map, &truth, &alone).counts, [all.counts[k]]);
            let seen = verdicts(&map, &truth, &options, options.thresholds[k]);
            assert_eq!(seen.right.count() as u64, all.counts[k].right);
            assert_eq!((seen.right.count() + seen.wrong.count()) as u64, all.counts[k].predicted);
            let missed: usize = seen.missed.iter().map(Mask::count).sum();
            assert_eq!(missed as u64, all.counts[k].truth - all.counts[k].found);
        }
    }

    #[test]
    fn pairs_that_may_be_matched_are_counted_where_there_may_be_many() {
        let (map, truth) = scene();
        let options = |max_distance| EvaluateOptions { max_distance, ..EvaluateOptions::default() };
        assert_eq!(links(&map, &truth, &options(0.0075)), 0);
        let all = links(&map, &truth, &options(1.0));
        let drawn: usize = truth.annotators.iter().map(Mask::count).sum();
        let options_all = options(1.0);
        let lowest = Mask::at_least(&suppressed(&map, &options_all), least(0.01, &options_all)).count();
        assert_eq!(all, (drawn * lowest) as u64, "every pixel is near every other");
        let some = links(&map, &truth, &options(0.2));
        assert!(0 < some && some < all, "{some} of {all}");
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let (map, truth) = scene();
        let load = |image: usize| match image {
            3 => Err("no such image"),
            _ => {
                let fainter = map.data().iter().map(|p| p / (image + 1) as f32).collect();
                Ok((EdgeMap::new(map.size(), fainter), truth.clone()))
            }
        };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let results = pool.install(|| evaluate_all(6, &EvaluateOptions::default(), load, |_, _| ()));
            results.into_iter().map(|result| result.map(|image| image.counts)).collect::<Vec<_>>()
        };
        let one = with(1);
        assert_eq!(one[3], Err("no such image"));
        assert_ne!(one[0], one[1]);
        assert_eq!(with(4), one);
    }

    #[test]
    fn pixels_that_are_left_out_count_neither_as_right_nor_as_wrong() {
        let map =
            EdgeMap::new(Size { height: 1, width: 12 }, (0..12).map(|x| f32::from(x % 4 == 0)).collect());
        let drawn = Mask::from_fn(Size { height: 1, width: 12 }, |x, _| x == 0);
        let ignored = Some(Mask::from_fn(Size { height: 1, width: 12 }, |x, _| x == 4));
        let options =
            EvaluateOptions { suppression: None, thresholds: vec![0.5], ..EvaluateOptions::default() };
        let mut truth = GroundTruth { width: 12, height: 1, annotators: vec![drawn], ignored: None };
        let before = evaluate(&map, &truth, &options).counts[0];
        truth.ignored = ignored;
        let after = evaluate(&map, &truth, &options).counts[0];
        assert_eq!((before.predicted, after.predicted), (3, 2));
        assert_eq!((before.right, after.right), (1, 1));
        assert_eq!(verdicts(&map, &truth, &options, 0.5).wrong.pixels().collect::<Vec<_>>(), [(8, 0)]);
    }

    #[test]
    fn maps_are_rounded_to_8_bits_before_thresholds() {
        let map = EdgeMap::new(Size { height: 1, width: 3 }, vec![127.4 / 255.0, 127.6 / 255.0, 0.0]);
        let truth = GroundTruth {
            width: 3,
            height: 1,
            annotators: vec![Mask::new(Size { height: 1, width: 3 })],
            ignored: None,
        };
        let at = |eight_bit, threshold| {
            prediction(&map, threshold, &truth, &EvaluateOptions { eight_bit, ..EvaluateOptions::default() })
                .pixels()
                .collect::<Vec<_>>()
        };
        assert_eq!(at(true, 0.5), [(1, 0)]);
        assert_eq!(at(false, 127.6 / 255.0 + 1e-4), []);
        assert_eq!(at(false, 0.0), [(0, 0), (1, 0)]);
        assert_eq!(at(true, 0.0), [(0, 0), (1, 0)]);
        assert_eq!(at(true, 1.5), []);
    }
}
