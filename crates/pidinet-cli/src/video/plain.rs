//! YUV4MPEG2, which is written without ffmpeg.

use std::io;
use std::path::Path;

use pidinet::save::Growing;
use pidinet::video::y4m::{Header, Matrix, Writer, Y4mError};

use super::sink::{Form, Sink};

/// The system's error, where it is one: a closed pipe is to be known as one.
fn plain(error: Y4mError) -> anyhow::Error {
    match error {
        Y4mError::Write(error) => error.into(),
        error => error.into(),
    }
}

/// YUV4MPEG2 on standard output.
pub(super) struct Stdout {
    writer: Writer<io::Stdout>,
    matrix: Matrix,
}

impl Stdout {
    pub(super) fn new(header: &Header, matrix: Matrix) -> anyhow::Result<Self> {
        Ok(Self { writer: Writer::new(io::stdout(), header).map_err(plain)?, matrix })
    }
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
pub(super) struct Plain {
    writer: Writer<Growing>,
    matrix: Matrix,
}

impl Plain {
    pub(super) fn new(path: &Path, header: &Header, matrix: Matrix) -> anyhow::Result<Self> {
        Ok(Self { writer: Writer::new(Growing::new(path)?, header)?, matrix })
    }
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
