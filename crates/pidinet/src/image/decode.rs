//! Image files to RGB pixels, within limits.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use ::image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::orient::upright;
use super::sample::{Sample, to_rgb};
use super::{Image, Pixels, jpeg, png, webp};
use crate::{Error, Result};

/// How large an image may be. A file beyond a limit is refused before its pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Most pixels; by default 512 million.
    pub max_pixels: u64,
    /// Most bytes that the decoded pixels, as the file has them, may take; by default 4 GiB.
    pub max_bytes: u64,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self { max_pixels: 512_000_000, max_bytes: 4 << 30 }
    }
}

/// Most memory for what surrounds the pixels of a PNG file: texts and profiles, which may be compressed.
const PNG_EXTRAS: u64 = 64 << 20;

/// Reads an image file.
pub(super) fn open(path: &Path, limits: &ImageLimits) -> Result<Image> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read)?;
    let kind = file.metadata().map_err(read)?;
    let image = if kind.is_file() {
        image(BufReader::with_capacity(1 << 16, file), limits)
    } else {
        // A folder, which is an error, or a pipe, which cannot be rewound.
        let mut bytes = Vec::new();
        file.by_ref().take(limits.max_bytes).read_to_end(&mut bytes).map_err(read)?;
        decode(&bytes, limits)
    };
    image.map_err(|source| Error::ImageFile { path: path.to_owned(), source: Box::new(source) })
}

/// Reads an image file that is in memory.
pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<Image> {
    image(Cursor::new(bytes), limits)
}

fn image(mut file: impl BufRead + Seek, limits: &ImageLimits) -> Result<Image> {
    let format = format(&mut file)?;
    let name = name(format);
    let failed = |source| decode_error(name, limits, source);
    let is_whole = match format {
        ImageFormat::Jpeg => jpeg::is_whole(&mut file),
        ImageFormat::WebP => webp::is_whole(&mut file),
        _ => Ok(true),
    };
    if !is_whole.map_err(|source| failed(source.into()))? {
        return Err(Error::ImageCutShort { format: name });
    }
    if format == ImageFormat::Png
        && !png::has_whole_palette(&mut file).map_err(|source| failed(source.into()))?
    {
        let reason = "the palette is not of whole colours, three bytes each";
        return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidData, reason).into()));
    }
    file.rewind().map_err(|source| failed(source.into()))?;

    let mut reader = ImageReader::with_format(file, format);
    let mut memory = Limits::no_limits();
    memory.max_alloc = Some(if format == ImageFormat::Png { PNG_EXTRAS } else { limits.max_bytes });
    reader.limits(memory);
    let mut decoder = reader.into_decoder().map_err(failed)?;

    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Error::EmptyImage { width: width as usize, height: height as usize });
    }
    if pixels > limits.max_pixels {
        return Err(Error::TooManyPixels { width, height, max_pixels: limits.max_pixels });
    }
    let channels = decoder.color_type().channel_count();
    let sample = decoder.color_type().bytes_per_pixel() / channels;
    let bytes = pixels * u64::from(channels.max(3)) * u64::from(sample);
    let too_many = Error::TooManyBytes { bytes, max_bytes: limits.max_bytes };
    let Ok(size) = usize::try_from(bytes) else { return Err(too_many) };
    if bytes > limits.max_bytes {
        return Err(too_many);
    }

    let orientation = decoder.orientation().map_err(failed)?;
    let samples = size / usize::from(sample);
    let dimensions = (width as usize, height as usize);
    let (pixels, (width, height)) = match decoder.color_type() {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
            let (data, size) = upright(rgb(decoder, samples).map_err(failed)?, dimensions, orientation);
            (Pixels::U8(data), size)
        }
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let (data, size) = upright(rgb(decoder, samples).map_err(failed)?, dimensions, orientation);
            (Pixels::U16(data), size)
        }
        ColorType::Rgb32F | ColorType::Rgba32F => {
            let (data, size) = upright(rgb(decoder, samples).map_err(failed)?, dimensions, orientation);
            (Pixels::F32(data), size)
        }
        other => return Err(Error::PixelType { format: name, found: format!("{other:?}") }),
    };
    Image::new(width, height, pixels)
}

/// The format of a file, told by its first bytes.
fn format(file: &mut (impl BufRead + Seek)) -> Result<ImageFormat> {
    let mut start = Vec::with_capacity(16);
    let mut read = || -> std::io::Result<()> {
        file.by_ref().take(16).read_to_end(&mut start)?;
        file.rewind()
    };
    read().map_err(|source| Error::ReadImage { source })?;
    match ::image::guess_format(&start) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(format) => Err(Error::ImageFormat { found: Some(format!("{format:?}")) }),
        Err(_) => Err(Error::ImageFormat { found: None }),
    }
}

/// What people call a format.
fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Pnm => "PNM",
        _ => "image",
    }
}

/// Decodes into `samples` samples: room for the pixels as the file has them and for RGB.
fn rgb<S: Sample>(decoder: impl ImageDecoder, samples: usize) -> ::image::ImageResult<Vec<S>> {
    let channels = usize::from(decoder.color_type().channel_count());
    let mut data = vec![S::zeroed(); samples];
    let filled = samples / channels.max(3) * channels;
    decoder.read_image(bytemuck::cast_slice_mut(&mut data[..filled]))?;
    to_rgb(&mut data, channels);
    Ok(data)
}

fn decode_error(format: &'static str, limits: &ImageLimits, source: ImageError) -> Error {
    match source {
        ImageError::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::ImageCutShort { format }
        }
        ImageError::IoError(source) => Error::ReadImage { source },
        ImageError::Limits(_) => Error::ImageMemory { format, max_bytes: limits.max_bytes },
        source => Error::DecodeImage { format, source: Box::new(source) },
    }
}
