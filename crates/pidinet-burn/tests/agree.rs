//! Burn against our own engine and tape: maps, gradients, training. On every device that the build has and
//! the machine can run.
#![cfg(any(feature = "cpu", feature = "cuda", feature = "wgpu"))]
#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stderr, reason = "a device that is skipped is named")]

use burn_tensor::{Tensor, TensorData};
use pidinet::arch::{Arch, Kinds};
use pidinet::edges::Input;
use pidinet::edges::trace;
use pidinet::weights::Model;
use pidinet::{DetectorOptions, Size};
use pidinet_burn::{Accelerator, Network};
use pidinet_train::Parameters;
use pidinet_train::device::{Cpu, Device, check};
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::sample::{IGNORED, Lesson, Sample};
use pidinet_train::edges::trainer::Trainer;
use pidinet_train::optimizer::Adam;

/// The devices to compare.
fn devices() -> Vec<Accelerator> {
    let works = |device: pidinet_train::Result<Accelerator>| match device {
        Ok(device) => Some(device),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    };
    Accelerator::all().into_iter().filter_map(works).collect()
}

/// Networks with every kind of layer, with and without the modules after the stages.
fn architectures() -> Vec<Arch> {
    let small = Arch { width: 6, cdcm: Some(4), ..Arch::full() };
    let named = |name| Kinds::named(name).unwrap();
    vec![
        small.clone(),
        Arch { theta: 0.6, ..small.clone() },
        small.clone().light(),
        Arch { kinds: named("baseline"), csam: false, ..small.clone() },
        Arch { kinds: named("c16"), cdcm: None, theta: 0.8, ..small.clone() },
        Arch { kinds: named("a16"), ..small.clone() },
        Arch { kinds: named("r16"), theta: 0.3, ..small },
        Arch::tiny(),
    ]
}

/// An image and labels of a pattern.
fn sample(height: usize, width: usize, seed: usize) -> Sample {
    let area = height * width;
    let image = (0..3 * area).map(|i| ((i * i * 31 + i * (17 + seed)) % 1009) as f32 / 504.5 - 1.0).collect();
    let labels = (0..area).map(|i| [0.0, 0.0, 1.0, 0.0, IGNORED, 0.0, 0.6][(i * i + seed) % 7]).collect();
    Sample { width, height, image, labels, lesson: None, name: seed.to_string() }
}

/// A light square on a dark ground, and its outline.
fn square(left: usize) -> Sample {
    const SIDE: usize = 32;
    let range = left..left + 14;
    let inside = |i: usize| range.contains(&(i % SIDE)) && range.contains(&(i / SIDE));
    let image = (0..3 * SIDE * SIDE).map(|i| if inside(i % (SIDE * SIDE)) { 1.0 } else { -1.0 }).collect();
    let edge = |i: usize| inside(i) && [i - 1, i + 1, i - SIDE, i + SIDE].iter().any(|&near| !inside(near));
    let labels = (0..SIDE * SIDE).map(|i| f32::from(u8::from(edge(i)))).collect();
    Sample { width: SIDE, height: SIDE, image, labels, lesson: None, name: left.to_string() }
}

struct Planes<'a>(&'a Sample);

impl Input for Planes<'_> {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        let Sample { width, height, image, .. } = self.0;
        for (plane, row) in image.chunks(width * height).zip(channels) {
            row.copy_from_slice(&plane[y * width..][..*width]);
        }
    }
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as().unwrap()
}

#[test]
fn a_device_that_is_right_passes_the_check() {
    for device in devices() {
        for arch in architectures() {
            check::check(&device, &arch).unwrap();
        }
    }
}

#[test]
fn every_map_is_that_of_the_engine() {
    for device in devices() {
        maps_are_those_of_the_engine(&device);
    }
}

fn maps_are_those_of_the_engine(accelerator: &Accelerator) {
    let (device, on) = (accelerator.device(), accelerator.name());
    for arch in architectures() {
        let model = Model::random(arch.clone(), 3);
        let network = Network::of(&model, device).unwrap();
        let (height, width) = (29, 43);
        let samples = [sample(height, width, 0), sample(height, width, 1)];
        let images = samples.iter().flat_map(|sample| sample.image.clone()).collect();
        let images = Tensor::from_data(TensorData::new(images, [2, 3, height, width]), device);
        let found = network.outputs(images);
        let wanted = samples.each_ref().map(|sample| {
            trace(&model, &DetectorOptions::default(), &Planes(sample), Size { height, width }).unwrap()
        });
        let compare = |name: &str, found: Tensor<4>, wanted: [&[f32]; 2]| {
            let (found, wanted) = (values(found), wanted.concat());
            assert_eq!(found.len(), wanted.len(), "{on}: {name} of {arch:?}");
            let largest = wanted.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
            let difference = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-4 * largest, "{on}: {name} of {arch:?}: {difference:e} of {largest}");
        };
        compare("stem", found.stem, wanted.each_ref().map(|maps| &maps.stem.data[..]));
        for (stage, found) in found.stages.into_iter().enumerate() {
            compare("stage", found, wanted.each_ref().map(|maps| &maps.stages[stage].data[..]));
        }
        for (side, found) in found.sides.into_iter().enumerate() {
            compare("side", found, wanted.each_ref().map(|maps| &maps.sides[side].data[..]));
        }
        compare("fused", found.fused, wanted.each_ref().map(|maps| &maps.fused.data[..]));
    }
}

