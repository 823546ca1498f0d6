//! Edges: from an image, or rows that are ready for the network, to a map of edge probabilities.
//!
//! [`EdgeDetector`] is what most users need. A model becomes a plan, and an engine streams images through it.

pub(crate) mod detector;
pub(crate) mod engine;
pub(crate) mod plan;

pub use detector::{Detection, DetectorOptions, EdgeDetector, trace};
pub use engine::{Input, Map, Precision, StepStats, Strip};
