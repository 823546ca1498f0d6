//! Image files to RGB pixels, within limits.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ::image::codecs::bmp::BmpDecoder;
use ::image::codecs::gif::GifDecoder;
use ::image::codecs::jpeg::JpegDecoder;
use ::image::codecs::png::PngDecoder;
use ::image::codecs::pnm::PnmDecoder;
use ::image::codecs::webp::WebPDecoder;
use ::image::error::ImageFormatHint;
use ::image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};

use super::limits::{ImageLimits, Needs, too_large};
use super::options::{Damage, Opened, ReadOptions};
use super::orient::upright;
use super::pixels::{Image, Pixels};
use super::sample::{Sample, to_rgb};
use super::source::Source;
use super::{jpeg, kinds, png, tiff, webp};
use crate::{Error, Result, files};

/// Most memory for the other contents of a PNG file: texts and profiles, which may be compressed.
const PNG_EXTRAS: u64 = 64 << 20;

impl Image {
    /// Reads an image file: PNG, JPEG, WebP, GIF, BMP, TIFF or PNM, recognised by its content.
    ///
    /// EXIF orientation is applied, alpha is composited on white, grey becomes RGB, 16 bits and floats are
    /// kept. Only the first frame of an animation, or the first page of several, is read. Colour profiles
    /// are ignored. Floats are from 0 to 1; [`Image::open_with`] takes other ranges.
    ///
    /// It takes the memory of the RGB pixels. Images with alpha, images turned by 90° by their
    /// orientation, and TIFF files need more while they are read, at most twice that.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is in none of these formats, is damaged or cut short, exceeds `limits`, or
    /// has values that are not numbers or lie outside their range.
    pub fn open(path: impl AsRef<Path>, limits: &ImageLimits) -> Result<Self> {
        Ok(Self::open_with(path, &(*limits).into())?.image)
    }

    /// [`Image::open`] with more options; also returns what is wrong with the file.
    ///
    /// # Errors
    ///
    /// As [`Image::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Opened> {
        open(path.as_ref(), options)
    }

    /// [`Image::open`] for a file that is in memory.
    ///
    /// # Errors
    ///
    /// As [`Image::open`].
    pub fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<Self> {
        Ok(Self::decode_with(bytes, &(*limits).into())?.image)
    }

    /// [`Image::open_with`] for a file that is in memory.
    ///
    /// # Errors
    ///
    /// As [`Image::open`].
    pub fn decode_with(bytes: &[u8], options: &ReadOptions) -> Result<Opened> {
        decode(bytes, options)
    }

    /// Rows from the top that are equal to those of an image of the same size.
    fn rows_alike(&self, other: &Self) -> usize {
        fn alike<S: PartialEq>(ours: &[S], theirs: &[S], row: usize) -> usize {
            ours.chunks(row).zip(theirs.chunks(row)).take_while(|(ours, theirs)| ours == theirs).count()
        }
        match (&self.pixels, &other.pixels) {
            (Pixels::U8(ours), Pixels::U8(theirs)) => alike(ours, theirs, 3 * self.width),
            (Pixels::U16(ours), Pixels::U16(theirs)) => alike(ours, theirs, 3 * self.width),
            _ => 0,
        }
    }
}

/// Reads an image file.
fn open(path: &Path, options: &ReadOptions) -> Result<Opened> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let kind = file.metadata().map_err(read)?;
    let image = if kind.is_file() {
        image(Source::file(file), options)
    } else {
        // A folder, which is an error, or a pipe, which cannot be rewound.
        let most = options.limits.max_bytes.min(files::MOST_STREAM);
        decode(&files::read_all(file, most).map_err(read)?, options)
    };
    image.map_err(|source| Error::ImageFile { path: path.to_owned(), source: Box::new(source) })
}

/// Reads an image file that is in memory.
fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Opened> {
    image(Source::memory(bytes), options)
}

