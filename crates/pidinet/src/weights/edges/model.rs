//! A network for edges with its weights.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::arch::Arch;
use crate::arch::survey::{ParameterShape, Survey};
use crate::calibration::Calibration;
use crate::error::{ModelError, UnknownName};
use crate::reparam;
use crate::size::Size;
use crate::weights::archive;
use crate::weights::info::ModelInfo;
use crate::weights::metadata::invalid_calibration;
use crate::weights::options::{self, OpenOptions};
use crate::weights::parameters::{Parameter, Weights};

/// Whether weights still multiply differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// As trained: 3×3 weights of pixel differences.
    #[default]
    Raw,
    /// Ready to use: differences folded into ordinary weights, 5×5 where radial. Cannot be trained further.
    Folded,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Folded => "folded",
        })
    }
}

impl FromStr for Form {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "raw" => Ok(Self::Raw),
            "folded" => Ok(Self::Folded),
            _ => Err(UnknownName::new("a form", text, "raw or folded")),
        }
    }
}

/// A network with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What the network is.
    pub arch: Arch,
    /// Whether the weights are raw or folded.
    pub form: Form,
    /// The parameters: exactly those that [`Survey`] lists for `arch`.
    pub weights: Weights,
    /// What is known about the model.
    pub info: ModelInfo,
    /// The ranges of its activations, if it can run in int8. They hold for these weights only.
    pub calibration: Option<Calibration>,
}

impl Model {
    /// A model of raw or folded weights.
    ///
    /// # Errors
    ///
    /// If the weights are not those of the architecture, or one of them is not a finite number.
    pub fn new(arch: Arch, form: Form, weights: Weights, info: ModelInfo) -> Result<Self, ModelError> {
        let model = Self { arch, form, weights, info, calibration: None };
        model.check()?;
        Ok(model)
    }

    /// Whether pixel differences are already folded into ordinary weights.
    pub fn is_folded(&self) -> bool {
        self.form == Form::Folded
    }

    /// The same model with all pixel differences folded into ordinary weights, see [`reparam`].
    ///
    /// # Panics
    ///
    /// If the weights are not those of the architecture, which [`Self::new`] and [`Self::open`] rule out.
    #[must_use]
    pub fn folded(&self) -> Self {
        let mut folded = self.clone();
        if self.is_folded() {
            return folded;
        }
        for (name, conv) in Survey::of(&self.arch, Size::square(8)).convs() {
            let name = format!("{name}.weight");
            let data = reparam::fold(conv, &self.weights[&name].data);
            folded.weights.insert(name, Parameter { shape: conv.folded_shape().into(), data });
        }
        folded.form = Form::Folded;
        folded
    }

    /// Checks that weights and calibration are those of the architecture, and finite.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let expected = expected(&self.arch, self.form, &OpenOptions::unlimited())?;
        archive::check_shapes(&expected, &self.weights.shapes())?;
        for (name, Parameter { shape, data }) in self.weights.iter() {
            if data.len() != shape.iter().product::<usize>() {
                return Err(ModelError::Size {
                    tensor: name.to_owned(),
                    shape: shape.clone(),
                    found: data.len(),
                });
            }
            archive::check_finite(name, shape, data)?;
        }
        match &self.calibration {
            Some(calibration) if !calibration.fits(&self.arch) => {
                Err(invalid_calibration(&calibration.to_json()))
            }
            _ => Ok(()),
        }
    }
}

/// The names and shapes of an architecture's parameters, if it is a sensible one.
pub(super) fn expected(
    arch: &Arch,
    form: Form,
    limits: &OpenOptions,
) -> Result<BTreeMap<String, Vec<usize>>, ModelError> {
    if !(arch.theta > 0.0 && arch.theta <= 1.0) {
        return Err(ModelError::Theta { theta: arch.theta });
    }
    for width in [Some(arch.width), arch.cdcm].into_iter().flatten() {
        if width == 0 {
            return Err(ModelError::NoChannels);
        }
        options::check("channels", limits.channels, width as u64)?;
    }
    let of_form = |parameter: ParameterShape| match form {
        Form::Raw => (parameter.name, parameter.raw),
        Form::Folded => (parameter.name, parameter.folded),
    };
    let expected: BTreeMap<_, _> = Survey::parameters_of(arch).into_iter().map(of_form).collect();
    let numbers: u64 = expected.values().map(|shape| shape.iter().map(|&n| n as u64).product::<u64>()).sum();
    options::check("weight_bytes", limits.weight_bytes, 4 * numbers)?;
    Ok(expected)
}
