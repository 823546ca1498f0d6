//! What a graph of a skeleton has too much and too little: short spurs, and small gaps.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::graph::{Graph, Path};
use super::skeleton::Skeleton;

/// Takes branches away that end freely after fewer than `shortest` pixels, the shortest first, as long as three lines
/// meet where they begin; lines that then meet in twos are joined.
pub(super) fn prune(graph: &mut Graph, shortest: usize) {
    let mut heap = BinaryHeap::new();
    let offer = |heap: &mut BinaryHeap<_>, graph: &Graph, number: u32| {
        if let Some((node, length)) = spur(graph, number)
            && length < shortest
        {
            heap.push((std::cmp::Reverse(length), std::cmp::Reverse(number), node));
        }
    };
    (0..graph.paths.len() as u32).for_each(|number| offer(&mut heap, graph, number));
    while let Some((_, number, node)) = heap.pop() {
        if graph.paths[number.0 as usize].is_none() || graph.degree(node) < 3 {
            continue;
        }
        graph.remove(number.0);
        if let Some(joined) = graph.join(node) {
            offer(&mut heap, graph, joined);
        }
    }
}

/// Makes junctions one that at most `longest` pixels join: a crossing of two lines looks like two junctions. What joined them
/// besides is a loop then, and goes if it is as short.
pub(super) fn contract(graph: &mut Graph, longest: usize) {
    for number in 0..graph.paths.len() as u32 {
        let Some(path) = &graph.paths[number as usize] else { continue };
        let Some([first, last]) = path.ends else { continue };
        let fits =
            graph.nodes[first as usize].pixels.len() + graph.nodes[last as usize].pixels.len() <= MOST_MERGED;
        if first != last
            && path.pixels.len() <= longest
            && graph.degree(first) > 2
            && graph.degree(last) > 2
            && fits
        {
            graph.contract(number);
        }
    }
    for number in 0..graph.paths.len() as u32 {
        let Some(path) = &graph.paths[number as usize] else { continue };
        if let Some([first, last]) = path.ends
            && first == last
            && path.pixels.len() <= longest
        {
            graph.remove(number);
            graph.join(first);
        }
    }
}

/// Most pixels of junctions that are made one.
const MOST_MERGED: usize = 12;

/// Joins all lines that meet in twos.
pub(super) fn join_pairs(graph: &mut Graph) {
    for node in 0..graph.nodes.len() as u32 {
        graph.join(node);
    }
}

/// The node at which a path with one free end begins, and how many pixels it has.
fn spur(graph: &Graph, number: u32) -> Option<(u32, usize)> {
    let path = graph.paths[number as usize].as_ref()?;
    let [first, last] = path.ends?;
    let length = path.pixels.len() + 1;
    match (graph.degree(first), graph.degree(last)) {
        (1, 3..) => Some((last, length)),
        (3.., 1) => Some((first, length)),
        _ => None,
    }
}

/// Joins free ends that lie at most `longest` pixels apart and face each other, the nearest first.
pub(super) fn bridge(graph: &mut Graph, skeleton: &Skeleton, longest: f32) {
    if longest <= 0.0 {
        return;
    }
    // An end and the next pixel are one step apart without any gap.
    let reach = longest + 1.0;
    let ends: Vec<FreeEnd> =
        (0..graph.nodes.len() as u32).filter_map(|node| FreeEnd::at(graph, skeleton, node)).collect();
    let cells = Cells::of(&ends, reach);
    let mut pairs = Vec::new();
    for (number, end) in ends.iter().enumerate() {
        let later = cells.near(end).filter(|&other| other > number);
        pairs.extend(later.filter_map(|other| Some((end.faces(&ends[other], reach)?, number, other))));
    }
    pairs.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then((a.1, a.2).cmp(&(b.1, b.2))));
    for (_, one, other) in pairs {
        let (one, other) = (ends[one].node, ends[other].node);
        if graph.degree(one) == 1 && graph.degree(other) == 1 {
            graph.add(Path { ends: Some([one, other]), pixels: Vec::new() });
            graph.join(one);
            graph.join(other);
        }
    }
}

