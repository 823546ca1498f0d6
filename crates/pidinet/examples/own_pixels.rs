//! Edges of pixels already in memory, such as camera frames, without allocating for each frame.
//!
//! ```sh
//! cargo run --release -p pidinet --example own_pixels
//! ```
#![allow(clippy::print_stdout, reason = "its output")]

use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::{DetectorOptions, EdgeDetector, Size};

const WIDTH: usize = 160;
const HEIGHT: usize = 120;

fn main() -> Result<(), pidinet::Error> {
    let detector = EdgeDetector::new(&pidinet::models::open("tiny")?, &DetectorOptions::default())?;

    // BGR bytes without gaps; `row_stride` of `PixelLayout` is for rows that lie further apart.
    let layout = PixelLayout::packed(Size { height: HEIGHT, width: WIDTH }, PixelFormat::Bgr);
    let mut image = Image::from_u8(&frame(0), &layout)?;
    let mut edges = vec![0u8; WIDTH * HEIGHT];

    for number in 0..5 {
        image.set_u8(&frame(number), &layout)?;
        detector.detect_into_u8(&image, &mut edges, WIDTH)?; // 0 to 255
        let strong = edges.iter().filter(|&&edge| edge > 127).count();
        println!("frame {number}: {strong} pixels of strong edges");
    }
    Ok(())
}

/// A bright square on a dark background, further right in each frame.
fn frame(number: usize) -> Vec<u8> {
    let left = 20 + 10 * number;
    let bright = |x: usize, y: usize| (left..left + 60).contains(&x) && (30..90).contains(&y);
    let pixel = |at: usize| if bright(at % WIDTH, at / WIDTH) { [60, 180, 220] } else { [40, 30, 20] };
    (0..WIDTH * HEIGHT).flat_map(pixel).collect()
}
