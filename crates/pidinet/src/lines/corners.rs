//! Corners: smoothing and the network round them; here they are where the straight pieces beside them meet.

use super::Line;
use super::straight::{Straight, distance, meeting};

/// A line whose corners are sharp, and which of its points they are.
pub(super) struct Sharp {
    pub line: Line,
    pub corners: Vec<usize>,
}

impl Line {
    /// The line with its corners, turns of more than `corner` degrees within some pixels, moved to where the straight pieces beside
    /// them meet, and the points that round them left out.
    pub(super) fn sharpened(&self, corner: f32) -> Sharp {
        let found = self.corners(corner);
        if found.is_empty() {
            return Sharp { line: self.clone(), corners: found };
        }
        let count = self.points.len();
        let mut rounded = vec![false; count];
        let mut places = Vec::with_capacity(found.len());
        for &at in &found {
            let place = self.corner_place(at);
            // A corner is farther than what is looked at here from the ends of an open line.
            let onward = |side: usize, far: usize| (at + far * side) % count;
            let is_near = |side: usize| {
                let next = self.points[onward(side, ROUNDED + 1)];
                let mut rounded = (0..=ROUNDED).map(|far| self.points[onward(side, far)]);
                rounded.all(|point| distance(point, place, next) <= BESIDE)
            };
            let sides = [count - 1, 1];
            if sides.into_iter().all(is_near) {
                let around = sides.into_iter().flat_map(|side| (1..=ROUNDED).map(move |far| (side, far)));
                around.for_each(|(side, far)| rounded[onward(side, far)] = true);
                places.push(place);
            } else {
                places.push(self.points[at]);
            }
        }
        let mut sharp = Sharp { line: Line { closed: self.closed, ..Line::default() }, corners: Vec::new() };
        for (at, rounded) in rounded.into_iter().enumerate() {
            let corner = found.binary_search(&at).ok();
            if corner.is_some() {
                sharp.corners.push(sharp.line.points.len());
            } else if rounded {
                continue;
            }
            sharp.line.points.push(corner.map_or(self.points[at], |corner| places[corner]));
            sharp.line.strength.push(self.strength[at]);
        }
        sharp
    }

    /// Where the line turns most, by more than `corner` degrees.
    fn corners(&self, corner: f32) -> Vec<usize> {
        let count = self.points.len();
        if count < 2 * REACH + 1 {
            return Vec::new();
        }
        let turn = |at: usize| -> f32 {
            if !self.closed && (at < REACH || at + REACH >= count) {
                return 0.0;
            }
            let [a, b, c] = [at + count - REACH, at, at + REACH].map(|at| self.points[at % count]);
            let (before, after) = ([b[0] - a[0], b[1] - a[1]], [c[0] - b[0], c[1] - b[1]]);
            let cross = before[0] * after[1] - before[1] * after[0];
            let dot = before[0] * after[0] + before[1] * after[1];
            cross.atan2(dot).abs().to_degrees()
        };
        let turns: Vec<f32> = (0..count).map(turn).collect();
        let greatest = |at: usize| {
            let mut near = (1..=REACH).flat_map(|far| [(at + count - far) % count, (at + far) % count]);
            // The first of equal ones.
            near.all(|near| turns[near] < turns[at] || turns[near] == turns[at] && near > at)
        };
        (0..count).filter(|&at| turns[at] > corner && greatest(at)).collect()
    }

    /// Where the straight pieces beside a corner meet, if that is near.
    fn corner_place(&self, at: usize) -> [f32; 2] {
        let count = self.points.len();
        let old = self.points[at];
        let side = |forward: bool| -> Option<Straight> {
            let room = match (self.closed, forward) {
                (true, _) => count / 2,
                (false, true) => count - 1 - at,
                (false, false) => at,
            };
            let points: Vec<[f32; 2]> = (ROUNDED + 1..=SIDE.min(room))
                .map(|far| self.points[if forward { at + far } else { at + count - far } % count])
                .collect();
            Straight::through(&points)
        };
        let place = side(false).zip(side(true)).and_then(|(a, b)| meeting(&a, &b));
        place.filter(|new| (new[0] - old[0]).hypot(new[1] - old[1]) <= FARTHEST).unwrap_or(old)
    }
}

/// Points on either side over which a turn is measured.
const REACH: usize = 5;
/// Points beside a corner that it rounds.
const ROUNDED: usize = 3;
/// How far points that a corner rounds, and the point that was its tip, may lie from its sides.
const BESIDE: f32 = 1.5;
/// Points beside a corner that give its sides, the rounded ones among them.
const SIDE: usize = 10;
/// How far a corner may move, in pixels.
const FARTHEST: f32 = 2.0;