/// The numbers of free ends in square cells, row after row.
struct Cells {
    side: f32,
    columns: usize,
    /// For each cell, and once more at the end, where its numbers begin.
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Cells {
    fn of(ends: &[FreeEnd], side: f32) -> Self {
        let most = |place: fn(&FreeEnd) -> f32| (ends.iter().map(place).fold(0.0, f32::max) / side) as usize;
        let (columns, rows) = (most(|end| end.x) + 1, most(|end| end.y) + 1);
        let cell = |end: &FreeEnd| {
            let (column, row) = end.cell(side);
            columns * row + column
        };
        let mut starts = vec![0; columns * rows + 1];
        ends.iter().for_each(|end| starts[cell(end)] += 1);
        // Up to where each cell ends; filling it from there leaves where it begins.
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut numbers = vec![0; ends.len()];
        for (number, end) in ends.iter().enumerate() {
            let start = &mut starts[cell(end)];
            *start -= 1;
            numbers[*start as usize] = number as u32;
        }
        Self { side, columns, starts, numbers }
    }

    /// The ends in the cell of this one and in those around it.
    fn near(&self, end: &FreeEnd) -> impl Iterator<Item = usize> {
        let rows = (self.starts.len() - 1) / self.columns;
        let (column, row) = end.cell(self.side);
        let columns = column.saturating_sub(1)..(column + 2).min(self.columns);
        (row.saturating_sub(1)..(row + 2).min(rows)).flat_map(move |row| {
            let [start, end] =
                [columns.start, columns.end].map(|column| self.starts[self.columns * row + column] as usize);
            self.numbers[start..end].iter().map(|&number| number as usize)
        })
    }
}

/// The end of one line, which meets no other.
struct FreeEnd {
    node: u32,
    x: f32,
    y: f32,
    /// Where the line would go on: a vector of length 1.
    onward: (f32, f32),
}

impl FreeEnd {
    fn at(graph: &Graph, skeleton: &Skeleton, node: u32) -> Option<Self> {
        let &[number] = graph.nodes[node as usize].paths.as_slice() else { return None };
        let path = graph.paths[number as usize].as_ref()?;
        let [first, last] = path.ends?;
        let position = |at: u32| {
            let (x, y) = skeleton.position(at as usize);
            (x as f32, y as f32)
        };
        let (x, y) = position(graph.nodes[node as usize].pixels[0]);
        let back = DIRECTION.min(path.pixels.len());
        let inner = match back {
            0 => graph.nodes[(if first == node { last } else { first }) as usize].pixels[0],
            _ if first == node => path.pixels[back - 1],
            _ => path.pixels[path.pixels.len() - back],
        };
        let (from_x, from_y) = position(inner);
        let (dx, dy) = (x - from_x, y - from_y);
        let length = dx.hypot(dy).max(f32::MIN_POSITIVE);
        Some(Self { node, x, y, onward: (dx / length, dy / length) })
    }

    /// Column and row of its square cell.
    fn cell(&self, side: f32) -> (usize, usize) {
        ((self.x / side) as usize, (self.y / side) as usize)
    }

    /// How far another end is, if both lines go on towards each other, within [`FACING`].
    fn faces(&self, other: &Self, reach: f32) -> Option<f32> {
        let (dx, dy) = (other.x - self.x, other.y - self.y);
        let distance = dx.hypot(dy);
        if distance > reach || distance == 0.0 {
            return None;
        }
        let along = |onward: (f32, f32), sign: f32| sign * (onward.0 * dx + onward.1 * dy) / distance;
        (along(self.onward, 1.0) >= FACING && along(other.onward, -1.0) >= FACING).then_some(distance)
    }
}

/// Over how many pixels the direction of an end is taken.
const DIRECTION: usize = 6;
/// Cosine of the largest angle, 60°, between an end's direction and the gap.
const FACING: f32 = 0.5;

/// Takes figures away, connected sets of lines, that have fewer than `shortest` pixels in all.
pub(super) fn drop_short(graph: &mut Graph, shortest: usize) {
    let mut seen = vec![false; graph.nodes.len()];
    let mut figure = Vec::new();
    for start in 0..graph.paths.len() as u32 {
        let Some(path) = &graph.paths[start as usize] else { continue };
        let Some([first, _]) = path.ends else {
            if path.pixels.len() < shortest {
                graph.remove(start);
            }
            continue;
        };
        if seen[first as usize] {
            continue;
        }
        seen[first as usize] = true;
        figure.clear();
        let mut open = vec![first];
        let mut pixels = 0;
        while let Some(node) = open.pop() {
            pixels += graph.nodes[node as usize].pixels.len();
            for &number in &graph.nodes[node as usize].paths {
                let Some(path) = &graph.paths[number as usize] else { continue };
                figure.push(number);
                for near in path.ends.into_iter().flatten() {
                    if !seen[near as usize] {
                        seen[near as usize] = true;
                        open.push(near);
                    }
                }
            }
        }
        figure.sort_unstable();
        figure.dedup();
        let inside =
            figure.iter().filter_map(|&number| graph.paths[number as usize].as_ref()).map(|p| p.pixels.len());
        if pixels + inside.sum::<usize>() < shortest {
            figure.iter().for_each(|&number| {
                graph.remove(number);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_around_an_end_have_all_ends_within_their_side() {
        for (width, height) in [(1, 1), (1, 40), (40, 1), (30, 20)] {
            let place = |i: usize| ((i * 7 % width) as f32, (i * 13 / 3 % height) as f32);
            let ends: Vec<FreeEnd> = (0..60)
                .map(|i| FreeEnd { node: i as u32, x: place(i).0, y: place(i).1, onward: (1.0, 0.0) })
                .collect();
            for side in [1.5, 4.0, 100.0] {
                let cells = Cells::of(&ends, side);
                for end in &ends {
                    let mut near: Vec<usize> = cells.near(end).collect();
                    near.sort_unstable();
                    let within = |other: &FreeEnd| (other.x - end.x).hypot(other.y - end.y) <= side;
                    assert!((0..ends.len()).all(|i| !within(&ends[i]) || near.binary_search(&i).is_ok()));
                    assert!(near.windows(2).all(|pair| pair[0] < pair[1]), "each end once");
                }
            }
        }
    }
}
