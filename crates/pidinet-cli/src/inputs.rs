//! From arguments to images: files, folders, patterns, standard input.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pidinet::image::EXTENSIONS;

use crate::ui::usage;

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// An image to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) source: Source,
    /// Its place below the output folder, with the extension of the input: the file's name, or its path
    /// within the folder that was given.
    pub(crate) relative: PathBuf,
}

impl Input {
    /// Its name in messages.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Source::Stdin => "standard input".to_owned(),
            Source::File(path) => path.display().to_string(),
        }
    }
}

/// The images that arguments stand for.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) images: Vec<Input>,
    /// Whether the arguments name images one by one, rather than folders or patterns.
    pub(crate) named: bool,
    /// Arguments that stand for no image.
    pub(crate) failures: Vec<anyhow::Error>,
    /// Numbers of files in folders that are not supported images, by extension.
    pub(crate) left_out: BTreeMap<String, usize>,
}

impl Inputs {
    /// What was left out, in words; `None` if nothing was.
    pub(crate) fn left_out(&self) -> Option<String> {
        let kinds: Vec<String> =
            self.left_out.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        (!kinds.is_empty())
            .then(|| format!("ignored files that are not supported images: {}", kinds.join(", ")))
    }

    /// Leaves out whatever lies in the folder of results, if that is inside a folder that was given: edges
    /// found by an earlier run are not input images.
    pub(crate) fn leave_out(&mut self, results: &Path) {
        let Ok(results) = results.canonicalize() else { return };
        let before = self.images.len();
        let mut last: Option<(PathBuf, bool)> = None;
        self.images.retain(|image| {
            let Some((root, folder)) = image.root_and_folder() else { return true };
            if last.as_ref().is_none_or(|(known, _)| known != folder) {
                let is_inside = |root: PathBuf, folder: PathBuf| {
                    root != results && results.starts_with(root) && folder.starts_with(&results)
                };
                let both = root.canonicalize().ok().zip(folder.canonicalize().ok());
                last = Some((folder.to_owned(), both.is_some_and(|(root, folder)| is_inside(root, folder))));
            }
            last.as_ref().is_none_or(|(_, is_inside)| !is_inside)
        });
        if self.images.is_empty() && before > 0 && self.failures.is_empty() {
            self.failures.push(anyhow::anyhow!("all images are in {}, the output folder", results.display()));
        }
    }
}

impl Input {
    /// The folder that was given, and the folder inside it that contains the image.
    fn root_and_folder(&self) -> Option<(&Path, &Path)> {
        let Source::File(path) = &self.source else { return None };
        let depth = self.relative.components().count();
        let root = path.ancestors().nth(depth)?;
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        (depth > 1).then_some((root, path.parent()?))
    }
}

/// Finds the images, in subfolders only if `recursive`. Warns about what is left out of folders.
pub(crate) fn find(arguments: &[PathBuf], recursive: bool) -> anyhow::Result<Inputs> {
    let mut found = Inputs { named: true, ..Inputs::default() };
    for argument in arguments {
        if argument.as_os_str() == "-" {
            if found.images.iter().any(|image| image.source == Source::Stdin) {
                return Err(usage!("- is given twice, but standard input can only be read once"));
            }
            found.images.push(Input { source: Source::Stdin, relative: "stdin".into() });
        } else if argument.is_dir() {
            found.named = false;
            let before = found.images.len();
            let failed = found.failures.len();
            in_folder(argument, Path::new(""), recursive, &mut found);
            if found.images.len() == before && found.failures.len() == failed {
                let hint = if recursive { "" } else { "; use -r to search its subfolders" };
                let error = anyhow::anyhow!("no images in folder {}{hint}", argument.display());
                found.failures.push(error);
            }
        } else if let Some(pattern) = pattern(argument) {
            found.named = false;
            let before = found.images.len();
            let failed = found.failures.len();
            for path in glob::glob(pattern).map_err(|error| usage!("pattern {pattern}: {error}"))? {
                match path.map_err(anyhow::Error::new).and_then(|path| Ok((is_file(&path)?, path))) {
                    Ok((true, path)) if !is_of_system(&path) => found.images.extend(file(path)),
                    Ok(_) => {}
                    Err(error) => found.failures.push(error),
                }
            }
            if found.images.len() == before && found.failures.len() == failed {
                found.failures.push(anyhow::anyhow!("no file matches {pattern}"));
            }
        } else {
            let path = file(argument.clone());
            found
                .images
                .push(path.ok_or_else(|| usage!("{} is not the name of a file", argument.display()))?);
        }
    }
    if let Some(left_out) = found.left_out() {
        log::warn!("{left_out}");
    }
    Ok(found)
}

