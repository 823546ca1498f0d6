//! The zip archive of a checkpoint.
//!
//! Entries are stored or deflated. They are read one by one, by name, and never unpacked to disk.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::options::{self, OpenOptions};
use crate::error::ModelError;

/// The entries of a checkpoint.
pub(super) struct Entries<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder that contains them all, with its slash; PyTorch names it after the file.
    folder: String,
    /// Bytes unpacked so far, and the limit.
    unpacked: u64,
    limit: u64,
}

impl<'a> Entries<'a> {
    /// Reads the directory of the archive.
    pub(super) fn open(bytes: &'a [u8], limits: &OpenOptions) -> Result<Self, ModelError> {
        // Every entry has this signature in the directory; they are counted first, since the directory is
        // read in one go.
        let entries = bytes.windows(4).filter(|window| window == b"PK\x01\x02").count();
        options::check("zip_entries", limits.zip_entries, entries as u64)?;
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        if archive.has_duplicate_names() {
            return Err(damaged(ZipError::InvalidArchive("two entries have the same name".into())));
        }
        let folder = folder(&archive)?;
        let mut entries = Self { archive, folder, unpacked: 0, limit: limits.unpacked_bytes };
        if entries.has("constants.pkl") {
            return Err(ModelError::TorchScript);
        }
        if entries.has("byteorder") && entries.read("byteorder", None)? != b"little" {
            let problem = "does not say `little`: numbers stored big-endian are not read".to_owned();
            return Err(ModelError::Entry { entry: "byteorder".to_owned(), problem });
        }
        Ok(entries)
    }

    fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(&format!("{}{name}", self.folder)).is_some()
    }

    /// The content of an entry; no more is unpacked than the limit `unpacked_bytes`, and the named limit if
    /// there is one, allow.
    pub(super) fn read(
        &mut self,
        name: &str,
        limit: Option<(&'static str, u64)>,
    ) -> Result<Vec<u8>, ModelError> {
        let name = format!("{}{name}", self.folder);
        let Some(index) = self.archive.index_for_name(&name) else {
            return Err(ModelError::Entry { entry: name, problem: "is missing".to_owned() });
        };
        let entry = self.archive.by_index(index).map_err(damaged)?;
        let size = entry.size();
        let (limit, allowed) = limit.unwrap_or(("unpacked_bytes", u64::MAX));
        options::check(limit, allowed, size)?;
        options::check("unpacked_bytes", self.limit, self.unpacked.saturating_add(size))?;
        let mut content = Vec::new();
        // An entry may lie about its size: reading one byte more shows that, and no more than that is read.
        entry
            .take(size.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|source| damaged(ZipError::Io(source)))?;
        if content.len() as u64 != size {
            let problem = format!("does not have the {size} bytes that the archive says");
            return Err(ModelError::Entry { entry: name, problem });
        }
        self.unpacked += size;
        Ok(content)
    }
}

fn damaged(source: ZipError) -> ModelError {
    ModelError::Zip { source: Box::new(source) }
}

/// The folder of the one entry `data.pkl`.
fn folder(archive: &ZipArchive<Cursor<&[u8]>>) -> Result<String, ModelError> {
    const PICKLE: &[u8] = b"data.pkl";
    let mut folders = archive.file_names_raw().filter_map(|name| {
        let folder = std::str::from_utf8(name.strip_suffix(PICKLE)?).ok()?;
        (folder.is_empty() || folder.ends_with('/')).then_some(folder)
    });
    let problem = match (folders.next(), folders.next()) {
        (Some(folder), None) => return Ok(folder.to_owned()),
        (Some(_), Some(_)) => "appears more than once",
        (None, _) => "is missing, so this is not a PyTorch checkpoint",
    };
    Err(ModelError::Entry { entry: "data.pkl".to_owned(), problem: problem.to_owned() })
}
