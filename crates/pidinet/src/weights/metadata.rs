//! The metadata of our safetensors files: what a model is, in words (`docs/model-format.md`).

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use super::{Form, Model, ModelError, ModelInfo};
use crate::arch::Arch;

/// The version of the format that this program writes, and the only one that it reads.
const VERSION: u32 = 1;

/// All our keys begin so; others are kept as they are.
const PREFIX: &str = "pidinet.";

/// What a file says of its model, before the weights are read.
pub(super) struct Description {
    pub(super) arch: Arch,
    pub(super) form: Form,
    pub(super) info: ModelInfo,
}

impl Description {
    /// What `metadata` says; `None` if it is not ours.
    pub(super) fn read(metadata: &HashMap<String, String>) -> Result<Option<Self>, ModelError> {
        if !metadata.keys().any(|key| key.starts_with(PREFIX)) {
            return Ok(None);
        }
        let mut keys = Keys(metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect());
        let version = keys.text("format");
        if version != VERSION.to_string() {
            return Err(match version.parse::<u32>() {
                Ok(newer) if newer > VERSION => ModelError::Version { found: version, known: VERSION },
                _ => invalid("format", &version, "1"),
            });
        }
        keys.choice("architecture", "pidinet", |name| (name == "pidinet").then_some(()))?;
        let arch = Arch {
            width: keys.parsed("width", "a number of channels")?,
            config: keys.parsed("config", "a configuration such as carv4")?,
            cdcm: keys.choice("cdcm", "a number of channels, or none", |text| match text {
                "none" => Some(None),
                width => width.parse().ok().map(Some),
            })?,
            csam: keys.parsed("csam", "true or false")?,
            theta: keys.parsed("theta", "a number")?,
        };
        let form = keys.parsed("form", "raw or folded")?;
        let info = ModelInfo {
            name: keys.text("name"),
            preset: keys.parsed("preset", "imagenet or controlnet")?,
            provenance: keys.text("provenance"),
            training_data: keys.text("training_data"),
            licence: keys.text("licence"),
            scores: keys.scores()?,
            extra: keys.0,
        };
        Ok(Some(Self { arch, form, info }))
    }
}

/// The metadata that says all of `model` but its weights.
pub(super) fn write(model: &Model) -> Result<BTreeMap<String, String>, ModelError> {
    let Model { arch, form, info, .. } = model;
    if let Some((name, score)) = info.scores.iter().find(|(_, score)| !score.is_finite()) {
        return Err(invalid("scores", &format!("{name}: {score}"), "finite numbers"));
    }
    let scores = serde_json::to_string(&info.scores).expect("a map of finite numbers is JSON");
    let ours = [
        ("format", VERSION.to_string()),
        ("architecture", "pidinet".to_owned()),
        ("width", arch.width.to_string()),
        ("config", arch.config.to_string()),
        ("cdcm", arch.cdcm.map_or("none".to_owned(), |width| width.to_string())),
        ("csam", arch.csam.to_string()),
        ("theta", arch.theta.to_string()),
        ("form", form.to_string()),
        ("preset", info.preset.to_string()),
        ("name", info.name.clone()),
        ("provenance", info.provenance.clone()),
        ("training_data", info.training_data.clone()),
        ("licence", info.licence.clone()),
        ("scores", scores),
    ];
    let mut metadata = info.extra.clone();
    metadata.extend(ours.map(|(key, value)| (format!("{PREFIX}{key}"), value)));
    Ok(metadata)
}

fn invalid(key: &str, found: &str, expected: &str) -> ModelError {
    let (key, found, expected) = (format!("{PREFIX}{key}"), found.to_owned(), expected.to_owned());
    ModelError::Metadata { key, found, expected }
}

/// The metadata not looked at yet.
struct Keys(BTreeMap<String, String>);

impl Keys {
    /// A text, empty if missing.
    fn text(&mut self, key: &str) -> String {
        self.0.remove(&format!("{PREFIX}{key}")).unwrap_or_default()
    }

    /// What `parse` makes of a text.
    fn choice<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ModelError> {
        let text = self.text(key);
        parse(&text).ok_or_else(|| invalid(key, &text, expected))
    }

    fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Result<T, ModelError> {
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
