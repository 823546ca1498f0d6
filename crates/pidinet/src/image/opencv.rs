//! Resizing as OpenCV's `cv2.resize` does it, to compare pixels with programs that use it, such as the
//! annotators of ControlNet.
//!
//! Pixel centres lie at halves, and border pixels are repeated beyond the border. Results are within one grey
//! level of OpenCV's, which uses 11-bit weights for 8-bit images; floats differ only by rounding.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use super::pixels::{Image, Pixels};
use crate::error::{Error, Result, UnknownName};
use crate::size::Size;

/// How values between pixels are interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// `INTER_LINEAR`: the two nearest pixels each way, without antialiasing.
    Linear,
    /// `INTER_CUBIC`: four each way, Keys' kernel with a = -0.75, without antialiasing.
    Cubic,
    /// `INTER_AREA`: the mean of what a pixel covers, to make images smaller. Where a side becomes longer,
    /// OpenCV does not average areas: it takes one pixel, or near the edge of that pixel mixes in the next
    /// one.
    Area,
    /// `INTER_LANCZOS4`: eight each way, to make images larger.
    Lanczos4,
}

impl Interpolation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Cubic, Self::Area, Self::Lanczos4];

    /// Its name: `linear`, `cubic`, `area`, `lanczos4`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Cubic => "cubic",
            Self::Area => "area",
            Self::Lanczos4 => "lanczos4",
        }
    }
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Interpolation {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|interpolation| interpolation.name() == text);
        named.ok_or_else(|| UnknownName::new("an interpolation", text, "linear, cubic, area or lanczos4"))
    }
}

/// A change of size, of interleaved images: `[height, width, channels]` without gaps.
///
/// # Examples
///
/// ```
/// use pidinet::Size;
/// use pidinet::image::{Interpolation, Resize};
///
/// let (from, to) = (Size { height: 2, width: 4 }, Size { height: 1, width: 2 });
/// let resize = Resize { from, to, channels: 1, interpolation: Interpolation::Area };
/// let mut half = [0u8; 2];
/// resize.u8(&[0, 10, 20, 30, 40, 50, 60, 70], &mut half)?;
/// assert_eq!(half, [25, 45]);
/// # Ok::<(), pidinet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Size of the image.
    pub from: Size,
    /// Size of the result.
    pub to: Size,
    /// Samples of a pixel.
    pub channels: usize,
    /// How values between pixels are interpolated.
    pub interpolation: Interpolation,
}

impl Resize {
    /// Resizes an image of 8 bits: values are rounded to the nearest one.
    ///
    /// # Shapes
    ///
    /// `src`: `[from height, from width, channels]`; `dst`: `[to height, to width, channels]`.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyImage`] if either has no pixel or no channel; [`Error::Samples`] if a slice has another number of
    /// samples than its image.
    pub fn u8(&self, src: &[u8], dst: &mut [u8]) -> Result<()> {
        self.resample(src, dst)
    }

    /// Resizes an image of floats. They are neither rounded nor clamped: cubic and Lanczos kernels overshoot
    /// the values of the image.
    ///
    /// # Shapes
    ///
    /// As [`Resize::u8`].
    ///
    /// # Errors
    ///
    /// As [`Resize::u8`].
    pub fn f32(&self, src: &[f32], dst: &mut [f32]) -> Result<()> {
        self.resample(src, dst)
    }

    /// [`Self::resample`] into newly allocated memory.
    fn allocated<V: Value + Default>(&self, src: &[V]) -> Result<Vec<V>> {
        let Size { height, width } = self.to;
        let len = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(self.channels));
        let mut dst = Vec::new();
        let is_there = |len: &usize| dst.try_reserve_exact(*len).is_ok();
        let len = len.filter(is_there).ok_or(Error::NoMemory { width, height })?;
        dst.resize(len, V::default());
        self.resample(src, &mut dst)?;
        Ok(dst)
    }

    /// First a sum of rows, then sums of pixels in that row: only one row of floats is kept in between.
    fn resample<V: Value>(&self, src: &[V], dst: &mut [V]) -> Result<()> {
        check(self.from, self.channels, src.len())?;
        check(self.to, self.channels, dst.len())?;
        if self.from == self.to {
            dst.copy_from_slice(src);
            return Ok(());
        }
        let [across, down] = self.taps();
        let mut row = vec![0f32; self.channels * self.from.width];
        for (down, dst) in down.iter().zip(dst.chunks_exact_mut(self.channels * self.to.width)) {
            row.fill(0.0);
            for &(y, weight) in &down.0 {
                let src = &src[y * row.len()..][..row.len()];
                row.iter_mut().zip(src).for_each(|(sum, value)| *sum += weight * value.float());
            }
            for (across, pixel) in across.iter().zip(dst.chunks_exact_mut(self.channels)) {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let sample = |&(x, weight): &(usize, f32)| weight * row[x * self.channels + channel];
                    *value = V::from_float(across.0.iter().map(sample).sum());
                }
            }
        }
        Ok(())
    }

    /// The taps of every column and of every row of the result.
    fn taps(&self) -> [Vec<Tap>; 2] {
        let (columns, rows) = ((self.from.width, self.to.width), (self.from.height, self.to.height));
        let shrinks = [columns, rows].iter().all(|(from, to)| from >= to);
        [columns, rows].map(|(from, to)| {
            let tap = |at: usize| match self.interpolation {
                Interpolation::Area if shrinks => mean(from, to, at),
                Interpolation::Area => share(from, to, at),
                Interpolation::Linear => kernel(from, to, at, |x| [1.0 - x, x]),
                Interpolation::Cubic => kernel(from, to, at, cubic),
                Interpolation::Lanczos4 => kernel(from, to, at, lanczos4),
            };
            (0..to).map(tap).collect()
        })
    }
}

