//! An image in memory.

use std::ops::Range;

use super::layout::PixelLayout;
use super::preset::Preset;
use super::sample::Sample;
use crate::error::{Error, Result};
use crate::size::Size;

/// Pixels as red, green, blue, row by row without gaps: `[height, width, 3]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// 8 bits a sample.
    U8(Vec<u8>),
    /// 16 bits a sample.
    U16(Vec<u16>),
    /// Floats, black 0 and white 1, nothing outside.
    F32(Vec<f32>),
}

/// A picture in memory: RGB, upright, at least one pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Pixels,
}

impl Image {
    /// An image from your own 8-bit pixels.
    ///
    /// ```
    /// use pidinet::image::{Image, PixelFormat, PixelLayout};
    /// use pidinet::Size;
    /// let bgra = [0, 0, 255, 255, 255, 0, 0, 255]; // a red pixel and a blue one
    /// let layout = PixelLayout::packed(Size { height: 1, width: 2 }, PixelFormat::Bgra);
    /// assert_eq!(Image::from_u8(&bgra, &layout)?.rgb(0, 0), [1.0, 0.0, 0.0]);
    /// # Ok::<(), pidinet::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If `pixels` is shorter than `layout` says, or the layout has no pixel.
    pub fn from_u8(pixels: &[u8], layout: &PixelLayout) -> Result<Self> {
        Ok(Self { width: layout.width, height: layout.height, pixels: Pixels::U8(layout.rgb(pixels)?) })
    }

    /// Replaces the pixels of this image by 8-bit pixels, as [`Image::from_u8`] takes them: for the frames of
    /// a video, which then share one piece of memory.
    ///
    /// # Errors
    ///
    /// As [`Image::from_u8`]; the image is then unchanged.
    pub fn set_u8(&mut self, pixels: &[u8], layout: &PixelLayout) -> Result<()> {
        match &mut self.pixels {
            Pixels::U8(data) => {
                layout.rgb_into(pixels, data)?;
                (self.width, self.height) = (layout.width, layout.height);
            }
            _ => *self = Self::from_u8(pixels, layout)?,
        }
        Ok(())
    }

    /// An image from your own 16-bit pixels.
    ///
    /// # Errors
    ///
    /// As [`Image::from_u8`].
    pub fn from_u16(pixels: &[u16], layout: &PixelLayout) -> Result<Self> {
        Ok(Self { width: layout.width, height: layout.height, pixels: Pixels::U16(layout.rgb(pixels)?) })
    }

    /// An image from your own floats: black is 0, white (and opaque) is 1.
    ///
    /// # Errors
    ///
    /// As [`Image::from_u8`], and if a value is infinite, not a number, or outside `[0, 1]` by more than a
    /// thousandth; values less far outside are clamped.
    pub fn from_f32(pixels: &[f32], layout: &PixelLayout) -> Result<Self> {
        Self::new(layout.width, layout.height, Pixels::F32(layout.rgb(pixels)?))
    }

    /// An image of pixels whose number has been checked, but not their values.
    pub(super) fn new(width: usize, height: usize, mut pixels: Pixels) -> Result<Self> {
        if let Pixels::F32(data) = &mut pixels {
            check_floats(width, data)?;
        }
        Ok(Self { width, height, pixels })
    }

    /// An image of 8-bit RGB pixels, taken as they are.
    pub(crate) fn from_rgb(width: usize, height: usize, pixels: Vec<u8>) -> Self {
        assert_eq!(
            pixels.len(),
            3 * width * height,
            "an image of {width}x{height} has a different number of samples"
        );
        Self { width, height, pixels: Pixels::U8(pixels) }
    }

    /// Rows and columns.
    pub fn size(&self) -> Size {
        Size { height: self.height, width: self.width }
    }

    /// Columns, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Red, green, blue of one pixel, black 0 and white 1.
    ///
    /// # Panics
    ///
    /// If the pixel is outside the image.
    pub fn rgb(&self, x: usize, y: usize) -> [f32; 3] {
        assert!(x < self.width && y < self.height, "pixel ({x}, {y}) is outside the image");
        let at = 3 * (y * self.width + x);
        std::array::from_fn(|colour| match &self.pixels {
            Pixels::U8(data) => data[at + colour].unit(),
            Pixels::U16(data) => data[at + colour].unit(),
            Pixels::F32(data) => data[at + colour].unit(),
        })
    }

    /// Writes the network input of row `y`, channel by channel, into the first `width` elements of `dst`.
    ///
    /// # Panics
    ///
    /// If there is no such row, or a slice of `dst` is shorter than a row.
    pub fn fill_row(&self, y: usize, preset: Preset, dst: [&mut [f32]; 3]) {
        self.fill_columns(y, 0..self.width, preset, dst);
    }

    /// [`Image::fill_row`] for some columns of the row.
    pub(crate) fn fill_columns(&self, y: usize, columns: Range<usize>, preset: Preset, dst: [&mut [f32]; 3]) {
        let row = (y * self.width + columns.start) * 3..(y * self.width + columns.end) * 3;
        match &self.pixels {
            Pixels::U8(data) => {
                let table = preset.table();
                fill(&data[row], preset, dst, |channel, value| table[channel][usize::from(value)]);
            }
            Pixels::U16(data) => fill(&data[row], preset, dst, |c, value| preset.normalise(c, value.unit())),
            Pixels::F32(data) => fill(&data[row], preset, dst, |c, value| preset.normalise(c, value)),
        }
    }
}

