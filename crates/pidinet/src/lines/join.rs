//! Lines that go straight on where several meet, made one: fewer strokes, and fewer points.

use std::collections::HashMap;

use super::{Line, Lines};

impl Lines {
    /// The most degrees by which a line turns where it goes straight on; what [`Lines::drawing`] joins.
    pub const STRAIGHT_ON: f32 = 45.0;

    /// The lines, joined in pairs where they meet and go on straight, turning by at most `turn` degrees: the two first that
    /// turn least. The joined line is smoothed where they meet; that stays a point of it, in which others may end.
    #[must_use]
    pub fn joined(&self, turn: f32) -> Self {
        let onward = Onward::of(&self.lines, turn);
        let mut taken = vec![false; self.lines.len()];
        let mut moved = HashMap::new();
        let mut lines = Vec::new();
        for number in 0..self.lines.len() {
            if !taken[number] {
                let (first, closed) = onward.first_of(number);
                lines.push(self.chain(&onward, first, closed, &mut taken, &mut moved));
            }
        }
        let follow = |point: &mut [f32; 2]| *point = moved.get(&key(*point)).copied().unwrap_or(*point);
        for line in lines.iter_mut().filter(|line| !line.closed) {
            line.points.first_mut().into_iter().for_each(follow);
            line.points.last_mut().into_iter().for_each(follow);
        }
        Self { lines, ..*self }
    }

    /// The line that begins with one, entered at an end; adds to where points `moved` in which lines were joined.
    fn chain(
        &self,
        onward: &Onward,
        first: End,
        closed: bool,
        taken: &mut [bool],
        moved: &mut HashMap<[u32; 2], [f32; 2]>,
    ) -> Line {
        let mut line = Line { closed: self.lines[first.line].closed, ..Line::default() };
        let mut joints = Vec::new();
        let mut entry = Some(first);
        while let Some(End { line: number, last }) = entry.filter(|end| !taken[end.line]) {
            taken[number] = true;
            let Line { points, strength, .. } = &self.lines[number];
            // The point that is shared is there already.
            let skip = usize::from(!line.points.is_empty());
            joints.extend(line.points.len().checked_sub(1));
            let order = |at: usize| if last { points.len() - 1 - at } else { at };
            line.points.extend((skip..points.len()).map(|at| points[order(at)]));
            line.strength.extend((skip..points.len()).map(|at| strength[order(at)]));
            entry = onward.partner(End { line: number, last: !last });
        }
        if closed && line.points.len() > 1 {
            line.points.pop();
            line.strength.pop();
            line.closed = true;
            joints.push(0);
        }
        let were: Vec<[u32; 2]> = joints.iter().map(|&at| key(line.points[at])).collect();
        joints.iter().for_each(|&at| line.smooth_around(at));
        moved.extend(were.into_iter().zip(joints.iter().map(|&at| line.points[at])));
        line
    }
}

/// One end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    line: usize,
    /// Its last point instead of its first.
    last: bool,
}

/// With which end each goes on.
struct Onward(Vec<[Option<End>; 2]>);

impl Onward {
    fn of(lines: &[Line], turn: f32) -> Self {
        let mut meetings: HashMap<[u32; 2], Vec<End>> = HashMap::new();
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.closed) {
            for (last, point) in [(false, line.points.first()), (true, line.points.last())] {
                if let Some(&point) = point {
                    meetings.entry(key(point)).or_default().push(End { line: number, last });
                }
            }
        }
        let mut onward = Self(vec![[None; 2]; lines.len()]);
        for ends in meetings.values().filter(|ends| ends.len() > 1) {
            let ways: Vec<[f32; 2]> = ends.iter().map(|end| lines[end.line].way_out(end.last)).collect();
            let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
            for one in 0..ends.len() {
                for other in one + 1..ends.len() {
                    let (a, b) = (ways[one], ways[other]);
                    pairs.push((a[0] * b[0] + a[1] * b[1], one, other));
                }
            }
            // Opposite ways, the straightest line, first.
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            let straight = -turn.to_radians().cos();
            for &(_, one, other) in pairs.iter().take_while(|pair| pair.0 <= straight) {
                let (one, other) = (ends[one], ends[other]);
                if onward.partner(one).is_none() && onward.partner(other).is_none() {
                    *onward.slot(one) = Some(other);
                    *onward.slot(other) = Some(one);
                }
            }
        }
        onward
    }

    fn slot(&mut self, end: End) -> &mut Option<End> {
        &mut self.0[end.line][usize::from(end.last)]
    }

    fn partner(&self, end: End) -> Option<End> {
        self.0[end.line][usize::from(end.last)]
    }

    /// Where the joined line begins that a line belongs to: the end at which its first line is entered; and whether it is
    /// closed, so that it may begin anywhere.
    fn first_of(&self, line: usize) -> (End, bool) {
        let start = End { line, last: false };
        let mut entry = start;
        while let Some(before) = self.partner(entry) {
            // Entered at its other end, the line before leads here.
            entry = End { line: before.line, last: !before.last };
            if entry == start {
                return (start, true);
            }
        }
        (entry, false)
    }
}

/// The bits of a position: lines that meet share it exactly.
pub(super) fn key(point: [f32; 2]) -> [u32; 2] {
    point.map(f32::to_bits)
}

impl Line {
    /// Smooths a few points around one.
    fn smooth_around(&mut self, at: usize) {
        let count = self.points.len();
        // Where they are, with one more on either side that stays.
        let reach = 0..2 * SMOOTHED + 3;
        let places: Vec<usize> = match self.closed {
            true => reach.map(|far| (at + far + count * SMOOTHED - SMOOTHED - 1) % count).collect(),
            false => reach
                .filter_map(|far| (at + far).checked_sub(SMOOTHED + 1))
                .filter(|&here| here < count)
                .collect(),
        };
        if places.len() > count {
            return;
        }
        let mut points: Vec<[f32; 2]> = places.iter().map(|&here| self.points[here]).collect();
        for _ in 0..SMOOTHINGS {
            let old = points.clone();
            for (new, around) in points[1..].iter_mut().zip(old.windows(3)) {
                *new = [0, 1]
                    .map(|axis| 0.25 * around[0][axis] + 0.5 * around[1][axis] + 0.25 * around[2][axis]);
            }
        }
        places.iter().zip(points).for_each(|(&here, point)| self.points[here] = point);
    }

    /// The direction in which the line leaves its first or last point, of length 1 or 0.
    fn way_out(&self, last: bool) -> [f32; 2] {
        let count = self.points.len();
        let far = REACH.min(count - 1);
        let (from, to) = if last { (count - 1, count - 1 - far) } else { (0, far) };
        let (from, to) = (self.points[from], self.points[to]);
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let length = dx.hypot(dy).max(f32::MIN_POSITIVE);
        [dx / length, dy / length]
    }
}

/// Points over which the direction of an end is taken.
const REACH: usize = 8;
/// Points on either side of a joint that are smoothed, and how often.
const SMOOTHED: usize = 2;
const SMOOTHINGS: usize = 2;
