//! Which predicted pixels explain which pixels of the truth: one to one, near each other, as many as possible.

use pidinet::post::Mask;

use crate::assignment::{Assignment, Link, Side};

/// The pixels of a mask, numbered row by row.
#[derive(Clone, Debug)]
pub struct Pixels {
    width: usize,
    height: usize,
    positions: Vec<(usize, usize)>,
    /// The number of every pixel of the image, `ABSENT` outside the mask.
    numbers: Vec<u32>,
}

/// The number of a pixel that is not in the mask.
const ABSENT: u32 = u32::MAX;

impl Pixels {
    /// Numbers the pixels of `mask`.
    pub fn of(mask: &Mask) -> Self {
        let mut numbers = vec![ABSENT; mask.width() * mask.height()];
        let positions: Vec<_> = mask.pixels().collect();
        for (number, &(x, y)) in positions.iter().enumerate() {
            numbers[y * mask.width() + x] = number as u32;
        }
        Self { width: mask.width(), height: mask.height(), positions, numbers }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The number of pixel `(x, y)`.
    pub fn number(&self, x: usize, y: usize) -> Option<u32> {
        let number = self.numbers[y * self.width + x];
        (number != ABSENT).then_some(number)
    }

    /// Where pixel `number` is.
    pub fn position(&self, number: u32) -> (usize, usize) {
        self.positions[number as usize]
    }
}

/// The matching of predicted pixels with the pixels of one annotator.
///
/// Pixels at a distance of up to `reach` may be paired. Of all sets of pairs, it is one with the most pairs; of those,
/// one with the least sum of distances, each rounded to a hundredth of a pixel. What is still open is decided by a
/// number that a fixed hash gives to each pixel: the matched pixels depend on the two masks alone, not on the order
/// of changes. The numbers have 20 bits, so two sets tie about once in a million open choices.
///
/// Predicted pixels come and go one by one, because the thresholds of one map have nearly the same pixels.
///
/// # Examples
///
/// ```
/// use pidinet::post::Mask;
/// use pidinet_eval::matching::{Matching, Pixels};
///
/// let predicted = Pixels::of(&Mask::from_fn(8, 1, |x, _| x == 2 || x == 3));
/// let truth = Mask::from_fn(8, 1, |x, _| x == 3 || x == 5);
/// let mut matching = Matching::new(&predicted, &truth, 2.0);
/// matching.insert(0);
/// assert_eq!((matching.pairs(), matching.distance()), (1, 1.0)); // 2 with 3
/// matching.insert(1);
/// assert_eq!((matching.pairs(), matching.distance()), (2, 3.0)); // 2 with 3, 3 with 5
/// ```
#[derive(Clone, Debug)]
pub struct Matching {
    assignment: Assignment,
    predicted: Vec<(usize, usize)>,
    truth: Vec<(usize, usize)>,
}

impl Matching {
    /// No predicted pixel yet; those that may come are `candidates`. Pairs are at most `reach` pixels apart.
    ///
    /// # Panics
    ///
    /// If the two images differ in size.
    pub fn new(candidates: &Pixels, truth: &Mask, reach: f64) -> Self {
        let (width, height) = (candidates.width, candidates.height);
        assert_eq!((width, height), (truth.width(), truth.height()), "prediction and truth differ in size");
        let truth: Vec<_> = truth.pixels().collect();
        let mut links = Vec::new();
        for Offset { dx, dy, cost } in offsets(reach) {
            for (right, &(x, y)) in truth.iter().enumerate() {
                let (Some(x), Some(y)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else {
                    continue;
                };
                if x >= width || y >= height {
                    continue;
                }
                if let Some(left) = candidates.number(x, y) {
                    links.push(Link { left, right: right as u32, cost });
                }
            }
        }
        let seed =
            truth.iter().fold(truth.len() as u32, |seed, &(x, y)| mixed(seed ^ mixed(x as u32) ^ y as u32));
        let rank = |&(x, y): &(usize, usize)| mixed(mixed(seed ^ x as u32) ^ y as u32);
        let ranks: [Vec<u32>; 2] =
            [candidates.positions.iter().map(rank).collect(), truth.iter().map(rank).collect()];
        let mut assignment = Assignment::new([&ranks[0], &ranks[1]], &links);
        for right in 0..truth.len() {
            assignment.insert(Side::Right, right as u32);
        }
        Self { assignment, predicted: candidates.positions.clone(), truth }
    }

    /// Adds predicted pixel `number`.
    ///
    /// # Panics
    ///
    /// If it is there already.
    pub fn insert(&mut self, number: u32) {
        self.assignment.insert(Side::Left, number);
    }

    /// Takes predicted pixel `number` away.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub fn remove(&mut self, number: u32) {
        self.assignment.remove(Side::Left, number);
    }

    /// Number of pairs.
    pub fn pairs(&self) -> usize {
        self.assignment.pairs()
    }

    /// Whether each candidate is matched, in the order of their numbers.
    pub fn matched(&self) -> impl ExactSizeIterator<Item = bool> + '_ {
        self.assignment.partners(Side::Left).map(|partner| partner.is_some())
    }

    /// Positions of the pairs, the predicted pixel first, ordered by it.
    pub fn positions(&self) -> impl Iterator<Item = ((usize, usize), (usize, usize))> + '_ {
        let partners = self.assignment.partners(Side::Left);
        self.predicted.iter().zip(partners).filter_map(|(&from, to)| Some((from, self.truth[to? as usize])))
    }

    /// Sum of the pairs' distances in pixels, each rounded to a hundredth.
    pub fn distance(&self) -> f64 {
        let cost = |(from, to): ((usize, usize), (usize, usize))| {
            let (dx, dy) = (from.0.abs_diff(to.0), from.1.abs_diff(to.1));
            u64::from(hundredths(dx * dx + dy * dy))
        };
        self.positions().map(cost).sum::<u64>() as f64 / 100.0
    }
}

/// Matches all pixels of `predicted` at once.
///
/// # Panics
///
/// If the two images differ in size.
pub fn matching(predicted: &Mask, truth: &Mask, reach: f64) -> Matching {
    let pixels = Pixels::of(predicted);
    let mut matching = Matching::new(&pixels, truth, reach);
    for number in 0..pixels.len() {
        matching.insert(number as u32);
    }
    matching
}

/// A way from a pixel of the truth to a predicted one.
struct Offset {
    dx: isize,
    dy: isize,
    /// Its length in hundredths of a pixel.
    cost: u32,
}

/// The ways of at most `reach` pixels, shortest first.
fn offsets(reach: f64) -> Vec<Offset> {
    let side = reach.max(0.0).floor() as isize;
    let square = (-side..=side).flat_map(|dy| (-side..=side).map(move |dx| (dx, dy)));
    let mut offsets: Vec<Offset> = square
        .filter(|(dx, dy)| (dx * dx + dy * dy) as f64 <= reach * reach)
        .map(|(dx, dy)| Offset { dx, dy, cost: hundredths((dx * dx + dy * dy) as usize) })
        .collect();
    offsets.sort_by_key(|offset| offset.cost);
    offsets
}

/// The root of a squared distance, in hundredths of a pixel.
fn hundredths(squared: usize) -> u32 {
    (100.0 * (squared as f64).sqrt()).round() as u32
}

/// Spreads the bits of a number over a number that looks random (the finaliser of MurmurHash3, of an offset).
fn mixed(number: u32) -> u32 {
    let mut hash = number.wrapping_add(0x9E37_79B9);
    hash = (hash ^ hash >> 16).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ hash >> 13).wrapping_mul(0xC2B2_AE35);
    hash ^ hash >> 16
}
