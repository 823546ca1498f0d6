//! How images are augmented.

use rand::RngExt;
use rand::rngs::ChaCha12Rng;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::settings::check;

/// How images are augmented. All zeros: not at all.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Instead of everything below but `flip`: each image in 16 rotations, 22.5° apart and cropped to the
    /// largest upright rectangle, at scales 0.5, 1 and 1.5, as in holistically-nested edge detection (HED).
    pub hed: bool,
    /// Side of the square that is cut out, in pixels; 0 for whole images, of which those of a batch have the
    /// same scale.
    pub crop: usize,
    /// Images are mirrored left to right half of the time.
    pub flip: bool,
    /// Smallest scale; between the two, all ratios are equally likely.
    pub scale_min: f32,
    /// Largest scale.
    pub scale_max: f32,
    /// Share of the images that are rotated.
    pub rotate: f32,
    /// Largest rotation to either side, in degrees.
    pub angle: f32,
    /// Brightness, contrast and saturation change by up to this share, each.
    pub colour: f32,
    /// Gamma: values are raised to a power of up to this much above 1, or its inverse.
    pub gamma: f32,
    /// Share of the images that are blurred a little.
    pub blur: f32,
    /// Share of the images that get noise.
    pub noise: f32,
    /// Share of the images that are compressed as JPEG once more.
    pub jpeg: f32,
}

impl Default for Augment {
    /// [`Augment::strong`].
    fn default() -> Self {
        Self::strong()
    }
}

impl Augment {
    /// No augmentation.
    pub fn none() -> Self {
        Self {
            hed: false,
            crop: 0,
            flip: false,
            scale_min: 1.0,
            scale_max: 1.0,
            rotate: 0.0,
            angle: 0.0,
            colour: 0.0,
            gamma: 0.0,
            blur: 0.0,
            noise: 0.0,
            jpeg: 0.0,
        }
    }

    /// The published set: 16 rotations, mirrored or not, 3 scales, whole images.
    pub fn hed() -> Self {
        Self { hed: true, flip: true, ..Self::none() }
    }

    /// Crops with continuous scale and rotation, colour, blur, noise and JPEG.
    pub fn strong() -> Self {
        Self {
            hed: false,
            crop: 320,
            flip: true,
            scale_min: 0.6,
            scale_max: 1.6,
            rotate: 0.5,
            angle: 45.0,
            colour: 0.25,
            gamma: 0.3,
            blur: 0.05,
            noise: 0.1,
            jpeg: 0.1,
        }
    }

    /// A scale between the smallest and the largest.
    pub(in crate::edges) fn scale(&self, rng: &mut ChaCha12Rng) -> f32 {
        let (low, high) = (self.scale_min.ln(), self.scale_max.ln());
        (low + (high - low) * rng.random::<f32>()).exp()
    }

    pub(super) fn check_crop(&self, field: &'static str) -> Result<()> {
        check(field, self.crop, self.crop == 0 || (8..=8192).contains(&self.crop), "0, or 8 to 8192")
    }

    pub(super) fn check(&self) -> Result<()> {
        let scales = self.scale_min >= 0.1 && self.scale_min <= self.scale_max && self.scale_max <= 10.0;
        check("augment.scale_min", self.scale_min, scales, "0.1 to scale_max, which is at most 10")?;
        self.check_crop("augment.crop")?;
        check("augment.angle", self.angle, (0.0..=180.0).contains(&self.angle), "0 to 180")?;
        check("augment.colour", self.colour, (0.0..1.0).contains(&self.colour), "at least 0, below 1")?;
        check("augment.gamma", self.gamma, (0.0..=4.0).contains(&self.gamma), "0 to 4")?;
        for (field, share) in [
            ("augment.rotate", self.rotate),
            ("augment.blur", self.blur),
            ("augment.noise", self.noise),
            ("augment.jpeg", self.jpeg),
        ] {
            check(field, share, (0.0..=1.0).contains(&share), "0 to 1")?;
        }
        Ok(())
    }
}
