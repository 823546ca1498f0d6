//! Two models with a knob between them.

use crate::error::{Error, Result};
use crate::weights::{Model, ModelError, OpenOptions};

/// A model that finds the boundaries of objects, one that finds every edge, and everything in between.
///
/// The second was trained from the first, so that their parameters can be mixed ([`Model::mix`]). Make a pair
/// once and keep it: it then returns the model for another detail in a few milliseconds.
///
/// # Examples
///
/// ```
/// use pidinet::models::Pair;
/// use pidinet::{EdgeDetector, DetectorOptions};
/// # use pidinet::arch::Arch;
/// # use pidinet::weights::Model;
/// # let [boundaries, edges] = [1, 2].map(|seed| Model::random(Arch::tiny(), seed));
/// let pair = Pair::new(boundaries, edges)?; // or pidinet::models::pair("tiny")?
/// for detail in [0.0, 0.3, 1.0] {
///     let detector = EdgeDetector::new(&pair.at(detail)?, &DetectorOptions::default())?;
/// #   assert!(detector.info().name.starts_with("random"));
/// }
/// # Ok::<(), pidinet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pair {
    boundaries: Model,
    edges: Model,
}

impl Pair {
    /// A pair of your own models: one of boundaries, detail 0, and one of every edge, detail 1.
    ///
    /// # Errors
    ///
    /// Those of [`Model::mix`], if the models do not fit.
    pub fn new(boundaries: Model, edges: Model) -> Result<Self, ModelError> {
        Model::mix(&boundaries, &edges, 0.5)?;
        Ok(Self { boundaries, edges })
    }

    /// The pair of two model files in memory.
    pub(super) fn read(boundaries: &[u8], edges: &[u8]) -> Result<Self, Error> {
        let options = OpenOptions::default();
        Ok(Self::new(Model::read(boundaries, &options)?, Model::read(edges, &options)?)?)
    }

    /// The model at a detail from 0, the boundaries of objects, to 1, every edge. Numbers outside that range
    /// extrapolate.
    ///
    /// # Errors
    ///
    /// Those of [`Model::mix`]: for a number that is not finite, or so large that parameters are not finite.
    pub fn at(&self, detail: f64) -> Result<Model, ModelError> {
        Model::mix(&self.boundaries, &self.edges, detail)
    }

    /// The model at detail 0.
    pub fn boundaries(&self) -> &Model {
        &self.boundaries
    }

    /// The model at detail 1.
    pub fn edges(&self) -> &Model {
        &self.edges
    }
}
