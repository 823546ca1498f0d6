//! Frames as images with numbers.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pidinet::save::{Staged, sync_folder};

use super::sink::{Form, Sink};
use crate::images::{DOZEN, sync_all};
use crate::ui::usage;

/// Names with numbers from 1 on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    folder: PathBuf,
    before: String,
    digits: usize,
    after: String,
}

impl Pattern {
    /// 00001.png and so on, in a folder.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), before: String::new(), digits: 5, after: ".png".to_owned() }
    }

    /// A path such as `out/%05d.png`; `None` if it is no such path.
    pub(super) fn of(path: &Path) -> anyhow::Result<Option<Self>> {
        let Some((before, rest)) = path.file_name().and_then(|name| name.to_str()?.split_once('%')) else {
            return Ok(None);
        };
        let Some((digits, after)) = rest.split_once('d') else { return Ok(None) };
        let digits = match digits {
            "" => 1,
            _ => match digits.strip_prefix('0').and_then(|digits| digits.parse().ok()) {
                Some(digits @ 1..=18) => digits,
                _ => return Ok(None),
            },
        };
        if after.contains('%') || !after.to_ascii_lowercase().ends_with(".png") {
            return Err(usage!("{}: frames are written as PNG images, such as out/%05d.png", path.display()));
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Some(Self { folder, before: before.to_owned(), digits, after: after.to_owned() }))
    }

    /// The path of a frame.
    fn path(&self, number: u64) -> PathBuf {
        let Self { folder, before, digits, after } = self;
        folder.join(format!("{before}{number:0digits$}{after}"))
    }
}

/// Writes images, a dozen at a time.
pub(super) struct Numbered {
    pattern: Pattern,
    written: u64,
    waiting: Vec<Staged>,
}

impl Numbered {
    pub(super) fn new(pattern: Pattern) -> anyhow::Result<Self> {
        if !pattern.folder.as_os_str().is_empty() {
            std::fs::create_dir_all(&pattern.folder)
                .with_context(|| format!("cannot make folder {}", pattern.folder.display()))?;
        }
        Ok(Self { pattern, written: 0, waiting: Vec::new() })
    }

    /// Lets what waits take its place.
    fn settle(&mut self) -> anyhow::Result<()> {
        let mut files = std::mem::take(&mut self.waiting);
        sync_all(files.iter_mut().collect());
        let mut folder = None;
        for file in files {
            folder = file.commit()?.or(folder);
        }
        if let Some(folder) = folder {
            sync_folder(&folder);
        }
        Ok(())
    }
}

impl Sink for Numbered {
    fn form(&self) -> Form {
        Form::Png
    }

    fn write(&mut self, frame: Vec<u8>) -> anyhow::Result<bool> {
        self.written += 1;
        self.waiting.push(Staged::new(self.pattern.path(self.written), &frame)?);
        if self.waiting.len() >= DOZEN {
            self.settle()?;
        }
        Ok(true)
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        self.settle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_give_names() {
        let name = |pattern: &str, number| {
            Pattern::of(Path::new(pattern)).unwrap().map(|pattern| pattern.path(number).display().to_string())
        };
        assert_eq!(name("out/%05d.png", 7).unwrap(), "out/00007.png");
        assert_eq!(name("a%d-b.PNG", 123).unwrap(), "a123-b.PNG");
        assert_eq!(name("100%.mp4", 1), None);
        assert_eq!(name("%5d.png", 1), None);
        assert_eq!(Pattern::in_folder(Path::new("x")).path(100_000), Path::new("x/100000.png"));
        assert!(Pattern::of(Path::new("%03d.jpg")).is_err());
    }
}
