//! What a stream says of its frames before the first.

use std::fmt;

use super::Y4mError;
use crate::Size;
use crate::video::Rate;

/// What all frames of a stream have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Rows and columns, at least one.
    pub size: Size,
    /// Frames a second; 25 where the stream does not say.
    pub rate: Rate,
    /// Width and height of a pixel, as a ratio; 0:0 where that is unknown.
    pub aspect: (u32, u32),
    /// `p` for whole frames; `t`, `b` or `m` for interlaced ones, `?` where that is unknown.
    pub interlacing: char,
    /// Which samples there are.
    pub chroma: Chroma,
    /// Bits of a sample, 8 to 16; above 8, a sample is two bytes, the lower one first.
    pub bits: u32,
    /// What is black and white.
    pub range: Range,
}

/// How many samples of colour there are for those of brightness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chroma {
    /// None: grey.
    Mono,
    /// One for 2×2.
    C420,
    /// One for 4×1.
    C411,
    /// One for 2×1.
    C422,
    /// As many.
    C444,
}

/// What values mean black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// From 0 to 255 of 8 bits.
    Full,
    /// From 16 to 235 of 8 bits, as in most films.
    Limited,
}

impl Chroma {
    /// Columns and rows that share a sample of colour; `None` for grey.
    pub(super) fn step(self) -> Option<(usize, usize)> {
        match self {
            Self::Mono => None,
            Self::C420 => Some((2, 2)),
            Self::C411 => Some((4, 1)),
            Self::C422 => Some((2, 1)),
            Self::C444 => Some((1, 1)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mono => "mono",
            Self::C420 => "420",
            Self::C411 => "411",
            Self::C422 => "422",
            Self::C444 => "444",
        }
    }
}

impl Header {
    /// That of a film of grey frames, 8 bits, black 0 and white 255, otherwise like another.
    #[must_use]
    pub fn grey(like: &Self) -> Self {
        Self { chroma: Chroma::Mono, bits: 8, range: Range::Full, ..like.clone() }
    }

    /// That of a film of [`yuv444`](super::yuv444) frames, otherwise like another.
    #[must_use]
    pub fn coloured(like: &Self) -> Self {
        Self { chroma: Chroma::C444, bits: 8, range: Range::Limited, ..like.clone() }
    }

    /// Bytes of a frame, without its marker.
    pub fn frame_bytes(&self) -> usize {
        let colour = self.colour_size();
        (self.size.width * self.size.height + 2 * colour.width * colour.height) * self.sample_bytes()
    }

    /// Bytes of a sample.
    pub(super) fn sample_bytes(&self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// Rows and columns of the samples of colour.
    pub(super) fn colour_size(&self) -> Size {
        match self.chroma.step() {
            Some((across, down)) => {
                Size { width: self.size.width.div_ceil(across), height: self.size.height.div_ceil(down) }
            }
            None => Size { width: 0, height: 0 },
        }
    }

    /// Reads the line that a stream begins with, without its end.
    pub(super) fn parse(line: &str, max_pixels: u64) -> Result<Self, Y4mError> {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        if words.next() != Some("YUV4MPEG2") {
            return Err(Y4mError::Format);
        }
        let wrong = |found: &str, expected| Y4mError::Header { found: format!("`{found}`"), expected };
        let mut side = (None, None);
        let mut header = Self {
            size: Size { height: 0, width: 0 },
            rate: Rate { frames: 25, seconds: 1 },
            aspect: (0, 0),
            interlacing: '?',
            chroma: Chroma::C420,
            bits: 8,
            range: Range::Limited,
        };
        let mut range = None;
        for word in words {
            let mut characters = word.chars();
            let (key, value) = (characters.next(), characters.as_str());
            let number = || value.parse().ok().filter(|side| (1..=LONGEST).contains(side));
            match key {
                Some('W') => side.0 = Some(number().ok_or_else(|| wrong(word, "a width such as W640"))?),
                Some('H') => side.1 = Some(number().ok_or_else(|| wrong(word, "a height such as H480"))?),
                // Some programs write F0:0 for a rate that they do not know.
                Some('F') if value != "0:0" => {
                    header.rate =
                        value.parse().map_err(|_| wrong(word, "a frame rate such as F30000:1001"))?;
                }
                Some('I') => header.interlacing = value.chars().next().unwrap_or('?'),
                Some('A') => {
                    let sides =
                        value.split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                    header.aspect = sides.ok_or_else(|| wrong(word, "a pixel's sides such as A1:1"))?;
                }
                Some('C') => (header.chroma, header.bits) = colours(value)?,
                Some('X') => range = range.or(colour_range(value)),
                _ => {}
            }
        }
        let (Some(width), Some(height)) = side else {
            let found = "no width or height".to_owned();
            return Err(Y4mError::Header { found, expected: "both, such as W640 H480" });
        };
        header.size = Size { height, width };
        if width as u64 * height as u64 > max_pixels {
            return Err(Y4mError::TooManyPixels { width, height, max_pixels });
        }
        // Grey is what a picture's pixels are, unless it says otherwise.
        let usual = if header.chroma == Chroma::Mono { Range::Full } else { Range::Limited };
        Ok(Self { range: range.unwrap_or(usual), ..header })
    }
}

impl fmt::Display for Header {
    /// The line that a stream begins with, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size: Size { width, height }, rate, aspect, interlacing, chroma, bits, range } = self;
        write!(f, "YUV4MPEG2 W{width} H{height} F{}:{} I{interlacing}", rate.frames, rate.seconds)?;
        write!(f, " A{}:{} C{}", aspect.0, aspect.1, chroma.name())?;
        match (chroma, bits) {
            (Chroma::C420, 8) => f.write_str("jpeg")?,
            (_, 8) => {}
            (Chroma::Mono, bits) => write!(f, "{bits}")?,
            (_, bits) => write!(f, "p{bits}")?,
        }
        f.write_str(match range {
            Range::Full => " XCOLORRANGE=FULL",
            Range::Limited => " XCOLORRANGE=LIMITED",
        })
    }
}

/// Longest side of a frame.
const LONGEST: usize = 1 << 16;

/// Reads what follows `C`.
fn colours(text: &str) -> Result<(Chroma, u32), Y4mError> {
    let unknown = || Y4mError::Colours { found: text.to_owned() };
    let (name, chroma) = ["mono", "420", "411", "422", "444"]
        .into_iter()
        .zip([Chroma::Mono, Chroma::C420, Chroma::C411, Chroma::C422, Chroma::C444])
        .find(|(name, _)| text.starts_with(name))
        .ok_or_else(unknown)?;
    let rest = &text[name.len()..];
    let bits = match rest {
        "" => 8,
        // Where the samples of colour lie.
        "jpeg" | "mpeg2" | "paldv" if chroma == Chroma::C420 => 8,
        _ => {
            let bits = rest.strip_prefix('p').unwrap_or(rest).parse().map_err(|_| unknown())?;
            if !(9..=16).contains(&bits) {
                return Err(unknown());
            }
            bits
        }
    };
    Ok((chroma, bits))
}

/// Reads what follows `X`.
fn colour_range(text: &str) -> Option<Range> {
    match text {
        "COLORRANGE=FULL" => Some(Range::Full),
        "COLORRANGE=LIMITED" => Some(Range::Limited),
        _ => None,
    }
}
