//! From pixels to the bytes of files.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use ::image::codecs::{
    bmp::BmpEncoder, jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder,
};
use ::image::{ExtendedColorType, ImageEncoder};
use bytemuck::Pod;

use super::format::{Format, SaveOptions};
use super::{netpbm, numpy};
use crate::atomic::write_atomically;
use crate::edge_map::EdgeMap;
use crate::error::{Error, Result};
use crate::image::{Image, Pixels, Sample};

impl EdgeMap {
    /// Writes the map to a file, whole or not at all.
    ///
    /// # Errors
    ///
    /// If a value is infinite or not a number, neither `options` nor the extension tells the format, the
    /// format cannot hold a map of this size, or the file cannot be written; an existing file is then
    /// untouched.
    pub fn save(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()> {
        let path = path.as_ref();
        write_atomically(path, &self.encode(options.format_for(path)?, options)?)
    }

    /// The map as the bytes of a file.
    ///
    /// # Errors
    ///
    /// If a value is infinite or not a number, or the format cannot hold a map of this size.
    pub fn encode(&self, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
        edges(self, format, options)
    }
}

impl Image {
    /// Writes the image to a file, whole or not at all; see [`Image::encode`].
    ///
    /// # Errors
    ///
    /// As [`EdgeMap::save`].
    pub fn save(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()> {
        let path = path.as_ref();
        write_atomically(path, &self.encode(options.format_for(path)?, options)?)
    }

    /// The image as the bytes of a file: 8 bits in [`Format::Png`], [`Format::Jpg`], [`Format::Webp`] and
    /// [`Format::Bmp`], 16 in [`Format::Png16`] and [`Format::Tiff`], `float32` of shape `[height, width, 3]` in
    /// NumPy's.
    ///
    /// # Errors
    ///
    /// If the format cannot hold an image of this size, or no colours as [`Format::Pgm`] and [`Format::Pbm`].
    pub fn encode(&self, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
        rgb(self, format, options)
    }
}

/// A map as the bytes of a file.
fn edges(map: &EdgeMap, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
    map.check()?;
    let (width, height) = (map.width(), map.height());
    let samples = match format {
        Format::Png | Format::Jpg | Format::Webp | Format::Bmp => Samples::Grey8(&map.to_u8()),
        Format::Png16 | Format::Tiff => Samples::Grey16(&map.to_u16()),
        Format::Pgm => return Ok(netpbm::pgm(map)),
        Format::Pbm => return Ok(netpbm::pbm(map)),
        Format::Npy => return Ok(numpy::npy(&[height, width], map.data())),
        Format::Npz => return numpy::npz(&[("edges", map)]),
    };
    samples.encode(width, height, format, options)
}

/// An image as the bytes of a file.
fn rgb(image: &Image, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
    let (width, height) = (image.width(), image.height());
    let samples = match format {
        Format::Png | Format::Jpg | Format::Webp | Format::Bmp => Samples::Rgb8(&samples::<u8>(image)),
        Format::Png16 | Format::Tiff => Samples::Rgb16(&samples::<u16>(image)),
        Format::Pgm | Format::Pbm => {
            let source = "it has no colours".into();
            return Err(Error::Encode { format: format.name(), width, height, source });
        }
        Format::Npy => return Ok(numpy::npy(&[height, width, 3], &samples::<f32>(image))),
        Format::Npz => return numpy::archive([("image", &[height, width, 3][..], &*samples::<f32>(image))]),
    };
    samples.encode(width, height, format, options)
}

/// The samples of an image in the depth `D`.
fn samples<D: Sample + Pod>(image: &Image) -> Cow<'_, [D]> {
    fn converted<S: Sample + Pod, D: Sample + Pod>(data: &[S]) -> Cow<'_, [D]> {
        match bytemuck::try_cast_slice(data) {
            Ok(same) if size_of::<S>() == size_of::<D>() => Cow::Borrowed(same),
            _ => data.iter().map(|sample| D::from_unit(sample.unit())).collect(),
        }
    }
    match image.pixels() {
        Pixels::U8(data) => converted(data),
        Pixels::U16(data) => converted(data),
        Pixels::F32(data) => converted(data),
    }
}

