//! Milliseconds for forward, backward and step of two images, to compare with `tools/training.py time`; with
//! `--layers`, those of each operation for one image on one thread. `tiny` or `full` leaves the other out.
//!
//! `PIDINET_ISA` names the instruction set. Shares are of the rate of independent multiply-adds.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use pidinet::arch::Arch;
use pidinet_kernels::{Isa, Kernel, Lanes};
use pidinet_train::device::Cpu;
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::sample::Sample;
use pidinet_train::edges::tape::{Geometry, Layer, Packed, Tape, Workspace};
use pidinet_train::edges::trainer::Trainer;
use pidinet_train::optimizer::Adam;

const SIDE: usize = 320;
const ROUNDS: usize = 9;

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

/// Enough independent multiply-adds to hide their latency, over and over; returns the number of floats in a
/// vector.
struct MulAdds;

const PER_ROUND: usize = 12;
const MUL_ADD_ROUNDS: usize = 200_000;

impl Kernel for MulAdds {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> usize {
        let [factor, term] = [black_box(0.5), black_box(0.25)].map(|x| lanes.splat(x));
        let mut chains = [lanes.splat(0.0); PER_ROUND];
        for _ in 0..MUL_ADD_ROUNDS {
            for chain in &mut chains {
                *chain = lanes.mul_add(*chain, factor, term);
            }
        }
        let mut out = [0.0; 16];
        for chain in chains {
            lanes.store(&mut out, chain);
            black_box(&out);
        }
        L::WIDTH
    }
}

/// Multiply-adds a second of one core.
fn peak(isa: Isa) -> f64 {
    let rate = || {
        let start = Instant::now();
        let width = isa.run(MulAdds);
        (width * PER_ROUND * MUL_ADD_ROUNDS) as f64 / start.elapsed().as_secs_f64()
    };
    (0..20).map(|_| rate()).fold(0.0, f64::max)
}

/// The operations of a network, each with the shortest of its times.
fn layers(arch: &Arch, isa: Isa) -> Vec<Layer> {
    let tape = Tape::new(arch);
    let geometry = Geometry::new(&tape, SIDE, SIDE);
    let values: Vec<f32> = (0..tape.parameters().len()).map(|i| (i % 7) as f32 * 0.01 - 0.03).collect();
    let packed = Packed::new(&tape, &values);
    let mut workspace = Workspace::default();
    let mut gradients = vec![0.0; values.len()];
    let image = sample(1).image;
    let runs = (0..=ROUNDS).map(|_| {
        tape.forward(isa, &geometry, &packed, &image, &mut workspace);
        let logits = tape.logits(&geometry, &workspace).map(|map| map.iter().map(|x| 1e-3 * x).collect());
        tape.backward(isa, &geometry, &packed, &logits, &mut workspace, &mut gradients);
        tape.layers(&geometry, &workspace)
    });
    runs.reduce(|mut best, run| {
        for (best, run) in best.iter_mut().zip(run) {
            best.forward = best.forward.min(run.forward);
            best.backward = best.backward.min(run.backward);
        }
        best
    })
    .unwrap()
}

fn print_layers(arch: &Arch, isa: Isa, peak: f64) {
    let share = |macs: usize, time: Duration| 100.0 * macs as f64 / time.as_secs_f64().max(1e-9) / peak;
    println!("| operation | shape | Mmac | forward, us | % of peak | backward, us | % of peak |");
    println!("|---|---|---|---|---|---|---|");
    for Layer { name, shape: [c, h, w], macs, forward, backward } in layers(arch, isa) {
        let (mmac, f, b) = (macs as f64 / 1e6, forward.as_micros(), backward.as_micros());
        let (fp, bp) = (share(macs, forward), share(2 * macs, backward));
        println!("| {name} | {c}x{h}x{w} | {mmac:.1} | {f} | {fp:.0} | {b} | {bp:.0} |");
    }
}

fn main() {
    let isa = Isa::from_env().unwrap();
    let samples = [sample(1), sample(2)];
    let loss = Loss { lambda: 1.1, soft: false };
    let wanted = std::env::args().skip(1).find(|argument| argument != "--layers");
    let networks = [("tiny", Arch::tiny()), ("full", Arch::full())];
    for (name, arch) in
        networks.into_iter().filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| name == wanted))
    {
        let peak = peak(isa);
        let all = layers(&arch, isa);
        let image =
            all.iter().filter(|layer| layer.name.starts_with("init_block")).map(|l| l.macs).sum::<usize>();
        let macs = 2 * (3 * all.iter().map(|layer| layer.macs).sum::<usize>() - image);
        if std::env::args().any(|argument| argument == "--layers") {
            print_layers(&arch, isa, peak);
        }
        let mut trainer = Trainer::new(&arch, 1, &Cpu { isa });
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
        let threads = rayon::current_num_threads().min(samples.len()) as f64;
        let share = |time: f64| 100.0 * macs as f64 / (time / 1000.0) / (threads * peak);
        let (best, median) = (times[0], times[ROUNDS / 2]);
        println!(
            "{name}, {isa}: best {best:.0} ms, median {median:.0} ms; {:.1} Gmac, {:.0} % of {threads} x {:.0} Gmac/s",
            macs as f64 / 1e9,
            share(best),
            peak / 1e9
        );
    }
}
