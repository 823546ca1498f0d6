//! Formats of lines.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A file format of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Svg,
    Dxf,
    GeoJson,
    Json,
}

impl Format {
    const ALL: [(&str, Self); 4] =
        [("svg", Self::Svg), ("dxf", Self::Dxf), ("geojson", Self::GeoJson), ("json", Self::Json)];

    /// The format that a file's extension names.
    pub(crate) fn from_path(path: &Path) -> Option<Self> {
        path.extension()?.to_str()?.to_ascii_lowercase().parse().ok()
    }

    /// The extension of its files.
    pub(crate) fn extension(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("svg", |(name, _)| name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, format)| *format).ok_or_else(|| "expected svg, dxf, geojson or json".to_owned())
    }
}
