//! Where frames come from.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use pidinet::video::Rate;
use pidinet::video::y4m::Matrix;

use super::frame::Frame;
use super::seconds::Span;

/// What is to be read.
pub(super) struct Request<'a> {
    pub(super) input: &'a Path,
    /// For ffmpeg.
    pub(super) format: Option<&'a str>,
    pub(super) span: Span,
    /// Of YUV4MPEG2.
    pub(super) matrix: Option<Matrix>,
    /// Of a frame.
    pub(super) max_pixels: u64,
}

/// A film that is open.
pub(super) struct Opened {
    pub(super) film: Film,
    pub(super) frames: Box<dyn Frames>,
}

/// What is known of a film, except its frames.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Film {
    pub(super) rate: Rate,
    /// Width and height of a pixel; 0:0 if unknown.
    pub(super) aspect: (u32, u32),
    /// How its colours were made, if it says so.
    pub(super) matrix: Option<Matrix>,
    /// How many frames there will be, if that is known.
    pub(super) total: Option<u64>,
    /// Whether it is a camera or a stream, without an end.
    pub(super) is_live: bool,
    /// Where sound and titles are, if there are any to be copied.
    pub(super) rest: Option<Rest>,
}

/// What a film has beside its frames, for ffmpeg to copy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rest {
    pub(super) name: OsString,
    pub(super) format: Option<String>,
    pub(super) span: Span,
}

/// Frames, one after the other.
pub(super) trait Frames: Send {
    fn next(&mut self) -> anyhow::Result<Next>;

    /// What makes them end soon, from anywhere.
    fn ending(&self) -> Ending;
}

/// What makes frames end.
pub(super) type Ending = Arc<dyn Fn() + Send + Sync>;

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Frame(Frame),
    End,
    /// The end, before it should come, and why.
    Cut(String),
}

impl Opened {
    /// The first frame; `None` if there is none.
    pub(super) fn first(&mut self) -> anyhow::Result<Option<Frame>> {
        match self.frames.next()? {
            Next::Frame(frame) => Ok(Some(frame)),
            Next::End => Ok(None),
            Next::Cut(why) => Err(anyhow::anyhow!(why)),
        }
    }
}
