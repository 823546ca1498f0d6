//! Images at another size.
//!
//! One separable resampling serves both filters: input rows are first summed with weights into one row,
//! then each output pixel is a weighted sum of neighbours in that row. Only one row of floats is kept
//! between input and output.

use super::pixels::{Image, Pixels};
use super::sample::Sample;
use crate::size::Size;

impl Image {
    /// The image at another size, for multi-scale detection: bilinear between pixel centres without
    /// antialiasing, as OpenCV's `INTER_LINEAR` and PyTorch's `align_corners=False` do. The result is
    /// in floats.
    ///
    /// # Panics
    ///
    /// If a side is 0.
    #[must_use]
    pub fn resized(&self, size: Size) -> Self {
        bilinear(self, size)
    }

    /// The image shrunk so that its longer side is `max_side`, in the same depth and antialiased (a
    /// triangle filter); unchanged if it is not longer.
    ///
    /// # Panics
    ///
    /// If `max_side` is 0.
    #[must_use]
    pub fn fitted(self, max_side: usize) -> Self {
        fitted(self, max_side)
    }

    /// The image resized, in the same depth and antialiased (a triangle filter), so that its shorter side
    /// is `side`; unchanged if it already is.
    ///
    /// # Panics
    ///
    /// If `side` is 0.
    #[must_use]
    pub fn covering(self, side: usize) -> Self {
        covering(self, side)
    }
}

/// Bilinear between pixel centres, without antialiasing; floats.
fn bilinear(image: &Image, Size { height, width }: Size) -> Image {
    assert!(width > 0 && height > 0, "an image has pixels");
    let taps = Taps { across: bilinear_taps(image.width, width), down: bilinear_taps(image.height, height) };
    let pixels = match &image.pixels {
        Pixels::U8(data) => taps.resample(data, image.width),
        Pixels::U16(data) => taps.resample(data, image.width),
        Pixels::F32(data) => taps.resample(data, image.width),
    };
    Image { width, height, pixels: Pixels::F32(pixels) }
}

/// The image with its longer side at most `max_side`, antialiased.
fn fitted(image: Image, max_side: usize) -> Image {
    assert!(max_side > 0, "an image has pixels");
    let longer = image.width.max(image.height);
    if longer <= max_side {
        return image;
    }
    let side = |side: usize| ((side as f64 * max_side as f64 / longer as f64).round() as usize).max(1);
    antialiased(&image, image.size().map(side))
}

/// The image with its shorter side `side` pixels long, antialiased.
fn covering(image: Image, side: usize) -> Image {
    assert!(side > 0, "an image has pixels");
    let shorter = image.width.min(image.height);
    if shorter == side {
        return image;
    }
    let scaled = |length: usize| ((length as f64 * side as f64 / shorter as f64) as usize).max(side);
    antialiased(&image, image.size().map(scaled))
}

fn antialiased(image: &Image, Size { height, width }: Size) -> Image {
    let taps = Taps { across: triangle_taps(image.width, width), down: triangle_taps(image.height, height) };
    let pixels = match &image.pixels {
        Pixels::U8(data) => Pixels::U8(taps.resample(data, image.width)),
        Pixels::U16(data) => Pixels::U16(taps.resample(data, image.width)),
        Pixels::F32(data) => Pixels::F32(taps.resample(data, image.width)),
    };
    Image { width, height, pixels }
}

/// The inputs of one output position: input positions from `first` on, with their weights.
#[derive(Debug, PartialEq)]
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

/// Taps of PyTorch's `align_corners=False`: the output's pixel centres are spaced evenly over the
/// input, and those beyond the outermost input centres take the nearest one.
fn bilinear_taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f32 / to as f32;
    let tap = |position: usize| {
        let centre = ((position as f32 + 0.5) * scale - 0.5).max(0.0);
        let first = (centre as usize).min(from - 1);
        let second = centre - first as f32;
        let weights = if first + 1 < from { vec![1.0 - second, second] } else { vec![1.0] };
        Tap { first, weights }
    };
    (0..to).map(tap).collect()
}

