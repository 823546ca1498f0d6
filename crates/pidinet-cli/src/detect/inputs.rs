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
    /// Files of folders that are no images that are read, by their extension.
    pub(crate) left_out: BTreeMap<String, usize>,
}

impl Inputs {
    /// What was left out, in words; `None` if nothing was.
    pub(crate) fn left_out(&self) -> Option<String> {
        let kinds: Vec<String> =
            self.left_out.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        (!kinds.is_empty())
            .then(|| format!("left out of folders, as no images that are read: {}", kinds.join(", ")))
    }
}

/// Finds the images; folders within folders only if `recursive`. Warns of what is left out of folders.
pub(crate) fn find(arguments: &[PathBuf], recursive: bool) -> anyhow::Result<Inputs> {
    let mut found = Inputs { named: true, ..Inputs::default() };
    for argument in arguments {
        if argument.as_os_str() == "-" {
            if found.images.iter().any(|image| image.source == Source::Stdin) {
                return Err(usage!("- is given twice, and standard input can only be read once"));
            }
            found.images.push(Input { source: Source::Stdin, relative: "stdin".into() });
        } else if argument.is_dir() {
            found.named = false;
            let before = found.images.len();
            match in_folder(argument, Path::new(""), recursive, &mut found) {
                Ok(()) if found.images.len() == before => {
                    let hint = if recursive { "" } else { "; -r searches its folders, too" };
                    let error = anyhow::anyhow!("no image in folder {}{hint}", argument.display());
                    found.failures.push(error);
                }
                Ok(()) => {}
                Err(error) => found.failures.push(error),
            }
        } else if let Some(pattern) = pattern(argument) {
            found.named = false;
            let before = found.images.len();
            let paths = glob::glob(pattern).map_err(|error| usage!("pattern {pattern}: {error}"))?;
            found.images.extend(
                paths.flatten().filter(|path| path.is_file() && !is_of_system(path)).filter_map(file),
            );
            if found.images.len() == before {
                found.failures.push(anyhow::anyhow!("no file is like {pattern}"));
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

/// Whether a file is one that systems put beside images for themselves.
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

/// An argument as a pattern, if it is one and not the name of a file.
fn pattern(argument: &Path) -> Option<&str> {
    argument.to_str().filter(|text| text.contains(['*', '?', '[']) && !argument.exists())
}

/// Adds the images in `folder/relative`, in the order of their names.
fn in_folder(folder: &Path, relative: &Path, recursive: bool, found: &mut Inputs) -> anyhow::Result<()> {
    let here = folder.join(relative);
    let unreadable = || format!("cannot read folder {}", here.display());
    let entries = std::fs::read_dir(&here).with_context(unreadable)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().with_context(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let relative = relative.join(entry.file_name());
        // Links to files are followed; links to folders are not, which could lead in circles.
        if entry.file_type().with_context(unreadable)?.is_dir() {
            if recursive {
                in_folder(folder, &relative, recursive, found)?;
            }
        } else if is_of_system(&relative) || !entry.path().is_file() {
        } else if is_image(&relative) {
            found.images.push(Input { source: Source::File(entry.path()), relative });
        } else {
            let kind = relative.extension().map_or("without extension".into(), OsStr::to_string_lossy);
            *found.left_out.entry(kind.to_lowercase()).or_default() += 1;
        }
    }
    Ok(())
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

    #[test]
    fn standard_input_is_read_once() {
        let found = find(&["-".into(), "a.png".into()], false).unwrap();
        assert_eq!(found.images[0].source, Source::Stdin);
        assert!(find(&["-".into(), "-".into()], false).is_err());
    }
}
