//! Frames of YUV4MPEG2 streams.

use std::io::Read;
use std::sync::Arc;

use pidinet::video::y4m::{Header, Matrix, Reader, Y4mError};

use super::frame::{Frame, Kind};
use super::source::{Ending, Film, Frames, Next, Opened, Request};

/// A stream.
pub(super) struct Stream<R> {
    reader: Reader<R>,
    header: Arc<Header>,
    matrix: Matrix,
    /// Frames that are not wanted.
    skip: u64,
    /// Frames that are wanted then.
    left: u64,
}

impl<R: Read + Send + 'static> Stream<R> {
    /// Opens a stream of so many bytes, if that is known.
    pub(super) fn open(source: R, bytes: Option<u64>, request: &Request) -> anyhow::Result<Opened> {
        let reader = Reader::new(source, request.max_pixels)?;
        let header = Arc::new(reader.header().clone());
        if matches!(header.interlacing, 't' | 'b' | 'm') {
            log::warn!(
                "the film is interlaced, which shows as combs of edges: use ffmpeg's filter yadif first"
            );
        }
        let matrix = request.matrix.unwrap_or_else(|| Matrix::likely(header.size.height));
        let span = request.span;
        let skip = header.rate.frames_in(span.start);
        let left = span.duration.map_or(u64::MAX, |duration| header.rate.frames_in(duration));
        // Frames and their markers; the header is shorter than the first frame, or there are only few.
        let frames = bytes.map(|bytes| bytes / (header.frame_bytes() as u64 + 6));
        let film = Film {
            rate: header.rate,
            aspect: header.aspect,
            matrix: Some(matrix),
            total: match frames {
                Some(frames) => Some(frames.saturating_sub(skip).min(left)),
                None => Some(left).filter(|&left| left < u64::MAX),
            },
            is_live: false,
            rest: None,
        };
        Ok(Opened { film, frames: Box::new(Self { reader, header, matrix, skip, left }) })
    }

    fn read(&mut self) -> Result<Option<Frame>, Y4mError> {
        let mut bytes = Vec::new();
        while self.skip > 0 {
            if !self.reader.read(&mut bytes)? {
                return Ok(None);
            }
            self.skip -= 1;
        }
        if self.left == 0 || !self.reader.read(&mut bytes)? {
            return Ok(None);
        }
        self.left -= 1;
        Ok(Some(Frame { bytes, kind: Kind::Yuv(Arc::clone(&self.header), self.matrix) }))
    }
}

impl<R: Read + Send + 'static> Frames for Stream<R> {
    fn next(&mut self) -> anyhow::Result<Next> {
        match self.read() {
            Ok(Some(frame)) => Ok(Next::Frame(frame)),
            Ok(None) => Ok(Next::End),
            Err(error @ Y4mError::CutShort { .. }) => Ok(Next::Cut(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    fn ending(&self) -> Ending {
        Arc::new(|| {})
    }
}
