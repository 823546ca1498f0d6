//! Time of forward, backward and a step, for a comparison with other frameworks.
#![allow(clippy::print_stdout, reason = "its output")]

use std::time::Instant;

use pidinet::arch::Arch;
use pidinet_burn::loss::Loss;
use pidinet_burn::tape::{Geometry, Packed, Tape, Workspace};
use pidinet_kernels::Isa;
use rand::SeedableRng;
use rayon::prelude::*;

fn main() {
    for (name, arch) in [("tiny", Arch::tiny()), ("full", Arch::full())] {
        let tape = Tape::new(&arch);
        println!("{name}: {} parameters", tape.parameters().len());
        let values = tape.parameters().init(&mut rand::rngs::ChaCha12Rng::seed_from_u64(1));
        let geometry = Geometry::new(&tape, 320, 320);
        let isa = Isa::best();
        let image: Vec<f32> =
            (0..3 * 320 * 320).map(|i| ((i as u64 * 7919) % 1000) as f32 / 500.0 - 1.0).collect();
        let labels: Vec<f32> = (0..320 * 320).map(|i| if i % 17 == 0 { 1.0 } else { 0.0 }).collect();
        let mut spaces = [Workspace::default(), Workspace::default()];
        for round in 0..3 {
            let start = Instant::now();
            let packed = Packed::new(&tape, &values);
            let times: Vec<_> = spaces
                .par_iter_mut()
                .map(|space| {
                    let start = Instant::now();
                    tape.forward(isa, &geometry, &packed, &image, space);
                    let forward = start.elapsed();
                    let mut maps = tape.logits(&geometry, space);
                    let loss = Loss { lambda: 1.1, soft: false }.differentiate(&labels, 1.0, &mut maps);
                    let both = start.elapsed();
                    let mut gradients = vec![0.0; values.len()];
                    tape.backward(isa, &geometry, &packed, &maps, space, &mut gradients);
                    (forward, both, start.elapsed(), loss)
                })
                .collect();
            println!("round {round}: {:?} for 2 images; {:?}", start.elapsed(), times[0]);
        }
    }
}
