//! How image files are read, and what was wrong with a file that was read anyway.

use std::fmt;
use std::str::FromStr;

use super::limits::ImageLimits;
use super::pixels::Image;
use crate::error::UnknownName;

/// How an image file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// How large it may be.
    pub limits: ImageLimits,
    /// The values that are black and white; by default 0 and 1 for floats, and 0 and the greatest number of
    /// the depth for integers. Only TIFF files have values that need this.
    pub range: Option<FloatRange>,
    /// Whether to read as much as there is of a JPEG or PNG file that is cut short, rather than refuse it.
    pub accept_damaged: bool,
}

impl From<ImageLimits> for ReadOptions {
    fn from(limits: ImageLimits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// An image that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The image.
    pub image: Image,
    /// What is wrong with its file, if [`ReadOptions::accept_damaged`] allowed it.
    pub damage: Option<Damage>,
}

/// What is wrong with a file that was read anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// A JPEG file without its end mark. Any missing pixels are grey.
    NoEndMark,
    /// A PNG file without its last chunk; all its pixels are there.
    NoLastChunk,
    /// A PNG file that ends within its pixels: the missing ones are white.
    RowsMissing {
        /// Whole rows that are there, from the top.
        there: usize,
        /// Rows of the image.
        rows: usize,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndMark => f.write_str("no end mark in the JPEG image; pixels that are missing are grey"),
            Self::NoLastChunk => f.write_str("no IEND in the PNG image; all pixels are there"),
            Self::RowsMissing { there, rows } => {
                write!(
                    f,
                    "the PNG image ends within its pixels: {there} of {rows} rows are there, the rest is white"
                )
            }
        }
    }
}

/// The values of samples that are black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatRange {
    low: f32,
    high: f32,
}

impl FloatRange {
    /// The range from black to white, if it is finite and black is the lower value.
    pub fn new(low: f32, high: f32) -> Option<Self> {
        (low < high && (high - low).is_finite()).then_some(Self { low, high })
    }

    /// The value that is black.
    pub fn low(&self) -> f32 {
        self.low
    }

    /// The value that is white.
    pub fn high(&self) -> f32 {
        self.high
    }
}

/// Reads `LO,HI`.
impl FromStr for FloatRange {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let both = text
            .split_once(',')
            .and_then(|(low, high)| Self::new(low.trim().parse().ok()?, high.trim().parse().ok()?));
        const EXPECTED: &str = "two numbers, black and white, the lower one first, such as 0,255";
        both.ok_or_else(|| UnknownName::new("a range", text, EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_goes_upwards() {
        assert_eq!("0, 255".parse(), Ok(FloatRange { low: 0.0, high: 255.0 }));
        assert_eq!("-1.5,1".parse(), Ok(FloatRange { low: -1.5, high: 1.0 }));
        for wrong in ["", "1", "1,0", "1,1", "0,inf", "NaN,1", "-3e38,3e38", "0,1,2", "a,b"] {
            assert!(wrong.parse::<FloatRange>().is_err(), "{wrong}");
        }
    }
}
