//! What can go wrong, one variant for each thing a caller can act on.

use std::path::PathBuf;

mod model;

pub use model::{ModelError, ShapeMismatch};

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A file could not be written; what was there before is untouched.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// Another process is working in a folder.
    #[error("another run is at work in {}: wait until it ends, or choose another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },

    /// An image file could not be used.
    #[error("cannot use image {}", path.display())]
    ImageFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<Error>,
    },

    /// The bytes of an image could not be read.
    #[error("cannot read the image")]
    ReadImage {
        /// Why.
        source: std::io::Error,
    },

    /// Not an image, or in a format that is not supported.
    #[error("{}", not_read(found.as_deref()))]
    ImageFormat {
        /// What it is, if that is known.
        found: Option<String>,
    },

    /// An image file ends before its pixels do.
    #[error("the {format} image is cut short")]
    ImageCutShort {
        /// The file format.
        format: &'static str,
    },

    /// An image file lacks its end; its pixels may be there.
    #[error(
        "the {format} image is cut short: {mark} is not there; `accept_damaged` (`pidinet detect --accept-damaged`) \
         reads what is there"
    )]
    ImageDamaged {
        /// The file format.
        format: &'static str,
        /// What is missing at its end.
        mark: &'static str,
    },

    /// An image file is damaged or of a kind that the decoder does not support.
    #[error("the {format} image is damaged, or of a kind that is not supported")]
    DecodeImage {
        /// The file format.
        format: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// An image file in a supported format, but of a kind that is not supported.
    #[error(
        "{format} images with {found} are not supported: convert it to PNG, for example with ImageMagick: \
         magick IMAGE OUT.png"
    )]
    ImageKind {
        /// The file format.
        format: &'static str,
        /// The kind.
        found: String,
    },

    /// An image has more pixels than allowed.
    #[error(
        "the image is {width}x{height}, {:.1} megapixels, and the limit is {:.1}; \
         raise `max_pixels` (`--max-pixels`) if it is meant to be that large",
        f64::from(*width) * f64::from(*height) / 1e6, *max_pixels as f64 / 1e6
    )]
    TooManyPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit.
        max_pixels: u64,
    },

    /// The pixels of an image need more memory than allowed.
    #[error(
        "the pixels need {:.2} GiB and the limit is {:.2}; raise \
         `max_bytes` (`--max-pixels` raises it, too) to read them",
        *bytes as f64 / f64::from(1 << 30), *max_bytes as f64 / f64::from(1 << 30)
    )]
    TooManyBytes {
        /// Bytes of the decoded pixels.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },

    /// Decoding an image needs more memory than allowed.
    #[error(
        "the {format} image, or a text or profile in it, needs more memory than the limit of {:.2} GiB; raise \
         `max_bytes` (`--max-pixels` raises it, too) if it is meant to be that large",
        *max_bytes as f64 / f64::from(1 << 30)
    )]
    ImageMemory {
        /// The file format.
        format: &'static str,
        /// The limit.
        max_bytes: u64,
    },

    /// An image has no pixel.
    #[error("the image is {width}x{height}, expected at least one pixel")]
    EmptyImage {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },

    /// There is no memory for an image of a size.
    #[error("not enough memory for an image of {width}x{height}")]
    NoMemory {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },

    /// Rows of pixels overlap.
    #[error("a row stride of {row_stride} is too short for {width} pixels of {samples} samples")]
    RowStride {
        /// Elements from row to row.
        row_stride: usize,
        /// Columns.
        width: usize,
        /// Samples of a pixel.
        samples: usize,
    },

    /// A slice of pixels ends before the image does.
    #[error("{found} elements given for an image of {width}x{height}, expected at least {expected}")]
    ShortPixels {
        /// Elements given.
        found: usize,
        /// Elements needed.
        expected: usize,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },

    /// A slice does not have as many samples as its image.
    #[error("{found} samples for an image of {width}x{height} with {channels} channels, expected {expected}")]
    Samples {
        /// Samples given.
        found: usize,
        /// Samples of the image.
        expected: usize,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Samples of a pixel.
        channels: usize,
    },

    /// A pixel is infinite, not a number, or a value that stands for no data.
    #[error(
        "pixel ({x}, {y}) of the image is {}, which is not a number from black to white but stands for no data: fill \
         such pixels first",
        shown(*value)
    )]
    PixelNotANumber {
        /// Column.
        x: usize,
        /// Row.
        y: usize,
        /// The value.
        value: f64,
    },

    /// Values of an image lie outside the range from black to white.
    #[error(
        "the image has values from {} at pixel ({}, {}) to {} at pixel ({}, {}), expected {} (black) to {} (white); \
         `range` (`pidinet detect --range LO,HI`) says which values are black and white",
        shown(*least), least_at.0, least_at.1, shown(*most), most_at.0, most_at.1, shown(*low), shown(*high)
    )]
    PixelRange {
        /// The value that is black.
        low: f64,
        /// The value that is white.
        high: f64,
        /// The least value.
        least: f64,
        /// Its column and row.
        least_at: (usize, usize),
        /// The greatest value.
        most: f64,
        /// Its column and row.
        most_at: (usize, usize),
    },

    /// A value of an edge map is infinite or not a number: the model's weights do not produce edges.
    #[error(
        "the edge map has {value} at pixel ({x}, {y}), expected numbers from 0 to 1: the model is broken"
    )]
    MapNotFinite {
        /// Column.
        x: usize,
        /// Row.
        y: usize,
        /// The value.
        value: f32,
    },

    /// A file's name does not tell its format.
    #[error("{} has no known extension: expected one of {known}, or give the format", path.display())]
    FileExtension {
        /// The file.
        path: PathBuf,
        /// Extensions that are known.
        known: String,
    },

    /// Pixels could not be encoded in a file format.
    #[error("cannot write {width}x{height} pixels as {format}")]
    Encode {
        /// The format.
        format: &'static str,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A model file cannot be used, or a model cannot be written.
    #[error("cannot use model {}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ModelError,
    },

    /// A model that is not in a file cannot be used.
    #[error(transparent)]
    ModelContent(#[from] ModelError),

    /// An instruction set is not known, or this CPU lacks it.
    #[error(transparent)]
    Isa(#[from] pidinet_kernels::isa::IsaError),

    /// A scale that is impossible for an image.
    #[error(
        "{scale} is not a scale: expected a positive number that leaves the image under 2^32 pixels a side"
    )]
    Scale {
        /// What was given.
        scale: f32,
    },

    /// A scale makes an image uselessly large.
    #[error(
        "at scale {scale} the image is {width}x{height}, {:.1} megapixels, and the limit is {:.1}",
        *width as f64 * *height as f64 / 1e6, *max_pixels as f64 / 1e6
    )]
    Enlarged {
        /// The scale.
        scale: f32,
        /// Columns after scaling.
        width: usize,
        /// Rows after scaling.
        height: usize,
        /// The limit.
        max_pixels: u64,
    },

    /// An ONNX graph was asked for images that the network cannot take.
    #[error("an ONNX graph for images of {width}x{height}: expected sides of at least 8")]
    OnnxSize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },

    /// A model is to run in int8, but its file does not give the ranges of its activations.
    #[error(
        "the model is not calibrated for int8; `pidinet convert MODEL OUT.safetensors --calibrate FOLDER`, with a folder of \
         photographs, writes one that is"
    )]
    NotCalibrated,

    /// Edges cannot be smoothed in time by this much.
    #[error("expected a strength of smoothing from 0 to under 1, found {strength}")]
    Smoothing {
        /// What was asked for.
        strength: f32,
    },

    /// A model is to be calibrated with no picture.
    #[error("no picture to calibrate with: expected at least one")]
    NoPictures,

    /// No model of this name is part of the program.
    #[error("there is no model `{name}`{}", alternatives(near, all))]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// Similar names.
        near: Vec<&'static str>,
        /// All names.
        all: Vec<&'static str>,
    },

    /// A model has no partner to be mixed with.
    #[error("`{name}` is not the first of a pair, so it has no detail to be set; pairs: {}", listed(pairs))]
    NoPartner {
        /// Its name.
        name: &'static str,
        /// The names of all pairs.
        pairs: Vec<&'static str>,
    },
}

