//! Matches predicted pixels to ground truth pixels: one to one, within a distance, as many as possible.

use pidinet::post::Mask;

use crate::edges::assignment::{Assignment, Link, Side};

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

    /// The number of pixels.
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
/// Pixels at a distance of up to `reach` may be paired. Of all sets of pairs, it is one with the most pairs;
/// of those, one with the least sum of distances, each rounded to a hundredth of a pixel. Remaining ties are
/// broken by a number that a fixed hash gives each pixel, so the matched pixels depend on the two masks
/// alone, not on the order of changes. The numbers have 20 bits, so about one tie in a million remains.
///
/// Predicted pixels are added and removed one by one, because neighbouring thresholds of a map differ in few pixels.
///
/// # Examples
///
/// ```
/// use pidinet::Size;
/// use pidinet::post::Mask;
/// use pidinet_eval::edges::matching::{Matching, Pixels};
///
/// let predicted = Pixels::of(&Mask::from_fn(Size { height: 1, width: 8 }, |x, _| x == 2 || x == 3));
/// let truth = Mask::from_fn(Size { height: 1, width: 8 }, |x, _| x == 3 || x == 5);
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

/// An offset from a pixel of the truth to a predicted one.
struct Offset {
    dx: isize,
    dy: isize,
    /// Its length in hundredths of a pixel.
    cost: u32,
}

/// The offsets of at most `reach` pixels, shortest first.
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

#[cfg(test)]
mod tests {
    use pathfinding::matrix::Matrix;
    use pathfinding::prelude::kuhn_munkres;
    use pidinet::Size;
    use proptest::prelude::*;

    use super::*;

    /// More than the distances of all pairs together, in hundredths.
    const MANY: i64 = 1_000_000;

    /// Pairs and their distance, from a dense solver that sees all pairs of pixels.
    fn dense(predicted: &Mask, truth: &Mask, reach: f64) -> (usize, f64) {
        let (few, many) = match predicted.count() <= truth.count() {
            true => (predicted, truth),
            false => (truth, predicted),
        };
        if few.is_empty() {
            return (0, 0.0);
        }
        let (rows, columns): (Vec<_>, Vec<_>) = (few.pixels().collect(), many.pixels().collect());
        let worth = |(row, column): (usize, usize)| {
            let ((x, y), (u, v)) = (rows[row], columns[column]);
            let distance = (x as f64 - u as f64).hypot(y as f64 - v as f64);
            if distance <= reach { MANY - (distance * 100.0).round() as i64 } else { 0 }
        };
        let (total, _) = kuhn_munkres(&Matrix::from_fn(rows.len(), columns.len(), worth));
        let pairs = (total + MANY - 1) / MANY;
        (pairs as usize, (pairs * MANY - total) as f64 / 100.0)
    }

    fn pairs_and_distance(predicted: &Mask, truth: &Mask, reach: f64) -> (usize, f64) {
        let found = matching(predicted, truth, reach);
        (found.pairs(), found.distance())
    }

    fn moved(mask: &Mask, width: usize, height: usize, by: (usize, usize)) -> Mask {
        let mut moved = Mask::new(Size { height, width });
        mask.pixels().for_each(|(x, y)| moved.insert(x + by.0, y + by.1));
        moved
    }

