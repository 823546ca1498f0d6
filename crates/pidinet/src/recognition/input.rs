//! From an image to the network's input.

use crate::Size;
use crate::image::{Image, PixelFormat, PixelLayout, Pixels};
use crate::weights::RecognitionInput;

/// A longer side is cut to this many times the shorter one before the image is resized.
const WIDEST: usize = 32;

/// The middle of an image as numbers `[size][size][3]`: red, green and blue from 0 to 1, minus the mean, divided by the
/// standard deviation, each operation rounded to `f32`.
pub fn pixels(image: &Image, input: &RecognitionInput) -> Vec<f32> {
    let resized;
    let image = if image.width().min(image.height()) == input.resize {
        image
    } else {
        // Nearly all of a very long, narrow picture would be enlarged only to be cut off.
        let length = WIDEST * image.width().min(image.height());
        resized = middle(image, length).unwrap_or_else(|| image.clone()).covering(input.resize);
        &resized
    };
    let size = input.size;
    let (left, top) = ((image.width() - size) / 2, (image.height() - size) / 2);
    let normalised = |channel: usize, value: f32| (value - input.mean[channel]) / input.std[channel];
    let mut numbers = Vec::with_capacity(3 * size * size);
    for y in top..top + size {
        let start = 3 * (y * image.width() + left);
        let row = start..start + 3 * size;
        let mut push = |values: &mut dyn Iterator<Item = f32>| {
            numbers.extend(values.enumerate().map(|(at, value)| normalised(at % 3, value)));
        };
        match image.pixels() {
            Pixels::U8(data) => push(&mut data[row].iter().map(|&value| f32::from(value) / 255.0)),
            Pixels::U16(data) => push(&mut data[row].iter().map(|&value| f32::from(value) / 65535.0)),
            Pixels::F32(data) => push(&mut data[row].iter().copied()),
        }
    }
    numbers
}

/// The middle of an image, if one of its sides is longer than `length`.
fn middle(image: &Image, length: usize) -> Option<Image> {
    let (width, height) = (image.width().min(length), image.height().min(length));
    if (width, height) == (image.width(), image.height()) {
        return None;
    }
    let (left, top) = ((image.width() - width) / 2, (image.height() - height) / 2);
    let layout = PixelLayout {
        row_stride: 3 * image.width(),
        ..PixelLayout::packed(Size { height, width }, PixelFormat::Rgb)
    };
    let start = 3 * (top * image.width() + left);
    let cut = match image.pixels() {
        Pixels::U8(data) => Image::from_u8(&data[start..], &layout),
        Pixels::U16(data) => Image::from_u16(&data[start..], &layout),
        Pixels::F32(data) => Image::from_f32(&data[start..], &layout),
    };
    cut.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{PixelFormat, PixelLayout};

    #[test]
    fn the_middle_is_cut_out_and_normalised() {
        let grey: Vec<u8> = (0..6 * 4).collect();
        let image =
            Image::from_u8(&grey, &PixelLayout::packed(Size { height: 4, width: 6 }, PixelFormat::Grey))
                .unwrap();
        let input = RecognitionInput { size: 2, resize: 4, mean: [0.5, 0.0, 0.0], std: [1.0, 2.0, 1.0] };
        let at = |x: usize, y: usize| f32::from((y * 6 + x) as u8) / 255.0;
        let want: Vec<f32> = [(2, 1), (3, 1), (2, 2), (3, 2)]
            .into_iter()
            .flat_map(|(x, y)| [at(x, y) - 0.5, at(x, y) / 2.0, at(x, y)])
            .collect();
        assert_eq!(pixels(&image, &input), want);
    }

    #[test]
    fn images_of_any_shape_fill_the_input() {
        for (width, height) in [(1, 1), (3, 200), (77, 50), (32, 32)] {
            let grey = vec![255; width * height];
            let image =
                Image::from_u8(&grey, &PixelLayout::packed(Size { height, width }, PixelFormat::Grey))
                    .unwrap();
            let numbers = pixels(
                &image,
                &RecognitionInput { mean: [0.0; 3], std: [1.0; 3], ..RecognitionInput::CIFAR },
            );
            assert_eq!(numbers.len(), 3 * 32 * 32);
            assert!(numbers.iter().all(|x| (x - 1.0).abs() < 1e-6), "{width}x{height}");
        }
    }

    #[test]
    fn a_long_image_costs_as_much_as_its_middle() {
        let input = RecognitionInput { size: 32, resize: 32, mean: [0.0; 3], std: [1.0; 3] };
        let grey: Vec<u8> =
            (0..2_000_000).map(|at| if (999_000..1_001_000).contains(&at) { 255 } else { 0 }).collect();
        for (width, height) in [(2_000_000, 1), (1, 2_000_000)] {
            let layout = PixelLayout::packed(Size { height, width }, PixelFormat::Grey);
            let numbers = pixels(&Image::from_u8(&grey, &layout).unwrap(), &input);
            assert_eq!(numbers, vec![1.0; 3 * 32 * 32], "{width}x{height}");
        }
    }
}