fn image(mut file: Source<'_>, options: &ReadOptions) -> Result<Opened> {
    let format = match format(&mut file)? {
        Found::Tiff => return Ok(Opened { image: tiff::read(file, options)?, damage: None }),
        Found::Dib => {
            let decoder = BmpDecoder::new_without_file_header(file);
            let decoder = Box::new(decoder.map_err(|source| decode_error("BMP", options, source))?);
            return Ok(Opened { image: pixels(decoder, "BMP", options, Decoding::STILL)?.0, damage: None });
        }
        Found::Format(format) => format,
    };
    let name = name(format);
    let failed = |source| decode_error(name, options, source);
    let unread = |source: std::io::Error| failed(source.into());
    let is_whole = match format {
        ImageFormat::Jpeg => jpeg::is_whole(&mut file),
        ImageFormat::Png => png::is_whole(&mut file),
        ImageFormat::WebP => webp::is_whole(&mut file),
        _ => Ok(true),
    };
    let damage = match (is_whole.map_err(unread)?, format) {
        (true, _) => None,
        (false, ImageFormat::Jpeg) => Some(Damage::NoEndMark),
        (false, ImageFormat::Png) => Some(Damage::NoLastChunk),
        (false, _) => return Err(Error::ImageCutShort { format: name }),
    };
    if let Some(damage) = damage
        && !options.accept_damaged
    {
        let mark = if damage == Damage::NoEndMark { "its end mark" } else { "its last chunk, IEND," };
        return Err(Error::ImageDamaged { format: name, mark });
    }
    if format == ImageFormat::Png && !png::has_whole_palette(&mut file).map_err(unread)? {
        let reason = "the palette is not of whole colours, three bytes each";
        return Err(unread(std::io::Error::new(std::io::ErrorKind::InvalidData, reason)));
    }
    if format == ImageFormat::Png && damage.is_some() {
        // The file is decoded over two different colours; pixels that differ were missing.
        file.rewind().map_err(unread)?;
        let mut bytes = Vec::new();
        file.take(options.limits.max_bytes).read_to_end(&mut bytes).map_err(unread)?;
        let read = |under| {
            let decoder = decoder(Source::memory(&bytes), format, options)?;
            pixels(decoder, name, options, Decoding { under: Some(under), ..Decoding::STILL })
        };
        let (image, whole) = read(0xFF)?;
        if whole {
            return Ok(Opened { image, damage });
        }
        let there = image.rows_alike(&read(0)?.0);
        if there == 0 {
            return Err(Error::ImageCutShort { format: name });
        }
        let rows = image.height;
        let damage = if there == rows { damage } else { Some(Damage::RowsMissing { there, rows }) };
        return Ok(Opened { image, damage });
    }
    let is_animated = format == ImageFormat::WebP && webp::is_animated(&mut file).map_err(unread)?;
    let decoding = if is_animated { Decoding::ANIMATION } else { Decoding::STILL };
    file.rewind().map_err(unread)?;
    Ok(Opened { image: pixels(decoder(file, format, options)?, name, options, decoding)?.0, damage })
}

/// A decoder for a format that the `image` crate supports. `ImageReader` would bring its decoder of TIFF files.
fn decoder<'a>(
    file: Source<'a>,
    format: ImageFormat,
    options: &ReadOptions,
) -> Result<Box<dyn ImageDecoder + 'a>> {
    let mut memory = Limits::no_limits();
    memory.max_alloc = Some(if format == ImageFormat::Png { PNG_EXTRAS } else { options.limits.max_bytes });
    let made = || -> ImageResult<Box<dyn ImageDecoder + 'a>> {
        let mut decoder: Box<dyn ImageDecoder + 'a> = match format {
            ImageFormat::Png => Box::new(PngDecoder::with_limits(file, memory.clone())?),
            ImageFormat::Jpeg => Box::new(JpegDecoder::new(file)?),
            ImageFormat::WebP => Box::new(WebPDecoder::new(file)?),
            ImageFormat::Gif => Box::new(GifDecoder::new(file)?),
            ImageFormat::Bmp => Box::new(BmpDecoder::new(file)?),
            ImageFormat::Pnm => Box::new(PnmDecoder::new(file)?),
            other => return Err(ImageError::Unsupported(ImageFormatHint::Exact(other).into())),
        };
        decoder.set_limits(memory)?;
        Ok(decoder)
    };
    made().map_err(|source| decode_error(name(format), options, source))
}

/// How an image is decoded.
#[derive(Clone, Copy)]
struct Decoding {
    /// The value of all missing samples, if samples may be missing.
    under: Option<u8>,
    /// How many images of its size are in memory while decoding.
    copies: usize,
}

impl Decoding {
    const STILL: Self = Self { under: None, copies: 1 };
    /// Its canvas, a frame, and the pixels.
    const ANIMATION: Self = Self { copies: 3, ..Self::STILL };
}

