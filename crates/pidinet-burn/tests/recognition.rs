//! Recognition networks on Burn agree with the engine and the training tape: the same logits and gradients.
#![cfg(feature = "cpu")]
#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::PathBuf;

use burn_tensor::{Device, Tensor, TensorData};
use pidinet::arch::Kind::{Angular, Central, Radial};
use pidinet::arch::recognition::{RecognitionArch, Shortcut, Stage, Stem};
use pidinet::recognition::pixels;
use pidinet::weights::RecognitionModel;
use pidinet::{Classifier, ClassifierOptions, Size};
use pidinet_burn::{Accelerator, RecognitionNetwork};
use pidinet_eval::classes::ClassSet;
use pidinet_train::device::{self, Cpu};
use pidinet_train::optimizer::Adam;
use pidinet_train::recognition::batch::Batch;
use pidinet_train::recognition::loss::targets;
use pidinet_train::recognition::signs::{Precision, Straight};
use pidinet_train::recognition::tape::Mode;
use pidinet_train::recognition::trainer::Trainer;

/// Every kind of difference, stem and shortcut, with one and two branches.
fn architectures() -> [RecognitionArch; 4] {
    let stage = |blocks, difference, rho| Stage { blocks, difference, rho };
    let arch = |stem, stages: &[Stage]| RecognitionArch {
        width: 8,
        stages: stages.to_vec(),
        stem,
        shortcut: Shortcut::Projected,
        classes: 3,
    };
    let mut light = arch(Stem::Light, &[stage(1, Angular, 1.0), stage(1, Radial, 0.3)]);
    light.shortcut = Shortcut::Pooled;
    [
        arch(Stem::Cifar, &[stage(2, Central, 0.4), stage(1, Angular, 0.5), stage(1, Radial, 1.0)]),
        arch(Stem::Cifar, &[stage(1, Central, 0.0), stage(2, Central, 0.0)]),
        arch(Stem::Imagenet, &[stage(1, Radial, 0.5), stage(1, Central, 1.0)]),
        light,
    ]
}

/// Numbers of about the size of normalised pixels.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 22) as f32 - 2.0
    };
    (0..count).map(|_| next()).collect()
}

/// The logits of a model for inputs `[h][w][3]`.
fn logits(network: &RecognitionNetwork, inputs: &[Vec<f32>], [height, width]: [usize; 2]) -> Vec<f32> {
    let planes = |input: &Vec<f32>| -> Vec<f32> {
        (0..3).flat_map(|c| input.iter().skip(c).step_by(3)).copied().collect()
    };
    let images: Vec<f32> = inputs.iter().flat_map(planes).collect();
    let images = TensorData::new(images, [inputs.len(), 3, height, width]);
    network.outputs(Tensor::from_data(images, &Device::flex())).logits.into_data().try_into_vec_as().unwrap()
}

#[test]
fn logits_are_those_of_the_engine_to_the_last_bit() {
    for (seed, arch) in architectures().into_iter().enumerate() {
        let model = RecognitionModel::random(arch, seed as u64 + 1);
        let classifier = Classifier::new(&model, &ClassifierOptions::default()).unwrap();
        let network = RecognitionNetwork::of(&model, &Device::flex());
        for [height, width] in [[32, 32], [19, 24], [1, 5]] {
            let inputs = [1, 2].map(|seed| noise(3 * height * width, seed)).to_vec();
            let engine: Vec<f32> = inputs
                .iter()
                .flat_map(|input| classifier.run(input, Size { height, width }).logits)
                .collect();
            assert_eq!(
                logits(&network, &inputs, [height, width]),
                engine,
                "{height}x{width}, {:?}",
                model.arch
            );
        }
    }
}

/// Every `step`th test image of CIFAR-10, for a model of random weights or the one that `PIDINET_MODEL` names.
fn agree_on_cifar(step: usize) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/cifar10.tar.gz"));
    if !path.exists() {
        eprintln!("skipped: {} is missing", path.display());
        return;
    }
    let set = ClassSet::open(&path, Some("test")).unwrap();
    let model = match std::env::var_os("PIDINET_MODEL") {
        Some(path) => RecognitionModel::open(path, &pidinet::weights::OpenOptions::default()).unwrap(),
        None => RecognitionModel::random(RecognitionArch::small(10).with_differences(Central, 0.2), 1),
    };
    let classifier = Classifier::new(&model, &ClassifierOptions::default()).unwrap();
    let network = RecognitionNetwork::of(&model, &Device::flex());
    let images: Vec<usize> = (0..set.len()).step_by(step).collect();
    for images in images.chunks(50) {
        let inputs: Vec<Vec<f32>> =
            images.iter().map(|&image| pixels(&set.image(image).unwrap(), &model.input)).collect();
        let engine: Vec<f32> =
            inputs.iter().flat_map(|input| classifier.run(input, Size::square(32)).logits).collect();
        assert_eq!(logits(&network, &inputs, [32, 32]), engine, "one of {images:?}");
    }
    eprintln!("equal logits for {} images", images.len());
}

