//! What the header of a file says of a Bi-PiDiNet (`docs/model-format.md`).

use std::collections::{BTreeMap, HashMap};

use super::{BinaryStorage, ModelError, ModelInfo, RecognitionInput, RecognitionModel};
use crate::Size;
use crate::arch::Kind;
use crate::arch::recognition::survey::RecognitionSurvey;
use crate::arch::recognition::{RecognitionArch, Shortcut, Stage, Stem};
use crate::weights::metadata::{Keys, PREFIX, invalid, with_info};

/// The name of the architecture in files.
const ARCHITECTURE: &str = "bi-pidinet";

/// Most stages, each with half the rows of the one before.
const STAGES: usize = 8;

/// Most blocks of a stage, and classes of a model: more than anybody needs, and no size overflows.
const BLOCKS: usize = 1 << 10;
const CLASSES: usize = 1 << 20;

/// Longest side of an input, and most values in a map of the network at that size (256 MiB): the networks of the paper
/// have inputs of 224 pixels and maps of under a million values.
const LONGEST: usize = 1 << 11;
const LARGEST_MAP: usize = 1 << 26;

/// What a file says of its model, before the weights are read.
pub(super) struct Description {
    pub(super) arch: RecognitionArch,
    pub(super) binary: BinaryStorage,
    pub(super) labels: Vec<String>,
    pub(super) input: RecognitionInput,
    pub(super) info: ModelInfo,
}

/// Whether metadata are those of a Bi-PiDiNet.
pub(super) fn is_ours(metadata: &HashMap<String, String>) -> bool {
    metadata.get(&format!("{PREFIX}architecture")).is_some_and(|name| name == ARCHITECTURE)
}

/// That there are no metadata of ours.
pub(super) fn missing() -> ModelError {
    invalid("architecture", "", ARCHITECTURE)
}

/// What metadata say.
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

/// The metadata that say all of `model` but its weights.
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

const STAGES_EXPECTED: &str =
    "1 to 8 of BLOCKS:KIND:RHO separated by commas, such as 4:cd:0.2, rho from 0 to 1";

/// A stage as text, such as `4:cd:0.2`.
fn written(Stage { blocks, difference, rho }: &Stage) -> String {
    format!("{blocks}:{}:{rho}", difference.letters())
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

/// Refuses what no network can be built of.
pub(super) fn check_arch(arch: &RecognitionArch) -> Result<(), ModelError> {
    if arch.width == 0 || arch.width > 1 << 15 {
        return Err(ModelError::NoChannels);
    }
    let is_sound = |stage: &Stage| (0.0..=1.0).contains(&stage.rho) && (1..=BLOCKS).contains(&stage.blocks);
    if !(1..=STAGES).contains(&arch.stages.len()) || !arch.stages.iter().all(is_sound) {
        let stages: Vec<String> = arch.stages.iter().map(written).collect();
        return Err(invalid("stages", &stages.join(","), STAGES_EXPECTED));
    }
    if !(1..=CLASSES).contains(&arch.classes) {
        return Err(invalid("classes", &arch.classes.to_string(), "a number of classes up to a million"));
    }
    Ok(())
}

/// Refuses inputs that cannot be made, or that cost more memory than a model is worth.
pub(super) fn check_input(input: &RecognitionInput, arch: &RecognitionArch) -> Result<(), ModelError> {
    let RecognitionInput { size, resize, mean, std } = input;
    if !(1..=LONGEST).contains(size) {
        return Err(invalid("input", &size.to_string(), "1 to 2048 pixels"));
    }
    let layers = RecognitionSurvey::of(arch, Size::square(*size)).layers;
    if layers.iter().any(|layer| layer.output.iter().product::<usize>() > LARGEST_MAP) {
        return Err(invalid(
            "input",
            &size.to_string(),
            "less, as maps of this network would have over 256 MiB",
        ));
    }
    if !(*size..=LONGEST).contains(resize) {
        return Err(invalid("resize", &resize.to_string(), "pixels, at least those of the input"));
    }
    if !mean.iter().all(|x| x.is_finite()) {
        return Err(invalid("mean", &format!("{mean:?}"), "three numbers"));
    }
    if !std.iter().all(|x| x.is_finite() && *x > 0.0) {
        return Err(invalid("std", &format!("{std:?}"), "three positive numbers"));
    }
    Ok(())
}
