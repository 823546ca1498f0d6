//! Figures of scores, as SVG and as images, and pictures of right and wrong edges.

pub(crate) mod figure;
#[cfg(feature = "raster")]
pub(crate) mod raster;
mod save;
pub(crate) mod width;

pub mod plot;
pub mod chart;
pub mod pictures;

pub use figure::{Colour, Figure};
#[cfg(feature = "raster")]
pub use raster::drawn;
