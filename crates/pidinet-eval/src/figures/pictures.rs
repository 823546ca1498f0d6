//! Pictures of right, wrong and missed edges, in colour.

use pidinet::Size;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::post::Mask;

use super::figure::Colour;
use crate::edges::evaluate::Verdicts;

/// Predicted and matched to an annotator.
pub const RIGHT: Colour = Colour([0x12, 0x8a, 0x3c]);
/// Predicted, but drawn by no annotator.
pub const WRONG: Colour = Colour([0xd6, 0x27, 0x28]);
/// Drawn by annotators, but not predicted; paler where fewer drew it.
pub const MISSED: Colour = Colour([0x1f, 0x5f, 0xd0]);

/// The opacity of the photograph under the edges.
const PHOTO: f32 = 0.35;

/// A picture of right, wrong and missed edges, over the faded photograph if it has the same size, else over white.
pub fn comparison(verdicts: &Verdicts, photo: Option<&Image>) -> Image {
    let (width, height) = (verdicts.right.width(), verdicts.right.height());
    let mut missed = vec![0_usize; width * height];
    for (x, y) in verdicts.missed.iter().flat_map(Mask::pixels) {
        missed[y * width + x] += 1;
    }

    let photo = photo.filter(|photo| (photo.width(), photo.height()) == (width, height));
    let mut rgb = vec![255_u8; width * height * 3];
    for (k, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = (k % width, k / width);
        let paper = photo.map_or([1.0; 3], |photo| photo.rgb(x, y).map(|v| 1.0 - PHOTO + PHOTO * v));
        let share = missed[k] as f32 / verdicts.missed.len() as f32;
        let colour = if verdicts.right.contains(x, y) {
            unit(RIGHT)
        } else if verdicts.wrong.contains(x, y) {
            unit(WRONG)
        } else if missed[k] > 0 {
            // A single annotator's pixel must stay visible.
            mix(paper, unit(MISSED), 0.25 + 0.75 * share)
        } else {
            paper
        };
        pixel.copy_from_slice(&colour.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8));
    }
    let layout = PixelLayout::packed(Size { height, width }, PixelFormat::Rgb);
    Image::from_u8(&rgb, &layout).expect("as many pixels as the truth has")
}

fn unit(Colour(rgb): Colour) -> [f32; 3] {
    rgb.map(|v| f32::from(v) / 255.0)
}

fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|k| from[k] + (to[k] - from[k]) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pixel_has_the_colour_of_its_fate() {
        let column = |column: usize| Mask::from_fn(Size { height: 3, width: 16 }, move |x, _| x == column);
        let mut one_of_two = column(9);
        one_of_two |= &column(5);
        let verdicts = Verdicts { right: column(1), wrong: column(13), missed: vec![column(9), one_of_two] };
        let image = comparison(&verdicts, None);
        assert_eq!(image.rgb(1, 1), unit(RIGHT));
        assert_eq!(image.rgb(13, 1), unit(WRONG));
        assert_eq!(image.rgb(9, 1), unit(MISSED));
        let [pale, full] = [5, 9].map(|x| image.rgb(x, 1)[0]);
        assert!(full < pale && pale < 1.0, "{full} {pale}");
        assert_eq!(image.rgb(0, 0), [1.0; 3]);
    }

    #[test]
    fn a_photograph_of_another_size_is_left_out() {
        let none = || Mask::new(Size { height: 1, width: 2 });
        let verdicts = Verdicts { right: none(), wrong: none(), missed: vec![none()] };
        let photo = |width| {
            let layout = PixelLayout::packed(Size { height: 1, width }, PixelFormat::Rgb);
            Image::from_u8(&vec![0; width * 3], &layout).unwrap()
        };
        let shown = |photo: &Image| comparison(&verdicts, Some(photo)).rgb(0, 0)[0];
        assert!((shown(&photo(2)) - (1.0 - PHOTO)).abs() < 1.0 / 255.0);
        assert_eq!(shown(&photo(3)), 1.0);
    }
}
