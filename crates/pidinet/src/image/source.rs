//! Where the bytes of an image file are. One type for all places, so that decoders are compiled once.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Result, Seek, SeekFrom};

/// An image file.
#[derive(Debug)]
pub(super) enum Source<'a> {
    File(BufReader<File>),
    Memory(Cursor<&'a [u8]>),
}

impl<'a> Source<'a> {
    pub(super) fn file(file: File) -> Self {
        Self::File(BufReader::with_capacity(1 << 16, file))
    }

    pub(super) fn memory(bytes: &'a [u8]) -> Self {
        Self::Memory(Cursor::new(bytes))
    }
}

impl Read for Source<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        match self {
            Self::File(file) => file.read(bytes),
            Self::Memory(memory) => memory.read(bytes),
        }
    }

    fn read_exact(&mut self, bytes: &mut [u8]) -> Result<()> {
        match self {
            Self::File(file) => file.read_exact(bytes),
            Self::Memory(memory) => memory.read_exact(bytes),
        }
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> Result<usize> {
        match self {
            Self::File(file) => file.read_to_end(bytes),
            Self::Memory(memory) => memory.read_to_end(bytes),
        }
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        match self {
            Self::File(file) => file.fill_buf(),
            Self::Memory(memory) => memory.fill_buf(),
        }
    }

    fn consume(&mut self, bytes: usize) {
        match self {
            Self::File(file) => file.consume(bytes),
            Self::Memory(memory) => memory.consume(bytes),
        }
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(memory) => memory.seek(to),
        }
    }

    fn stream_position(&mut self) -> Result<u64> {
        match self {
            Self::File(file) => file.stream_position(),
            Self::Memory(memory) => memory.stream_position(),
        }
    }
}
