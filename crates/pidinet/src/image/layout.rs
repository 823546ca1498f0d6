//! Pixels in a caller's memory: their order, depth and stride.

use super::sample::Sample;
use crate::{Error, Result, Size};

/// The samples of a pixel, in the order in which they lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
    /// Blue, green, red: OpenCV's order.
    Bgr,
    /// Blue, green, red, alpha.
    Bgra,
    /// One grey sample.
    Grey,
    /// Grey, alpha.
    GreyAlpha,
}

impl PixelFormat {
    /// Samples of a pixel.
    pub fn samples(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb | Self::Bgr => 3,
            Self::Rgba | Self::Bgra => 4,
        }
    }
}

/// How pixels lie in a slice. Alpha is straight (not premultiplied) and is composited on white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelLayout {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Elements of the slice from one row to the next, at least `width` times the samples of a pixel.
    pub row_stride: usize,
    /// Samples of a pixel.
    pub format: PixelFormat,
}

impl PixelLayout {
    /// Rows that follow each other without a gap.
    pub fn packed(size: Size, format: PixelFormat) -> Self {
        let Size { height, width } = size;
        Self { width, height, row_stride: width.saturating_mul(format.samples()), format }
    }

    /// The pixels as RGB without gaps.
    pub(super) fn rgb<S: Sample>(&self, pixels: &[S]) -> Result<Vec<S>> {
        let mut rgb = Vec::new();
        self.rgb_into(pixels, &mut rgb)?;
        Ok(rgb)
    }

    /// The pixels as RGB without gaps, replacing the content of `rgb`, which is left alone on errors.
    pub(super) fn rgb_into<S: Sample>(&self, pixels: &[S], rgb: &mut Vec<S>) -> Result<()> {
        self.check(pixels.len())?;
        rgb.clear();
        rgb.reserve_exact(3 * self.width * self.height);
        for row in pixels.chunks(self.row_stride).take(self.height) {
            let row = &row[..self.width * self.format.samples()];
            let pixels = row.chunks_exact(self.format.samples());
            match self.format {
                PixelFormat::Grey => rgb.extend(pixels.flat_map(|p| [p[0]; 3])),
                PixelFormat::GreyAlpha => rgb.extend(pixels.flat_map(|p| [p[0].over_white(p[1]); 3])),
                PixelFormat::Rgb => rgb.extend_from_slice(row),
                PixelFormat::Bgr => rgb.extend(pixels.flat_map(|p| [p[2], p[1], p[0]])),
                PixelFormat::Rgba => {
                    rgb.extend(pixels.flat_map(|p| [0, 1, 2].map(|c| p[c].over_white(p[3]))))
                }
                PixelFormat::Bgra => {
                    rgb.extend(pixels.flat_map(|p| [2, 1, 0].map(|c| p[c].over_white(p[3]))))
                }
            }
        }
        Ok(())
    }

    /// Fails unless a slice of `len` elements holds these pixels.
    pub(crate) fn check(&self, len: usize) -> Result<()> {
        let Self { width, height, row_stride, format } = *self;
        if width == 0 || height == 0 {
            return Err(Error::EmptyImage { width, height });
        }
        let row = width.checked_mul(format.samples()).filter(|&row| row <= row_stride);
        let Some(row) = row else {
            return Err(Error::RowStride { row_stride, width, samples: format.samples() });
        };
        let needed = (height - 1).checked_mul(row_stride).and_then(|start| start.checked_add(row));
        match needed {
            Some(needed) if needed <= len => Ok(()),
            _ => {
                Err(Error::ShortPixels { found: len, expected: needed.unwrap_or(usize::MAX), width, height })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Image, Pixels};
    use super::*;

    #[test]
    fn every_format_is_read_with_a_stride() -> Result<()> {
        use PixelFormat::{Bgr, Bgra, Grey, GreyAlpha, Rgb, Rgba};
        // Two rows of one pixel with value [1, 2, 3] or 2 and opaque, [4, 5, 6] or 5 and transparent.
        let cases: [(PixelFormat, &[u8], [u8; 6]); 6] = [
            (Rgb, &[1, 2, 3, 99, 99, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
            (Bgr, &[3, 2, 1, 99, 99, 6, 5, 4], [1, 2, 3, 4, 5, 6]),
            (Rgba, &[1, 2, 3, 255, 99, 4, 5, 6, 0], [1, 2, 3, 255, 255, 255]),
            (Bgra, &[3, 2, 1, 255, 99, 6, 5, 4, 0], [1, 2, 3, 255, 255, 255]),
            (Grey, &[2, 99, 99, 99, 99, 5], [2, 2, 2, 5, 5, 5]),
            (GreyAlpha, &[2, 255, 99, 99, 99, 5, 0], [2, 2, 2, 255, 255, 255]),
        ];
        for (format, pixels, want) in cases {
            let layout = PixelLayout { width: 1, height: 2, row_stride: 5, format };
            assert_eq!(Image::from_u8(pixels, &layout)?.pixels(), &Pixels::U8(want.to_vec()), "{format:?}");
            let short = Image::from_u8(&pixels[..pixels.len() - 1], &layout);
            assert!(
                matches!(short, Err(Error::ShortPixels { expected, .. }) if expected == pixels.len()),
                "{format:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn impossible_layouts_are_errors() {
        let layout =
            |width, height, row_stride| PixelLayout { width, height, row_stride, format: PixelFormat::Rgb };
        let read = |layout| Image::from_u8(&[0; 12], &layout);
        assert!(read(layout(2, 2, 6)).is_ok());
        assert!(matches!(read(layout(0, 2, 6)), Err(Error::EmptyImage { .. })));
        assert!(matches!(read(layout(2, 0, 6)), Err(Error::EmptyImage { .. })));
        assert!(matches!(read(layout(2, 2, 5)), Err(Error::RowStride { .. })));
        assert!(matches!(read(layout(usize::MAX / 2, 2, usize::MAX)), Err(Error::RowStride { .. })));
        assert!(matches!(read(layout(1, usize::MAX, usize::MAX)), Err(Error::ShortPixels { .. })));
    }
}
