//! From an edge map and its truth to counts: suppress, then at each threshold thin and match.

use std::time::{Duration, Instant};

use pidinet::EdgeMap;
use pidinet::post::{Mask, Suppression, suppress, thin};
use serde::{Deserialize, Serialize};

use crate::GroundTruth;
use crate::counts::{Counts, counts};

/// How to evaluate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// How to suppress non-maxima first; `None` if the maps are suppressed already, or to score them as they are.
    pub suppression: Option<Suppression>,
    /// Whether to round probabilities to `v / 255` after suppression, as the published scores have it, whose maps were
    /// saved as 8-bit images on the way. Maps that are 8-bit images stay what they are.
    pub eight_bit: bool,
    /// Where to binarise: a pixel counts if its probability is this or more, and not 0.
    pub thresholds: Vec<f64>,
    /// How far apart matched pixels may be, as a fraction of the image's diagonal.
    pub max_distance: f64,
}

/// The suppression of HED, 99 thresholds, and the distance of BSDS.
impl Default for Options {
    fn default() -> Self {
        Self {
            suppression: Some(Suppression::HED),
            eight_bit: true,
            thresholds: thresholds(99),
            max_distance: 0.0075,
        }
    }
}

/// `count` thresholds evenly between 0 and 1, both left out: `k / (count + 1)`.
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
    /// What took how long.
    pub times: Times,
}

/// Processor time by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Suppression of non-maxima.
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
pub fn evaluate(map: &EdgeMap, truth: &GroundTruth, options: &Options) -> Evaluation {
    assert_eq!((map.width(), map.height()), (truth.width, truth.height), "map and truth differ in size");
    let mut times = Times::default();

    let start = Instant::now();
    let crests = options.suppression.map(|suppression| suppress(map, &suppression));
    let map = crests.as_ref().unwrap_or(map);
    times.suppress = start.elapsed();

    let start = Instant::now();
    // From few pixels to many: each mask is then almost contained in the next.
    let mut order: Vec<usize> = (0..options.thresholds.len()).collect();
    order.sort_by(|&a, &b| options.thresholds[b].total_cmp(&options.thresholds[a]));
    let masks: Vec<Mask> = order.iter().map(|&k| prediction(map, options.thresholds[k], options)).collect();
    times.thin = start.elapsed();

    let start = Instant::now();
    let ordered = counts(&masks, &truth.annotators, reach(map, options.max_distance));
    times.matching = start.elapsed();

    let mut counts = vec![Counts::default(); order.len()];
    for (&k, &count) in order.iter().zip(&ordered) {
        counts[k] = count;
    }
    Evaluation { counts, times }
}

/// The thinned edges of a map at a threshold.
fn prediction(map: &EdgeMap, threshold: f64, options: &Options) -> Mask {
    let least = if options.eight_bit {
        let level = (1..=255).find(|&v| f64::from(v) / 255.0 >= threshold).unwrap_or(256);
        (level as f32 - 0.5) / 255.0
    } else {
        let nearest = (threshold as f32).max(f32::MIN_POSITIVE);
        if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
    };
    let mut mask = Mask::at_least(map, least);
    thin(&mut mask);
    mask
}

/// A fraction of the image's diagonal, in pixels.
fn reach(map: &EdgeMap, max_distance: f64) -> f64 {
    max_distance * (map.width() as f64).hypot(map.height() as f64)
}
