//! A frame of a film, as it comes.

use std::sync::Arc;

use pidinet::Size;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::video::y4m::{Header, Matrix};

/// A frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: Kind,
}

/// What the bytes of a frame are.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Red, green, blue.
    Rgb(Size),
    /// Of a YUV4MPEG2 stream.
    Yuv(Arc<Header>, Matrix),
}

impl Frame {
    pub(super) fn image(&self) -> anyhow::Result<Image> {
        match &self.kind {
            Kind::Rgb(size) => {
                let layout = PixelLayout::packed(*size, PixelFormat::Rgb);
                Ok(Image::from_u8(&self.bytes, &layout)?)
            }
            Kind::Yuv(header, matrix) => Ok(header.image(&self.bytes, *matrix)?),
        }
    }
}
