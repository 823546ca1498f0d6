//! Times the network on one thread; also runs where the command line does not, as in WebAssembly.
//!
//! ```sh
//! cargo run --release -p pidinet --example time_network -- models/tiny.safetensors 481x321 10
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output")]

use std::num::NonZeroUsize;
use std::time::Instant;

use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::{DetectorOptions, EdgeDetector, Size};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, size, runs] = &arguments[..] else { return Err("usage: MODEL WIDTHxHEIGHT RUNS".into()) };
    let (width, height) = size.split_once('x').ok_or("a size is as 481x321")?;
    let (width, height) = (width.parse::<usize>()?, height.parse::<usize>()?);
    let options = DetectorOptions { threads: Some(NonZeroUsize::MIN), ..DetectorOptions::default() };
    let detector = EdgeDetector::open(model, &options)?;
    let noise: Vec<u8> =
        (0..3 * width * height).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as u8).collect();
    let image = Image::from_u8(&noise, &PixelLayout::packed(Size { height, width }, PixelFormat::Rgb))?;
    let mut sum = 0.0;
    for run in 0..=runs.parse::<usize>()? {
        let start = Instant::now();
        sum += detector.detect(&image)?.edges.data()[width * height / 2];
        // The first run allocates the maps.
        if run > 0 {
            println!("{:.3}", start.elapsed().as_secs_f64() * 1e3);
        }
    }
    eprintln!("{}, {sum}", detector.isa());
    Ok(())
}