/// The image of a decoder, and whether it was complete.
fn pixels(
    mut decoder: Box<dyn ImageDecoder + '_>,
    name: &'static str,
    options: &ReadOptions,
    Decoding { under, copies }: Decoding,
) -> Result<(Image, bool)> {
    let failed = |source| decode_error(name, options, source);
    let (width, height) = decoder.dimensions();
    let channels = decoder.color_type().channel_count();
    let sample = decoder.color_type().bytes_per_pixel() / channels;
    let dimensions = (width as usize, height as usize);
    let (channels, sample) = (usize::from(channels), usize::from(sample));
    let size = Needs { width: dimensions.0, height: dimensions.1, channels, sample, copies };
    let samples = too_large(&size, &options.limits)? / sample;

    let orientation = decoder.orientation().map_err(failed)?;
    let ((pixels, (width, height)), whole) = match decoder.color_type() {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
            let (data, whole) = rgb(decoder, samples, under).map_err(failed)?;
            let (data, size) = upright(data, dimensions, orientation);
            ((Pixels::U8(data), size), whole)
        }
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let (data, whole) = rgb(decoder, samples, under).map_err(failed)?;
            let (data, size) = upright(data, dimensions, orientation);
            ((Pixels::U16(data), size), whole)
        }
        other => return Err(Error::ImageKind { format: name, found: format!("pixels of type {other:?}") }),
    };
    Ok((Image::new(width, height, pixels)?, whole))
}

/// A format that is read.
enum Found {
    Format(ImageFormat),
    Tiff,
    /// A BMP without its file header.
    Dib,
}

/// The format of a file, told by its first bytes.
fn format(file: &mut Source<'_>) -> Result<Found> {
    let mut start = Vec::with_capacity(kinds::LOOKED_AT);
    let mut end = [0; 18];
    let mut read = || -> std::io::Result<()> {
        file.by_ref().take(kinds::LOOKED_AT as u64).read_to_end(&mut start)?;
        if file.seek(SeekFrom::End(0))? > 18 {
            file.seek(SeekFrom::End(-18))?;
            file.read_exact(&mut end)?;
        }
        file.rewind()
    };
    read().map_err(|source| Error::ReadImage { source })?;
    if matches!(start[..], [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..]) {
        if start.get(8..10) == Some(b"CR") {
            return Err(Error::ImageFormat { found: Some("camera raw image (CR2)".into()) });
        }
        return Ok(Found::Tiff);
    }
    if let Ok(format) = ::image::guess_format(&start)
        && format.reading_enabled()
    {
        return Ok(Found::Format(format));
    }
    if kinds::is_dib(&start) {
        return Ok(Found::Dib);
    }
    let found = if end == *b"TRUEVISION-XFILE.\0" { Some("TGA image".into()) } else { kinds::name(&start) };
    Err(Error::ImageFormat { found })
}

/// The usual name of a format.
fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Pnm => "PNM",
        ImageFormat::Gif => "GIF",
        _ => "image",
    }
}

/// Decodes into `samples` samples: room for the pixels as in the file and for RGB. If the file ends too
/// early, the missing samples have the value `under` if there is one; otherwise that is an error.
fn rgb<S: Sample + bytemuck::Pod>(
    decoder: Box<dyn ImageDecoder + '_>,
    samples: usize,
    under: Option<u8>,
) -> ImageResult<(Vec<S>, bool)> {
    let channels = usize::from(decoder.color_type().channel_count());
    let mut data = vec![S::zeroed(); samples];
    let filled = samples / channels.max(3) * channels;
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut data[..filled]);
    if let Some(under) = under {
        bytes.fill(under);
    }
    let read = decoder.read_image_boxed(bytes);
    let whole = read.is_ok();
    match (read, under) {
        (Err(error), None) => return Err(error),
        // The decoder swaps the bytes of 16-bit samples only once all are there.
        (Err(_), Some(_)) if size_of::<S>() == 2 => {
            bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|value| {
                *value = u16::from_be_bytes(*value).to_ne_bytes();
            });
        }
        _ => {}
    }
    to_rgb(&mut data, channels);
    Ok((data, whole))
}

fn decode_error(format: &'static str, options: &ReadOptions, source: ImageError) -> Error {
    match source {
        ImageError::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::ImageCutShort { format }
        }
        ImageError::IoError(source) => Error::ReadImage { source },
        ImageError::Limits(_) => Error::ImageMemory { format, max_bytes: options.limits.max_bytes },
        source => Error::DecodeImage { format, source: Box::new(source) },
    }
}
