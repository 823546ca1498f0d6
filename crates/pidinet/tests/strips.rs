//! Strips of a large image give the map of the whole image, with the full network.
//!
//! A few random sizes are tried; `PIDINET_SIZES=20` tries that many.

use std::num::NonZeroUsize;

use pidinet::arch::Arch;
use pidinet::edges::Strip;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap, Size};

/// A small random number generator, the same everywhere: an xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn picture(width: usize, height: usize, random: &mut Random) -> Image {
    let phase = random.below(100) as usize;
    let value = |index: usize| {
        let (x, y) = (index / 3 % width, index / 3 / width);
        ((x * x / 9 + y * (index % 3 + 2) + phase) % 256) as u8
    };
    let pixels: Vec<u8> = (0..width * height * 3).map(value).collect();
    Image::from_u8(&pixels, &PixelLayout::packed(Size { height, width }, PixelFormat::Rgb))
        .expect("packed pixels")
}

fn edges(model: &Model, image: &Image, strip: Strip, threads: usize) -> EdgeMap {
    let options =
        DetectorOptions { strip, threads: NonZeroUsize::new(threads), ..DetectorOptions::default() };
    let detector = EdgeDetector::new(model, &options).expect("this CPU runs the network");
    detector.detect(image).expect("the image is not scaled").edges
}

#[test]
fn strips_of_any_height_give_the_map_of_the_whole_image() {
    let sizes = std::env::var("PIDINET_SIZES").map_or(2, |count| count.parse().expect("a number of sizes"));
    let model = Model::random(Arch::full(), 5);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..sizes {
        let limit = if sizes > 2 { 1500 } else { 400 };
        let (width, height) = (1 + random.below(limit) as usize, 1 + random.below(limit) as usize);
        let image = picture(width, height, &mut random);
        let whole = edges(&model, &image, Strip::Whole, 2);
        let rows = NonZeroUsize::new(1 + random.below(100) as usize).expect("at least one");
        for strip in [Strip::Auto, Strip::Rows(rows)] {
            assert!(edges(&model, &image, strip, 2) == whole, "{width}x{height}, {strip:?}");
        }
    }
}