/// Whether a file is one that operating systems put beside images for their own use.
fn is_of_system(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let known = ["Thumbs.db", "ehthumbs.db", "desktop.ini"];
    name.as_encoded_bytes().starts_with(b"._")
        || name == ".DS_Store"
        || known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn file(path: PathBuf) -> Option<Input> {
    let relative = PathBuf::from(path.file_name()?);
    Some(Input { source: Source::File(path), relative })
}

/// The argument as a pattern, if it is one and not the name of a file.
fn pattern(argument: &Path) -> Option<&str> {
    argument.to_str().filter(|text| text.contains(['*', '?', '[']) && !argument.exists())
}

/// Adds the images in `folder/relative`, in the order of their names; anything that cannot be read becomes a
/// failure, and the rest is added.
fn in_folder(folder: &Path, relative: &Path, recursive: bool, found: &mut Inputs) {
    let here = folder.join(relative);
    let unreadable =
        |error| anyhow::Error::new(error).context(format!("cannot read folder {}", here.display()));
    let mut entries = Vec::new();
    match std::fs::read_dir(&here) {
        Ok(all) => {
            for entry in all {
                match entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))) {
                    Ok(entry) => entries.push(entry),
                    Err(error) => found.failures.push(unreadable(error)),
                }
            }
        }
        Err(error) => found.failures.push(unreadable(error)),
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, kind) in entries {
        let relative = relative.join(name);
        let path = folder.join(&relative);
        // Links to files are followed; links to folders are not, since they could form cycles.
        if kind.is_dir() {
            if recursive {
                in_folder(folder, &relative, recursive, found);
            }
        } else if is_of_system(&relative) {
        } else if is_image(&relative) {
            match is_file(&path) {
                Ok(true) => found.images.push(Input { source: Source::File(path), relative }),
                Ok(false) => {}
                Err(error) => found.failures.push(error),
            }
        } else if path.is_file() {
            let kind = relative.extension().map_or("without extension".into(), OsStr::to_string_lossy);
            *found.left_out.entry(kind.to_lowercase()).or_default() += 1;
        } else if recursive && kind.is_symlink() && path.is_dir() {
            log::warn!("{} is a link to a folder; it is not followed", path.display());
        }
    }
}

/// Whether a path leads to a file, rather than to a folder or a device; an error if it leads nowhere.
fn is_file(path: &Path) -> anyhow::Result<bool> {
    let metadata = path.metadata().with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.is_file())
}

