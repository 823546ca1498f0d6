//! How annotators' marks become labels.

use serde::{Deserialize, Serialize};

/// A pixel's label if annotators disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// The share of annotators who see a boundary, with the η rule.
    Mean,
    /// What one annotator says, chosen anew each time.
    Sampled,
    /// A boundary if any annotator sees one.
    Any,
    /// The share of annotators, with the η rule, after moving their lines onto common ones, so that
    /// annotators agree even if their lines are a pixel or two apart. Lines that match none of the common
    /// ones are ignored.
    Registered,
}
