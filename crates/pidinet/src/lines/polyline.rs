//! Fewer points: polylines that stay near their lines.

use super::meet::meet;
use super::reach::farthest_that;
use super::straight::distance;
use super::{Line, Lines, Stroke};

impl Lines {
    /// All lines, [simplified](Line::simplified). Those that end within another one end on it still.
    #[must_use]
    pub fn simplified(&self, tolerance: f32) -> Self {
        let strokes =
            self.lines.iter().map(|line| (line.clone(), Stroke::Polyline(line.simplified(tolerance))));
        let mut strokes: Vec<(Line, Stroke)> = strokes.collect();
        meet(&mut strokes);
        let lines = strokes.into_iter().map(|(line, stroke)| match stroke {
            Stroke::Polyline(simple) => simple,
            Stroke::Curve(_) => line,
        });
        Self { lines: lines.collect(), ..*self }
    }
}

impl Line {
    /// The line with few points that stay within `tolerance` pixels of it, after corners were sharpened. Ends stay, so that lines that met still meet. With a tolerance of 0 or less every point stays.
    #[must_use]
    pub fn simplified(&self, tolerance: f32) -> Self {
        if tolerance <= 0.0 || self.points.len() < 3 {
            return self.clone();
        }
        let sharp = self.sharpened(CORNER);
        let line = sharp.line;
        let count = line.points.len();
        let kept = match line.closed {
            false if line.points[0] == line.points[count - 1] => kept_around(&line.points, tolerance),
            false => kept(&line.points, tolerance),
            true => {
                let start = sharp.corners.first().copied().unwrap_or(0);
                let around: Vec<[f32; 2]> = (0..=count).map(|at| line.points[(start + at) % count]).collect();
                let mut kept = kept_around(&around, tolerance);
                kept.pop();
                kept.into_iter().map(|at| (at + start) % count).collect()
            }
        };
        Self {
            points: kept.iter().map(|&at| line.points[at]).collect(),
            strength: kept.iter().map(|&at| line.strength[at]).collect(),
            closed: line.closed,
        }
    }
}

/// Degrees by which a line turns at what counts as a corner.
const CORNER: f32 = 45.0;

/// The point farthest from another.
fn farthest(points: &[[f32; 2]], from: [f32; 2]) -> usize {
    let distance = |p: &[f32; 2]| (p[0] - from[0]).hypot(p[1] - from[1]);
    (0..points.len()).max_by(|&a, &b| distance(&points[a]).total_cmp(&distance(&points[b]))).unwrap_or(0)
}

/// The points to keep of a loop whose last point is its first: these, and the one farthest from them, among others.
fn kept_around(points: &[[f32; 2]], tolerance: f32) -> Vec<usize> {
    let last = points.len() - 1;
    let half = farthest(&points[..last], points[0]).max(1);
    let mut there = kept(&points[..=half], tolerance);
    let back = kept(&points[half..], tolerance).into_iter().skip(1);
    there.extend(back.map(|at| at + half));
    there
}

/// The points to keep, first and last among them: from each the farthest to which a straight piece stays near.
fn kept(points: &[[f32; 2]], tolerance: f32) -> Vec<usize> {
    let last = points.len() - 1;
    let mut kept = vec![0];
    let mut first = 0;
    while first < last {
        let is_near = |end: usize| {
            (first + 1..end).all(|at| distance(points[at], points[first], points[end]) <= tolerance)
        };
        first = farthest_that(first + 1, last, is_near);
        kept.push(first);
    }
    kept
}
