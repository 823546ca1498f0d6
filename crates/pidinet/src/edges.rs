//! Edges: from an image, or rows that are ready for the network, to a map of edge probabilities.
//!
//! [`EdgeDetector`] is what most users need. A model becomes a plan, a plan and an image size become a
//! schedule, and an engine streams images through it.
//! [`Calibration::measure`](crate::calibration::Calibration::measure) looks at the intermediate maps.

mod calibrate;
mod detector;
mod engine;
mod input;
mod options;
mod plan;
mod schedule;
mod trace;

pub use crate::steps::StepStats;
pub use detector::{Detection, EdgeDetector};
pub use engine::Map;
pub use input::Input;
pub use options::{DetectorOptions, Precision, Strip};
pub use trace::trace;
