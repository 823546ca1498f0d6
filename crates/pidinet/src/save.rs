//! Edge maps and pictures to files.
//!
//! A file appears whole or not at all: it is written beside its place under a temporary name, synced, and then
//! renamed. What a killed process leaves under such a name is removed later.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::edge_map::byte;
use crate::image::Image;
use crate::{EdgeMap, Error, Result, UnknownName};

mod encode;
mod lock;
mod numpy;
mod whole;

pub use crate::atomic::{Staged, abandon_temporaries, sync_folder, write_atomically};
pub use lock::FolderLock;
pub use numpy::{npy, npz};
pub use whole::is_whole;

/// File formats that edge maps are written in.
///
/// Integer formats hold `floor(255 v)` or `floor(65535 v)` of an edge probability `v`, as the published
/// maps do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// PNG, 8 bits.
    Png,
    /// PNG, 16 bits.
    Png16,
    /// JPEG, 8 bits, lossy.
    Jpg,
    /// WebP, 8 bits, lossless.
    Webp,
    /// TIFF, 16 bits.
    Tiff,
    /// NumPy array, `float32` of shape `[height, width]`: the only format, with the next, that loses
    /// nothing.
    Npy,
    /// Compressed NumPy archive with the array `edges`, as [`Format::Npy`].
    Npz,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Png, Self::Png16, Self::Jpg, Self::Webp, Self::Tiff, Self::Npy, Self::Npz];

    /// Its name in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Png16 => "png16",
            Self::Jpg => "jpg",
            Self::Webp => "webp",
            Self::Tiff => "tiff",
            Self::Npy => "npy",
            Self::Npz => "npz",
        }
    }

    /// The extension of its files, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png16 => "png",
            other => other.name(),
        }
    }

    /// The format that a file name asks for by its extension, upper or lower case: `png` is
    /// [`Format::Png`].
    ///
    /// # Errors
    ///
    /// If the extension is missing or unknown.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|text| text.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("png") => Ok(Self::Png),
            Some("jpg" | "jpeg") => Ok(Self::Jpg),
            Some("webp") => Ok(Self::Webp),
            Some("tif" | "tiff") => Ok(Self::Tiff),
            Some("npy") => Ok(Self::Npy),
            Some("npz") => Ok(Self::Npz),
            _ => Err(Error::FileExtension {
                path: path.to_owned(),
                known: "png, jpg, webp, tiff, npy, npz".to_owned(),
            }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let unknown = || UnknownName::new("a format", text, "one of png, png16, jpg, webp, tiff, npy, npz");
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(unknown)
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveOptions {
    /// The format; by default the one of the file's extension.
    pub format: Option<Format>,
    /// Quality of JPEG files, 1 to 100; by default 95.
    pub jpeg_quality: u8,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self { format: None, jpeg_quality: 95 }
    }
}

impl SaveOptions {
    fn format_for(&self, path: &Path) -> Result<Format> {
        self.format.map_or_else(|| Format::from_path(path), Ok)
    }
}

impl EdgeMap {
    /// Writes the map to a file, whole or not at all.
    ///
    /// # Errors
    ///
    /// If a value is infinite or not a number, neither `options` nor the extension gives a format, the format
    /// cannot hold a map of this size, or the file cannot be written; what was there before is then untouched.
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
        encode::edges(self, format, options)
    }

    /// The map in 8 bits: `floor(255 v)`, as the published maps were written.
    pub fn to_u8(&self) -> Vec<u8> {
        self.data().iter().map(|&value| byte(value)).collect()
    }

    /// The map in 16 bits: `floor(65535 v)`.
    pub fn to_u16(&self) -> Vec<u16> {
        self.data().iter().map(|&value| (value * 65535.0) as u16).collect() // truncates and saturates
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

    /// The image as the bytes of a file: 8 bits in [`Format::Png`], [`Format::Jpg`] and [`Format::Webp`], 16
    /// in [`Format::Png16`] and [`Format::Tiff`], `float32` of shape `[height, width, 3]` in NumPy's.
    ///
    /// # Errors
    ///
    /// If the format cannot hold an image of this size.
    pub fn encode(&self, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
        encode::image(self, format, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{ImageLimits, PixelFormat, PixelLayout, Pixels};

    fn map() -> EdgeMap {
        EdgeMap::new(3, 2, vec![0.0, 0.25, 0.5, 0.999, 1.0, 1.0 / 255.0])
    }

    #[test]
    fn values_are_rounded_down() {
        assert_eq!(map().to_u8(), [0, 63, 127, 254, 255, 1]);
        assert_eq!(map().to_u16(), [0, 16383, 32767, 65469, 65535, 257]);
        let odd = EdgeMap::new(3, 1, vec![f32::NAN, -1.0, 7.0]);
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
        let ramp = EdgeMap::new(64, 64, (0..64 * 64).map(|i| (i % 64) as f32 / 63.0).collect());
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
        let image = Image::from_u16(&pixels, &PixelLayout::packed(3, 2, PixelFormat::Rgb))?;
        for format in [Format::Png16, Format::Tiff] {
            let file = image.encode(format, &SaveOptions::default())?;
            assert_eq!(Image::decode(&file, &ImageLimits::default())?, image, "{format}");
        }
        for format in [Format::Png, Format::Webp] {
            let file = image.encode(format, &SaveOptions::default())?;
            let eight = Image::decode(&file, &ImageLimits::default())?;
            assert!((eight.rgb(2, 1)[0] - image.rgb(2, 1)[0]).abs() <= 0.5 / 255.0 + 1e-6, "{format}");
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
        assert!(error.contains("a/b.gif") && error.contains("png, jpg, webp, tiff, npy, npz"), "{error}");
        assert!(Format::from_path("png").is_err());
    }

    #[test]
    fn a_map_too_wide_for_a_format_is_an_error() {
        let wide = EdgeMap::new(70_000, 1, vec![0.0; 70_000]);
        let error = wide.encode(Format::Jpg, &SaveOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Encode { width: 70_000, .. }), "{error}");
        assert!(wide.encode(Format::Webp, &SaveOptions::default()).is_err());
        assert!(wide.encode(Format::Png, &SaveOptions::default()).is_ok());
    }
}
