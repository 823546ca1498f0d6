//! Pixels to the bytes of files.

use std::borrow::Cow;
use std::io::Cursor;

use ::image::codecs::{jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use ::image::{ExtendedColorType, ImageEncoder};

use super::{Format, SaveOptions, numpy};
use crate::image::{Image, Pixels, Sample};
use crate::{EdgeMap, Error, Result};

/// A map as the bytes of a file.
pub(super) fn edges(map: &EdgeMap, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
    map.check()?;
    let (width, height) = (map.width(), map.height());
    let samples = match format {
        Format::Png | Format::Jpg | Format::Webp => Samples::Grey8(&map.to_u8()),
        Format::Png16 | Format::Tiff => Samples::Grey16(&map.to_u16()),
        Format::Npy => return Ok(numpy::npy(&[height, width], map.data())),
        Format::Npz => return numpy::npz(&[("edges", map)]),
    };
    samples.encode(width, height, format, options)
}

/// An image as the bytes of a file.
pub(super) fn image(image: &Image, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
    let (width, height) = (image.width(), image.height());
    let samples = match format {
        Format::Png | Format::Jpg | Format::Webp => Samples::Rgb8(&samples::<u8>(image)),
        Format::Png16 | Format::Tiff => Samples::Rgb16(&samples::<u16>(image)),
        Format::Npy => return Ok(numpy::npy(&[height, width, 3], &samples::<f32>(image))),
        Format::Npz => return numpy::archive([("image", &[height, width, 3][..], &*samples::<f32>(image))]),
    };
    samples.encode(width, height, format, options)
}

/// The samples of an image in the depth `D`.
fn samples<D: Sample>(image: &Image) -> Cow<'_, [D]> {
    fn converted<S: Sample, D: Sample>(data: &[S]) -> Cow<'_, [D]> {
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
                // The lossless encoder takes 8-bit grey or RGB, which is all it is given.
                WebPEncoder::new_lossless(&mut file).write_image(data, columns, rows, colour)
            }
            Format::Tiff => TiffEncoder::new(Cursor::new(&mut file)).write_image(data, columns, rows, colour),
            Format::Npy | Format::Npz => unreachable!("arrays are not pictures"),
        }
        .map_err(|source| failed(source.into()))?;
        Ok(file)
    }
}
