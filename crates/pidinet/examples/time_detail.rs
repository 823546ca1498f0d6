//! Times how long a new detail takes to become a ready detector, as behind a slider: mixing, folding and
//! packing, on one thread.
//!
//! ```sh
//! cargo run --release -p pidinet --example time_detail -- full 100 f32
//! ```
#![allow(clippy::print_stdout, reason = "its output")]

use std::num::NonZeroUsize;
use std::time::Instant;

use pidinet::arch::Arch;
use pidinet::calibration::Calibration;
use pidinet::edges::Precision;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::models::Pair;
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector, Size};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [size, changes, precision] = &arguments[..] else {
        return Err("usage: tiny|small|full CHANGES f32|bf16|int8".into());
    };
    let arch = match size.as_str() {
        "tiny" => Arch::tiny(),
        "small" => Arch::small(),
        "full" => Arch::full(),
        _ => return Err("a size is tiny, small or full".into()),
    };
    let precision: Precision = precision.parse()?;
    let options =
        DetectorOptions { threads: Some(NonZeroUsize::MIN), precision, ..DetectorOptions::default() };
    let noise: Vec<u8> = (0..64 * 64).map(|i: usize| (i.wrapping_mul(2_654_435_761) >> 16) as u8).collect();
    let image = Image::from_u8(&noise, &PixelLayout::packed(Size::square(64), PixelFormat::Grey))?;
    // The speed does not depend on the weights.
    let model = |seed| -> Result<Model, pidinet::Error> {
        let mut model = Model::random(arch.clone(), seed);
        if precision == Precision::Int8 {
            model.calibration = Some(Calibration::measure(&model, [image.clone()])?);
        }
        Ok(model)
    };
    let pair = Pair::new(model(1)?, model(2)?)?;
    let changes: usize = changes.parse()?;
    let (mut mixing, mut ready) = (Vec::new(), Vec::new());
    for change in 0..changes {
        let start = Instant::now();
        let model = pair.at((change as f64 + 0.5) / changes as f64)?;
        mixing.push(start.elapsed().as_secs_f64() * 1e3);
        let detector = EdgeDetector::new(&model, &options)?;
        ready.push(start.elapsed().as_secs_f64() * 1e3);
        drop(detector);
    }
    for (what, mut times) in [("mixed", mixing), ("ready", ready)] {
        times.sort_by(f64::total_cmp);
        let (Some(median), Some(max)) = (times.get(changes / 2), times.last()) else { continue };
        println!(
            "{size} {precision} {what}: median {median:.2} ms, greatest {max:.2} ms of {changes} changes"
        );
    }
    Ok(())
}
