//! Milliseconds of forward, backward and step of two images, beside `tools/training.py time`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::time::Instant;

use pidinet::arch::Arch;
use pidinet_train::device::Cpu;
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

fn main() {
    let samples = [sample(1), sample(2)];
    let loss = Loss { lambda: 1.1, soft: false };
    for (name, arch) in [("tiny", Arch::tiny()), ("full", Arch::full())] {
        let mut trainer = Trainer::new(&arch, 1, &Cpu::default());
        let mut times: Vec<f64> = (0..=ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let (_, gradients) = trainer.differentiate(&loss, &samples, 2.0).unwrap();
                trainer.step(&Adam::default(), 0.005, 0.999, &gradients);
                1000.0 * start.elapsed().as_secs_f64()
            })
            .skip(1)
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{name}: best {:.0} ms, median {:.0} ms", times[0], times[ROUNDS / 2]);
    }
}
