//! How much smoothing in time takes away of flicker, and what it does to edges.
//!
//! Makes a clip of each image of a folder: eight frames with white noise of 5 levels, of which the last is the image
//! itself; before that the picture stands still, or moves by 1 (slow) or 2 pixels a frame. Prints the mean of
//! |e_t - e_(t-1)| and writes the last maps, to be scored: OUT/still-0, OUT/still-0.7, OUT/slow-0 and so on.
//!
//! ```sh
//! cargo run --release -p pidinet --example time_flicker -- BSDS500/images/test OUT 0.7
//! pidinet eval edges --pred OUT/moving-0.7 --gt BSDS500/groundTruth/test -o results
//! ```

#![allow(clippy::print_stdout, reason = "its output")]

use std::path::Path;

use pidinet::image::{Image, ImageLimits, PixelFormat, PixelLayout};
use pidinet::save::SaveOptions;
use pidinet::video::Smoother;
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap};

const FRAMES: usize = 8;
const SIGMA: f32 = 5.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [images, out, strength] = &arguments[..] else { return Err("expected IMAGES OUT STRENGTH".into()) };
    let detector = EdgeDetector::new(&pidinet::models::open("tiny")?, &DetectorOptions::default())?;
    let mut random = 1;
    let mut paths: Vec<_> =
        std::fs::read_dir(images)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    paths.sort();
    for (name, step) in [("still", 0), ("slow", 1), ("moving", 2)] {
        let [mut plain, mut smooth] = [(); 2].map(|()| Flicker::default());
        for path in &paths {
            let image = Image::open(path, &ImageLimits::default())?;
            let mut smoother = Smoother::new(strength.parse()?)?;
            for left in (0..FRAMES).rev() {
                let frame = noisy(&image, left * step, &mut random)?;
                let edges = detector.detect(&frame)?.edges;
                smooth.add(smoother.smooth(&frame, edges.clone()));
                plain.add(edges);
            }
            for (flicker, strength) in [(&mut plain, "0"), (&mut smooth, strength)] {
                let folder = Path::new(out).join(format!("{name}-{strength}"));
                std::fs::create_dir_all(&folder)?;
                let file = folder.join(path.file_stem().unwrap_or_default()).with_extension("png");
                flicker.end().save(file, &SaveOptions::default())?;
            }
        }
        println!("{name}: flicker {:.5} plain, {:.5} smoothed", plain.mean(), smooth.mean());
    }
    Ok(())
}

/// The image with noise, as it was `shift` pixels before it came to its place; what was outside is its mirror image.
fn noisy(image: &Image, shift: usize, random: &mut u64) -> pidinet::Result<Image> {
    let (width, height) = (image.width(), image.height());
    let mut uniform = || {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 40) as f32 / (1u64 << 24) as f32
    };
    let mut noise = || SIGMA * ((0..12).map(|_| uniform()).sum::<f32>() - 6.0);
    let mirrored = |at: usize, side: usize| if at < side { at } else { 2 * side - 1 - at };
    let mut pixels = Vec::with_capacity(3 * width * height);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let rgb = image.rgb(mirrored(x + shift, width), mirrored(y + shift, height));
        pixels.extend(rgb.map(|value| (255.0 * value + noise()).round() as u8)); // saturates
    }
    Image::from_u8(&pixels, &PixelLayout::packed(image.size(), PixelFormat::Rgb))
}

/// How much maps of frames differ from those before.
#[derive(Default)]
struct Flicker {
    last: Option<EdgeMap>,
    sum: f64,
    count: usize,
}

impl Flicker {
    fn add(&mut self, map: EdgeMap) {
        if let Some(last) = &self.last {
            let differences = map.data().iter().zip(last.data()).map(|(a, b)| f64::from((a - b).abs()));
            self.sum += differences.sum::<f64>();
            self.count += map.data().len();
        }
        self.last = Some(map);
    }

    /// The last map of a clip.
    fn end(&mut self) -> EdgeMap {
        self.last.take().expect("a clip has frames")
    }

    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}
