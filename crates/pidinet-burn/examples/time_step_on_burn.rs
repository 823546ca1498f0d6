//! Milliseconds for forward, backward and step of a batch of crops, on the tape and on Burn.
//!
//! `cargo run --release -p pidinet-burn --example time_step_on_burn [BATCH]`, with `--features cuda` or `wgpu` for those.
#![allow(clippy::print_stdout, reason = "its output")]

use std::time::Instant;

use pidinet::arch::Arch;
use pidinet_burn::Accelerator;
use pidinet_train::device::{Cpu, Device};
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::sample::Sample;
use pidinet_train::edges::trainer::Trainer;
use pidinet_train::optimizer::Adam;

const SIDE: usize = 320;
const ROUNDS: usize = 5;

fn sample(seed: usize) -> Sample {
    let noise = |i: usize| ((i + seed).wrapping_mul(2_654_435_761) >> 8) % 1000;
    Sample {
        width: SIDE,
        height: SIDE,
        image: (0..3 * SIDE * SIDE).map(|i| noise(i) as f32 / 250.0 - 2.0).collect(),
        labels: (0..SIDE * SIDE).map(|i| f32::from(u8::from(noise(i) > 940))).collect(),
        lesson: None,
        name: seed.to_string(),
    }
}

fn main() -> pidinet_train::Result<()> {
    let batch: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2);
    let samples: Vec<Sample> = (0..batch).map(sample).collect();
    let loss = Loss { lambda: 1.1, soft: false };
    let mut devices: Vec<(&str, Box<dyn Device>)> = vec![("tape", Box::new(Cpu::default()))];
    #[cfg(feature = "cpu")]
    devices.push(("burn cpu", Box::new(Accelerator::cpu())));
    #[cfg(feature = "cuda")]
    devices.push(("burn cuda", Box::new(Accelerator::cuda()?)));
    #[cfg(feature = "wgpu")]
    devices.push(("burn wgpu", Box::new(Accelerator::wgpu()?)));
    for (size, arch) in [("tiny", Arch::tiny()), ("full", Arch::full())] {
        for (name, device) in &devices {
            let mut trainer = Trainer::new(&arch, 1, &**device);
            let mut times = Vec::new();
            for _ in 0..=ROUNDS {
                let start = Instant::now();
                let (_, gradients) = trainer.differentiate(&loss, &samples, batch as f32)?;
                trainer.step(&Adam::default(), 0.005, 0.999, &gradients);
                times.push(1000.0 * start.elapsed().as_secs_f64());
            }
            times.remove(0); // shaders are compiled, kernels chosen
            times.sort_by(f64::total_cmp);
            println!("{size} on {name}: best {:.0} ms, median {:.0} ms", times[0], times[ROUNDS / 2]);
        }
    }
    Ok(())
}
