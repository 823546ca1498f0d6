//! How frames are taken.

use pidinet::Size;
use pidinet::save::{Format, SaveOptions};
use pidinet::video::y4m::{Matrix, yuv444};

use super::look::{Picture, rgb};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_made_even_by_repeating_the_last_column_and_row() {
        let size = Size { width: 3, height: 1 };
        assert_eq!(extended(vec![1, 2, 3], size, 1, 2), [1, 2, 3, 3, 1, 2, 3, 3]);
        assert_eq!(extended(vec![1, 2, 3], size, 1, 1), [1, 2, 3]);
        let one = Size { width: 1, height: 1 };
        assert_eq!(extended(vec![7, 8, 9], one, 3, 2), [7, 8, 9].repeat(4));
    }
}
