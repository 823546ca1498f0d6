//! Model files as bytes.

use std::path::Path;

use super::info::ModelInfo;
use super::options::{self, OpenOptions};
use crate::error::{Error, ModelError};
use crate::files;

/// Reads a file once, turns it into a model, and names the model after the file if it has no name.
pub(super) fn open<M>(
    path: &Path,
    limits: &OpenOptions,
    read: impl FnOnce(&[u8]) -> Result<M, ModelError>,
    info: impl FnOnce(&mut M) -> &mut ModelInfo,
) -> Result<M, Error> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let unusable = |source| Error::Model { path: path.to_owned(), source };
    let (limit, length) = (limits.file_bytes, path.metadata().map_err(unreadable)?.len());
    options::check("file_bytes", limit, length).map_err(unusable)?;
    let bytes = files::read_model(path, limit).map_err(unreadable)?;
    let mut model = read(&bytes).map_err(unusable)?;
    let info = info(&mut model);
    if info.name.is_empty() {
        info.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    }
    Ok(model)
}
