//! The pictures of `docs/method.md`: what pixel differences answer to, and what the stages of a network see.
//!
//! ```sh
//! cargo run --release -p pidinet --example pictures_of_method -- docs/images/example.jpg docs/images
//! ```
#![allow(clippy::print_stdout, reason = "its output")]

use std::path::Path;

use pidinet::arch::{Conv, Kind};
use pidinet::edges::{Input, Map, trace};
use pidinet::image::{Image, ImageLimits, Preset};
use pidinet::reparam::fold;
use pidinet::save::SaveOptions;
use pidinet::{DetectorOptions, EdgeMap, Size};

/// Each map in a picture, in pixels.
const SHOWN: Size = Size { height: 240, width: 320 };

/// Pixels between maps.
const GAP: usize = 6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, folder] = &arguments[..] else { return Err("usage: pictures_of_method IMAGE FOLDER".into()) };
    let image = Image::open(image, &ImageLimits::default())?;
    let save = |name: &str, maps: &[EdgeMap]| -> Result<(), pidinet::Error> {
        let path = Path::new(folder).join(name);
        println!("{}", path.display());
        in_a_row(maps).save(path, &SaveOptions { jpeg_quality: 85, ..SaveOptions::default() })
    };

    let kinds = [Kind::Vanilla, Kind::Central, Kind::Angular, Kind::Radial];
    save("method-differences.jpg", &kinds.map(|kind| response(&image, kind)))?;

    let model = pidinet::models::open("tiny")?;
    let seen = trace(&model, &DetectorOptions::default(), &Normalised(&image), image.size())?;
    save("method-stages.jpg", &seen.stages.each_ref().map(strength))?;
    let probabilities =
        |map: &Map| EdgeMap::new(Size { height: map.shape[1], width: map.shape[2] }, map.data.clone());
    save("method-sides.jpg", &seen.sides.each_ref().map(probabilities))?;
    save("method-fused.jpg", &[probabilities(&seen.fused)])?;
    Ok(())
}

/// The response of a kernel whose weights lie on its left: grey is 0, bright positive, dark negative.
fn response(image: &Image, kind: Kind) -> EdgeMap {
    let mut weights = [0.0; 9];
    // The weights of a radial difference are numbered by direction, from 1; the others row by row.
    let left = if kind == Kind::Radial { [1, 4, 6] } else { [0, 3, 6] };
    for (tap, weight) in left.into_iter().zip([0.25, 0.5, 0.25]) {
        weights[tap] = weight;
    }
    let folded = fold(&Conv { kind, ..Conv::dense(1, 1) }, &weights);
    let side = folded.len().isqrt();
    let (width, height) = (image.width(), image.height());
    let grey = |x: usize, y: usize| image.rgb(x, y).iter().sum::<f32>() / 3.0;
    // Border pixels are repeated, so that the frame of a picture is not an edge.
    let at = |position: usize, tap: usize, end: usize| (position + tap).saturating_sub(side / 2).min(end - 1);
    let pixel = |index: usize| {
        let (x, y) = (index % width, index / width);
        let product =
            |(tap, weight): (usize, &f32)| weight * grey(at(x, tap % side, width), at(y, tap / side, height));
        let sum: f32 = folded.iter().enumerate().map(product).sum();
        if kind == Kind::Vanilla { sum } else { (0.5 + 4.0 * sum).clamp(0.0, 1.0) }
    };
    EdgeMap::new(Size { height, width }, (0..width * height).map(pixel).collect())
}

/// The mean size of a stage's channels, pixel by pixel; white is the 99.5th percentile.
fn strength(map: &Map) -> EdgeMap {
    let [channels, height, width] = map.shape;
    let mean = |pixel: usize| {
        (0..channels).map(|channel| map.data[channel * height * width + pixel].abs()).sum::<f32>()
            / channels as f32
    };
    let data: Vec<f32> = (0..height * width).map(mean).collect();
    let mut sorted = data.clone();
    sorted.sort_by(f32::total_cmp);
    let white = sorted[(sorted.len() - 1) * 995 / 1000];
    EdgeMap::new(Size { height, width }, data.into_iter().map(|value| (value / white).min(1.0)).collect())
}

/// Maps side by side, each as large as the others.
fn in_a_row(maps: &[EdgeMap]) -> EdgeMap {
    let maps: Vec<EdgeMap> = maps.iter().map(|map| map.resized(SHOWN)).collect();
    let mut data = Vec::new();
    for y in 0..SHOWN.height {
        for (number, map) in maps.iter().enumerate() {
            data.extend(std::iter::repeat_n(1.0, if number > 0 { GAP } else { 0 }));
            data.extend(map.row(y));
        }
    }
    EdgeMap::new(Size { height: SHOWN.height, width: data.len() / SHOWN.height }, data)
}

/// An image as the network's input.
struct Normalised<'a>(&'a Image);

impl Input for Normalised<'_> {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        self.0.fill_row(y, Preset::Imagenet, channels);
    }
}
