//! Lines instead of pixels: an edge map as polylines and smooth curves along the crests of its edges.
//!
//! ```
//! use pidinet::{EdgeMap, lines::{Lines, TraceOptions}};
//!
//! // A horizontal ridge.
//! let map = EdgeMap::new(40, 9, (0..360).map(|i| match i / 40 { 4 => 0.9, 3 | 5 => 0.4, _ => 0.0 }).collect());
//! let lines = Lines::trace(&map, &TraceOptions::default()).simplified(0.5);
//! assert_eq!(lines.lines.len(), 1);
//! assert_eq!(lines.lines[0].points.len(), 2);
//! ```

mod corners;
mod curves;
mod draw;
mod drawing;
mod dxf;
mod fit;
mod geojson;
mod graph;
mod json;
mod order;
mod place;
mod polyline;
mod ridge;
mod skeleton;
mod straight;
mod svg;
mod tidy;
mod world;

pub use curves::Curve;
pub use drawing::{Drawing, DrawingOptions, Layer, Page, Stroke, StrokeWidth, Unit};
pub use dxf::dxf;
pub use geojson::geojson;
pub use json::json;
pub use svg::svg;
pub use world::WorldFile;

use crate::EdgeMap;
use graph::Graph;
use skeleton::Skeleton;

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
        Self { low: 0.15, high: 0.35, min_length: 10, max_gap: 3, spur: 5 }
    }
}

/// Lines of an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// Columns of the image.
    pub width: usize,
    /// Rows of the image.
    pub height: usize,
    /// The lines. They end where they meet others: those that meet share the point.
    pub lines: Vec<Line>,
}

/// Points along the crest of an edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Positions in pixels, `[x, y]`, from the upper left corner of the image, y down: the centre of the first pixel is
    /// `[0.5, 0.5]`.
    pub points: Vec<[f32; 2]>,
    /// The probability of an edge at each point, smoothed by `[1 2 1] / 4` both ways.
    pub strength: Vec<f32>,
    /// Whether the last point is joined to the first.
    pub closed: bool,
}

impl Lines {
    /// The lines of a map.
    pub fn trace(map: &EdgeMap, options: &TraceOptions) -> Self {
        let (width, height) = (map.width(), map.height());
        let mut lines = Self { width, height, lines: Vec::new() };
        // What is the same everywhere has no crest.
        if map.data().iter().all(|value| Some(value) == map.data().first()) {
            return lines;
        }
        let skeleton = Skeleton::of(map, options.low, options.high, options.max_gap);
        let mut graph = Graph::of(&skeleton);
        tidy::bridge(&mut graph, &skeleton, options.max_gap as f32);
        tidy::prune(&mut graph, options.spur);
        tidy::join_pairs(&mut graph);
        tidy::contract(&mut graph, options.max_gap);
        tidy::drop_short(&mut graph, options.min_length);
        lines.lines = place::lines(map, &skeleton, &graph);
        lines
    }

    /// All lines, [simplified](Line::simplified).
    #[must_use]
    pub fn simplified(&self, tolerance: f32) -> Self {
        let lines = self.lines.iter().map(|line| line.simplified(tolerance)).collect();
        Self { lines, ..*self }
    }

    /// Points of all lines.
    pub fn point_count(&self) -> usize {
        self.lines.iter().map(|line| line.points.len()).sum()
    }
}

impl Line {
    /// The mean probability along the line.
    pub fn mean_strength(&self) -> f32 {
        self.strength.iter().sum::<f32>() / self.strength.len().max(1) as f32
    }

    /// Length in pixels.
    pub fn length(&self) -> f32 {
        let points =
            self.points.windows(2).map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]));
        let last = match (self.closed, self.points.first(), self.points.last()) {
            (true, Some(first), Some(last)) => (first[0] - last[0]).hypot(first[1] - last[1]),
            _ => 0.0,
        };
        points.sum::<f32>() + last
    }
}

#[cfg(test)]
mod tests;
