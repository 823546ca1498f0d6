//! Smooth curves: cubic Béziers along a line, with its corners kept.

use super::Line;
use super::fit::{at, fit};

/// Cubic Bézier curves that follow one another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Where the first begins, `[x, y]` in pixels as in [`Line::points`].
    pub start: [f32; 2],
    /// Two control points and the end of each.
    pub cubics: Vec<[[f32; 2]; 3]>,
    /// The mean probability along the line.
    pub strength: f32,
    /// Whether the last ends where the first begins.
    pub closed: bool,
}

impl Line {
    /// Curves that stay within about `tolerance` pixels of the line, smooth but where it turns by more than
    /// `corner` degrees within some pixels.
    ///
    /// Between two corners few cubics are fitted by least squares (Schneider, 1990), each as long as the tolerance allows.
    pub fn curve(&self, tolerance: f32, corner: f32) -> Curve {
        let sharp = self.sharpened(corner);
        let points = &sharp.line.points;
        let mut curve = Curve { strength: self.mean_strength(), closed: self.closed, ..Curve::default() };
        let Some(last) = points.len().checked_sub(1) else { return curve };
        let mut stops = sharp.corners;
        curve.start = points[stops.first().copied().filter(|_| self.closed).unwrap_or(0)];
        let round = self.closed && stops.is_empty();
        if self.closed {
            if round {
                stops.push(0);
            }
            stops.push(stops[0] + points.len());
        } else {
            stops.insert(0, 0);
            stops.push(last);
        }
        for stops in stops.windows(2) {
            let span: Vec<[f32; 2]> = (stops[0]..=stops[1]).map(|at| points[at % points.len()]).collect();
            let cubics = fit(&dense(&span), tolerance.max(LEAST), round);
            curve.cubics.extend(cubics.into_iter().map(|[_, control, second, end]| [control, second, end]));
        }
        curve
    }
}

/// The points, and more on the straight pieces between them, so that curves stay near these as well.
fn dense(points: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let mut dense = Vec::with_capacity(points.len());
    dense.extend(points.first());
    for pair in points.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        let pieces =
            ((to[0] - from[0]).hypot(to[1] - from[1]) / APART).ceil().clamp(1.0, MOST_PIECES) as usize;
        dense.extend((1..=pieces).map(|piece| {
            let share = piece as f32 / pieces as f32;
            [0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis]))
        }));
    }
    dense
}

/// How far points may be apart to which a curve is fitted: neighbouring pixels are at most 1.42.
const APART: f32 = 1.5;
/// Least tolerance in pixels: below, each point would be a curve.
const LEAST: f32 = 0.01;

impl Curve {
    /// Where the last cubic ends.
    pub fn end(&self) -> [f32; 2] {
        self.cubics.last().map_or(self.start, |cubic| cubic[2])
    }
}

impl Curve {
    /// Points on the curve that straight pieces join within `tolerance` pixels. Of a closed curve the first does not come again.
    pub(super) fn points(&self, tolerance: f32) -> Vec<[f32; 2]> {
        let mut points = vec![self.start];
        let mut from = self.start;
        for &[first, second, end] in &self.cubics {
            // A piece of n is at most |second difference| · 6 / (8 n²) off.
            let bend = |a: [f32; 2], b: [f32; 2], c: [f32; 2]| {
                (a[0] - 2.0 * b[0] + c[0]).hypot(a[1] - 2.0 * b[1] + c[1])
            };
            let bend = bend(from, first, second).max(bend(first, second, end));
            // A loop has an inside, however flat it is.
            let least = if from == end { 3.0 } else { 1.0 };
            let pieces =
                (0.75 * bend / tolerance.max(LEAST)).sqrt().ceil().clamp(least, MOST_PIECES) as usize;
            points.extend((1..=pieces).map(|piece| {
                let share = piece as f32 / pieces as f32;
                if piece == pieces { end } else { at(&[from, first, second, end], share) }
            }));
            from = end;
        }
        if self.closed {
            points.pop();
        }
        points
    }
}

/// Most straight pieces for one cubic.
const MOST_PIECES: f32 = 1000.0;
