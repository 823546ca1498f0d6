//! Frames to a stream.

use std::io::Write;

use super::{Header, Y4mError};

/// Writes a stream frame by frame.
#[derive(Debug)]
pub struct Writer<W> {
    target: W,
    bytes: usize,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn new(mut target: W, header: &Header) -> Result<Self, Y4mError> {
        target.write_all(format!("{header}\n").as_bytes()).map_err(Y4mError::Write)?;
        Ok(Self { target, bytes: header.frame_bytes() })
    }

    /// Writes the samples of a frame, plane by plane, and sends them on their way.
    ///
    /// # Errors
    ///
    /// If they cannot be written, or are not as many as the header says.
    pub fn write(&mut self, frame: &[u8]) -> Result<(), Y4mError> {
        if frame.len() != self.bytes {
            return Err(Y4mError::Length { found: frame.len(), expected: self.bytes });
        }
        let mut write = || {
            self.target.write_all(b"FRAME\n")?;
            self.target.write_all(frame)?;
            self.target.flush()
        };
        write().map_err(Y4mError::Write)
    }

    /// What it is written to.
    pub fn into_inner(self) -> W {
        self.target
    }
}
