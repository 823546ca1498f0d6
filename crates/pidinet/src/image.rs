//! Images to rows of network input: decoding with limits, orientation, pixel layouts, presets, resizing.
//!
//! An [`Image`] is red, green and blue in the depth of its file, and upright. It is the only copy:
//! decoders write straight into the memory that is kept, and the network takes one row at a time.

#[cfg(feature = "images")]
mod decode;
#[cfg(feature = "images")]
mod jpeg;
#[cfg(feature = "images")]
mod kinds;
mod layout;
#[cfg(feature = "images")]
mod limits;
mod opencv;
#[cfg(feature = "images")]
mod options;
#[cfg(feature = "images")]
mod orient;
mod pixels;
#[cfg(feature = "images")]
mod png;
mod preset;
mod resize;
mod sample;
#[cfg(feature = "images")]
mod source;
#[cfg(feature = "images")]
mod tiff;
#[cfg(feature = "images")]
mod webp;

pub use layout::{PixelFormat, PixelLayout};
#[cfg(feature = "images")]
pub use limits::ImageLimits;
pub use opencv::{Interpolation, Resize};
#[cfg(feature = "images")]
pub use options::{Damage, FloatRange, Opened, ReadOptions};
pub use pixels::{Image, Pixels};
pub use preset::Preset;
pub(crate) use sample::Sample;

/// Extensions of the image files that are read, in lower case; the format is recognised by content, not by
/// extension.
pub const EXTENSIONS: [&str; 18] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "mpo", "webp", "bmp", "dib", "tif", "tiff", "gif", "pnm", "pbm",
    "pgm", "ppm", "pam", "btf",
];
