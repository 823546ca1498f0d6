//! Grey images from files, with all their bits.

use std::path::Path;

use pidinet::image::{Image, ImageLimits, Pixels};

use crate::{Error, Result};

/// No edge map is larger than ten thousand pixels square.
const LIMITS: ImageLimits = ImageLimits { max_pixels: 100_000_000, max_bytes: 800_000_000 };

/// A grey image, `[h, w]` row by row.
pub(crate) struct Grey {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: GreyPixels,
}

/// Its pixels, in the depth of the file.
pub(crate) enum GreyPixels {
    U8(Vec<u8>),
    U16(Vec<u16>),
    F32(Vec<f32>),
}

impl Grey {
    /// Reads a grey image, or one whose three channels are the same.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let image = Image::open(path, &LIMITS)?;
        let pixels = match image.pixels() {
            Pixels::U8(rgb) => one_channel(rgb).map(GreyPixels::U8),
            Pixels::U16(rgb) => one_channel(rgb).map(GreyPixels::U16),
            Pixels::F32(rgb) => one_channel(rgb).map(GreyPixels::F32),
        };
        let pixels = pixels.ok_or_else(|| Error::content(path, "a grey image", "a coloured one"))?;
        Ok(Self { width: image.width(), height: image.height(), pixels })
    }
}

/// The channel that all three are.
fn one_channel<T: Copy + PartialEq>(rgb: &[T]) -> Option<Vec<T>> {
    let (pixels, _) = rgb.as_chunks::<3>();
    pixels.iter().map(|&[r, g, b]| (r == g && g == b).then_some(r)).collect()
}
