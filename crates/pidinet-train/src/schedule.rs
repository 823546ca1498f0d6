//! How the learning rate changes.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::settings::check;

/// How the learning rate changes over a run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// The largest learning rate.
    pub rate: f64,
    /// Share of all steps in which the rate rises linearly from 0.
    pub warmup: f64,
    /// What the rate does after that.
    pub kind: Kind,
    /// Cosine: the share of the rate that is left at the end.
    pub end: f64,
    /// Steps: at these shares of all steps the rate is multiplied by `factor`.
    pub milestones: Vec<f64>,
    /// Steps: see `milestones`.
    pub factor: f64,
}

/// The shape of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Half a period of a cosine from the rate to its end.
    Cosine,
    /// Smaller by a factor at each milestone.
    Steps,
    /// Always the same.
    Constant,
}

impl Default for Schedule {
    /// Cosine from 0.005 with a short warm-up.
    fn default() -> Self {
        Self {
            rate: 0.005,
            warmup: 0.01,
            kind: Kind::Cosine,
            end: 0.01,
            milestones: vec![0.5, 0.8],
            factor: 0.1,
        }
    }
}

impl Schedule {
    /// The learning rate when this share of the run is done.
    pub fn rate(&self, done: f64) -> f64 {
        if done < self.warmup {
            return self.rate * (done / self.warmup).max(0.001);
        }
        match self.kind {
            Kind::Constant => self.rate,
            Kind::Steps => {
                let passed = self.milestones.iter().filter(|&&milestone| done >= milestone).count();
                self.rate * self.factor.powi(passed as i32)
            }
            Kind::Cosine => {
                let share = ((done - self.warmup) / (1.0 - self.warmup)).clamp(0.0, 1.0);
                let wave = (1.0 + (std::f64::consts::PI * share).cos()) / 2.0;
                self.rate * (self.end + (1.0 - self.end) * wave)
            }
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        check("schedule.rate", self.rate, self.rate > 0.0 && self.rate.is_finite(), "above 0")?;
        check("schedule.warmup", self.warmup, (0.0..1.0).contains(&self.warmup), "at least 0, below 1")?;
        check("schedule.end", self.end, (0.0..=1.0).contains(&self.end), "0 to 1")?;
        check("schedule.factor", self.factor, self.factor > 0.0 && self.factor <= 1.0, "above 0, at most 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_rises_and_falls_to_its_end() {
        let schedule = Schedule { rate: 1.0, warmup: 0.1, end: 0.01, ..Schedule::default() };
        let rates: Vec<f64> = (0..100).map(|percent| schedule.rate(f64::from(percent) / 100.0)).collect();
        assert!((rates[5] - 0.5).abs() < 1e-12 && (rates[10] - 1.0).abs() < 1e-12);
        assert!(rates[10..].windows(2).all(|pair| pair[1] <= pair[0]), "{rates:?}");
        assert!((schedule.rate(0.55) - 0.505).abs() < 1e-12, "half way");
        assert!((schedule.rate(1.0) - 0.01).abs() < 1e-12);
    }

    #[test]
    fn milestones_are_the_published_ones() {
        let schedule = Schedule { rate: 0.005, warmup: 0.0, kind: Kind::Steps, ..Schedule::default() };
        let at = |epoch| schedule.rate(f64::from(epoch) / 20.0);
        assert!(
            (at(9) - 0.005).abs() < 1e-12 && (at(10) - 0.0005).abs() < 1e-12 && (at(16) - 5e-5).abs() < 1e-12
        );
    }
}