/// Taps of a triangle as wide as the reduction: two output pixels on each side of the centre's; where the image
/// grows, two input pixels.
fn triangle_taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let tap = |position: usize| {
        let centre = (position as f64 + 0.5) * scale;
        let reach = scale.max(1.0);
        let first = (centre - reach).floor().max(0.0) as usize;
        let end = ((centre + reach).ceil() as usize).min(from);
        let weight = |input: usize| (1.0 - ((input as f64 + 0.5 - centre) / reach).abs()).max(0.0);
        let sum: f64 = (first..end).map(weight).sum();
        Tap { first, weights: (first..end).map(|input| (weight(input) / sum) as f32).collect() }
    };
    (0..to).map(tap).collect()
}

/// The taps of every column and every row of the output.
struct Taps {
    across: Vec<Tap>,
    down: Vec<Tap>,
}

impl Taps {
    fn resample<S: Sample, D: Sample>(&self, source: &[S], width: usize) -> Vec<D> {
        let mut result = Vec::with_capacity(3 * self.across.len() * self.down.len());
        let mut row = vec![0f32; 3 * width];
        for down in &self.down {
            row.fill(0.0);
            let rows = source[3 * width * down.first..].chunks_exact(3 * width);
            for (weight, source) in down.weights.iter().zip(rows) {
                for (sum, sample) in row.iter_mut().zip(source) {
                    *sum += weight * sample.unit();
                }
            }
            let (pixels, _) = row.as_chunks::<3>();
            for across in &self.across {
                let mut sum = [0f32; 3];
                for (weight, pixel) in across.weights.iter().zip(&pixels[across.first..]) {
                    for colour in 0..3 {
                        sum[colour] += weight * pixel[colour];
                    }
                }
                result.extend(sum.map(D::from_unit));
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PixelFormat, PixelLayout};
    use super::*;
    use crate::Result;

    fn grey(width: usize, height: usize, data: &[f32]) -> Result<Image> {
        Image::from_f32(data, &PixelLayout::packed(Size { height, width }, PixelFormat::Grey))
    }

    fn greys(image: &Image) -> Vec<f32> {
        let Pixels::F32(data) = image.pixels() else { panic!("floats") };
        data.iter().copied().step_by(3).collect()
    }

    /// `torch.nn.functional.interpolate(x, (3, 5), mode="bilinear", align_corners=False)`, printed.
    #[test]
    fn bilinear_is_that_of_pytorch() -> Result<()> {
        let source = grey(3, 2, &[0.0, 1.0, 0.5, 0.25, 0.75, 0.125])?;
        let want = [
            0.0, 0.4, 1.0, 0.7, 0.5, //
            0.125, 0.425, 0.875, 0.5375, 0.3125, //
            0.25, 0.45, 0.75, 0.375, 0.125,
        ];
        for (got, want) in greys(&source.resized(Size { height: 3, width: 5 })).iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} for {want}"); // a few roundings of values up to 1
        }
        Ok(())
    }

    #[test]
    fn the_same_size_is_the_same_image() -> Result<()> {
        let pixels: Vec<u8> = (0..27).map(|i| i * 9).collect();
        let image = Image::from_u8(&pixels, &PixelLayout::packed(Size::square(3), PixelFormat::Rgb))?;
        let same = image.resized(Size::square(3));
        for (x, y) in (0..9).map(|i| (i % 3, i / 3)) {
            assert_eq!(same.rgb(x, y), image.rgb(x, y));
        }
        assert_eq!(image.clone().fitted(3), image);
        Ok(())
    }

    #[test]
    fn shrinking_averages() -> Result<()> {
        // Stripes finer than the output: without antialiasing they would produce a moiré pattern.
        let stripes: Vec<u8> = (0..64 * 8).map(|i| if i % 2 == 0 { 0 } else { 200 }).collect();
        let image =
            Image::from_u8(&stripes, &PixelLayout::packed(Size { height: 8, width: 64 }, PixelFormat::Grey))?
                .fitted(16);
        assert_eq!((image.width(), image.height()), (16, 2));
        let Pixels::U8(data) = image.pixels() else { panic!("the depth is kept") };
        // At the border the triangle is cut off, so that one stripe colour weighs a little more.
        assert!(data.iter().all(|&grey| (93..=107).contains(&grey)), "{data:?}");
        assert_eq!(data[3..45], [100; 42]);
        Ok(())
    }

    #[test]
    fn a_line_keeps_a_pixel() -> Result<()> {
        let image = grey(1000, 1, &[0.5; 1000])?.fitted(10);
        assert_eq!((image.width(), image.height()), (10, 1));
        assert!(greys(&image).iter().all(|&value| (value - 0.5).abs() < 1e-6));
        Ok(())
    }
}
