//! What the numbers in an edge map or ground truth mean: one rule for every kind of file.
//!
//! Integers are shares of white. White is the largest number of 8 or 16 bits, or 1 in a file with nothing above 1.
//! Other numbers range from 0 to 1.

use std::path::Path;

use crate::files::numbers::Numbers;
use crate::{Error, Result};

/// The numbers of a plane, `[h, w]` row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) levels: Levels,
    /// Whether the file is a JPEG, whose compression changes values a little.
    pub(crate) lossy: bool,
}

/// Numbers and the value of white.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Levels {
    /// Integers; `white` is the largest of their type, or 1 for booleans.
    Whole { values: Vec<u16>, white: u16 },
    /// Shares of white.
    Share(Vec<f32>),
}

/// Numbers below this may be labels: 0 for background, all others for boundaries.
const MOST_LABELS: u16 = 16;

impl Levels {
    /// The meaning of numbers of a type.
    pub(crate) fn new(path: &Path, width: usize, numbers: &Numbers, logical: bool) -> Result<Self> {
        Ok(match numbers {
            Numbers::U8(values) if logical => {
                Self::Whole { values: values.iter().map(|&value| u16::from(value != 0)).collect(), white: 1 }
            }
            Numbers::U8(values) => {
                Self::Whole { values: values.iter().map(|&value| value.into()).collect(), white: 255 }
            }
            Numbers::U16(values) => Self::Whole { values: values.clone(), white: u16::MAX },
            Numbers::F32(values) => shares(path, width, values.iter().map(|&value| f64::from(value)))?,
            Numbers::F64(values) => shares(path, width, values.iter().copied())?,
            Numbers::I8(values) => whole(path, width, numbers, values)?,
            Numbers::I16(values) => whole(path, width, numbers, values)?,
            Numbers::I32(values) => whole(path, width, numbers, values)?,
            Numbers::U32(values) => whole(path, width, numbers, values)?,
            Numbers::I64(values) => whole(path, width, numbers, values)?,
            Numbers::U64(values) => whole(path, width, numbers, values)?,
        })
    }

    /// Whether these are integers of 8 or 16 bits with only the values 0 and 1.
    pub(crate) fn is_binary(&self) -> bool {
        matches!(self, Self::Whole { values, white: 2.. } if most(values) <= 1)
    }

    /// Probabilities. With `binary`, 1 is white if no value is larger.
    pub(crate) fn probabilities(self, binary: bool) -> Vec<f32> {
        match self {
            Self::Whole { values, white } => {
                let white = f32::from(if binary && most(&values) <= 1 { 1 } else { white });
                // The division rounds once, so 8-bit 51 is the float nearest to 0.2.
                values.into_iter().map(|value| f32::from(value) / white).collect()
            }
            Self::Share(shares) => shares,
        }
    }
}

fn most(values: &[u16]) -> u16 {
    values.iter().copied().max().unwrap_or(0)
}

/// Integers of types without a usual white: up to 255 they are read like 8 bits, else like 16.
fn whole<T: Copy + TryInto<u16> + std::fmt::Display>(
    path: &Path,
    width: usize,
    numbers: &Numbers,
    values: &[T],
) -> Result<Levels> {
    let one = |(at, &value): (usize, &T)| {
        value.try_into().map_err(|_| {
            let expected = format!("numbers from 0 to 65535 in {}", numbers.type_name());
            Error::content(path, expected, format!("{value} at {}", place(at, width)))
        })
    };
    let values: Vec<u16> = values.iter().enumerate().map(one).collect::<Result<_>>()?;
    let white = if most(&values) <= 255 { 255 } else { u16::MAX };
    Ok(Levels::Whole { values, white })
}

fn shares(path: &Path, width: usize, values: impl Iterator<Item = f64> + Clone) -> Result<Levels> {
    // Integers above 1 come from an image kept as floats, as MATLAB does.
    if values.clone().all(|value| value.fract() == 0.0 && (0.0..=65535.0).contains(&value))
        && values.clone().any(|value| value > 1.0)
    {
        let values: Vec<u16> = values.map(|value| value as u16).collect();
        let white = if most(&values) <= 255 { 255 } else { u16::MAX };
        return Ok(Levels::Whole { values, white });
    }
    let outside = |&(_, value): &(usize, f64)| !(0.0..=1.0).contains(&value);
    if let Some((at, value)) = values.clone().enumerate().find(outside) {
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        let range =
            if value.is_finite() { format!(", and values from {least} to {most}") } else { String::new() };
        let found = format!("{value} at {}{range}", place(at, width));
        return Err(Error::content(path, "probabilities in [0, 1]", found));
    }
    Ok(Levels::Share(values.map(|value| value as f32).collect()))
}

