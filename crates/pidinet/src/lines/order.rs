//! The order in which a pen draws: near lines one after another.

use super::{Line, Lines};

impl Lines {
    /// The lines in an order, and turned, such that the pen travels little between them: from where a line ends to the nearest
    /// end of those that are left, beginning at the upper left corner.
    #[must_use]
    pub fn sorted(&self) -> Self {
        self.clone().into_sorted()
    }

    pub(super) fn into_sorted(mut self) -> Self {
        let mut left = Ends::of(&self.lines);
        let mut pen = [0.0, 0.0];
        let mut lines = Vec::with_capacity(self.lines.len());
        while let Some((number, backwards)) = left.take_nearest(pen) {
            let Line { points, strength, closed } = &mut self.lines[number];
            let (points, strength) = (std::mem::take(points), std::mem::take(strength));
            let mut line = Line { points, strength, closed: *closed };
            if backwards {
                line.points.reverse();
                line.strength.reverse();
            }
            let stop = if line.closed { line.points.first() } else { line.points.last() };
            pen = stop.copied().unwrap_or(pen);
            lines.push(line);
        }
        Self { lines, ..self }
    }

    /// How far the pen travels between lines, in pixels, beginning at the upper left corner.
    pub fn travel(&self) -> f32 {
        let mut pen = [0.0, 0.0];
        let mut far = 0.0;
        for line in &self.lines {
            let (Some(&first), Some(&last)) = (line.points.first(), line.points.last()) else { continue };
            far += distance(pen, first);
            pen = if line.closed { first } else { last };
        }
        far
    }
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The ends of lines that are left, in a grid of square cells.
struct Ends {
    cells: Vec<Vec<End>>,
    columns: usize,
    rows: usize,
    side: f32,
    left: usize,
    taken: Vec<bool>,
}

#[derive(Clone, Copy)]
struct End {
    line: u32,
    last: bool,
    place: [f32; 2],
}

impl Ends {
    fn of(lines: &[Line]) -> Self {
        let all = || {
            lines.iter().enumerate().flat_map(|(number, line)| {
                let first = line.points.first().map(|&place| (false, place));
                let last = line.points.last().filter(|_| !line.closed).map(|&place| (true, place));
                first.into_iter().chain(last).map(move |(last, place)| End {
                    line: number as u32,
                    last,
                    place,
                })
            })
        };
        let extent = all().fold([1.0f32; 2], |far, end| [far[0].max(end.place[0]), far[1].max(end.place[1])]);
        // About one line a cell.
        let side = (extent[0] * extent[1] / lines.len().max(1) as f32).sqrt().max(1.0);
        let [columns, rows] = extent.map(|far| (far / side) as usize + 1);
        let mut ends = Self {
            cells: vec![Vec::new(); columns * rows],
            columns,
            rows,
            side,
            left: lines.iter().filter(|line| !line.points.is_empty()).count(),
            taken: vec![false; lines.len()],
        };
        for end in all() {
            let (x, y) = ends.cell(end.place);
            ends.cells[y * columns + x].push(end);
        }
        ends
    }

    fn cell(&self, [x, y]: [f32; 2]) -> (usize, usize) {
        let at = |far: f32, count: usize| ((far / self.side) as usize).min(count - 1);
        (at(x, self.columns), at(y, self.rows))
    }

    /// Takes the line with the nearest end out; tells whether that is its last point.
    fn take_nearest(&mut self, pen: [f32; 2]) -> Option<(usize, bool)> {
        if self.left == 0 {
            return None;
        }
        let (x, y) = self.cell(pen);
        let mut best: Option<(f32, End)> = None;
        for ring in 0..self.columns.max(self.rows) {
            // What lies in farther rings is at least this far away.
            let nearest = (ring as f32 - 1.0) * self.side;
            if best.is_some_and(|(far, _)| far <= nearest) {
                break;
            }
            self.visit_ring(x, y, ring, |cell, taken| {
                cell.retain(|end| !taken[end.line as usize]);
                for end in cell.iter() {
                    let far = distance(pen, end.place);
                    if best.is_none_or(|(least, _)| far < least) {
                        best = Some((far, *end));
                    }
                }
            });
        }
        let (_, end) = best?;
        self.taken[end.line as usize] = true;
        self.left -= 1;
        Some((end.line as usize, end.last))
    }

    /// The cells at a distance of `ring` cells.
    fn visit_ring(&mut self, x: usize, y: usize, ring: usize, mut visit: impl FnMut(&mut Vec<End>, &[bool])) {
        let rows = y.saturating_sub(ring)..(y + ring + 1).min(self.rows);
        for row in rows {
            let whole = row.abs_diff(y) == ring;
            let mut at = |column: usize| visit(&mut self.cells[row * self.columns + column], &self.taken);
            if whole {
                (x.saturating_sub(ring)..(x + ring + 1).min(self.columns)).for_each(&mut at);
            } else {
                x.checked_sub(ring).into_iter().for_each(&mut at);
                Some(x + ring).filter(|&column| column < self.columns).into_iter().for_each(&mut at);
            }
        }
    }
}
