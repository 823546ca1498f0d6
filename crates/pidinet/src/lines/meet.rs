//! Strokes that end on another one end exactly there, although that one may pass a little beside the line that it is of.

use std::collections::{HashMap, HashSet};

use super::join::key;
use super::straight::foot;
use super::{Line, Stroke};

/// Moves the ends of strokes that lie in the course of another one's line onto that stroke.
pub(super) fn meet(strokes: &mut [(Line, Stroke)]) {
    let open = strokes.iter().filter(|(line, _)| !line.closed);
    let ends: HashSet<[u32; 2]> = open
        .flat_map(|(line, _)| line.points.first().into_iter().chain(line.points.last()))
        .copied()
        .map(key)
        .collect();
    let mut moved: HashMap<[u32; 2], [f32; 2]> = HashMap::new();
    for (line, stroke) in strokes.iter() {
        let last = line.points.len().saturating_sub(1);
        // A line of one point has nothing between its ends.
        let between = line.points.get(1..last).unwrap_or_default();
        let inside = if line.closed { &line.points[..] } else { between };
        let mut passed = inside.iter().filter(|&&point| ends.contains(&key(point))).peekable();
        if passed.peek().is_none() {
            continue;
        }
        let mut drawn = stroke.points(FLAT);
        if stroke.closed() {
            drawn.extend(drawn.first().copied());
        }
        for &point in passed {
            moved.entry(key(point)).or_insert_with(|| nearest(&drawn, point));
        }
    }
    for (line, stroke) in strokes.iter_mut().filter(|(line, _)| !line.closed) {
        let new = |point: Option<&[f32; 2]>| point.and_then(|&point| moved.get(&key(point)).copied());
        let (first, last) = (new(line.points.first()), new(line.points.last()));
        first.into_iter().for_each(|place| stroke.begin_at(place));
        last.into_iter().for_each(|place| stroke.end_at(place));
    }
}

/// How far straight pieces may be from the curve on which the nearest point is looked for, in pixels.
const FLAT: f32 = 0.02;

/// The point of a polyline nearest to another.
fn nearest(drawn: &[[f32; 2]], point: [f32; 2]) -> [f32; 2] {
    let far = |at: &[f32; 2]| (at[0] - point[0]).hypot(at[1] - point[1]);
    let feet = drawn.windows(2).map(|piece| foot(point, piece[0], piece[1]));
    feet.min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(point)
}

impl Stroke {
    /// Moves its first point, and a curve's next control point as far.
    fn begin_at(&mut self, place: [f32; 2]) {
        match self {
            Self::Polyline(line) => line.points.first_mut().into_iter().for_each(|first| *first = place),
            Self::Curve(curve) => {
                let by = [0, 1].map(|axis| place[axis] - curve.start[axis]);
                curve.start = place;
                curve.cubics.first_mut().into_iter().for_each(|cubic| shift(&mut cubic[0], by));
            }
        }
    }

    /// Moves its last point, and the control point of a curve before it as far.
    fn end_at(&mut self, place: [f32; 2]) {
        match self {
            Self::Polyline(line) => line.points.last_mut().into_iter().for_each(|last| *last = place),
            Self::Curve(curve) => {
                if let Some([_, second, end]) = curve.cubics.last_mut() {
                    shift(second, [0, 1].map(|axis| place[axis] - end[axis]));
                    *end = place;
                }
            }
        }
    }
}

fn shift(point: &mut [f32; 2], by: [f32; 2]) {
    point.iter_mut().zip(by).for_each(|(at, by)| *at += by);
}
