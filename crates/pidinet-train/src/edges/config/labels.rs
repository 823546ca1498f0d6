//! What a pixel's label is.

use serde::{Deserialize, Serialize};

/// What a pixel's label is, where annotators disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// The share of annotators who see a boundary, with the η rule.
    Mean,
    /// What one annotator says, another one each time.
    Sampled,
    /// A boundary is what any annotator says.
    Any,
    /// The share of annotators, with the η rule, after their lines were moved onto common ones, so that annotators agree
    /// even where their lines are a pixel or two apart. Lines that match none of the common ones are ignored.
    Registered,
}
