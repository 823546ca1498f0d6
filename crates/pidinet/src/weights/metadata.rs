//! The metadata of our safetensors files: what is common to all models (`docs/model-format.md`).

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use super::info::ModelInfo;
use crate::error::ModelError;
use crate::image::Preset;

/// The version of the format that this program writes, and the only one that it reads.
pub(super) const VERSION: u32 = 1;

/// All our keys begin with this; others are kept as they are.
pub(super) const PREFIX: &str = "pidinet.";

/// Metadata describing a model, together with what is known about it.
pub(super) fn with_info<const N: usize>(
    arch: [(&str, String); N],
    info: &ModelInfo,
) -> Result<BTreeMap<String, String>, ModelError> {
    if let Some((name, score)) = info.scores.iter().find(|(_, score)| !score.is_finite()) {
        return Err(invalid("scores", &format!("{name}: {score}"), "finite numbers"));
    }
    let scores = serde_json::to_string(&info.scores).expect("a map of finite numbers is JSON");
    let known = [
        ("format", VERSION.to_string()),
        ("name", info.name.clone()),
        ("provenance", info.provenance.clone()),
        ("training_data", info.training_data.clone()),
        ("licence", info.licence.clone()),
        ("scores", scores),
    ];
    let mut metadata = info.extra.clone();
    metadata.extend(arch.into_iter().chain(known).map(|(key, value)| (format!("{PREFIX}{key}"), value)));
    Ok(metadata)
}

/// A value that makes no sense.
pub(super) fn invalid(key: &str, found: &str, expected: &str) -> ModelError {
    let (key, found, expected) = (format!("{PREFIX}{key}"), found.to_owned(), expected.to_owned());
    ModelError::Metadata { key, found, expected }
}

/// A calibration that is not for a network like this.
pub(super) fn invalid_calibration(json: &str) -> ModelError {
    let begin: String = json.chars().take(60).collect();
    invalid(
        "calibration",
        &begin,
        "a JSON object with a number from 0 on for each channel of each block without projection",
    )
}

/// The metadata not yet looked at.
pub(super) struct Keys(BTreeMap<String, String>);

impl Keys {
    /// The metadata of a file in the supported version of the format; `None` if it is not ours.
    pub(super) fn of(metadata: &HashMap<String, String>) -> Result<Option<Self>, ModelError> {
        if !metadata.keys().any(|key| key.starts_with(PREFIX)) {
            return Ok(None);
        }
        let mut keys = Self(metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect());
        let version = keys.text("format");
        if version == VERSION.to_string() {
            return Ok(Some(keys));
        }
        Err(match version.parse::<u32>() {
            Ok(newer) if newer > VERSION => ModelError::Version { found: version, known: VERSION },
            _ => invalid("format", &version, "1"),
        })
    }

    /// What is known about the model, and every key not yet asked for; the preset is the default.
    pub(super) fn info(mut self) -> Result<ModelInfo, ModelError> {
        Ok(ModelInfo {
            name: self.text("name"),
            preset: Preset::default(),
            provenance: self.text("provenance"),
            training_data: self.text("training_data"),
            licence: self.text("licence"),
            scores: self.scores()?,
            extra: self.0,
        })
    }

    /// A text, empty if missing.
    pub(super) fn text(&mut self, key: &str) -> String {
        self.0.remove(&format!("{PREFIX}{key}")).unwrap_or_default()
    }

    /// The text of a key, parsed by `parse`.
    pub(super) fn choice<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ModelError> {
        let text = self.text(key);
        parse(&text).ok_or_else(|| invalid(key, &text, expected))
    }

    /// The text of a key, parsed by a type.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Result<T, ModelError> {
        self.choice(key, expected, |text| text.parse().ok())
    }

    /// A JSON object of numbers, empty if missing.
    fn scores(&mut self) -> Result<BTreeMap<String, f64>, ModelError> {
        self.choice("scores", "a JSON object of numbers", |text| match text {
            "" => Some(BTreeMap::new()),
            json => serde_json::from_str(json).ok(),
        })
    }
}
