//! What is known about a model besides its weights.

use std::collections::BTreeMap;

use crate::image::Preset;

/// What is known about a model. Empty texts are unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelInfo {
    /// A short name; that of the file, where the file does not say.
    pub name: String,
    /// How it wants its input.
    pub preset: Preset,
    /// Who made it, when, from what, with which program.
    pub provenance: String,
    /// What it was trained on.
    pub training_data: String,
    /// Under which terms it may be used, an SPDX expression where there is one.
    pub licence: String,
    /// Its scores, by names such as `bsds500.test.ods`.
    pub scores: BTreeMap<String, f64>,
    /// Everything else that the metadata of its file says.
    pub extra: BTreeMap<String, String>,
}
