//! A teacher: maps of one or several models, learnt in addition to the truth.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::settings::check;

/// A teacher, whose maps are a second term of the loss ([`crate::edges::loss::Loss::teach`]). There is no
/// teacher if neither `maps` nor `model` is given.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Distil {
    /// A folder of edge maps `ID.png` (8 or 16 bits) or `ID.npy`, of the images' names and sizes.
    pub maps: Option<PathBuf>,
    /// A model file, or the name of a built-in model, whose maps are averaged over `scales` and mirror
    /// images. If `maps` is given as well, that folder stores the maps: existing ones are not computed again,
    /// and `made-by.txt` says which model made them. Otherwise they are kept in memory, up to
    /// `data.cache_mib`.
    pub model: Option<PathBuf>,
    /// Scales of the images that the model looks at.
    pub scales: Vec<f32>,
    /// How much the teacher counts over the run; 1 is as much as the truth.
    pub trust: Trust,
}

impl Default for Distil {
    fn default() -> Self {
        Self { maps: None, model: None, scales: vec![0.75, 1.0, 1.25], trust: Trust::Always(1.0) }
    }
}

/// A number that is constant or changes over a run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a number, or points such as [[0.0, 1.0], [0.8, 0.0]]")]
pub enum Trust {
    /// A constant.
    Always(f32),
    /// Points, each the share of the run that is done and the number there, joined by straight lines and
    /// constant before the first and after the last. Of two points at the same share, the second holds from
    /// there on.
    Points(Vec<[f32; 2]>),
}

impl Trust {
    /// The number when this share of the run is done.
    pub fn at(&self, done: f64) -> f32 {
        let points = match self {
            Self::Always(trust) => return *trust,
            Self::Points(points) => points,
        };
        let done = done as f32;
        let next = points.iter().position(|point| done < point[0]).unwrap_or(points.len());
        match (next.checked_sub(1).map(|before| points[before]), points.get(next)) {
            (Some([from, first]), Some([to, last])) => first + (last - first) * (done - from) / (to - from),
            (Some([_, trust]), None) | (None, Some(&[_, trust])) => trust,
            (None, None) => 0.0,
        }
    }
}

impl Distil {
    /// Whether there is a teacher.
    pub fn is_on(&self) -> bool {
        self.maps.is_some() || self.model.is_some()
    }

    pub(super) fn check(&self) -> Result<()> {
        let Self { scales, trust, .. } = self;
        let sound = scales.iter().all(|scale| (0.1..=4.0).contains(scale));
        let few = (1..=16).contains(&scales.len());
        check("distil.scales", format!("{scales:?}"), sound && few, "1 to 16 numbers of 0.1 to 4")?;
        let sound = |trust: f32| (0.0..=1000.0).contains(&trust);
        match trust {
            Trust::Always(trust) => check("distil.trust", trust, sound(*trust), "0 to 1000"),
            Trust::Points(points) => {
                let shares = points.iter().all(|[done, _]| (0.0..=1.0).contains(done))
                    && points.is_sorted_by_key(|p| p[0]);
                let holds = shares && !points.is_empty() && points.iter().all(|point| sound(point[1]));
                let expected = "points [share, trust] with growing shares of 0 to 1, trust 0 to 1000";
                check("distil.trust", format!("{points:?}"), holds, expected)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_follows_its_points() {
        let trust = Trust::Points(vec![[0.2, 1.0], [0.6, 3.0], [0.8, 3.0], [0.8, 0.0]]);
        let at = [0.0, 0.2, 0.4, 0.7, 0.8, 1.0].map(|done| trust.at(done));
        for (found, expected) in at.into_iter().zip([1.0, 1.0, 2.0, 3.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-5, "{at:?}");
        }
        assert_eq!(Trust::Always(0.5).at(0.3), 0.5);
    }
}
