//! File formats, and how they are written.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result, UnknownName};

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
    /// BMP, 8 bits.
    Bmp,
    /// PGM (binary), 8 bits, grey only.
    Pgm,
    /// PBM (binary), black and white only: white from a probability of 0.5 on.
    Pbm,
    /// NumPy array, `float32` of shape `[height, width]`: with [`Format::Npz`] the only format that
    /// loses nothing.
    Npy,
    /// Compressed NumPy archive with the array `edges`, otherwise as [`Format::Npy`].
    Npz,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 10] = [
        Self::Png,
        Self::Png16,
        Self::Jpg,
        Self::Webp,
        Self::Tiff,
        Self::Bmp,
        Self::Pgm,
        Self::Pbm,
        Self::Npy,
        Self::Npz,
    ];

    /// Its name in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Png16 => "png16",
            Self::Jpg => "jpg",
            Self::Webp => "webp",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Pgm => "pgm",
            Self::Pbm => "pbm",
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
            Some("bmp") => Ok(Self::Bmp),
            Some("pgm") => Ok(Self::Pgm),
            Some("pbm") => Ok(Self::Pbm),
            Some("npy") => Ok(Self::Npy),
            Some("npz") => Ok(Self::Npz),
            _ => Err(Error::FileExtension {
                path: path.to_owned(),
                known: "png, jpg, webp, tiff, bmp, pgm, pbm, npy, npz".to_owned(),
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
        let known = "one of png, png16, jpg, webp, tiff, bmp, pgm, pbm, npy, npz";
        let unknown = || UnknownName::new("a format", text, known);
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
    /// The format of a file of this name.
    pub(super) fn format_for(&self, path: &Path) -> Result<Format> {
        self.format.map_or_else(|| Format::from_path(path), Ok)
    }
}
