//! Lines instead of pixels: an edge map as polylines and smooth curves along the crests of its edges.
//!
//! ```
//! use pidinet::{EdgeMap, Size, lines::{Lines, TraceOptions}};
//!
//! // A horizontal ridge.
//! let map = EdgeMap::new(Size { height: 9, width: 40 }, (0..360).map(|i| match i / 40 { 4 => 0.9, 3 | 5 => 0.4, _ => 0.0 }).collect());
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
mod grid;
mod join;
mod json;
mod line;
mod meet;
mod order;
mod place;
mod polyline;
mod reach;
mod ridge;
mod skeleton;
mod straight;
mod stroke;
mod svg;
mod thinning;
mod tidy;
mod trace;
mod world;

pub use curves::Curve;
pub use drawing::{Drawing, DrawingOptions, Layer, Page, StrokeWidth, Unit};
pub use dxf::dxf;
pub use geojson::geojson;
pub use json::json;
pub use line::{Line, Lines};
pub use stroke::Stroke;
pub use svg::svg;
pub use trace::TraceOptions;
pub use world::WorldFile;

#[cfg(test)]
mod tests;
