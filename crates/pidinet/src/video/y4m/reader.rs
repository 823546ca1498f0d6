//! A stream to frames.

use std::io::{BufRead, BufReader, ErrorKind, Read};

use super::{Header, Y4mError};

/// Most bytes of a line.
const LINE: u64 = 4096;

/// Reads a stream frame by frame.
#[derive(Debug)]
pub struct Reader<R> {
    source: BufReader<R>,
    header: Header,
    frames: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is none of such a stream, or frames have more than `max_pixels` pixels.
    pub fn new(source: R, max_pixels: u64) -> Result<Self, Y4mError> {
        let mut source = BufReader::new(source);
        let line = line(&mut source)?.ok_or(Y4mError::Empty)?;
        let line = std::str::from_utf8(&line).map_err(|_| Y4mError::Format)?;
        Ok(Self { header: Header::parse(line, max_pixels)?, source, frames: 0 })
    }

    /// What the stream says of its frames.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the samples of the next frame into `frame`, plane by plane; false at the end.
    ///
    /// # Errors
    ///
    /// If the stream cannot be read, is damaged, or ends within a frame.
    pub fn read(&mut self, frame: &mut Vec<u8>) -> Result<bool, Y4mError> {
        let Some(marker) = line(&mut self.source)? else { return Ok(false) };
        let number = self.frames + 1;
        if !(marker == b"FRAME" || marker.starts_with(b"FRAME ")) {
            let is_cut = b"FRAME".starts_with(&marker);
            return Err(if is_cut {
                Y4mError::CutShort { frame: number }
            } else {
                Y4mError::Marker { frame: number }
            });
        }
        let bytes = self.header.frame_bytes();
        frame.clear();
        // The first frame grows as it comes: a header may lie, and memory is only taken for what is there.
        if self.frames > 0 {
            frame.reserve_exact(bytes);
        }
        let found = self.source.by_ref().take(bytes as u64).read_to_end(frame).map_err(Y4mError::Read)?;
        if found < bytes {
            return Err(Y4mError::CutShort { frame: number });
        }
        self.frames = number;
        Ok(true)
    }
}

/// A line without its end; `None` if nothing more comes.
fn line(source: &mut impl BufRead) -> Result<Option<Vec<u8>>, Y4mError> {
    let mut line = Vec::new();
    let found = source.take(LINE).read_until(b'\n', &mut line);
    match found {
        Ok(0) => return Ok(None),
        Ok(_) => {}
        // A device that is gone.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(Y4mError::Read(error)),
    }
    line.pop_if(|last| *last == b'\n');
    Ok(Some(line))
}