fn place(at: usize, width: usize) -> String {
    format!("pixel ({}, {})", at % width.max(1), at / width.max(1))
}

/// Which values of a ground truth file are boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// Whether boundaries are dark on white.
    pub inverted: bool,
    /// The value of pixels excluded from the scores.
    pub ignore: Option<u16>,
}

/// The boundaries in a ground truth file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) boundary: Vec<bool>,
    /// Which pixels are excluded from the scores; empty if none are.
    pub(crate) ignored: Vec<bool>,
}

impl Plane {
    /// The boundaries: values of at least half white; in a file with two values the brighter one, and in one without
    /// values above 15 every value but 0.
    pub(crate) fn drawn(&self, path: &Path, drawing: Drawing) -> Result<Drawn> {
        let Levels::Whole { values, white } = &self.levels else {
            return Ok(self.above(drawing, 0.5));
        };
        let threshold = self.threshold(path, &seen(values, drawing.ignore), *white)?;
        Ok(marked(values, drawing, |value| value >= threshold))
    }

    /// The boundaries of a matrix of boundaries: every value but 0.
    pub(crate) fn nonzero(&self, path: &Path, drawing: Drawing) -> Result<Drawn> {
        let Levels::Whole { values, .. } = &self.levels else {
            return Ok(self.above(drawing, f32::MIN_POSITIVE));
        };
        stray(path, &seen(values, drawing.ignore))?;
        Ok(marked(values, drawing, |value| value > 0))
    }

    /// Where shares are at least `least`.
    fn above(&self, drawing: Drawing, least: f32) -> Drawn {
        let Levels::Share(shares) = &self.levels else {
            return Drawn { boundary: Vec::new(), ignored: Vec::new() };
        };
        let share = |&share: &f32| if drawing.inverted { 1.0 - share >= least } else { share >= least };
        Drawn { boundary: shares.iter().map(share).collect(), ignored: Vec::new() }
    }

    /// The least value that is a boundary, of those in the file.
    fn threshold(&self, path: &Path, seen: &[u16], white: u16) -> Result<u16> {
        let half = white / 2 + 1;
        let most = seen.last().copied().unwrap_or(0);
        Ok(match seen {
            _ if self.lossy => half,
            [] | [0] | [_, _] => most.max(1),
            // A single value is a boundary unless it is 0.
            [value] => *value,
            _ if most < MOST_LABELS => 1,
            _ => {
                stray(path, seen)?;
                half
            }
        })
    }

    /// The share of annotators who drew each pixel, in units of 1/255; none for the value to ignore.
    pub(crate) fn grey(&self, path: &Path, ignore: Option<u16>) -> Result<Vec<Option<u8>>> {
        Ok(match &self.levels {
            Levels::Whole { values, white } => {
                let seen = seen(values, ignore);
                let of = |share: &dyn Fn(u16) -> u8| {
                    values.iter().map(|&value| (Some(value) != ignore).then(|| share(value))).collect()
                };
                if !self.lossy {
                    stray(path, &seen)?;
                    if seen.last().is_some_and(|&most| most < MOST_LABELS) {
                        return Ok(of(&|value| if value > 0 { 255 } else { 0 }));
                    }
                }
                of(&|value| (f32::from(value) / f32::from(*white) * 255.0 + 0.5) as u8)
            }
            Levels::Share(shares) => shares.iter().map(|share| Some((share * 255.0 + 0.5) as u8)).collect(),
        })
    }
}

/// The distinct values, in ascending order.
fn seen(values: &[u16], ignore: Option<u16>) -> Vec<u16> {
    let mut there = vec![false; 1 << 16];
    values.iter().for_each(|&value| there[usize::from(value)] = true);
    (0..=u16::MAX).filter(|&value| there[usize::from(value)] && Some(value) != ignore).collect()
}

/// Refuses labels with a single value far above them, which probably marks pixels to ignore.
fn stray(path: &Path, seen: &[u16]) -> Result<()> {
    match seen {
        [_, .., label, most] if *label < MOST_LABELS && *most >= MOST_LABELS => {
            let labels: Vec<String> = seen.iter().map(u16::to_string).collect();
            let found = format!(
                "the values {}: if {most} marks pixels to ignore, use --gt-ignore {most}",
                labels.join(", ")
            );
            Err(Error::content(path, "two values, labels, or grey values", found))
        }
        _ => Ok(()),
    }
}

