//! Images a second for forward, backward and step of `bi-pidinet-s`, on batches of 64 pictures of 32×32.
#![allow(clippy::print_stdout, reason = "its output")]

use std::time::Instant;

use pidinet::arch::Kind;
use pidinet::arch::recognition::RecognitionArch;
use pidinet_train::device::Cpu;
use pidinet_train::optimizer::Adam;
use pidinet_train::recognition::batch::Batch;
use pidinet_train::recognition::loss::targets;
use pidinet_train::recognition::tape::Mode;
use pidinet_train::recognition::trainer::Trainer;

const IMAGES: usize = 64;
const ROUNDS: usize = 5;

fn main() {
    let noise = |i: usize| (i.wrapping_mul(2_654_435_761) >> 8) % 1000;
    let batch = Batch {
        images: (0..IMAGES * 3 * 32 * 32).map(|i| noise(i) as f32 / 250.0 - 2.0).collect(),
        size: (32, 32),
        targets: targets(&[3; IMAGES], 10, 0.1),
    };
    for rho in [0.0, 0.2] {
        let arch = RecognitionArch::small(10).with_differences(Kind::Central, rho);
        let mut trainer = Trainer::new(&arch, 1, &Cpu::default(), Mode::default());
        let step = |_| {
            let start = Instant::now();
            let (_, gradients) = trainer.differentiate(&batch).expect("the CPU does not fail");
            trainer.step(&Adam::default(), 1e-3, &gradients);
            start.elapsed().as_secs_f64()
        };
        let best = (0..=ROUNDS).map(step).skip(1).fold(f64::INFINITY, f64::min);
        println!("rho {rho}: {:.0} images/s, {:.0} ms a batch", IMAGES as f64 / best, 1000.0 * best);
    }
}
