//! Every map of a network, for tests and research.

use super::engine::{Engine, Map};
use super::input::Input;
use super::options::DetectorOptions;
use super::plan::Keep;
use crate::Size;
use crate::arch::Outputs;
use crate::error::Result;
use crate::weights::Model;

/// Every map in [`Outputs`] for an input that is ready for the network, for tests and research.
///
/// # Errors
///
/// As [`EdgeDetector::new`](super::EdgeDetector::new).
///
/// # Panics
///
/// If a side is less than 8.
pub fn trace(
    model: &Model,
    options: &DetectorOptions,
    input: &dyn Input,
    size: Size,
) -> Result<Outputs<Map>> {
    let engine = Engine::new(model, Keep::All, &options.into())?;
    let mut maps = engine.run(input, size).maps.into_iter();
    let mut next = || maps.next().expect("a run gives every map that was asked for");
    let fused = next();
    let sides = std::array::from_fn(|_| next());
    let stem = next();
    Ok(Outputs { stem, stages: std::array::from_fn(|_| next()), sides, fused })
}