#[test]
fn pictures_are_recognised_as_by_the_engine() {
    agree_on_cifar(200);
}

#[test]
#[ignore = "takes minutes"]
fn every_test_image_is_recognised_as_by_the_engine() {
    agree_on_cifar(1);
}

fn batch(images: usize, size: (usize, usize), seed: u64) -> Batch {
    let labels: Vec<usize> = (0..images).map(|image| image % 3).collect();
    Batch { images: noise(images * 3 * size.0 * size.1, seed), size, targets: targets(&labels, 3, 0.1) }
}

#[test]
fn losses_and_gradients_are_those_of_the_tape() {
    let modes = [
        Mode::default(),
        Mode { straight: Straight::Polynomial, ..Mode::default() },
        Mode { precision: Precision::Activations, ..Mode::default() },
        Mode { precision: Precision::Real, ..Mode::default() },
    ];
    for arch in architectures() {
        for mode in modes {
            let [mut tape, mut burn] = [&Cpu::default() as &dyn device::Device, &Accelerator::cpu()]
                .map(|device| Trainer::new(&arch, 5, device, mode));
            let batch = batch(6, (18, 23), 9);
            let (want, wanted) = tape.differentiate(&batch).unwrap();
            let (got, found) = burn.differentiate(&batch).unwrap();
            assert!((got - want).abs() < 1e-4 * want, "{mode:?}, {arch:?}: {got} instead of {want}");
            for tensor in tape.learner.layout().tensors() {
                let name = &tensor.name;
                let close = |what: &str, found: &[f32], wanted: &[f32], least: f32| {
                    let (found, wanted) = (&found[tensor.range.clone()], &wanted[tensor.range.clone()]);
                    let largest = wanted.iter().fold(least, |largest, x| largest.max(x.abs()));
                    let difference = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    let close = difference < 1e-3 * largest;
                    assert!(close, "{what} {name}, {mode:?}, {arch:?}: {difference:e} of {largest:e}");
                };
                close("gradient of", &found, &wanted, 1e-5);
                // The running moments of batch norms; means of values that were normalised before are zero.
                close("value of", &burn.learner.parameters, &tape.learner.parameters, 1e-2);
            }
        }
    }
}

#[test]
fn steps_lower_the_loss_as_on_the_tape() {
    let losses = |device: &dyn device::Device| -> Vec<f64> {
        let mut trainer = Trainer::new(&architectures()[0], 7, device, Mode::default());
        let batch = batch(12, (12, 12), 4);
        let step = |_| {
            let (loss, gradients) = trainer.differentiate(&batch).unwrap();
            trainer.step(&Adam::default(), 0.005, &gradients);
            loss
        };
        (0..12).map(step).collect()
    };
    let (tape, burn) = (losses(&Cpu::default()), losses(&Accelerator::cpu()));
    assert!(burn[11] < 0.8 * burn[0], "{burn:?}");
    assert!((burn[1] - tape[1]).abs() < 1e-3 * tape[1], "{burn:?} {tape:?}");
    assert!((burn[11] - tape[11]).abs() < 0.1 * tape[0], "{burn:?} {tape:?}");
}

/// Teachers are asked as at inference.
#[test]
fn answers_at_inference_are_those_of_the_tape() {
    for precision in [Precision::Binary, Precision::Real] {
        let arch = &architectures()[0];
        let mode = Mode { precision, ..Mode::default() };
        let [tape, burn] = [&Cpu::default() as &dyn device::Device, &Accelerator::cpu()].map(|device| {
            let mut trainer = Trainer::new(arch, 5, device, mode);
            trainer.logits(&batch(4, (16, 16), 2).images, (16, 16)).unwrap()
        });
        assert_eq!(tape.len(), 12);
        assert!(tape.iter().zip(&burn).all(|(a, b)| (a - b).abs() < 1e-3), "{tape:?} {burn:?}");
    }
}
