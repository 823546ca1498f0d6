//! What is known about a model besides its weights.

use std::collections::BTreeMap;

use crate::image::Preset;

/// What is known about a model. Empty texts are unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelInfo {
    /// A short name; that of the file if the file does not give one.
    pub name: String,
    /// How its input is prepared.
    pub preset: Preset,
    /// Who made it, when, from what, and with which program.
    pub provenance: String,
    /// What it was trained on.
    pub training_data: String,
    /// The terms of use, as an SPDX expression if there is one.
    pub licence: String,
    /// Its scores, by names such as `bsds500.test.ods`.
    pub scores: BTreeMap<String, f64>,
    /// Everything else in its file's metadata.
    pub extra: BTreeMap<String, String>,
}