/// A text that is not one of the expected names, or not of the expected form.
///
/// ```
/// let error = "vague".parse::<pidinet::post::Style>().unwrap_err();
/// assert_eq!(error.to_string(), "`vague` is not a style: expected soft, safe or scribble");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: expected {expected}")]
pub struct UnknownName {
    /// What it should be, such as `a style`.
    pub what: &'static str,
    /// What was given.
    pub text: String,
    /// What is accepted.
    pub expected: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, text: &str, expected: impl Into<String>) -> Self {
        Self { what, text: text.to_owned(), expected: expected.into() }
    }
}

/// What the user may have meant, as the end of a message.
fn alternatives(near: &[&str], all: &[&str]) -> String {
    if near.is_empty() {
        format!("; models: {}", listed(all))
    } else {
        format!("; did you mean {}?", near.join(" or "))
    }
}

/// Names in a message.
fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A number in a short form.
fn shown(value: f64) -> String {
    let single = value as f32;
    match (
        value == f64::from(single),
        value == 0.0 || (1e-4..1e10).contains(&value.abs()) || !value.is_finite(),
    ) {
        (true, true) => single.to_string(),
        (true, false) => format!("{single:e}"),
        (false, true) => value.to_string(),
        (false, false) => format!("{value:e}"),
    }
}

/// The message for a file in none of the supported formats, with a remedy.
fn not_read(found: Option<&str>) -> String {
    const READ: &str = "PNG, JPEG, WebP, GIF, BMP, TIFF or PNM";
    let Some(found) = found else { return format!("not an image: expected {READ}") };
    let way = match found.rsplit_once(' ').map_or(found, |(_, last)| last) {
        _ if found.starts_with("camera raw") => {
            "develop it first, for example with darktable-cli IMAGE OUT.png"
        }
        _ if found.starts_with("JPEG XL") => "convert it to PNG, for example with djxl IMAGE OUT.png",
        _ if found.starts_with("HEIC") => "convert it to PNG, for example with heif-convert IMAGE OUT.png",
        _ if found.starts_with("AVIF") => "convert it to PNG, for example with avifdec IMAGE OUT.png",
        "image" | "(PSD)" | "(ICO)" | "(ICNS)" | "(CUR)" | "(XCF)" | "texture" | "drawing" | "document" => {
            "convert it to PNG, for example with ImageMagick: magick IMAGE OUT.png"
        }
        "video" => "take its pictures out first, for example with ffmpeg -i VIDEO %05d.png",
        "archive" => "unpack it first",
        _ => return format!("not an image (found: {found}); expected {READ}"),
    };
    format!("{found}: not supported, only {READ}; {way}")
}
