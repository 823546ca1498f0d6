//! YUV4MPEG2 (`.y4m`): films of plain frames, to go through a pipe from one program to the next.
//!
//! ```
//! use pidinet::video::y4m::{Header, Matrix, Reader, Writer};
//!
//! let film = b"YUV4MPEG2 W2 H1 F25:1 Cmono XCOLORRANGE=FULL\nFRAME\n\x00\xffFRAME\n\x80\x80";
//! let mut reader = Reader::new(&film[..], 1_000_000)?;
//! let mut written = Vec::new();
//! let mut writer = Writer::new(&mut written, &Header::grey(reader.header()))?;
//! let mut frame = Vec::new();
//! while reader.read(&mut frame)? {
//!     let image = reader.header().image(&frame, Matrix::Bt601)?;
//!     assert_eq!((image.width(), image.height()), (2, 1));
//!     writer.write(&frame)?;
//! }
//! assert_eq!(written.len(), film.len() + " Ip A0:0".len());
//! # Ok::<(), pidinet::video::y4m::Y4mError>(())
//! ```

mod colour;
mod error;
mod header;
mod reader;
mod writer;

pub use colour::{Matrix, yuv444};
pub use error::Y4mError;
pub use header::{Chroma, Header, Range};
pub use reader::Reader;
pub use writer::Writer;

#[cfg(test)]
mod tests;
