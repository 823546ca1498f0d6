//! Lines one pixel wide, drawn over the picture: suppression, hysteresis, thinning.
//!
//! ```sh
//! cargo run --release -p pidinet --example thin_lines -- docs/images/example.jpg lines.png
//! ```
#![allow(clippy::print_stdout, reason = "its output")]

use pidinet::image::{Image, ImageLimits};
use pidinet::post::{self, Suppression};
use pidinet::save::SaveOptions;
use pidinet::{DetectorOptions, EdgeDetector};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else { return Err("usage: thin_lines IMAGE OUTPUT".into()) };
    let image = Image::open(input, &ImageLimits::default())?;
    let detector = EdgeDetector::new(&pidinet::models::open("tiny")?, &DetectorOptions::default())?;

    // Edges in the map are ridges a few pixels wide: keep their crests.
    let mut edges = post::suppress(&detector.detect(&image)?.edges, &Suppression::HED);
    // Keep weak pixels (0.2) only where they continue strong ones (0.5).
    let mut lines = post::hysteresis(&edges, 0.2, 0.5);
    post::thin(&mut lines);
    post::keep(&mut edges, &lines);
    edges.data_mut().iter_mut().filter(|edge| **edge > 0.0).for_each(|edge| *edge = 1.0);

    post::overlay(&image, &edges, [255, 40, 40]).save(output, &SaveOptions::default())?;
    println!("{output}: {} pixels of lines", lines.count());
    Ok(())
}
