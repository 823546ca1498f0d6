//! Parts of a run with different settings: larger crops, whole images, other shares of sources.

use serde::{Deserialize, Serialize};

use super::augment::Augment;
use super::source::check_shares;
use crate::Result;
use crate::settings::check;

/// A phase of a run. Fields that are not given keep their values from the rest of the configuration.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phase {
    /// The share of the run that is done when the phase ends; 1 for the last phase.
    pub until: f64,
    /// A factor for the learning rate.
    pub rate: f64,
    /// Replaces `augment.crop`: side of the square that is cut out, in pixels; 0 for whole images.
    pub crop: Option<usize>,
    /// Whether scales and angles change, as `augment` says (`hed` included).
    pub geometric: bool,
    /// Whether colours, sharpness and noise change, as `augment` says.
    pub photometric: bool,
    /// Replaces `train.average`.
    pub average: Option<f32>,
    /// Replaces the sources' shares, one for each, in their order; empty keeps them.
    pub shares: Vec<f64>,
}

impl Default for Phase {
    /// A phase that lasts the whole run and changes nothing.
    fn default() -> Self {
        Self {
            until: 1.0,
            rate: 1.0,
            crop: None,
            geometric: true,
            photometric: true,
            average: None,
            shares: Vec::new(),
        }
    }
}

impl Phase {
    /// The phase when this share of the run is done; `None` if there are no phases.
    pub fn at(phases: &[Self], done: f64) -> Option<usize> {
        let last = phases.len().checked_sub(1)?;
        Some(phases.iter().position(|phase| done < phase.until).unwrap_or(last))
    }

    /// How images are augmented in this phase.
    pub fn augment(&self, augment: &Augment) -> Augment {
        let mut augment = Augment { crop: self.crop.unwrap_or(augment.crop), ..*augment };
        if !self.geometric {
            let Augment { hed, scale_min, scale_max, rotate, angle, .. } = Augment::none();
            augment = Augment { hed, scale_min, scale_max, rotate, angle, ..augment };
        }
        if !self.photometric {
            let Augment { colour, gamma, blur, noise, jpeg, .. } = Augment::none();
            augment = Augment { colour, gamma, blur, noise, jpeg, ..augment };
        }
        augment
    }

    /// Checks the phases of a run with `sources` sources.
    pub(super) fn check(phases: &[Self], augment: &Augment, sources: usize) -> Result<()> {
        let mut before = 0.0;
        for phase in phases {
            let Self { until, rate, average, shares, .. } = phase;
            check(
                "phase.until",
                until,
                *until > before && *until <= 1.0,
                "more than in the phase before, at most 1",
            )?;
            before = *until;
            check("phase.rate", rate, *rate > 0.0 && *rate <= 1000.0, "above 0, at most 1000")?;
            let average = average.unwrap_or(0.0);
            check("phase.average", average, (0.0..1.0).contains(&average), "at least 0, below 1")?;
            let uncut = phase.crop.is_none() || !phase.augment(augment).hed;
            check("phase.crop", "given", uncut, "none with augment.hed, which is of whole images")?;
            phase.augment(augment).check_crop("phase.crop")?;
            if !shares.is_empty() {
                let expected = format!("one for each of the {sources} sources");
                check(
                    "phase.shares",
                    format!("{} numbers", shares.len()),
                    shares.len() == sources,
                    &expected,
                )?;
                check_shares("phase.shares", shares)?;
            }
        }
        let last = phases.last().map_or(1.0, |phase| phase.until);
        check("phase.until", last, last == 1.0, "1 in the last phase")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_ends_where_the_next_begins() {
        let phases = [0.25, 0.5, 1.0].map(|until| Phase { until, ..Phase::default() });
        let at = [0.0, 0.2499, 0.25, 0.5, 0.99, 1.0].map(|done| Phase::at(&phases, done));
        assert_eq!(at, [0, 0, 1, 2, 2, 2].map(Some));
        assert_eq!(Phase::at(&[], 0.5), None);
    }

    #[test]
    fn a_phase_changes_what_it_names() {
        let strong = Augment::strong();
        assert_eq!(Phase::default().augment(&strong), strong);
        let whole = Phase { crop: Some(0), geometric: false, photometric: false, ..Phase::default() };
        assert_eq!(whole.augment(&strong), Augment { flip: true, ..Augment::none() });
        assert!(!Phase { geometric: false, ..Phase::default() }.augment(&Augment::hed()).hed);
    }
}
