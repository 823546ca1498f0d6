//! From the samples kept of each pixel to RGB on white.

use super::layout::used;
use super::layout::{Alpha, Colour, Layout, Packing};
use crate::image::sample::{Sample, to_rgb};

/// What a depth must do to become RGB.
pub(super) trait Coloured: Sample {
    /// White becomes black.
    fn inverted(self) -> Self;

    /// This colour, already multiplied by the opacity `alpha`, on white: `self + (1 - alpha) * white`.
    fn premultiplied_over_white(self, alpha: Self) -> Self;

    /// Ink on white paper, as the decoder of other formats has it, rounded down.
    fn from_cmyk(ink: [Self; 4]) -> [Self; 3];

    /// As an index into a palette.
    fn index(self) -> usize;

    /// A colour of a palette.
    fn from_16_bits(value: u16) -> Self;
}

impl Coloured for u8 {
    fn inverted(self) -> Self {
        !self
    }
    fn premultiplied_over_white(self, alpha: Self) -> Self {
        self.saturating_add(Self::MAX - alpha)
    }
    fn from_cmyk([c, m, y, k]: [Self; 4]) -> [Self; 3] {
        let light = 1.0 - f32::from(k) / 255.0;
        [c, m, y].map(|ink| ((255.0 - f32::from(ink)) * light) as Self)
    }
    fn index(self) -> usize {
        self.into()
    }
    fn from_16_bits(value: u16) -> Self {
        (value >> 8) as Self
    }
}

impl Coloured for u16 {
    fn inverted(self) -> Self {
        !self
    }
    fn premultiplied_over_white(self, alpha: Self) -> Self {
        self.saturating_add(Self::MAX - alpha)
    }
    fn from_cmyk([c, m, y, k]: [Self; 4]) -> [Self; 3] {
        let light = 1.0 - f32::from(k) / 65535.0;
        [c, m, y].map(|ink| ((65535.0 - f32::from(ink)) * light) as Self)
    }
    fn index(self) -> usize {
        self.into()
    }
    fn from_16_bits(value: u16) -> Self {
        value
    }
}

impl Coloured for f32 {
    fn inverted(self) -> Self {
        1.0 - self
    }
    fn premultiplied_over_white(self, alpha: Self) -> Self {
        (self + (1.0 - alpha)).min(1.0)
    }
    fn from_cmyk([c, m, y, k]: [Self; 4]) -> [Self; 3] {
        [c, m, y].map(|ink| (1.0 - ink) * (1.0 - k))
    }
    fn index(self) -> usize {
        self as usize
    }
    fn from_16_bits(value: u16) -> Self {
        value.unit()
    }
}

/// Whether the colours of a palette have only 8 bits: `257 v` or, as some programs write them, `256 v`.
pub(super) fn is_8_bit(colours: &[Vec<u16>; 3]) -> bool {
    let all = |low: fn(u16) -> u16| colours.iter().flatten().all(|&value| value % 256 == low(value / 256));
    all(|high| high) || all(|_| 0)
}

/// Turns the samples kept of each pixel into RGB, in place.
pub(super) fn colours<S: Coloured>(layout: &Layout, data: &mut Vec<S>) {
    let pixels = layout.width * layout.height;
    let mut channels = used(layout);
    match &layout.colour {
        Colour::Grey { inverted: true } => {
            data[..pixels * channels].iter_mut().step_by(channels).for_each(|grey| *grey = grey.inverted());
        }
        Colour::Grey { .. } | Colour::Rgb => {}
        Colour::Palette(palette) => {
            // Pixels grow, so work from the last to the first: nothing is overwritten before it is read.
            for pixel in (0..pixels).rev() {
                let index = data[pixel].index();
                let colour = palette.each_ref().map(|channel| S::from_16_bits(channel[index]));
                data[3 * pixel..][..3].copy_from_slice(&colour);
            }
            channels = 3;
        }
        Colour::Cmyk => {
            for pixel in 0..pixels {
                let ink = std::array::from_fn(|k| data[4 * pixel + k]);
                data[3 * pixel..][..3].copy_from_slice(&S::from_cmyk(ink));
            }
            data.truncate(3 * pixels);
            channels = 3;
        }
        // JPEG decoders return RGB.
        Colour::YCbCr { .. } if layout.packing == Packing::Jpeg && !layout.planes => {}
        Colour::YCbCr { weights, black_white, .. } => {
            for pixel in data.chunks_exact_mut(channels) {
                let unit = rgb([pixel[0], pixel[1], pixel[2]].map(Sample::unit), weights, black_white);
                pixel[..3].copy_from_slice(&unit.map(S::from_unit));
            }
        }
    }
    if layout.alpha == Alpha::Associated {
        for pixel in data.chunks_exact_mut(channels).take(pixels) {
            let [colours @ .., alpha] = pixel else { unreachable!("a pixel has opacity") };
            colours.iter_mut().for_each(|colour| *colour = colour.premultiplied_over_white(*alpha));
            *alpha = S::from_unit(1.0);
        }
    }
    to_rgb(data, channels);
}

/// Luma and two differences, as shares of the greatest number, to RGB (TIFF 6.0, section 21).
fn rgb(code: [f32; 3], weights: &[f32; 3], black_white: &[f32; 6]) -> [f32; 3] {
    let full = |k: usize, span: f32| {
        let (black, white) = (black_white[2 * k], black_white[2 * k + 1]);
        if white == black { 0.0 } else { (255.0 * code[k] - black) * span / (white - black) / 255.0 }
    };
    let [of_red, of_green, of_blue] = *weights;
    let (luma, blue, red) = (full(0, 255.0), full(1, 127.0), full(2, 127.0));
    let r = luma + red * (2.0 - 2.0 * of_red);
    let b = luma + blue * (2.0 - 2.0 * of_blue);
    let g = if of_green == 0.0 { luma } else { (luma - of_blue * b - of_red * r) / of_green };
    [r, g, b].map(|value| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 })
}
