//! The edges of one file, written beside it.
//!
//! ```sh
//! cargo run --release -p pidinet --example edges_of_file -- docs/images/example.jpg edges.png
//! ```
#![allow(clippy::print_stdout, reason = "its output")]

use pidinet::image::{Image, ImageLimits};
use pidinet::save::SaveOptions;
use pidinet::{DetectorOptions, EdgeDetector};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else { return Err("usage: edges_of_file IMAGE OUTPUT".into()) };

    let model = pidinet::models::open("tiny")?; // or EdgeDetector::open("model.safetensors", …) for a file
    let detector = EdgeDetector::new(&model, &DetectorOptions::default())?;

    let image = Image::open(input, &ImageLimits::default())?;
    let edges = detector.detect(&image)?.edges;
    edges.save(output, &SaveOptions::default())?; // .png, .jpg, .webp, .tiff, .npy: the extension decides

    println!("{output}: {}x{} pixels", edges.width(), edges.height());
    Ok(())
}
