//! From a file's tensors to a model: what is it, is all there, is it sound.
//!
//! Names and shapes are checked before any tensor is read, so nothing is allocated that a model does not need.

use std::collections::BTreeMap;

use super::metadata::{self, Description};
use super::options::{self, OpenOptions};
use super::pytorch::Checkpoint;
use super::safetensors::Safetensors;
use super::{Form, Model, ModelInfo, Parameter};
use crate::Size;
use crate::arch::survey::{ParameterShape, Survey};
use crate::arch::{Arch, Kind, Kinds, LAYERS};
use crate::calibration::Calibration;
use crate::error::{ModelError, ShapeMismatch};

/// Named tensors in a file, seen before any of them is read.
pub(super) trait Archive {
    /// The tensors' names, as in the published checkpoints, and shapes.
    fn shapes(&self) -> BTreeMap<String, Vec<usize>>;

    /// The numbers of the tensor of this name, which is one of [`Self::shapes`].
    fn read(&mut self, name: &str) -> Result<Vec<f32>, ModelError>;
}

/// Strips `module.`, which PyTorch's `DataParallel` puts before every name.
pub(super) fn without_prefix<T>(tensors: Vec<(String, T)>) -> BTreeMap<String, T> {
    const PREFIX: &str = "module.";
    let all = tensors.iter().all(|(name, _)| name.starts_with(PREFIX));
    tensors
        .into_iter()
        .map(|(name, tensor)| (name[if all { PREFIX.len() } else { 0 }..].to_owned(), tensor))
        .collect()
}

/// Reads a model file of either kind.
pub(super) fn read(bytes: &[u8], options: &OpenOptions) -> Result<Model, ModelError> {
    options::check("file_bytes", options.file_bytes, bytes.len() as u64)?;
    if bytes.starts_with(b"PK\x03\x04") {
        return load(Checkpoint::open(bytes, options)?, None, options);
    }
    if bytes.get(8) == Some(&b'{') {
        let file = Safetensors::open(bytes, options)?;
        let described = Description::read(file.metadata())?;
        return load(file, described, options);
    }
    // Protocol 2 and a 10-byte integer: the magic number that opens a legacy checkpoint.
    if bytes.starts_with(b"\x80\x02\x8a\x0a") {
        return Err(ModelError::Legacy);
    }
    let begin = bytes[..bytes.len().min(16)].escape_ascii().to_string();
    Err(ModelError::Unknown { bytes: bytes.len(), begin })
}

/// Reads the model that `archive` holds: the described one, or what its names and shapes say.
fn load(
    mut archive: impl Archive,
    described: Option<Description>,
    options: &OpenOptions,
) -> Result<Model, ModelError> {
    let found = archive.shapes();
    options::check("tensors", options.tensors, found.len() as u64)?;
    let Description { arch, form, info, calibration } = match described {
        Some(description) => agreed(description, options)?,
        None => infer(&found, options)?,
    };
    let expected = expected(&arch, form, options)?;
    check_shapes(&expected, &found)?;
    let calibration = match calibration.as_str() {
        "" => None,
        json => Some(Calibration::from_json(json, &arch).ok_or_else(|| metadata::invalid_calibration(json))?),
    };
    let parameters = expected.into_iter().map(|(name, shape)| {
        let data = archive.read(&name)?;
        check_finite(&name, &shape, &data)?;
        Ok((name, Parameter { shape, data }))
    });
    let weights = parameters.collect::<Result<_, ModelError>>()?;
    Ok(Model { arch, form, weights, info, calibration })
}

/// A description that does not contradict what the caller asked for.
fn agreed(description: Description, options: &OpenOptions) -> Result<Description, ModelError> {
    let arch = &description.arch;
    let (file_kinds, file_theta) = (arch.kinds, arch.theta);
    if let Some(kinds) = options.kinds.filter(|kinds| *kinds != file_kinds) {
        let (file, asked) = (file_kinds.to_string(), kinds.to_string());
        return Err(ModelError::Conflict { what: "configuration", file, asked });
    }
    if let Some(theta) = options.theta.filter(|theta| *theta != file_theta) {
        let (file, asked) = (file_theta.to_string(), theta.to_string());
        return Err(ModelError::Conflict { what: "theta", file, asked });
    }
    Ok(description)
}