#[test]
fn loss_and_gradients_are_those_of_the_tape() {
    for device in devices() {
        gradients_are_those_of_the_tape(&device);
    }
}

fn gradients_are_those_of_the_tape(accelerator: &Accelerator) {
    // Two sizes: the two samples of one size are computed together, the third alone.
    let mut samples = [sample(21, 34, 0), sample(16, 19, 1), sample(21, 34, 2)];
    // A teacher for the first one, which is unknown at some pixels.
    let map = |i: usize| if i.is_multiple_of(11) { IGNORED } else { (i % 8) as f32 / 8.0 };
    samples[0].lesson = Some(Lesson { map: (0..21 * 34).map(map).collect(), trust: 0.7 });
    for (arch, soft) in architectures().into_iter().zip([false, true].into_iter().cycle()) {
        let loss = Loss { lambda: 1.1, soft };
        let (tape, burn) = (Trainer::new(&arch, 5, &Cpu::default()), Trainer::new(&arch, 5, accelerator));
        assert_eq!(tape.learner.parameters, burn.learner.parameters);
        let (want, wanted) = tape.differentiate(&loss, &samples, 3.0).unwrap();
        let (got, gradients) = burn.differentiate(&loss, &samples, 3.0).unwrap();
        assert!((got - want).abs() < 1e-4 * want, "{arch:?}: {got} instead of {want}");
        for tensor in Parameters::of(&arch).tensors() {
            let (found, wanted) = (&gradients[tensor.range.clone()], &wanted[tensor.range.clone()]);
            let largest = wanted.iter().fold(1e-6_f32, |largest, x| largest.max(x.abs()));
            let difference = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-3 * largest, "{} of {arch:?}: {difference:e} of {largest}", tensor.name);
        }
    }
}

#[test]
fn twenty_steps_lower_the_loss_as_on_the_tape() {
    let arch = Arch { width: 6, cdcm: Some(4), ..Arch::full() };
    let samples = [square(8), square(11)];
    let loss = Loss { lambda: 1.1, soft: false };
    let losses = |mut trainer: Trainer| -> Vec<f64> {
        let mut step = |_| {
            let (loss, gradients) = trainer.differentiate(&loss, &samples, 2.0).unwrap();
            trainer.step(&Adam::default(), 0.005, 0.9, &gradients);
            loss
        };
        (0..20).map(&mut step).collect()
    };
    let tape = losses(Trainer::new(&arch, 7, &Cpu::default()));
    for device in devices() {
        let (burn, on) = (losses(Trainer::new(&arch, 7, &device)), device.name());
        assert!(burn[19] < 0.9 * burn[0], "{on}: {burn:?}");
        for (step, (found, wanted)) in burn.iter().zip(&tape).enumerate() {
            assert!((found - wanted).abs() < 5e-3 * wanted, "{on}, step {step}: {found} instead of {wanted}");
        }
    }
}

#[test]
fn what_is_measured_is_the_average() {
    let arch = Arch { width: 6, cdcm: Some(4), ..Arch::full() };
    let sample = sample(24, 17, 3);
    let measured = |device: &dyn Device| {
        let mut trainer = Trainer::new(&arch, 2, device);
        trainer.learner.state.average.iter_mut().for_each(|x| *x *= 0.5);
        trainer.averaged().logits(&sample).unwrap()
    };
    let tape = measured(&Cpu::default());
    for device in devices() {
        for (tape, burn) in tape.iter().zip(&measured(&device)) {
            assert_eq!(tape.len(), 24 * 17);
            let close = tape.iter().zip(burn).all(|(a, b)| (a - b).abs() < 1e-4 * a.abs().max(1.0));
            assert!(close, "{}", device.name());
        }
    }
}

#[test]
fn folded_weights_cannot_be_differentiated() {
    let model = Model::random(Arch::tiny().light(), 1).folded();
    for device in devices() {
        let error = Network::of(&model, device.device()).unwrap_err();
        assert!(error.contains("folded"), "{error}");
    }
}
