//! Where frames go.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use pidinet::Size;
use pidinet::save::{Format, Growing, SaveOptions};
use pidinet::video::y4m::{Chroma, Header, Matrix, Range, Writer, Y4mError, yuv444};

use super::encode::{self, Encoding};
use super::look::{Picture, rgb};
use super::numbered::{Numbered, Pattern};
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

/// Takes frames, one after the other.
pub(super) trait Sink {
    /// The form that it takes them in.
    fn form(&self) -> Form;

    /// Takes a frame; whether it takes more.
    fn write(&mut self, frame: Vec<u8>) -> anyhow::Result<bool>;

    /// That was the last one.
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

/// How a frame becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// Samples row by row, grey or red, green, blue; repeated at the right and the bottom so that sides are multiples of
    /// this.
    Rows(usize),
    /// Of YUV4MPEG2: grey, or three planes.
    Planes(Matrix),
    /// A file.
    Png,
}

impl Form {
    pub(super) fn bytes(self, picture: &Picture) -> anyhow::Result<Vec<u8>> {
        let options = SaveOptions::default();
        match (self, picture) {
            (Self::Png, Picture::Grey(map)) => Ok(map.encode(Format::Png, &options)?),
            (Self::Png, Picture::Coloured(image)) => Ok(image.encode(Format::Png, &options)?),
            (Self::Planes(_), Picture::Grey(map)) => Ok(map.to_u8()),
            (Self::Planes(matrix), Picture::Coloured(image)) => Ok(yuv444(image, matrix)),
            (Self::Rows(multiple), Picture::Grey(map)) => Ok(extended(map.to_u8(), map.size(), 1, multiple)),
            (Self::Rows(multiple), Picture::Coloured(image)) => {
                Ok(extended(rgb(image).into_owned(), image.size(), 3, multiple))
            }
        }
    }
}

/// A side that is a multiple.
pub(super) fn multiple_of(multiple: usize, size: Size) -> Size {
    size.map(|side| side.next_multiple_of(multiple))
}

/// Repeats the last column and the last row until sides are multiples.
fn extended(bytes: Vec<u8>, size: Size, samples: usize, multiple: usize) -> Vec<u8> {
    let whole = multiple_of(multiple, size);
    if whole == size {
        return bytes;
    }
    let mut rows = Vec::with_capacity(whole.width * whole.height * samples);
    for row in bytes.chunks_exact(size.width * samples) {
        rows.extend_from_slice(row);
        for _ in size.width..whole.width {
            rows.extend_from_slice(&row[row.len() - samples..]);
        }
    }
    for _ in size.height..whole.height {
        rows.extend_from_within(rows.len() - whole.width * samples..);
    }
    rows
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
        Target::Stdout => Ok(Box::new(Stdout { writer: writer(io::stdout(), &header)?, matrix })),
        Target::Plain(path) => Ok(Box::new(Plain { writer: writer(Growing::new(path)?, &header)?, matrix })),
        Target::Numbered(pattern) => Ok(Box::new(Numbered::new(pattern.clone())?)),
        Target::Film(path) => encode::open(path, size, is_coloured, film, encoding),
    }
}

/// A stream, without a context about errors: a closed pipe is to be known as one.
fn writer<W: Write>(target: W, header: &Header) -> anyhow::Result<Writer<W>> {
    Writer::new(target, header).map_err(plain)
}

/// The system's error, where it is one.
fn plain(error: Y4mError) -> anyhow::Error {
    match error {
        Y4mError::Write(error) => error.into(),
        error => error.into(),
    }
}

/// YUV4MPEG2 for who reads it.
struct Stdout {
    writer: Writer<io::Stdout>,
    matrix: Matrix,
}

impl Sink for Stdout {
    fn form(&self) -> Form {
        Form::Planes(self.matrix)
    }

    fn write(&mut self, frame: Vec<u8>) -> anyhow::Result<bool> {
        self.writer.write(&frame).map_err(plain)?;
        Ok(true)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        Ok(())
    }
}

/// YUV4MPEG2 in a file.
struct Plain {
    writer: Writer<Growing>,
    matrix: Matrix,
}

impl Sink for Plain {
    fn form(&self) -> Form {
        Form::Planes(self.matrix)
    }

    fn write(&mut self, frame: Vec<u8>) -> anyhow::Result<bool> {
        self.writer.write(&frame)?;
        Ok(true)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        Ok(self.writer.into_inner().commit()?)
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

    #[test]
    fn sides_are_made_even_by_repeating_the_last_column_and_row() {
        let size = Size { width: 3, height: 1 };
        assert_eq!(extended(vec![1, 2, 3], size, 1, 2), [1, 2, 3, 3, 1, 2, 3, 3]);
        assert_eq!(extended(vec![1, 2, 3], size, 1, 1), [1, 2, 3]);
        let one = Size { width: 1, height: 1 };
        assert_eq!(extended(vec![7, 8, 9], one, 3, 2), [7, 8, 9].repeat(4));
    }
}
