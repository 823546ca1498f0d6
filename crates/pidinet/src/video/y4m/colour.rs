//! Brightness and differences of colour to red, green, blue, and back.

use std::str::FromStr;

use super::{Chroma, Header, Range, Y4mError};
use crate::UnknownName;
use crate::image::{Image, PixelFormat, PixelLayout, Pixels, Sample};

/// How red, green and blue make up brightness. A stream does not say; most films of less than 720 rows use the older
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// Rec. 601: standard definition.
    Bt601,
    /// Rec. 709: high definition.
    Bt709,
}

impl Matrix {
    /// What a film of so many rows most likely uses.
    pub fn likely(rows: usize) -> Self {
        if rows < 720 { Self::Bt601 } else { Self::Bt709 }
    }

    /// Shares of red and blue in brightness.
    fn shares(self) -> (f32, f32) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
        }
    }
}

impl FromStr for Matrix {
    type Err = UnknownName;

    /// Reads `bt601` or `bt709`.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "bt601" => Ok(Self::Bt601),
            "bt709" => Ok(Self::Bt709),
            _ => Err(UnknownName::new("a matrix", text, "bt601 or bt709")),
        }
    }
}

impl Header {
    /// A frame as an image: 8 bits where the frame has 8, else 16. A sample of colour counts for all pixels that share it.
    ///
    /// # Errors
    ///
    /// If the frame has another number of bytes than this header says.
    pub fn image(&self, frame: &[u8], matrix: Matrix) -> Result<Image, Y4mError> {
        let expected = self.frame_bytes();
        if frame.len() != expected {
            return Err(Y4mError::Length { found: frame.len(), expected });
        }
        if (self.chroma, self.bits, self.range) == (Chroma::Mono, 8, Range::Full) {
            return Ok(Image::from_u8(frame, &PixelLayout::packed(self.size, PixelFormat::Grey))?);
        }
        let rgb = PixelLayout::packed(self.size, PixelFormat::Rgb);
        if self.bits == 8 {
            let sample = |at: usize| f32::from(frame[at]);
            return Ok(Image::from_u8(&self.rgb::<u8>(sample, matrix), &rgb)?);
        }
        let sample = |at: usize| f32::from(u16::from_le_bytes([frame[2 * at], frame[2 * at + 1]]));
        Ok(Image::from_u16(&self.rgb::<u16>(sample, matrix), &rgb)?)
    }

    /// The pixels, from a function that knows the samples.
    fn rgb<S: Sample>(&self, sample: impl Fn(usize) -> f32, matrix: Matrix) -> Vec<S> {
        let (width, height) = (self.size.width, self.size.height);
        let levels = Levels::of(self.range, self.bits);
        let (red, blue) = matrix.shares();
        let green = 1.0 - red - blue;
        let (colours, step) = (self.colour_size(), self.chroma.step());
        let (cb, cr) = (width * height, width * height + colours.width * colours.height);
        let luma = |at: usize| (sample(at) - levels.black) / levels.white;
        // What is added to brightness.
        let colour = |at: usize| {
            let difference = |plane: usize| (sample(plane + at) - levels.middle) / levels.colour;
            let (b, r) = (difference(cb) * 2.0 * (1.0 - blue), difference(cr) * 2.0 * (1.0 - red));
            [r, -(b * blue + r * red) / green, b]
        };
        let mut pixels = Vec::with_capacity(3 * width * height);
        let mut push = |luma: f32, colour: [f32; 3]| {
            pixels.extend(colour.map(|colour| S::from_unit((luma + colour).clamp(0.0, 1.0))));
        };
        for y in 0..height {
            let row = y * width;
            let Some((across, down)) = step else {
                (row..row + width).for_each(|at| push(luma(at), [0.0; 3]));
                continue;
            };
            for shared in 0..colours.width {
                let colour = colour(y / down * colours.width + shared);
                let columns = shared * across..((shared + 1) * across).min(width);
                columns.for_each(|x| push(luma(row + x), colour));
            }
        }
        pixels
    }
}

/// An image as a frame of [`Chroma::C444`] in 8 bits, of limited range: brightness, then the differences of blue and red.
pub fn yuv444(image: &Image, matrix: Matrix) -> Vec<u8> {
    let (red, blue) = matrix.shares();
    let levels = Levels::of(Range::Limited, 8);
    let count = image.width() * image.height();
    let mut frame = vec![0; 3 * count];
    let (luma, colours) = frame.split_at_mut(count);
    let (cb, cr) = colours.split_at_mut(count);
    let mut put = |at: usize, [r, g, b]: [f32; 3]| {
        let y = red * r + (1.0 - red - blue) * g + blue * b;
        let byte = |value: f32| value.round() as u8; // saturates
        luma[at] = byte(levels.black + levels.white * y);
        cb[at] = byte(levels.middle + levels.colour * (b - y) / (2.0 * (1.0 - blue)));
        cr[at] = byte(levels.middle + levels.colour * (r - y) / (2.0 * (1.0 - red)));
    };
    match image.pixels() {
        Pixels::U8(data) => units(data).enumerate().for_each(|(at, rgb)| put(at, rgb)),
        Pixels::U16(data) => units(data).enumerate().for_each(|(at, rgb)| put(at, rgb)),
        Pixels::F32(data) => units(data).enumerate().for_each(|(at, rgb)| put(at, rgb)),
    }
    frame
}

/// Pixels with black as 0 and white as 1.
fn units<S: Sample>(data: &[S]) -> impl Iterator<Item = [f32; 3]> + '_ {
    data.as_chunks::<3>().0.iter().map(|pixel| pixel.map(Sample::unit))
}

/// What values mean.
struct Levels {
    /// Black.
    black: f32,
    /// From black to white.
    white: f32,
    /// No colour.
    middle: f32,
    /// From one extreme of a difference of colour to the other.
    colour: f32,
}

impl Levels {
    fn of(range: Range, bits: u32) -> Self {
        let unit = 2f32.powi(bits as i32 - 8);
        match range {
            Range::Limited => {
                Self { black: 16.0 * unit, white: 219.0 * unit, middle: 128.0 * unit, colour: 224.0 * unit }
            }
            Range::Full => {
                let most = 2f32.powi(bits as i32) - 1.0;
                Self { black: 0.0, white: most, middle: 128.0 * unit, colour: most }
            }
        }
    }
}
