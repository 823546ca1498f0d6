//! A network for recognition with its weights.

use super::check;
use super::input::RecognitionInput;
use crate::arch::recognition::RecognitionArch;
use crate::arch::recognition::survey::{RecognitionParameter, RecognitionSurvey, Role};
use crate::error::ModelError;
use crate::weights::archive;
use crate::weights::info::ModelInfo;
use crate::weights::options::{self, OpenOptions};
use crate::weights::parameters::Weights;

/// A Bi-PiDiNet with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognitionModel {
    /// What the network is.
    pub arch: RecognitionArch,
    /// The parameters: exactly those that [`RecognitionSurvey`] lists for `arch`.
    pub weights: Weights,
    /// Names of the classes, in the order of the logits; none if they are not known.
    pub labels: Vec<String>,
    /// How images are prepared.
    pub input: RecognitionInput,
    /// What is known about the model; its preset is not used.
    pub info: ModelInfo,
}

impl RecognitionModel {
    /// A model of these weights, without labels.
    ///
    /// # Errors
    ///
    /// If the weights are not those of the architecture, one of them is not a finite number, or a variance is
    /// negative.
    pub fn new(
        arch: RecognitionArch,
        weights: Weights,
        input: RecognitionInput,
        info: ModelInfo,
    ) -> Result<Self, ModelError> {
        let model = Self { arch, weights, labels: Vec::new(), input, info };
        model.check()?;
        Ok(model)
    }

    /// The name of a class; its number if the model has no labels.
    pub fn label(&self, class: usize) -> String {
        self.labels.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// Checks that the model, once written, could be read again.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let parameters = parameters(&self.arch, &OpenOptions::unlimited())?;
        let expected = parameters.iter().map(|parameter| (parameter.name.clone(), parameter.shape.clone()));
        archive::check_shapes(&expected.collect(), &self.weights.shapes())?;
        if !self.labels.is_empty() && self.labels.len() != self.arch.classes {
            let (labels, classes) = (self.labels.len(), self.arch.classes);
            return Err(ModelError::Labels { labels, classes });
        }
        check::input(&self.input, &self.arch)?;
        for RecognitionParameter { name, shape, role } in &parameters {
            let data = &self.weights[name].data;
            if data.len() != shape.iter().product::<usize>() {
                return Err(ModelError::Size {
                    tensor: name.clone(),
                    shape: shape.clone(),
                    found: data.len(),
                });
            }
            archive::check_finite(name, shape, data)?;
            let negative = data.iter().position(|&x| *role == Role::Variance && x < 0.0);
            if let Some(index) = negative {
                return Err(ModelError::Variance { tensor: name.clone(), index, value: data[index] });
            }
        }
        Ok(())
    }
}

/// The parameters of an architecture, if it is a sensible one.
pub(super) fn parameters(
    arch: &RecognitionArch,
    limits: &OpenOptions,
) -> Result<Vec<RecognitionParameter>, ModelError> {
    check::arch(arch)?;
    options::check("channels", limits.channels, arch.width as u64)?;
    options::check("channels", 8 * limits.channels, arch.features() as u64)?;
    let blocks: usize = arch.stages.iter().map(|stage| stage.blocks).sum();
    options::check("tensors", limits.tensors, 5 * blocks as u64)?;
    let parameters = RecognitionSurvey::parameters_of(arch);
    let count = |parameter: &RecognitionParameter| parameter.shape.iter().map(|&n| n as u64).product::<u64>();
    options::check("weight_bytes", limits.weight_bytes, 4 * parameters.iter().map(count).sum::<u64>())?;
    Ok(parameters)
}
