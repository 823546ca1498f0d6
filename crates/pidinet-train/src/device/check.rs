//! Whether a device computes the same as the engine: drivers and GPU compilers have bugs that no error
//! reports.

use pidinet::Size;
use pidinet::arch::Arch;
use pidinet::edges::Input;
use pidinet::edges::trace;
use pidinet::weights::Model;

use super::Device;
use crate::edges::sample::Sample;
use crate::{Error, Parameters, Result};

/// Columns and rows of the image that is compared.
const SIDE: usize = 64;

/// How far a device's maps may be off: some hundred times what the order of sums explains, a tenth of what is
/// visible.
pub const TOLERANCE: f32 = 1e-3;

/// Compares a device's maps of 64×64 pixels, from a network of this architecture with random weights, with
/// those of the engine.
///
/// # Errors
///
/// [`Error::WrongMaps`] if one is off by more than [`TOLERANCE`], or has a value that is not a number;
/// [`Error::Device`] if the device fails.
pub fn check(device: &dyn Device, arch: &Arch) -> Result<()> {
    let model = Model::random(arch.clone(), 1);
    let parameters = Parameters::of(arch).values(&model).expect("weights of random models are not folded");
    let sample = sample();
    let network = device.network(arch);
    let logits = network.fixed(&parameters).logits(&sample)?;

    let wanted = trace(&model, &pidinet::DetectorOptions::default(), &Planes(&sample), Size::square(SIDE))?;
    let wanted = wanted.sides.iter().chain([&wanted.fused]);
    let off = logits.iter().zip(wanted).map(|(logits, wanted)| {
        // A map with missing pixels is as wrong as one of garbage.
        if logits.len() == wanted.data.len() { furthest(logits, &wanted.data) } else { f32::INFINITY }
    });
    let difference = off.fold(0.0, f32::max);
    if difference <= TOLERANCE {
        return Ok(());
    }
    Err(Error::WrongMaps { device: device.name().to_owned(), difference, tolerance: TOLERANCE })
}

/// The greatest difference between probabilities, infinite where a logit is not a number.
fn furthest(logits: &[f32], wanted: &[f32]) -> f32 {
    let difference = |(&logit, &wanted): (&f32, &f32)| {
        let probability = 1.0 / (1.0 + (-logit).exp());
        let difference = (probability - wanted).abs();
        if difference.is_finite() { difference } else { f32::INFINITY }
    };
    logits.iter().zip(wanted).map(difference).fold(0.0, f32::max)
}

/// Noise of about the size of normalised pixels, the same every time.
fn sample() -> Sample {
    let area = SIDE * SIDE;
    let noise = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 16) as f32 / 16384.0 - 2.0;
    Sample {
        width: SIDE,
        height: SIDE,
        image: (0..3 * area).map(noise).collect(),
        labels: vec![0.0; area],
        name: "noise".to_owned(),
        lesson: None,
    }
}

/// A sample as the engine's input.
struct Planes<'a>(&'a Sample);

impl Input for Planes<'_> {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        for (plane, row) in self.0.image.chunks(SIDE * SIDE).zip(channels) {
            row.copy_from_slice(&plane[y * SIDE..][..SIDE]);
        }
    }
}
