//! What the header of a file says about a PiDiNet (`docs/model-format.md`).

use std::collections::{BTreeMap, HashMap};

use super::model::{Form, Model};
use crate::arch::Arch;
use crate::error::ModelError;
use crate::weights::info::ModelInfo;
use crate::weights::metadata::{Keys, PREFIX, with_info};

/// What a file says about its model, before the weights are read.
pub(super) struct Description {
    pub(super) arch: Arch,
    pub(super) form: Form,
    pub(super) info: ModelInfo,
    /// Empty if there is none; checked once the architecture has been.
    pub(super) calibration: String,
}

impl Description {
    /// What `metadata` says; `None` if it is not ours.
    pub(super) fn read(metadata: &HashMap<String, String>) -> Result<Option<Self>, ModelError> {
        let Some(mut keys) = Keys::of(metadata)? else { return Ok(None) };
        keys.choice("architecture", "pidinet", |name| (name == "pidinet").then_some(()))?;
        let arch = Arch {
            width: keys.parsed("width", "a number of channels")?,
            kinds: keys.parsed("config", "a configuration such as carv4")?,
            cdcm: keys.choice("cdcm", "a number of channels, or none", |text| match text {
                "none" => Some(None),
                width => width.parse().ok().map(Some),
            })?,
            csam: keys.parsed("csam", "true or false")?,
            theta: keys.parsed("theta", "a number")?,
        };
        let form = keys.parsed("form", "raw or folded")?;
        let preset = keys.parsed("preset", "imagenet or controlnet")?;
        let calibration = keys.text("calibration");
        Ok(Some(Self { arch, form, info: ModelInfo { preset, ..keys.info()? }, calibration }))
    }
}

/// The metadata that describes all of `model` except its weights.
pub(super) fn write(model: &Model) -> Result<BTreeMap<String, String>, ModelError> {
    let Model { arch, form, info, calibration, .. } = model;
    let ours = [
        ("architecture", "pidinet".to_owned()),
        ("width", arch.width.to_string()),
        ("config", arch.kinds.to_string()),
        ("cdcm", arch.cdcm.map_or("none".to_owned(), |width| width.to_string())),
        ("csam", arch.csam.to_string()),
        ("theta", arch.theta.to_string()),
        ("form", form.to_string()),
        ("preset", info.preset.to_string()),
    ];
    let mut metadata = with_info(ours, info)?;
    if let Some(calibration) = calibration {
        metadata.insert(format!("{PREFIX}calibration"), calibration.to_json());
    }
    Ok(metadata)
}
