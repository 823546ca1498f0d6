//! Edges drawn over the photograph they come from.

use crate::EdgeMap;
use crate::image::{Image, Sample};

/// The image with edges painted over it, 8 bits: `(1 - v) * image + v * colour` at edge probability `v`.
///
/// # Panics
///
/// If the map and the image differ in size.
#[must_use]
pub fn overlay(image: &Image, edges: &EdgeMap, colour: [u8; 3]) -> Image {
    let (width, height) = (image.width(), image.height());
    assert_eq!((width, height), (edges.width(), edges.height()), "map and image differ in size");
    let mut pixels = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for (x, &edge) in edges.row(y).iter().enumerate() {
            let under = image.rgb(x, y);
            pixels.extend((0..3).map(|c| u8::from_unit(under[c] + edge * (colour[c].unit() - under[c]))));
        }
    }
    Image::from_rgb(width, height, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::image::{PixelFormat, PixelLayout, Pixels};

    #[test]
    fn edges_cover_in_proportion() -> crate::Result<()> {
        let photo = [10, 20, 30, 100, 100, 100, 200, 200, 200];
        let image =
            Image::from_u8(&photo, &PixelLayout::packed(Size { height: 1, width: 3 }, PixelFormat::Rgb))?;
        let painted =
            overlay(&image, &EdgeMap::new(Size { height: 1, width: 3 }, vec![0.0, 0.5, 1.0]), [255, 0, 50]);
        assert_eq!(painted.pixels(), &Pixels::U8(vec![10, 20, 30, 178, 50, 75, 255, 0, 50]));
        Ok(())
    }
}
