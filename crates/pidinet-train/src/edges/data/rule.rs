//! How marks become labels: one rule for each source.

use crate::edges::config::{Data, Labels, Material};

/// How marks become labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// A pixel's label if annotators disagree.
    pub labels: Labels,
    /// The smallest share of annotators that makes a boundary.
    pub eta: f32,
    /// Pixels at most this far from a boundary are ignored.
    pub tolerance: usize,
    /// Pixels with this value in the truth are ignored.
    pub ignore: Option<u16>,
    /// Whether pixels that are not a boundary are ignored.
    pub partial: bool,
}

impl Default for Rule {
    /// The rule of the default configuration.
    fn default() -> Self {
        let Data { labels, eta, tolerance, ignore, .. } = Data::default();
        Self { labels, eta, tolerance, ignore, partial: false }
    }
}

impl Rule {
    /// The rule of a source.
    pub fn of(material: &Material, data: &Data) -> Self {
        Self {
            labels: material.labels.unwrap_or(data.labels),
            eta: data.eta,
            tolerance: material.tolerance.unwrap_or(data.tolerance),
            ignore: material.ignore.or(data.ignore),
            partial: material.partial || !material.source.is_drawn(),
        }
    }
}