/// Fails unless a slice of `len` samples is an image of this size.
fn check(Size { height, width }: Size, channels: usize, len: usize) -> Result<()> {
    if width == 0 || height == 0 || channels == 0 {
        return Err(Error::EmptyImage { width, height });
    }
    let expected = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(channels));
    if expected == Some(len) {
        return Ok(());
    }
    Err(Error::Samples { found: len, expected: expected.unwrap_or(usize::MAX), width, height, channels })
}

/// The positions of the image that make up one position of the result, with their weights.
struct Tap(Vec<(usize, f32)>);

/// `2 half` positions around the centre of `at`; positions beyond the border become those at the border.
fn kernel<const N: usize>(from: usize, to: usize, at: usize, weights: impl Fn(f64) -> [f64; N]) -> Tap {
    let centre = (at as f64 + 0.5) * (from as f64 / to as f64) - 0.5;
    let first = centre.floor();
    let position = |tap: usize| {
        let position = first + tap as f64 - (N / 2 - 1) as f64;
        position.clamp(0.0, (from - 1) as f64) as usize
    };
    let weights = weights(centre - first).into_iter().enumerate();
    Tap(weights.map(|(tap, weight)| (position(tap), weight as f32)).collect())
}

/// Weights of four pixels, `x` right of the second: Keys, "Cubic convolution interpolation for digital image
/// processing", 1981.
fn cubic(x: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    [far(x + 1.0), near(x), near(1.0 - x), far(2.0 - x)]
}

/// Weights of eight pixels, `x` right of the fourth: `sinc(t) sinc(t / 4)`, made to sum to 1.
fn lanczos4(x: f64) -> [f64; 8] {
    let sinc = |t: f64| if t.abs() < 1e-6 { 1.0 } else { (PI * t).sin() / (PI * t) };
    let weights: [f64; 8] = std::array::from_fn(|tap| {
        let distance = x + 3.0 - tap as f64;
        sinc(distance) * sinc(distance / 4.0)
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// The mean of what position `at` covers. Less than a thousandth of a pixel at either end is ignored.
fn mean(from: usize, to: usize, at: usize) -> Tap {
    const LEAST: f64 = 1e-3;
    let scale = from as f64 / to as f64;
    let start = at as f64 * scale;
    let end = start + scale;
    let covered = scale.min(from as f64 - start);
    let last = (end.floor() as usize).min(from - 1);
    let first = (start.ceil() as usize).min(last);
    let mut taps = Vec::new();
    let before = first as f64 - start;
    if before > LEAST {
        taps.push((first - 1, (before / covered) as f32));
    }
    taps.extend((first..last).map(|whole| (whole, (1.0 / covered) as f32)));
    let after = end - last as f64;
    if after > LEAST {
        taps.push((last, (after.min(1.0).min(covered) / covered) as f32));
    }
    Tap(taps)
}

/// What OpenCV does for [`Interpolation::Area`] where a side becomes longer: the pixel that position `at`
/// begins in, and the next one weighted by the share that reaches into it.
fn share(from: usize, to: usize, at: usize) -> Tap {
    let (scale, inverse) = (from as f64 / to as f64, to as f64 / from as f64);
    let first = (at as f64 * scale).floor();
    let share = (at + 1) as f64 - (first + 1.0) * inverse;
    let share = if share <= 0.0 { 0.0 } else { share - share.floor() };
    let last = from - 1;
    let first = (first as usize).min(last);
    Tap(vec![(first, (1.0 - share) as f32), ((first + 1).min(last), share as f32)])
}

/// A sample, in its own range.
trait Value: Copy {
    fn float(self) -> f32;

    fn from_float(value: f32) -> Self;
}

impl Value for u8 {
    fn float(self) -> f32 {
        f32::from(self)
    }

    fn from_float(value: f32) -> Self {
        value.round_ties_even() as Self // saturates
    }
}

impl Value for u16 {
    fn float(self) -> f32 {
        f32::from(self)
    }

    fn from_float(value: f32) -> Self {
        value.round_ties_even() as Self // saturates
    }
}

impl Value for f32 {
    fn float(self) -> f32 {
        self
    }

    fn from_float(value: f32) -> Self {
        value
    }
}

impl Image {
    /// The image at another size, in the same depth, as OpenCV's `resize` makes it.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyImage`] if a side is 0, [`Error::NoMemory`] if there is none for the result.
    pub fn resized_as_opencv(&self, size: Size, interpolation: Interpolation) -> Result<Self> {
        resized(self, size, interpolation)
    }
}

/// An image at another size, in the same depth.
fn resized(image: &Image, to: Size, interpolation: Interpolation) -> Result<Image> {
    let resize = Resize { from: image.size(), to, channels: 3, interpolation };
    let pixels = match &image.pixels {
        Pixels::U8(data) => Pixels::U8(resize.allocated(data)?),
        Pixels::U16(data) => Pixels::U16(resize.allocated(data)?),
        Pixels::F32(data) => Pixels::F32(resize.allocated(data)?),
    };
    Ok(Image { width: to.width, height: to.height, pixels })
}
