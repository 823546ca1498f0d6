//! From a map to its lines.

use super::graph::Graph;
use super::skeleton::Skeleton;
use super::{Lines, place, tidy};
use crate::EdgeMap;

/// What becomes a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceOptions {
    /// Least probability of a line's pixels.
    pub low: f32,
    /// Least probability that a figure, lines that meet, must reach somewhere.
    pub high: f32,
    /// Fewest pixels of a figure.
    pub min_length: usize,
    /// Largest gap in pixels between two ends that face each other, or between crests of one edge, that is bridged.
    pub max_gap: usize,
    /// Branches with fewer pixels than this, and a free end, are left out.
    pub spur: usize,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self { low: 0.15, high: 0.35, min_length: 10, max_gap: 3, spur: 10 }
    }
}

impl Lines {
    /// The lines of a map.
    pub fn trace(map: &EdgeMap, options: &TraceOptions) -> Self {
        let lines = traced(map, options).map(|(skeleton, graph)| place::lines(map, &skeleton, &graph));
        Self { width: map.width(), height: map.height(), lines: lines.unwrap_or_default() }
    }
}

/// The skeleton of a map, and the graph of what of it becomes lines; none if the map is the same everywhere.
pub(super) fn traced(map: &EdgeMap, options: &TraceOptions) -> Option<(Skeleton, Graph)> {
    // What is the same everywhere has no crest.
    if map.data().iter().all(|value| Some(value) == map.data().first()) {
        return None;
    }
    let skeleton = Skeleton::of(map, options.low, options.high, options.max_gap);
    let mut graph = Graph::of(&skeleton);
    tidy::bridge(&mut graph, &skeleton, options.max_gap as f32);
    tidy::prune(&mut graph, options.spur);
    tidy::join_pairs(&mut graph);
    tidy::contract(&mut graph, options.max_gap);
    tidy::drop_short(&mut graph, options.min_length);
    Some((skeleton, graph))
}