/// Whether a file's extension is that of an image.
fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn what_is_left_out_is_counted_and_what_systems_leave_there_is_not() {
        let names = [
            "a.png",
            "b.HEIC",
            "c.heic",
            "d.jxl",
            "e.gif",
            "._a.png",
            ".DS_Store",
            "Thumbs.db",
            "deep/f.avif",
        ];
        let folder = tree(&names);
        let found = find(&[folder.path().to_owned()], true).unwrap();
        assert_eq!(relatives(&found), ["a.png", "e.gif"]);
        let left_out = found.left_out().unwrap();
        assert!(left_out.ends_with(": 1 avif, 2 heic, 1 jxl"), "{left_out}");
        let found = find(&[folder.path().join("*.png")], false).unwrap();
        assert_eq!((relatives(&found), found.left_out()), (vec!["a.png"], None));
        let named = find(&[folder.path().join("._a.png")], false).unwrap();
        assert_eq!(relatives(&named), ["._a.png"]);
    }

    fn relatives(inputs: &Inputs) -> Vec<&str> {
        inputs.images.iter().map(|image| image.relative.to_str().unwrap()).collect()
    }

    #[test]
    fn folders_give_their_images_in_order() {
        let folder = tree(&["b.png", "a.JPG", "notes.txt", "png", "deep/c.webp", "deep/er/d.tif"]);
        let root = folder.path().to_owned();
        let flat = find(std::slice::from_ref(&root), false).unwrap();
        assert_eq!(relatives(&flat), ["a.JPG", "b.png"]);
        assert!(!flat.named);
        let deep = find(&[root], true).unwrap();
        assert_eq!(relatives(&deep), ["a.JPG", "b.png", "deep/c.webp", "deep/er/d.tif"]);
    }

    #[test]
    fn patterns_are_expanded_but_a_file_of_that_name_is_a_file() {
        let folder = tree(&["a.png", "b.png", "c.jpg", "[d].png"]);
        let found = find(&[folder.path().join("?.png")], false).unwrap();
        assert_eq!(relatives(&found), ["a.png", "b.png"]);
        let found = find(&[folder.path().join("[d].png")], false).unwrap();
        assert_eq!(relatives(&found), ["[d].png"]);
        assert!(found.named);
        let found = find(&[folder.path().join("*.gif")], false).unwrap();
        assert_eq!(found.failures.len(), 1);
    }

    #[test]
    fn what_is_empty_is_told() {
        let folder = tree(&["deep/a.png"]);
        let found = find(&[folder.path().to_owned()], false).unwrap();
        assert!(found.images.is_empty());
        assert!(found.failures[0].to_string().contains("-r"), "{}", found.failures[0]);
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_in_circles() {
        let folder = tree(&["deep/a.png"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("deep/back")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("deep/a.png"), folder.path().join("link.png")).unwrap();
        let found = find(&[folder.path().to_owned()], true).unwrap();
        assert_eq!(relatives(&found), ["deep/a.png", "link.png"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_nowhere_are_told_and_the_rest_is_found() {
        let folder = tree(&["a.png", "deep/b.png"]);
        for link in ["none.png", "deep/none.png"] {
            std::os::unix::fs::symlink("nowhere", folder.path().join(link)).unwrap();
        }
        let found = find(&[folder.path().to_owned()], true).unwrap();
        assert_eq!(relatives(&found), ["a.png", "deep/b.png"]);
        assert_eq!(found.failures.len(), 2);
        assert!(format!("{:#}", found.failures[0]).contains("deep/none.png"), "{:#}", found.failures[0]);
        let found = find(&[folder.path().join("*.png")], false).unwrap();
        assert_eq!((relatives(&found), found.failures.len()), (vec!["a.png"], 1));
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_may_not_be_read_are_told_and_the_rest_is_found() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tree(&["a.png", "closed/b.png", "listed/c.png", "open/d.png"]);
        let set = |name: &str, mode| {
            std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(mode))
                .unwrap();
        };
        set("closed", 0o000);
        set("listed", 0o444);
        let found = find(&[folder.path().to_owned()], true).unwrap();
        let by_pattern = find(&[folder.path().join("*/*.png")], false).unwrap();
        let may_read = std::fs::read_dir(folder.path().join("closed")).is_ok();
        set("closed", 0o755);
        set("listed", 0o755);
        if may_read {
            return eprintln!("skipped: this user may read any folder");
        }
        assert_eq!((relatives(&found), found.failures.len()), (vec!["a.png", "open/d.png"], 2));
        assert_eq!(relatives(&by_pattern), ["d.png"]);
        assert!(!by_pattern.failures.is_empty());
    }

    #[test]
    fn standard_input_is_read_once() {
        let found = find(&["-".into(), "a.png".into()], false).unwrap();
        assert_eq!(found.images[0].source, Source::Stdin);
        assert!(find(&["-".into(), "-".into()], false).is_err());
    }
}
