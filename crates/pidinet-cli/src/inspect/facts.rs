//! The facts that both kinds of models have.

use pidinet::arch::survey::Shape;
use pidinet::weights::ModelInfo;

/// What is known about a model.
pub(super) fn known(info: &ModelInfo) -> Vec<(&'static str, String)> {
    let mut known = vec![
        ("provenance", info.provenance.clone()),
        ("training data", info.training_data.clone()),
        ("licence", info.licence.clone()),
    ];
    known.extend(info.scores.iter().map(|(name, score)| ("score", format!("{name} {score}"))));
    known.extend(info.extra.iter().map(|(name, text)| ("note", format!("{name}: {text}"))));
    known
}

pub(super) fn shape([channels, height, width]: Shape) -> String {
    format!("{channels}x{height}x{width}")
}
