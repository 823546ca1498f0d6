//! What can be wrong with a stream.

/// Why a YUV4MPEG2 stream could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Y4mError {
    /// The stream could not be read.
    #[error("cannot read the stream")]
    Read(#[source] std::io::Error),

    /// The stream could not be written.
    #[error("cannot write the stream")]
    Write(#[source] std::io::Error),

    /// Nothing is there at all.
    #[error("the stream is empty, expected YUV4MPEG2")]
    Empty,

    /// It is something else.
    #[error(
        "not a YUV4MPEG2 stream; a film in another format is given by its name, or goes through \
             ffmpeg -i FILM -f yuv4mpegpipe - first"
    )]
    Format,

    /// A part of the header cannot be read, or is missing.
    #[error("the header has {found}, expected {expected}")]
    Header {
        /// What is there.
        found: String,
        /// What would do.
        expected: &'static str,
    },

    /// Colours that are not read.
    #[error(
        "colours `{found}` are not read, only mono, 420, 411, 422 and 444 of 8 to 16 bits: convert them with \
             ffmpeg's -pix_fmt yuv420p"
    )]
    Colours {
        /// What the header says.
        found: String,
    },

    /// Frames have more pixels than allowed.
    #[error("frames are {width}x{height}, and the limit is {:.1} megapixels", *max_pixels as f64 / 1e6)]
    TooManyPixels {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// The limit.
        max_pixels: u64,
    },

    /// Something else is where a frame should begin.
    #[error("frame {frame} does not begin with FRAME: the stream is damaged")]
    Marker {
        /// The frame, from 1.
        frame: u64,
    },

    /// The stream ends within a frame.
    #[error("the stream is cut short in frame {frame}")]
    CutShort {
        /// The frame, from 1.
        frame: u64,
    },

    /// A frame has another number of bytes than the header says.
    #[error("a frame has {found} bytes, expected {expected}")]
    Length {
        /// What is there.
        found: usize,
        /// What the header says.
        expected: usize,
    },

    /// A frame cannot become an image.
    #[error(transparent)]
    Image(#[from] crate::Error),
}