    /// Two masks of one size, of up to 24 pixels each, and a reach.
    fn cases() -> impl Strategy<Value = (Mask, Mask, f64)> {
        (1usize..14, 1usize..10, 0f64..5.0).prop_flat_map(|(width, height, reach)| {
            let mask = move || {
                proptest::collection::vec((0..width, 0..height), 0..24).prop_map(move |pixels| {
                    let mut mask = Mask::new(Size { height, width });
                    pixels.iter().for_each(|&(x, y)| mask.insert(x, y));
                    mask
                })
            };
            (mask(), mask(), Just(reach))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn pairs_and_distance_are_those_of_a_dense_solver((predicted, truth, reach) in cases()) {
            let (pairs, distance) = pairs_and_distance(&predicted, &truth, reach);
            let (most, least) = dense(&predicted, &truth, reach);
            prop_assert_eq!(pairs, most);
            prop_assert!((distance - least).abs() < 1e-9, "distance {distance}, least {least}");
        }

        #[test]
        fn pairs_are_of_pixels_in_reach_and_none_is_used_twice((predicted, truth, reach) in cases()) {
            let found = matching(&predicted, &truth, reach);
            let (mut used, mut explained) = (Mask::new(Size { height: 10, width: 14 }), Mask::new(Size { height: 10, width: 14 }));
            for ((x, y), (u, v)) in found.positions() {
                prop_assert!(predicted.contains(x, y) && truth.contains(u, v));
                prop_assert!((x as f64 - u as f64).hypot(y as f64 - v as f64) <= reach);
                used.insert(x, y);
                explained.insert(u, v);
            }
            prop_assert_eq!((used.count(), explained.count()), (found.pairs(), found.pairs()));
            prop_assert_eq!(found.matched().filter(|&matched| matched).count(), found.pairs());
        }

        #[test]
        fn prediction_and_truth_can_change_places((predicted, truth, reach) in cases()) {
            let there = matching(&predicted, &truth, reach);
            let back = matching(&truth, &predicted, reach);
            prop_assert_eq!((there.pairs(), there.distance()), (back.pairs(), back.distance()));
        }

        #[test]
        fn one_more_pixel_adds_one_pair_or_none(
            (predicted, truth, reach) in cases(),
            (x, y) in (0usize..14, 0usize..10),
        ) {
            let (x, y) = (x % predicted.width(), y % predicted.height());
            let mut more = predicted.clone();
            more.insert(x, y);
            let before = matching(&predicted, &truth, reach).pairs();
            let after = matching(&more, &truth, reach).pairs();
            prop_assert!(after == before || after == before + 1, "{before} pairs, then {after}");
        }

        #[test]
        fn moving_both_changes_nothing((predicted, truth, reach) in cases(), by in (0usize..70, 0usize..9)) {
            let here = pairs_and_distance(&predicted, &truth, reach);
            let (width, height) = (predicted.width() + 70, predicted.height() + 9);
            let there = [&predicted, &truth].map(|mask| moved(mask, width, height, by));
            prop_assert_eq!(pairs_and_distance(&there[0], &there[1], reach), here);
        }

        /// Coming from another prediction gives the same matched pixels as starting afresh.
        #[test]
        fn what_was_there_before_does_not_matter((predicted, truth, reach) in cases(), seed in any::<u64>()) {
            let pixels = Pixels::of(&predicted);
            let mut changing = Matching::new(&pixels, &truth, reach);
            let numbers = 0..pixels.len() as u32;
            let first = |number: u32| seed >> (number % 64) & 1 == 1;
            numbers.clone().rev().filter(|&n| first(n)).for_each(|n| changing.insert(n));
            numbers.clone().filter(|&n| first(n) && n % 3 != 0).for_each(|n| changing.remove(n));
            numbers.clone().filter(|&n| !first(n) || n % 3 != 0).for_each(|n| changing.insert(n));
            let matched = |matching: &Matching| matching.matched().collect::<Vec<_>>();
            prop_assert_eq!(matched(&changing), matched(&matching(&predicted, &truth, reach)));
        }
    }

    #[test]
    fn the_reach_is_included() {
        let pixel = |x: usize, y: usize| Mask::from_fn(Size::square(9), |u, v| (u, v) == (x, y));
        assert_eq!(pairs_and_distance(&pixel(2, 2), &pixel(2, 2), 0.0), (1, 0.0));
        assert_eq!(pairs_and_distance(&pixel(2, 2), &pixel(5, 6), 5.0), (1, 5.0));
        assert_eq!(pairs_and_distance(&pixel(2, 2), &pixel(5, 6), 4.999), (0, 0.0));
    }
}
