//! Figures as files.

use std::path::Path;

use pidinet::save::write_atomically;

use super::Figure;
use crate::Result;

impl Figure {
    /// Writes the figure: as SVG if the path ends in `.svg`, else as the image that its extension says, which needs the
    /// feature `raster`.
    ///
    /// # Errors
    ///
    /// If it has more than a million marks and is an image; if the file cannot be written, or its extension is another.
    pub fn save(&self, path: &Path) -> Result<()> {
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg")) {
            return Ok(write_atomically(path, self.svg().as_bytes())?);
        }
        self.save_image(path)
    }

    #[cfg(feature = "raster")]
    fn save_image(&self, path: &Path) -> Result<()> {
        /// Pixels to a point: sharp in print at half a page's width.
        const SCALE: f64 = 2.0;
        Ok(self.image(SCALE)?.save(path, &pidinet::save::SaveOptions::default())?)
    }

    #[cfg(not(feature = "raster"))]
    fn save_image(&self, path: &Path) -> Result<()> {
        Err(crate::Error::Figure(format!("{}: this build draws SVG files only", path.display()).into()))
    }
}
