//! Where frames go.

use std::path::{Path, PathBuf};

use pidinet::Size;
use pidinet::video::y4m::{Chroma, Header, Matrix, Range};

use super::encode::{self, Encoding};
use super::numbered::{Numbered, Pattern};
use super::plain::{Plain, Stdout};
use super::sink::Sink;
use super::source::Film;
use crate::ui::usage;

/// What is to be written.
#[derive(Debug, PartialEq)]
pub(super) enum Target {
    /// YUV4MPEG2 on standard output.
    Stdout,
    /// A file of YUV4MPEG2.
    Plain(PathBuf),
    /// A file of ffmpeg's.
    Film(PathBuf),
    /// Images.
    Numbered(Pattern),
}

impl Target {
    /// What a path asks for.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        if let Some(pattern) = Pattern::of(path)? {
            return Ok(Self::Numbered(pattern));
        }
        let ends_as_folder = |last: &u8| std::path::is_separator(char::from(*last));
        if path.is_dir() || path.as_os_str().as_encoded_bytes().last().is_some_and(ends_as_folder) {
            return Err(usage!("{} is a folder: name a film, or give it with --frames", path.display()));
        }
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("y4m") => Ok(Self::Plain(path.to_owned())),
            Some(_) => Ok(Self::Film(path.to_owned())),
            None => Err(usage!(
                "{} has no extension that says what it is to be, such as .mp4, .mkv or .webm",
                path.display()
            )),
        }
    }

    /// The file, if it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Plain(path) | Self::Film(path) => Some(path),
            Self::Stdout | Self::Numbered(_) => None,
        }
    }
}

/// Opens what takes frames of a size.
pub(super) fn open(
    target: &Target,
    size: Size,
    is_coloured: bool,
    film: &Film,
    encoding: &Encoding,
) -> anyhow::Result<Box<dyn Sink>> {
    let matrix = film.matrix.unwrap_or(Matrix::likely(size.height));
    let header = Header {
        size,
        rate: film.rate,
        aspect: film.aspect,
        interlacing: 'p',
        chroma: if is_coloured { Chroma::C444 } else { Chroma::Mono },
        bits: 8,
        range: if is_coloured { Range::Limited } else { Range::Full },
    };
    match target {
        Target::Stdout => Ok(Box::new(Stdout::new(&header, matrix)?)),
        Target::Plain(path) => Ok(Box::new(Plain::new(path, &header, matrix)?)),
        Target::Numbered(pattern) => Ok(Box::new(Numbered::new(pattern.clone())?)),
        Target::Film(path) => encode::open(path, size, is_coloured, film, encoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_is_written() {
        let of = |path: &str| Target::of(Path::new(path));
        assert_eq!(of("-").unwrap(), Target::Stdout);
        assert_eq!(of("a.Y4M").unwrap(), Target::Plain("a.Y4M".into()));
        assert_eq!(of("a/b.mp4").unwrap(), Target::Film("a/b.mp4".into()));
        assert!(matches!(of("out/%05d.png").unwrap(), Target::Numbered(_)));
        for wrong in ["out/", ".", "film", "out/%05d.jpg", "out/%d%d.png"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