/// How far rounding may bring a float outside `[0, 1]`.
const SLACK: f32 = 1e-3;

/// Refuses values that cannot belong to a picture, and clamps the others to `[0, 1]`.
fn check_floats(width: usize, data: &mut [f32]) -> Result<()> {
    let place = |at: usize| (at / 3 % width, at / 3 / width);
    if let Some(at) = data.iter().position(|value| !value.is_finite()) {
        let (x, y) = place(at);
        return Err(Error::PixelNotANumber { x, y, value: f64::from(data[at]) });
    }
    if data.iter().all(|value| (-SLACK..=1.0 + SLACK).contains(value)) {
        data.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
        return Ok(());
    }
    let (mut least, mut most) = (0, 0);
    for (at, &value) in data.iter().enumerate() {
        least = if value < data[least] { at } else { least };
        most = if value > data[most] { at } else { most };
    }
    Err(Error::PixelRange {
        low: 0.0,
        high: 1.0,
        least: f64::from(data[least]),
        least_at: place(least),
        most: f64::from(data[most]),
        most_at: place(most),
    })
}

/// Splits a row of `[width, 3]` into three channels.
fn fill<S: Copy>(row: &[S], preset: Preset, dst: [&mut [f32]; 3], value: impl Fn(usize, S) -> f32) {
    for (channel, dst) in dst.into_iter().enumerate() {
        let colour = preset.colour(channel);
        let (pixels, _) = row.as_chunks::<3>();
        for (dst, pixel) in dst[..pixels.len()].iter_mut().zip(pixels) {
            *dst = value(channel, pixel[colour]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PixelFormat;

    fn row(image: &Image, y: usize, preset: Preset) -> [Vec<f32>; 3] {
        let mut dst = [(); 3].map(|()| vec![f32::NAN; image.width()]);
        image.fill_row(y, preset, dst.each_mut().map(Vec::as_mut_slice));
        dst
    }

    #[test]
    fn rows_are_in_the_order_of_the_preset() -> Result<()> {
        let pixels = [0, 51, 255, 128, 128, 128, 7, 8, 9, 10, 11, 12];
        let image = Image::from_u8(&pixels, &PixelLayout::packed(Size::square(2), PixelFormat::Rgb))?;
        let [b, g, r] = row(&image, 0, Preset::Controlnet);
        assert_eq!((b, g, r), (vec![1.0, 128.0 / 255.0], vec![0.2, 128.0 / 255.0], vec![0.0, 128.0 / 255.0]));
        let [r, g, b] = row(&image, 0, Preset::Imagenet);
        assert_eq!(r, [(0.0 - 0.485) / 0.229, (128.0 / 255.0 - 0.485) / 0.229]);
        assert_eq!(g, [(51.0 / 255.0 - 0.456) / 0.224, (128.0 / 255.0 - 0.456) / 0.224]);
        assert_eq!(b, [(1.0 - 0.406) / 0.225, (128.0 / 255.0 - 0.406) / 0.225]);
        assert_eq!(row(&image, 1, Preset::Controlnet)[0], [9.0 / 255.0, 12.0 / 255.0]);
        Ok(())
    }

    #[test]
    fn all_depths_give_the_same_input() -> Result<()> {
        let layout = PixelLayout::packed(Size::square(1), PixelFormat::Rgb);
        let eight = Image::from_u8(&[51, 102, 204], &layout)?;
        let sixteen = Image::from_u16(&[51 * 257, 102 * 257, 204 * 257], &layout)?;
        let float = Image::from_f32(&[51.0 / 255.0, 102.0 / 255.0, 204.0 / 255.0], &layout)?;
        for preset in Preset::ALL {
            assert_eq!(row(&eight, 0, preset), row(&sixteen, 0, preset));
            assert_eq!(row(&eight, 0, preset), row(&float, 0, preset));
        }
        Ok(())
    }

    #[test]
    fn floats_are_from_0_to_1() -> Result<()> {
        let layout = PixelLayout::packed(Size { height: 1, width: 3 }, PixelFormat::Grey);
        let error = Image::from_f32(&[0.5, 255.0, -3.0], &layout).unwrap_err();
        let Error::PixelRange { least, least_at, most, most_at, .. } = error else { panic!("{error}") };
        assert_eq!((least, least_at, most, most_at), (-3.0, (2, 0), 255.0, (1, 0)));
        assert_eq!(Image::from_f32(&[1.000_1, 1.0, -1e-4], &layout)?.rgb(0, 0), [1.0; 3]);
        assert!(Image::from_f32(&[0.0, 1e38, 0.0], &layout).is_err());
        Ok(())
    }

    #[test]
    fn floats_must_be_finite() {
        let layout = PixelLayout::packed(Size::square(2), PixelFormat::Grey);
        let image = Image::from_f32(&[0.0, 0.0, f32::NAN, 0.0], &layout);
        assert!(matches!(image, Err(Error::PixelNotANumber { x: 0, y: 1, .. })));
    }
}