/// Samples as the encoders of image files take them.
enum Samples<'a> {
    Grey8(&'a [u8]),
    Grey16(&'a [u16]),
    Rgb8(&'a [u8]),
    Rgb16(&'a [u16]),
}

impl Samples<'_> {
    fn encode(&self, width: usize, height: usize, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
        let failed = |source| Error::Encode { format: format.name(), width, height, source };
        let (Ok(columns), Ok(rows)) = (u32::try_from(width), u32::try_from(height)) else {
            return Err(failed("a side is longer than a file can say".into()));
        };
        let (data, colour) = match self {
            Self::Grey8(data) => (*data, ExtendedColorType::L8),
            Self::Grey16(data) => (bytemuck::cast_slice(data), ExtendedColorType::L16),
            Self::Rgb8(data) => (*data, ExtendedColorType::Rgb8),
            Self::Rgb16(data) => (bytemuck::cast_slice(data), ExtendedColorType::Rgb16),
        };
        let mut file = Vec::new();
        match format {
            Format::Png | Format::Png16 => {
                PngEncoder::new(&mut file).write_image(data, columns, rows, colour)
            }
            Format::Jpg => JpegEncoder::new_with_quality(&mut file, options.jpeg_quality.clamp(1, 100))
                .write_image(data, columns, rows, colour),
            Format::Webp => {
                // The lossless encoder takes 8-bit grey or RGB, and gets nothing else.
                WebPEncoder::new_lossless(&mut file).write_image(data, columns, rows, colour)
            }
            Format::Tiff => TiffEncoder::new(Cursor::new(&mut file)).write_image(data, columns, rows, colour),
            Format::Bmp => BmpEncoder::new(&mut file).write_image(data, columns, rows, colour),
            Format::Pgm | Format::Pbm | Format::Npy | Format::Npz => {
                unreachable!("what needs no encoder was written before")
            }
        }
        .map_err(|source| failed(source.into()))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::image::{ImageLimits, PixelFormat, PixelLayout};

    fn map() -> EdgeMap {
        EdgeMap::new(Size { height: 2, width: 3 }, vec![0.0, 0.25, 0.5, 0.999, 1.0, 1.0 / 255.0])
    }

    #[test]
    fn values_are_rounded_down() {
        assert_eq!(map().to_u8(), [0, 63, 127, 254, 255, 1]);
        assert_eq!(map().to_u16(), [0, 16383, 32767, 65469, 65535, 257]);
        let odd = EdgeMap::new(Size { height: 1, width: 3 }, vec![f32::NAN, -1.0, 7.0]);
        assert_eq!(odd.to_u8(), [0, 0, 255]);
    }

    #[test]
    fn lossless_formats_are_read_back() -> Result<()> {
        let options = SaveOptions::default();
        let grey = |data: Vec<u8>| data.into_iter().flat_map(|grey| [grey; 3]).collect();
        let grey16 = |data: Vec<u16>| data.into_iter().flat_map(|grey| [grey; 3]).collect();
        for (format, pixels) in [
            (Format::Png, Pixels::U8(grey(map().to_u8()))),
            (Format::Webp, Pixels::U8(grey(map().to_u8()))),
            (Format::Bmp, Pixels::U8(grey(map().to_u8()))),
            (Format::Pgm, Pixels::U8(grey(map().to_u8()))),
            (Format::Pbm, Pixels::U8(grey(vec![0, 0, 255, 255, 255, 0]))),
            (Format::Png16, Pixels::U16(grey16(map().to_u16()))),
            (Format::Tiff, Pixels::U16(grey16(map().to_u16()))),
        ] {
            let image = Image::decode(&map().encode(format, &options)?, &ImageLimits::default())?;
            assert_eq!((image.width(), image.height()), (3, 2), "{format}");
            assert_eq!(image.pixels(), &pixels, "{format}");
        }
        Ok(())
    }

    #[test]
    fn jpeg_is_close() -> Result<()> {
        let ramp = EdgeMap::new(Size::square(64), (0..64 * 64).map(|i| (i % 64) as f32 / 63.0).collect());
        let file = ramp.encode(Format::Jpg, &SaveOptions::default())?;
        let Pixels::U8(data) = Image::decode(&file, &ImageLimits::default())?.pixels().clone() else {
            panic!("8 bits")
        };
        for (got, want) in data.iter().step_by(3).zip(ramp.to_u8()) {
            assert!(got.abs_diff(want) <= 4, "{got} for {want}");
        }
        let worse = ramp.encode(Format::Jpg, &SaveOptions { jpeg_quality: 10, ..SaveOptions::default() })?;
        assert!(worse.len() < file.len());
        Ok(())
    }

    #[test]
    fn images_are_read_back() -> Result<()> {
        let pixels: Vec<u16> = (0..18).map(|i| i * 3000).collect();
        let image =
            Image::from_u16(&pixels, &PixelLayout::packed(Size { height: 2, width: 3 }, PixelFormat::Rgb))?;
        for format in [Format::Png16, Format::Tiff] {
            let file = image.encode(format, &SaveOptions::default())?;
            assert_eq!(Image::decode(&file, &ImageLimits::default())?, image, "{format}");
        }
        for format in [Format::Png, Format::Webp, Format::Bmp] {
            let file = image.encode(format, &SaveOptions::default())?;
            let eight = Image::decode(&file, &ImageLimits::default())?;
            assert!((eight.rgb(2, 1)[0] - image.rgb(2, 1)[0]).abs() <= 0.5 / 255.0 + 1e-6, "{format}");
        }
        for format in [Format::Pgm, Format::Pbm] {
            assert!(matches!(image.encode(format, &SaveOptions::default()), Err(Error::Encode { .. })));
        }
        Ok(())
    }

    #[test]
    fn extensions_name_formats() {
        assert_eq!(Format::from_path("a/b.PNG").unwrap(), Format::Png);
        assert_eq!(Format::from_path("b.jpeg").unwrap(), Format::Jpg);
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            assert!(Format::from_path(format!("x.{}", format.extension())).is_ok());
        }
        let error = Format::from_path("a/b.gif").unwrap_err().to_string();
        assert!(
            error.contains("a/b.gif") && error.contains("png, jpg, webp, tiff, bmp, pgm, pbm, npy, npz"),
            "{error}"
        );
        assert!(Format::from_path("png").is_err());
    }

    #[test]
    fn a_map_too_wide_for_a_format_is_an_error() {
        let wide = EdgeMap::new(Size { height: 1, width: 70_000 }, vec![0.0; 70_000]);
        let error = wide.encode(Format::Jpg, &SaveOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Encode { width: 70_000, .. }), "{error}");
        assert!(wide.encode(Format::Webp, &SaveOptions::default()).is_err());
        assert!(wide.encode(Format::Png, &SaveOptions::default()).is_ok());
    }
}
