//! What the header of a file says about a Bi-PiDiNet (`docs/model-format.md`).

use std::collections::{BTreeMap, HashMap};

use super::check::{STAGES_EXPECTED, written};
use super::input::RecognitionInput;
use super::model::RecognitionModel;
use super::storage::BinaryStorage;
use crate::arch::Kind;
use crate::arch::recognition::{RecognitionArch, Shortcut, Stage, Stem};
use crate::error::ModelError;
use crate::weights::info::ModelInfo;
use crate::weights::metadata::{Keys, PREFIX, invalid, with_info};

/// The name of the architecture in files.
const ARCHITECTURE: &str = "bi-pidinet";

/// What a file says about its model, before the weights are read.
pub(super) struct Description {
    pub(super) arch: RecognitionArch,
    pub(super) binary: BinaryStorage,
    pub(super) labels: Vec<String>,
    pub(super) input: RecognitionInput,
    pub(super) info: ModelInfo,
}

/// Whether metadata is that of a Bi-PiDiNet.
pub(super) fn is_ours(metadata: &HashMap<String, String>) -> bool {
    metadata.get(&format!("{PREFIX}architecture")).is_some_and(|name| name == ARCHITECTURE)
}

/// The error that our metadata is missing.
pub(super) fn missing() -> ModelError {
    invalid("architecture", "", ARCHITECTURE)
}

/// What metadata says.
pub(super) fn read(mut keys: Keys) -> Result<Description, ModelError> {
    keys.choice("architecture", ARCHITECTURE, |name| (name == ARCHITECTURE).then_some(()))?;
    let arch = RecognitionArch {
        width: keys.parsed("width", "a number of channels")?,
        stages: keys.choice("stages", STAGES_EXPECTED, |text| text.split(',').map(stage).collect())?,
        stem: keys.choice("stem", "cifar, imagenet or light", Stem::named)?,
        shortcut: keys.choice("shortcut", "projected or pooled", Shortcut::named)?,
        classes: keys.parsed("classes", "a number of classes")?,
    };
    let binary = keys.choice("form", "latent or packed", |text| match text {
        "latent" => Some(BinaryStorage::Latent),
        "packed" => Some(BinaryStorage::Bits),
        _ => None,
    })?;
    let input = RecognitionInput {
        size: keys.parsed("input", "a number of pixels")?,
        resize: keys.parsed("resize", "a number of pixels")?,
        mean: keys.choice("mean", "three numbers", three)?,
        std: keys.choice("std", "three positive numbers", three)?,
    };
    let labels = keys.choice("labels", "a JSON array of texts", |text| match text {
        "" => Some(Vec::new()),
        json => serde_json::from_str(json).ok(),
    })?;
    Ok(Description { arch, binary, labels, input, info: keys.info()? })
}

/// The metadata that describes all of `model` except its weights.
pub(super) fn write(
    model: &RecognitionModel,
    binary: BinaryStorage,
) -> Result<BTreeMap<String, String>, ModelError> {
    let RecognitionModel { arch, labels, input, info, .. } = model;
    let form = match binary {
        BinaryStorage::Latent => "latent",
        BinaryStorage::Bits => "packed",
    };
    let stages: Vec<String> = arch.stages.iter().map(written).collect();
    let ours = [
        ("architecture", ARCHITECTURE.to_owned()),
        ("width", arch.width.to_string()),
        ("stages", stages.join(",")),
        ("stem", arch.stem.name().to_owned()),
        ("shortcut", arch.shortcut.name().to_owned()),
        ("classes", arch.classes.to_string()),
        ("form", form.to_owned()),
        ("input", input.size.to_string()),
        ("resize", input.resize.to_string()),
        ("mean", input.mean.map(|x| x.to_string()).join(",")),
        ("std", input.std.map(|x| x.to_string()).join(",")),
        ("labels", serde_json::to_string(labels).expect("texts are JSON")),
    ];
    with_info(ours, info)
}

/// A stage from its text.
fn stage(text: &str) -> Option<Stage> {
    let mut parts = text.split(':');
    let blocks = parts.next()?.parse().ok()?;
    let letters = parts.next()?;
    let kinds = [Kind::Vanilla, Kind::Central, Kind::Angular, Kind::Radial];
    let difference = kinds.into_iter().find(|kind| kind.letters() == letters)?;
    let rho = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(Stage { blocks, difference, rho })
}

/// Three numbers separated by commas.
fn three(text: &str) -> Option<[f32; 3]> {
    let numbers: Vec<f32> = text.split(',').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}
