//! From a file's tensors to a model: what it is, whether it is complete, and whether it is sound.
//!
//! Names and shapes are checked before any tensor is read, so nothing is allocated that a model does not need.

use std::collections::BTreeMap;
use std::path::Path;

use super::metadata::Description;
use super::model::{Form, Model, expected};
use crate::Error;
use crate::arch::survey::Survey;
use crate::arch::{Arch, Kind, Kinds, LAYERS};
use crate::calibration::Calibration;
use crate::error::ModelError;
use crate::size::Size;
use crate::weights::archive::{Archive, check_finite, check_shapes};
use crate::weights::file;
use crate::weights::info::ModelInfo;
use crate::weights::metadata::invalid_calibration;
use crate::weights::options::{self, OpenOptions};
use crate::weights::parameters::Parameter;
#[cfg(feature = "pytorch")]
use crate::weights::pytorch::Checkpoint;
use crate::weights::safetensors::Safetensors;

impl Model {
    /// Reads a model file. Its kind is recognised by content, not by name.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Model`] if its content cannot be used.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use pidinet::weights::{Model, OpenOptions};
    /// let model = Model::open("table5_pidinet.pth", &OpenOptions::default())?;
    /// assert_eq!(model.arch.width, 60);
    /// # Ok::<(), pidinet::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self, Error> {
        file::open(path.as_ref(), options, |bytes| Self::read(bytes, options), |model| &mut model.info)
    }

    /// Reads the content of a model file.
    ///
    /// # Errors
    ///
    /// If it is not a model, is damaged, does not hold what its architecture needs, or exceeds a limit.
    pub fn read(bytes: &[u8], options: &OpenOptions) -> Result<Self, ModelError> {
        read(bytes, options)
    }
}

/// Reads a model file of either kind.
fn read(bytes: &[u8], options: &OpenOptions) -> Result<Model, ModelError> {
    options::check("file_bytes", options.file_bytes, bytes.len() as u64)?;
    if bytes.starts_with(b"PK\x03\x04") {
        return checkpoint(bytes, options);
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

/// Reads a checkpoint of PyTorch.
#[cfg(feature = "pytorch")]
fn checkpoint(bytes: &[u8], options: &OpenOptions) -> Result<Model, ModelError> {
    load(Checkpoint::open(bytes, options)?, None, options)
}

#[cfg(not(feature = "pytorch"))]
fn checkpoint(_: &[u8], _: &OpenOptions) -> Result<Model, ModelError> {
    Err(ModelError::WithoutPytorch)
}

/// Reads the model that `archive` holds: the described one, or the one that its names and shapes imply.
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
        json => Some(Calibration::from_json(json, &arch).ok_or_else(|| invalid_calibration(json))?),
    };
    let parameters = expected.into_iter().map(|(name, shape)| {
        let data = archive.read(&name)?;
        check_finite(&name, &shape, &data)?;
        Ok((name, Parameter { shape, data }))
    });
    let weights = parameters.collect::<Result<_, ModelError>>()?;
    Ok(Model { arch, form, weights, info, calibration })
}

/// The description, unless it contradicts what the caller asked for.
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

/// What names and shapes say about a model: everything except the kinds of 3×3 layers, which look alike.
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

/// A configuration with radial layers in these places: `carv4`, else a published one, else one with
/// vanilla layers elsewhere. For folded weights the choice does not matter, since all 3×3 layers are
/// the same.
fn kinds_with(radial: [bool; LAYERS]) -> Kinds {
    let published = Kinds::NAMES.iter().rev().filter_map(|name| Kinds::named(name)); // carv4 is the last
    let fits = |kinds: &Kinds| kinds.layers().map(|kind| kind == Kind::Radial) == radial;
    let plain = || Kinds::new(radial.map(|radial| if radial { Kind::Radial } else { Kind::Vanilla }));
    published.into_iter().find(fits).unwrap_or_else(plain)
}
