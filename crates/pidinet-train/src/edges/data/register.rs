//! Several annotators' lines moved onto common ones.
//!
//! Annotators draw the same boundary one to four pixels apart, so at any single pixel few agree even if all
//! see the boundary. Here the common lines are the ridges of the blurred sum of all annotators, and each
//! annotator's pixels are matched to them as the benchmark matches predictions to truth.

use pidinet::post::{Mask, Suppression, suppress, thin};
use pidinet::{EdgeMap, Size};
use pidinet_eval::edges::evaluate;
use pidinet_eval::edges::matching::matching;

use super::marks::{DOUBTFUL, Marks, drawn};

/// Standard deviation of the blur in pixels: lines up to about twice as far apart have one ridge.
const SIGMA: f32 = 1.5;

/// Sums below this are far from every line: `exp(−(3σ)²/2σ²)` is 0.011, a line's own crest at least 0.2.
const FAINT: f32 = 0.02;

/// The marks of `width` columns with each annotator's lines moved onto common ridges.
///
/// An annotator's bit is set in the pixels of a ridge that match the annotator's own, one to one and at most
/// 0.0075 of the diagonal apart. Anything else that somebody drew is doubtful. A single annotator, and shares
/// of annotators, stay unchanged.
pub(super) fn registered(marks: Marks, width: usize) -> Marks {
    let Marks::Annotators { bits, count } = &marks else { return marks };
    if *count < 2 || bits.is_empty() {
        return marks;
    }
    let height = bits.len() / width;
    let ridges = ridges(bits, width, height);
    let reach = evaluate::EvaluateOptions::default().max_distance * (width as f64).hypot(height as f64);
    let mut moved: Vec<u16> = bits.iter().map(|&mark| if drawn(mark) == 0 { 0 } else { DOUBTFUL }).collect();
    for annotator in 0..*count {
        let lines = Mask::from_fn(Size { height, width }, |x, y| bits[y * width + x] >> annotator & 1 == 1);
        for ((x, y), _) in matching(&ridges, &lines, reach).positions() {
            moved[y * width + x] |= 1 << annotator;
        }
    }
    Marks::Annotators { bits: moved, count: *count }
}

/// The ridges of the blurred sum of annotators, one pixel wide.
fn ridges(bits: &[u16], width: usize, height: usize) -> Mask {
    let sum = bits.iter().map(|&mark| drawn(mark).count_ones() as f32).collect();
    let blurred = blurred(EdgeMap::new(Size { height, width }, sum));
    let keep = Suppression { border: 0, ..Suppression::DOLLAR };
    let mut ridges = Mask::at_least(&suppress(&blurred, &keep), FAINT);
    thin(&mut ridges);
    ridges
}

/// A Gaussian blur; beyond the border nothing is drawn.
fn blurred(mut map: EdgeMap) -> EdgeMap {
    let (width, height) = (map.width() as isize, map.height() as isize);
    let radius = (3.0 * SIGMA).ceil() as isize;
    let weight = |d: isize| (-0.5 * (d as f32 / SIGMA).powi(2)).exp();
    let weights: Vec<f32> = (-radius..=radius).map(weight).collect();
    for (dx, dy) in [(1, 0), (0, 1)] {
        let src = map.clone();
        for (at, value) in map.data_mut().iter_mut().enumerate() {
            let (x, y) = (at as isize % width, at as isize / width);
            let term = |(weight, d): (&f32, isize)| {
                let (x, y) = (x + d * dx, y + d * dy);
                let inside = (0..width).contains(&x) && (0..height).contains(&y);
                if inside { weight * src.data()[(y * width + x) as usize] } else { 0.0 }
            };
            *value = weights.iter().zip(-radius..).map(term).sum();
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::config::Labels;
    use crate::edges::data::rule::Rule;
    use crate::edges::sample::IGNORED;

    const WIDTH: usize = 400;
    const HEIGHT: usize = 300;

    /// Annotators who drew vertical lines at these columns, over all rows.
    fn lines(columns: &[&[usize]]) -> Marks {
        let bits = (0..WIDTH * HEIGHT).map(|at| {
            let seen = columns.iter().enumerate().filter(|(_, lines)| lines.contains(&(at % WIDTH)));
            seen.map(|(annotator, _)| 1 << annotator).sum()
        });
        Marks::Annotators { bits: bits.collect(), count: columns.len() as u32 }
    }

    fn labels(marks: &Marks, row: usize) -> Vec<f32> {
        let rule = Rule { labels: Labels::Registered, eta: 0.3, ..Rule::default() };
        marks.values()[row * WIDTH..][..WIDTH].iter().map(|&mark| marks.label(mark, 0, &rule)).collect()
    }

    #[test]
    fn agreement_counts_where_lines_lie_apart() {
        // All five see a line around column 100, no two at the same place; only one sees column 300.
        let marks = lines(&[&[98], &[99], &[100], &[101, 300], &[102]]);
        for row in [20, 150, 280] {
            let before = labels(&marks, row);
            assert!(before.iter().all(|&label| label <= 0.0), "a fifth is no boundary");
            let after = labels(&registered(marks.clone(), WIDTH), row);
            let seen: Vec<usize> = (0..WIDTH).filter(|&x| after[x] > 0.0).collect();
            assert_eq!(seen, [100], "the middle one");
            assert_eq!(after[100], 1.0);
            assert_eq!([after[98], after[102], after[300]], [IGNORED; 3]);
            assert_eq!([after[90], after[110], after[299]], [0.0; 3]);
        }
    }

    #[test]
    fn lines_too_far_apart_stay_two() {
        let marks = registered(lines(&[&[100], &[100], &[112], &[112]]), WIDTH);
        let after = labels(&marks, 150);
        assert_eq!([after[100], after[106], after[112]], [0.5, 0.0, 0.5]);
    }

    #[test]
    fn one_annotator_and_shares_stay_as_they_are() {
        let alone = lines(&[&[50, 53]]);
        assert_eq!(registered(alone.clone(), WIDTH), alone);
        let grey = Marks::Grey(vec![7; 12]);
        assert_eq!(registered(grey.clone(), 4), grey);
    }
}
