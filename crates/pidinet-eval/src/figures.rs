//! Figures of scores, as SVG and as images, and pictures of right and wrong edges.

pub(crate) mod figure;
pub(crate) mod raster;

pub mod plot;
pub mod chart;
pub mod pictures;

pub use figure::{Colour, Figure};
pub use raster::drawn;