/// Splits values into boundaries and ignored pixels.
fn marked(values: &[u16], drawing: Drawing, is_boundary: impl Fn(u16) -> bool) -> Drawn {
    let is_ignored = |value: u16| Some(value) == drawing.ignore;
    let boundary =
        values.iter().map(|&value| !is_ignored(value) && is_boundary(value) != drawing.inverted).collect();
    let ignored = match drawing.ignore {
        Some(ignore) if values.contains(&ignore) => values.iter().map(|&value| is_ignored(value)).collect(),
        _ => Vec::new(),
    };
    Drawn { boundary, ignored }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(values: &[u16]) -> Plane {
        let levels = Levels::Whole { values: values.to_vec(), white: 255 };
        Plane { width: values.len(), height: 1, levels, lossy: false }
    }

    fn drawn(values: &[u16], drawing: Drawing) -> Drawn {
        plane(values).drawn(Path::new("t"), drawing).unwrap()
    }

    #[test]
    fn truth_of_two_three_and_many_values() {
        let (t, f) = (true, false);
        let drawn = |values: &[u16]| drawn(values, Drawing::default()).boundary;
        assert_eq!(drawn(&[0, 255, 0]), [f, t, f]);
        assert_eq!(drawn(&[0, 1, 0]), [f, t, f]);
        assert_eq!(drawn(&[0, 0]), [f, f]);
        assert_eq!(drawn(&[255, 255]), [t, t]);
        assert_eq!(drawn(&[0, 1, 2]), [f, t, t], "labels, or annotators counted");
        assert_eq!(drawn(&[0, 127, 128, 255]), [f, f, t, t]);
        assert_eq!(drawn(&[10, 200, 10]), [f, t, f]);
    }

    #[test]
    fn pixels_to_be_left_out_are_no_boundary() {
        let (t, f) = (true, false);
        let error =
            plane(&[0, 1, 255]).drawn(Path::new("t.png"), Drawing::default()).unwrap_err().to_string();
        assert!(error.contains("t.png") && error.contains("--gt-ignore 255"), "{error}");
        let ignore = Drawing { ignore: Some(255), ..Drawing::default() };
        let left = drawn(&[0, 1, 255, 0], ignore);
        assert_eq!((left.boundary, left.ignored), (vec![f, t, f, f], vec![f, f, t, f]));
        assert!(drawn(&[0, 1, 0], ignore).ignored.is_empty());
        let both = Drawing { inverted: true, ignore: Some(7) };
        assert_eq!(drawn(&[0, 255, 7, 255], both).boundary, [t, f, f, f]);
    }

    #[test]
    fn grey_that_never_reaches_half_of_white_is_no_boundary() {
        assert_eq!(drawn(&[0, 20, 90], Drawing::default()).boundary, [false; 3]);
    }

    #[test]
    fn shares_stay_what_they_are_and_labels_are_white() {
        let but = |values: &[u16], ignore| plane(values).grey(Path::new("t.png"), ignore);
        let grey = |values: &[u16]| {
            but(values, None).map(|shares| shares.into_iter().map(Option::unwrap).collect::<Vec<_>>())
        };
        assert_eq!(grey(&[0, 64, 255]).unwrap(), [0, 64, 255]);
        assert_eq!(grey(&[0, 64]).unwrap(), [0, 64]);
        assert_eq!(grey(&[0, 1, 0]).unwrap(), [0, 255, 0]);
        assert_eq!(grey(&[0, 1, 2]).unwrap(), [0, 255, 255]);
        assert_eq!(grey(&[0, 0]).unwrap(), [0, 0]);
        assert!(grey(&[0, 1, 255]).is_err());
        assert_eq!(but(&[0, 1, 255], Some(255)).unwrap(), [Some(0), Some(255), None]);
        assert_eq!(but(&[0, 51, 7], Some(7)).unwrap(), [Some(0), Some(51), None]);
    }

    #[test]
    fn numbers_without_a_white_have_that_of_8_or_16_bits() {
        let levels = |values: Vec<i64>| Levels::new(Path::new("m.npy"), 2, &Numbers::I64(values), false);
        assert_eq!(levels(vec![0, 255]).unwrap().probabilities(true), [0.0, 1.0]);
        assert_eq!(levels(vec![0, 1]).unwrap().probabilities(true), [0.0, 1.0]);
        assert_eq!(levels(vec![0, 65535]).unwrap().probabilities(true), [0.0, 1.0]);
        let error = levels(vec![0, 3, -1]).unwrap_err().to_string();
        assert!(error.contains("-1 at pixel (0, 1)"), "{error}");
        assert!(levels(vec![70_000]).is_err());
    }
}
