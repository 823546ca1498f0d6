//! An image with what annotators drew on it.

use pidinet::image::{Image, ImageLimits, Pixels};
use pidinet_eval::files::dataset::Pair;

use super::marks::Marks;
use super::rule::Rule;
use super::{masks, register};
use crate::edges::config::Labels;
use crate::{Error, Result};

/// A decoded image and its truth.
#[derive(Clone, Debug)]
pub struct Example {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue, `[h, w, 3]`.
    pub pixels: Vec<u8>,
    /// The truth.
    pub marks: Marks,
    /// How the truth becomes labels.
    pub rule: Rule,
}

impl Example {
    /// Decodes an image and its truth: masks of `classes` classes, or what annotators drew.
    pub(super) fn open(pair: &Pair, rule: Rule, classes: Option<usize>) -> Result<Self> {
        let image = Image::open(&pair.prediction, &ImageLimits::default())?;
        let (width, height) = (image.width(), image.height());
        let (mut marks, found) = match (&pair.truth[..], classes) {
            ([], _) => (Marks::unknown(width * height), (width, height)),
            ([mask, ..], Some(classes)) => masks::open(mask, classes)?,
            (truth, None) => Marks::open(truth, rule.ignore)?,
        };
        if found != (width, height) {
            return Err(Error::Size { path: pair.truth[0].clone(), image: (width, height), truth: found });
        }
        if rule.labels == Labels::Registered {
            marks = register::registered(marks, width);
        }
        marks.doubt_near(&rule, width);
        if rule.partial {
            marks.doubt_all();
        }
        let pixels = match image.pixels() {
            Pixels::U8(pixels) => pixels.clone(),
            _ => (0..height)
                .flat_map(|y| (0..width).map(move |x| (x, y)))
                .flat_map(|(x, y)| image.rgb(x, y).map(|value| (value * 255.0 + 0.5) as u8))
                .collect(),
        };
        Ok(Self { width, height, pixels, marks, rule })
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.pixels.len() + 2 * self.marks.values().len()
    }
}
