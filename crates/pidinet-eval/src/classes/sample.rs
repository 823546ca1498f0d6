//! An image of a data set, before it is read.

use std::sync::Arc;

use super::content::{Content, File};

/// An image that is not read yet.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Its path in the folder or archive.
    pub(super) name: String,
    pub(super) class: usize,
    pub(super) pixels: Pixels,
}

#[derive(Clone, Debug)]
pub(super) enum Pixels {
    /// An image file.
    Encoded(Content),
    /// 32×32 pixels, one colour after the other, at a place in a file.
    Planes { file: Arc<[u8]>, start: usize },
}

/// Describes the files found instead of the expected ones.
pub(super) fn example(files: &[File]) -> String {
    files.first().map_or("no image".to_owned(), |file| format!("files such as {}", file.name))
}
