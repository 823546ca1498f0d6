//! Samples whose range the depth alone does not tell: floats, and integers of more than 16 bits.
//!
//! Floats range from 0 to 1, and integers from 0 to the greatest of their depth, unless the user says
//! otherwise. Other values are refused with the range that was found; values that are not numbers, with their
//! position.

use super::layout::{Kind, Layout};
use super::problem::Problem;
use super::samples::most;
use crate::Error;
use crate::image::FloatRange;

/// Column and row.
type Place = (usize, usize);

/// Values beyond this stand for no data: ±3.4e38, the greatest float, is what programs write.
const NO_DATA: f64 = 1e30;

/// How far beyond its ends a range may be exceeded, as a share of it: rounding in the program that wrote it.
const SLACK: f64 = 1e-3;

/// How bright the brightest integer of more than 16 bits must be, as a share of white, for the depth to be
/// believed: numbers of 16 bits or fewer are often stored in 32.
const DARKEST: f64 = 1.0 / 65_536.0;

/// The range that samples must have, and the one that was found.
pub(super) struct Values {
    low: f64,
    high: f64,
    integers: bool,
    given: bool,
    no_data: Option<f64>,
    least: (f64, Place),
    most: (f64, Place),
}

impl Values {
    pub(super) fn new(layout: &Layout, range: Option<FloatRange>) -> Self {
        let integers = layout.kind == Kind::Unsigned;
        let high = if integers { most(layout.bits) as f64 } else { 1.0 };
        let (low, high) =
            range.map_or((0.0, high), |range| (f64::from(range.low()), f64::from(range.high())));
        Self {
            low,
            high,
            integers,
            given: range.is_some(),
            no_data: layout.no_data.filter(|_| !integers || layout.bits > 16),
            least: (f64::INFINITY, (0, 0)),
            most: (f64::NEG_INFINITY, (0, 0)),
        }
    }

    /// A value as a share of white.
    pub(super) fn unit(&mut self, place: Place, value: f64) -> Result<f32, Problem> {
        if !value.is_finite() || value.abs() >= NO_DATA && !self.integers || self.is_no_data(value) {
            return Err(Problem::Image(Error::PixelNotANumber { x: place.0, y: place.1, value }));
        }
        if value < self.least.0 {
            self.least = (value, place);
        }
        if value > self.most.0 {
            self.most = (value, place);
        }
        Ok(((value - self.low) / (self.high - self.low)) as f32)
    }

    /// Files give the value as text, with more or fewer digits than a float has.
    fn is_no_data(&self, value: f64) -> bool {
        self.no_data.is_some_and(|none| none == value || none as f32 == value as f32 && value.abs() > 1.0)
    }

    /// Fails unless all values that were found are in the range.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let slack = if self.integers && !self.given { 0.0 } else { SLACK * (self.high - self.low) };
        let outside = self.least.0 < self.low - slack || self.most.0 > self.high + slack;
        let dark = self.integers && !self.given && self.most.0 > 0.0 && self.most.0 < DARKEST * self.high;
        if !outside && !dark {
            return Ok(());
        }
        Err(Problem::Image(Error::PixelRange {
            low: self.low,
            high: self.high,
            least: self.least.0,
            least_at: self.least.1,
            most: self.most.0,
            most_at: self.most.1,
        }))
    }
}