/// What names and shapes say of a model: all but the kinds of 3×3 layers, which look alike.
fn infer(found: &BTreeMap<String, Vec<usize>>, options: &OpenOptions) -> Result<Description, ModelError> {
    let Some(stem) = found.get("init_block.weight") else {
        return Err(ModelError::NotPidinet { found: found.keys().cloned().collect() });
    };
    let has = |prefix: &str| {
        found.range(prefix.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(prefix))
    };
    let cdcm = match found.get("dilations.0.conv1.weight") {
        Some(shape) => Some(first_axis("dilations.0.conv1.weight", shape, "[M, channels, 1, 1]")?),
        None if has("dilations.") => Some(1), // the check names what is missing
        None => None,
    };
    let radial = differences()
        .map(|layer| found.get(&format!("{layer}.weight")).is_some_and(|shape| shape.ends_with(&[5, 5])));
    let form = if radial.contains(&true) { Form::Folded } else { Form::Raw };
    let kinds = options.kinds.unwrap_or_else(|| match form {
        Form::Raw => Kinds::default(),
        Form::Folded => kinds_with(radial),
    });
    let arch = Arch {
        width: first_axis("init_block.weight", stem, "[C, 3, 3, 3]")?,
        kinds,
        cdcm,
        csam: has("attentions."),
        theta: options.theta.unwrap_or(1.0),
    };
    Ok(Description { arch, form, info: ModelInfo::default(), calibration: String::new() })
}

/// A width, as the outermost axis of four.
fn first_axis(tensor: &str, shape: &[usize], expected: &str) -> Result<usize, ModelError> {
    match shape {
        [width, _, _, _] => Ok(*width),
        _ => Err(ModelError::Shape {
            tensor: tensor.to_owned(),
            found: shape.into(),
            expected: expected.to_owned(),
        }),
    }
}

/// Names of the layers whose kind the configuration chooses.
fn differences() -> [String; LAYERS] {
    let arch = Arch { kinds: Kinds::new([Kind::Radial; LAYERS]), ..Arch::tiny().light() };
    let survey = Survey::of(&arch, Size::square(8));
    let mut radial = survey.convs().filter(|(_, conv)| conv.kind == Kind::Radial);
    std::array::from_fn(|_| radial.next().expect("the configuration has one kind a layer").0.to_owned())
}

/// A configuration with radial layers in these places: `carv4`, else a published one, else with vanilla
/// layers elsewhere. Which it is does not matter for folded weights, as all that are 3×3 mean the same.
fn kinds_with(radial: [bool; LAYERS]) -> Kinds {
    let published = Kinds::NAMES.iter().rev().filter_map(|name| Kinds::named(name)); // carv4 is the last
    let fits = |kinds: &Kinds| kinds.layers().map(|kind| kind == Kind::Radial) == radial;
    let plain = || Kinds::new(radial.map(|radial| if radial { Kind::Radial } else { Kind::Vanilla }));
    published.into_iter().find(fits).unwrap_or_else(plain)
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

/// Compares names and shapes.
pub(super) fn check_shapes(
    expected: &BTreeMap<String, Vec<usize>>,
    found: &BTreeMap<String, Vec<usize>>,
) -> Result<(), ModelError> {
    let missing: Vec<String> = expected.keys().filter(|name| !found.contains_key(*name)).cloned().collect();
    let unexpected: Vec<String> =
        found.keys().filter(|name| !expected.contains_key(*name)).cloned().collect();
    let shapes: Vec<ShapeMismatch> = expected
        .iter()
        .filter_map(|(name, expected)| {
            let found = found.get(name).filter(|found| *found != expected)?;
            Some(ShapeMismatch { tensor: name.clone(), found: found.clone(), expected: expected.clone() })
        })
        .collect();
    if missing.is_empty() && unexpected.is_empty() && shapes.is_empty() {
        return Ok(());
    }
    Err(ModelError::Mismatch { missing, unexpected, shapes })
}

/// Refuses NaN and infinity.
pub(super) fn check_finite(tensor: &str, shape: &[usize], data: &[f32]) -> Result<(), ModelError> {
    match data.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(ModelError::NotFinite {
            tensor: tensor.to_owned(),
            index: position(shape, at),
            value: data[at],
        }),
    }
}

/// Where the element numbered `at` is in a tensor.
pub(super) fn position(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, &length) in shape.iter().enumerate().rev() {
        index[axis] = at % length;
        at /= length;
    }
    index
}
