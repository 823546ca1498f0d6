//! Resizing as OpenCV's `cv2.resize` does it, to compare pixels with programs that use it, such as the
//! annotators of ControlNet.
//!
//! Pixel centres lie at halves, and border pixels are repeated beyond the border. Bytes equal OpenCV's,
//! except with cubic interpolation, where they are within one grey level; floats differ by rounding.

use super::pixels::{Image, Pixels};
use crate::error::{Error, Result};
use crate::size::Size;
use taps::{Tap, Ways};

mod bytes;
mod taps;

pub use taps::Interpolation;

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
        self.check(src.len(), dst.len())?;
        let ways = Ways::new(self.from, self.to, self.interpolation);
        bytes::resize(&ways, self.channels, self.channels * self.from.width, src, dst);
        Ok(())
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

    /// The result of `resize` in newly allocated memory.
    fn allocated<V: Default + Clone>(
        &self,
        src: &[V],
        resize: impl Fn(&Self, &[V], &mut [V]) -> Result<()>,
    ) -> Result<Vec<V>> {
        let Size { height, width } = self.to;
        let len = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(self.channels));
        let mut dst = Vec::new();
        let is_there = |len: &usize| dst.try_reserve_exact(*len).is_ok();
        let len = len.filter(is_there).ok_or(Error::NoMemory { width, height })?;
        dst.resize(len, V::default());
        resize(self, src, &mut dst)?;
        Ok(dst)
    }

    /// Fails unless slices of these lengths are the image and the result.
    fn check(&self, src: usize, dst: usize) -> Result<()> {
        check(self.from, self.channels, src)?;
        check(self.to, self.channels, dst)
    }

    /// First a sum of rows, then sums of pixels in that row: only one row of floats is kept in between.
    fn resample<V: Value>(&self, src: &[V], dst: &mut [V]) -> Result<()> {
        self.check(src.len(), dst.len())?;
        if self.from == self.to {
            dst.copy_from_slice(src);
            return Ok(());
        }
        let Ways { across, down, .. } = Ways::new(self.from, self.to, self.interpolation);
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
                    let Tap(positions) = across;
                    *value = V::from_float(positions.iter().map(sample).sum());
                }
            }
        }
        Ok(())
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

/// A sample, in its own range.
trait Value: Copy {
    fn float(self) -> f32;

    fn from_float(value: f32) -> Self;
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
        Pixels::U8(data) => Pixels::U8(resize.allocated(data, Resize::u8)?),
        Pixels::U16(data) => Pixels::U16(resize.allocated(data, Resize::resample)?),
        Pixels::F32(data) => Pixels::F32(resize.allocated(data, Resize::resample)?),
    };
    Ok(Image { width: to.width, height: to.height, pixels })
}
