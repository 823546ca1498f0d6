//! How large an image may be.

use crate::error::{Error, Result};

/// How large an image may be. A file beyond a limit is refused before its pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Most pixels; by default 256 million.
    pub max_pixels: u64,
    /// Most bytes that the decoded pixels may take, in the file's depth and channels; by default 2 GiB.
    pub max_bytes: u64,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self { max_pixels: 256_000_000, max_bytes: 2 << 30 }
    }
}

/// What the pixels of an image need.
pub(super) struct Needs {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Samples of a pixel in the file.
    pub(super) channels: usize,
    /// Bytes of a sample.
    pub(super) sample: usize,
    /// How many images of this size are in memory while it is decoded.
    pub(super) copies: usize,
}

/// Refuses images without pixels and those beyond the limits; returns the bytes that the pixels of others
/// take.
pub(super) fn too_large(needs: &Needs, limits: &ImageLimits) -> Result<usize> {
    let &Needs { width, height, channels, sample, copies } = needs;
    let pixels = (width as u64).saturating_mul(height as u64);
    if pixels == 0 {
        return Err(Error::EmptyImage { width, height });
    }
    if pixels > limits.max_pixels {
        let (width, height) = (width as u32, height as u32);
        return Err(Error::TooManyPixels { width, height, max_pixels: limits.max_pixels });
    }
    let one = pixels.saturating_mul((channels.max(3) * sample) as u64);
    let bytes = one.saturating_mul(copies as u64);
    let too_many = Error::TooManyBytes { bytes, max_bytes: limits.max_bytes };
    match usize::try_from(one) {
        Ok(size) if bytes <= limits.max_bytes => Ok(size),
        _ => Err(too_many),
    }
}
