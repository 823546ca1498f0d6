//! Figures of scores, as SVG and in pixels, and pictures of right and wrong edges.

pub mod figure;
pub mod svg;
pub mod raster;
mod glyphs;
pub(crate) mod base64;

pub mod plot;
pub mod chart;
pub mod pictures;
