//! The files of a folder or an archive.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;

use crate::{Error, Result};

/// Most bytes that files of a compressed archive may fill in memory.
const HELD: u64 = 8 << 30;

/// Most bytes of one file.
const LONGEST: u64 = 1 << 30;

/// A file and its path, with `/` between folders.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Content,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A file.
    File(PathBuf),
    /// A part of an archive.
    Part { archive: Arc<Path>, start: u64, len: u64 },
    /// Bytes from a compressed archive.
    Held(Arc<[u8]>),
}

impl Content {
    pub(super) fn read(&self) -> Result<Arc<[u8]>> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Read { path, source }
        };
        match self {
            Self::File(path) => {
                let file = fs::File::open(path).map_err(unreadable(path))?;
                bounded(file).map_err(unreadable(path))
            }
            Self::Part { archive, start, len } => {
                let read = || {
                    let mut file = fs::File::open(archive)?;
                    file.seek(SeekFrom::Start(*start))?;
                    bounded(file.take(*len))
                };
                read().map_err(unreadable(archive))
            }
            Self::Held(bytes) => Ok(bytes.clone()),
        }
    }
}

/// All that a reader gives, if that is not too much.
fn bounded(reader: impl Read) -> io::Result<Arc<[u8]>> {
    let mut bytes = Vec::new();
    reader.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("a file of more than {LONGEST} bytes")));
    }
    Ok(bytes.into())
}

/// The files in a folder, `.tar` or `.tar.gz` whose names are `wanted`, in the order of their names.
pub(super) fn list(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<File>> {
    let listed = if path.is_dir() { in_folder(path, &wanted) } else { in_archive(path, &wanted) };
    let mut files = listed.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn in_folder(root: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // Links to files and folders are followed, as data sets are often made of them.
            if fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir()) {
                let depth = name.matches('/').count();
                if depth < 16 {
                    folders.push((entry.path(), name + "/")); // a link to a folder above ends here
                }
            } else if wanted(&name) {
                files.push(File { name, content: Content::File(entry.path()) });
            }
        }
    }
    Ok(files)
}

fn in_archive(path: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<Vec<File>> {
    let mut file = fs::File::open(path)?;
    let mut magic = [0; 2];
    let length = file.read(&mut magic)?;
    file.rewind()?;
    let is_gzip = magic[..length] == [0x1f, 0x8b];
    let archive: Arc<Path> = path.into();
    let mut files = Vec::new();
    let mut held = 0;
    let mut reader: tar::Archive<Box<dyn Read>> = tar::Archive::new(match is_gzip {
        true => Box::new(GzDecoder::new(io::BufReader::new(file))),
        false => Box::new(io::BufReader::new(file)),
    });
    for entry in reader.entries()? {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        if !entry.header().entry_type().is_file() || !wanted(&name) {
            continue;
        }
        let content = if is_gzip {
            let bytes = bounded(entry)?;
            held += bytes.len() as u64;
            if held > HELD {
                let reason = format!("more than {HELD} bytes in a compressed archive: please unpack it");
                return Err(io::Error::other(reason));
            }
            Content::Held(bytes)
        } else {
            Content::Part { archive: archive.clone(), start: entry.raw_file_position(), len: entry.size() }
        };
        files.push(File { name, content });
    }
    Ok(files)
}
