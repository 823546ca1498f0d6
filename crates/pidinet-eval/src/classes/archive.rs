//! The files of a `.tar` or `.tar.gz`.
//!
//! An archive is read to its end, with the checksum of every gzip member, before any of its files is used: truncated
//! archives and flipped bits are errors. Memory is limited before it is allocated.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::content::{Content, Files, LONGEST, MOST_FILES};

/// Most memory for the files of a compressed archive.
const HELD: u64 = 4 << 30;

/// Images hardly compress. An archive that unpacks to more than this and to too large a multiple of its size
/// is refused.
const SMALL: u64 = 256 << 20;
const RATIO: u64 = 32;

/// Most bytes between the content of two files: headers, long names, zeros.
const BETWEEN: u64 = 16 << 20;

/// Bytes of a block of an archive, and of the two empty ones at its end.
const BLOCK: u64 = 512;
const END: u64 = 2 * BLOCK;

/// How many links may lead from one to the next.
const HOPS: usize = 16;

/// The files of an archive whose names are `wanted`; of duplicates the last counts, as with `tar`.
pub(super) fn list(path: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<Files> {
    let mut file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "expected a folder or an archive that is a file",
        ));
    }
    let mut magic = [0; 2];
    let length = file.read(&mut magic)?;
    file.rewind()?;
    let reader = io::BufReader::with_capacity(1 << 16, file);
    if magic[..length] == [0x1f, 0x8b] {
        let room = HELD.min(SMALL.max(metadata.len().saturating_mul(RATIO)));
        read(path, MultiGzDecoder::new(reader), Storage::Held { room }, wanted)
    } else {
        read(path, reader, Storage::Parts, wanted)
    }
}

/// How the content of files is kept.
enum Storage {
    /// As places in the archive.
    Parts,
    /// In memory, up to this many bytes.
    Held { room: u64 },
}

fn read(
    path: &Path,
    reader: impl Read,
    mut storage: Storage,
    wanted: &dyn Fn(&str) -> bool,
) -> io::Result<Files> {
    let watch = Rc::new(Watch::default());
    let mut archive = tar::Archive::new(Watched { reader, watch: watch.clone() });
    // Concatenated archives are read to the end of the last.
    archive.set_ignore_zeros(true);
    let shared: Arc<Path> = path.into();
    let (mut files, mut links) = (Files::new(), Links::new());
    let (mut end, mut left) = (0, 0);
    let mut entries = archive.entries()?;
    loop {
        watch.allow(left + BETWEEN);
        let Some(entry) = entries.next().transpose()? else { break };
        watch.allow(u64::MAX);
        let name = normal("", &entry.path()?.to_string_lossy()).unwrap_or_default();
        let size = entry.size();
        left = size;
        end = (entry.raw_file_position() + size).next_multiple_of(BLOCK);
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name()?.map(|target| target.to_string_lossy().into_owned());
            let folder = if kind.is_symlink() { parent(&name) } else { "" };
            let target = target.as_deref().and_then(|target| normal(folder, target));
            files.remove(&name);
            links.insert(name, target);
        } else if kind.is_file() && wanted(&name) {
            let content = match &mut storage {
                Storage::Parts => {
                    Content::Part { archive: shared.clone(), start: entry.raw_file_position(), len: size }
                }
                Storage::Held { room } => {
                    *room = room.checked_sub(size).ok_or_else(too_large)?;
                    left = 0;
                    Content::Held(held(entry, size)?)
                }
            };
            links.remove(&name);
            files.insert(name, content);
        } else if !kind.is_dir() && !kind.is_file() && kind != EntryType::XGlobalHeader && wanted(&name) {
            files.insert(name.clone(), Content::broken(path.join(name), "unsupported type of entry"));
        }
        if files.len() + links.len() > MOST_FILES {
            return Err(io::Error::other(format!("more than {MOST_FILES} files")));
        }
    }
    if watch.read.get() < end + END {
        return Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the archive is truncated: its end marker is missing",
        ));
    }
    resolve(path, &mut files, &links, wanted)?;
    Ok(files)
}

/// The content of a file of a compressed archive.
fn held(entry: impl Read, size: u64) -> io::Result<Arc<[u8]>> {
    if size > LONGEST {
        return Err(io::Error::other(format!(
            "it contains a file of {size} bytes; at most {LONGEST} are supported"
        )));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    entry.take(size).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < size {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.into())
}

fn too_large() -> io::Error {
    io::Error::other("the files in the compressed archive take too much memory: unpack it first")
}

/// Links by name, with their targets below the root of the archive; `None` for targets outside.
type Links = BTreeMap<String, Option<String>>;

/// Adds the files that links point to, or an error for broken links.
fn resolve(path: &Path, files: &mut Files, links: &Links, wanted: &dyn Fn(&str) -> bool) -> io::Result<()> {
    let mut named = Files::new();
    for name in links.keys() {
        let Some(target) = follow(links, name) else {
            let reason = "the link is circular or points outside the archive";
            match wanted(name) {
                true => drop(named.insert(name.clone(), Content::broken(path.join(name), reason))),
                false => log::warn!("{}: {reason}", path.join(name).display()),
            }
            continue;
        };
        if let Some(content) = files.get(&target) {
            if wanted(name) {
                named.insert(name.clone(), content.clone());
            }
            continue;
        }
        // A folder, or something missing.
        let folder = if target.is_empty() { target } else { target + "/" };
        if format!("{name}/").starts_with(&folder) {
            log::warn!("{} is a circular link and is skipped", path.join(name).display());
            continue;
        }
        let inside = files.range(folder.clone()..).take_while(|(file, _)| file.starts_with(&folder));
        let before = named.len();
        named.extend(
            inside.map(|(file, content)| (format!("{name}/{}", &file[folder.len()..]), content.clone())),
        );
        if named.len() == before && wanted(name) {
            let reason = "the target of the link is not in the archive";
            named.insert(name.clone(), Content::broken(path.join(name), reason));
        }
        if files.len() + named.len() > MOST_FILES {
            return Err(io::Error::other(format!("more than {MOST_FILES} files, counting links")));
        }
    }
    files.extend(named);
    Ok(())
}

/// The target of a link, following further links; `None` if it is outside the archive or circular.
fn follow(links: &Links, name: &str) -> Option<String> {
    let mut place = name.to_owned();
    for _ in 0..HOPS {
        let ends = place.match_indices('/').map(|(at, _)| at).chain([place.len()]);
        let link = ends.filter_map(|end| Some((end, links.get(&place[..end])?))).next();
        let Some((end, target)) = link else { return Some(place) };
        let rest = place[end..].trim_start_matches('/').to_owned();
        place = normal(target.as_deref()?, &rest)?;
    }
    None
}

/// A path relative to a folder as `a/b` below the root; `None` if it leaves the root.
fn normal(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// How much of an archive was read, and how much more is allowed.
#[derive(Debug, Default)]
struct Watch {
    read: Cell<u64>,
    allowed: Cell<u64>,
}

impl Watch {
    /// Allows this many more bytes.
    fn allow(&self, bytes: u64) {
        self.allowed.set(bytes);
    }
}

/// A reader that fails when more is read than allowed.
struct Watched<R> {
    reader: R,
    watch: Rc<Watch>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        let (read, allowed) = (self.watch.read.get(), self.watch.allowed.get());
        self.watch.read.set(read + length as u64);
        let Some(left) = allowed.checked_sub(length as u64) else {
            let reason = format!("more than {} MiB between two files of the archive", BETWEEN >> 20);
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        };
        if allowed != u64::MAX {
            self.watch.allowed.set(left);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
