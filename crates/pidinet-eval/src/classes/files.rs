//! The files of a folder or an archive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::archive;
use super::content::{Content, File, Files, MOST_FILES};
use crate::{Error, Result};

/// How deep folders may lie in folders.
const DEEPEST: usize = 16;

/// The files in a folder, `.tar` or `.tar.gz` whose names are `wanted`, in the order of their names.
///
/// Wanted files that are unavailable, such as broken links, are listed and give an error when they are read.
pub(super) fn list(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<File>> {
    let listed = if path.is_dir() { in_folder(path, &wanted) } else { archive::list(path, &wanted) };
    let files = listed.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(files.into_iter().map(|(name, content)| File { name, content }).collect())
}

/// A folder still to be listed.
struct Folder {
    path: PathBuf,
    /// Its name below the root, with `/` at its end unless it is the root.
    prefix: String,
    /// The canonical paths of its parent folders and its own.
    chain: Vec<PathBuf>,
}

/// Follows links, which many data sets consist of, but not in circles.
fn in_folder(root: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<Files> {
    let mut files = Files::new();
    let chain = vec![root.canonicalize()?];
    let mut folders = vec![Folder { path: root.to_owned(), prefix: String::new(), chain }];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries,
            Err(error) if folder.prefix.is_empty() => return Err(error),
            Err(error) => {
                let name = format!("{}folder", folder.prefix);
                files.insert(name, Content::broken(folder.path, error.to_string()));
                continue;
            }
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{}{name}", folder.prefix);
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => folders.extend(below(&folder, path, name)),
                _ if !wanted(&name) => {}
                Ok(metadata) if metadata.is_file() => drop(files.insert(name, Content::File(path))),
                Ok(_) => drop(files.insert(name, Content::broken(path, "not a regular file"))),
                Err(error) => drop(files.insert(name, Content::broken(path, error.to_string()))),
            }
            if files.len() + folders.len() > MOST_FILES {
                return Err(io::Error::other(format!("more than {MOST_FILES} files, or circular links")));
            }
        }
    }
    Ok(files)
}

/// A folder within another, unless that would be a circle.
fn below(folder: &Folder, path: PathBuf, name: String) -> Option<Folder> {
    let own = path.canonicalize().ok()?;
    // A link to one of these folders or above them would lead here again.
    if folder.chain.iter().any(|outer| outer.starts_with(&own)) {
        log::warn!("{} links back to {} and is skipped", path.display(), own.display());
        return None;
    }
    if folder.chain.len() >= DEEPEST {
        log::warn!("{} is more than {DEEPEST} folders deep and is skipped", path.display());
        return None;
    }
    let mut chain = folder.chain.clone();
    chain.push(own);
    Some(Folder { path, prefix: name + "/", chain })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["train/cat", "train/dog", "test"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        fs::write(path("train/cat/1.png"), "1").unwrap();
        symlink(path("train/cat"), path("test/cat")).unwrap();
        symlink(path("train/cat/1.png"), path("train/dog/2.png")).unwrap();
        symlink("..", path("train/cat/up")).unwrap();
        symlink("../..", path("train/dog/root")).unwrap();
        symlink("nowhere", path("train/dog/gone.png")).unwrap();
        assert!(
            std::process::Command::new("mkfifo").arg(path("train/dog/pipe.png")).status().unwrap().success()
        );
        let files = list(folder.path(), |name| name.ends_with(".png")).unwrap();
        let found: Vec<(&str, bool)> =
            files.iter().map(|file| (&file.name[..], file.content.read().is_ok())).collect();
        let expected = [
            ("test/cat/1.png", true),
            ("train/cat/1.png", true),
            ("train/dog/2.png", true),
            ("train/dog/gone.png", false),
            ("train/dog/pipe.png", false),
        ];
        assert_eq!(found, expected);
    }
}
