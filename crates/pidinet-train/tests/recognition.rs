//! Logits and gradients agree with PyTorch: `tools/recognition.py` wrote `data/recognition.safetensors`.

#![allow(clippy::unwrap_used, reason = "a test")]

use pidinet::arch::Kind::{Angular, Central, Radial};
use pidinet::arch::recognition::{RecognitionArch, Shortcut, Stage, Stem};
use pidinet_kernels::Isa;
use pidinet_train::recognition::loss::{differentiate, targets};
use pidinet_train::recognition::signs::{Precision, Straight};
use pidinet_train::recognition::tape::shard::Workspace;
use pidinet_train::recognition::tape::{Mode, Tape};
use safetensors::SafeTensors;

const GOLDEN: &[u8] = include_bytes!("data/recognition.safetensors");

/// PyTorch's results for one network.
struct Case {
    name: &'static str,
    arch: RecognitionArch,
    size: (usize, usize),
    mode: Mode,
}

fn cases() -> [Case; 6] {
    let stage = |blocks, difference, rho| Stage { blocks, difference, rho };
    let arch = |width, stages: &[Stage]| RecognitionArch {
        width,
        stages: stages.to_vec(),
        stem: Stem::Cifar,
        shortcut: Shortcut::Projected,
        classes: 3,
    };
    let case = |name, size, arch| Case { name, arch, size, mode: Mode::default() };
    let halves = |kind| arch(4, &[stage(1, Central, 0.5), stage(1, kind, 0.5)]);
    let mut cases = [
        case(
            "cifar",
            (9, 11),
            arch(5, &[stage(2, Central, 0.4), stage(1, Angular, 0.5), stage(1, Radial, 1.0)]),
        ),
        case("plain", (8, 6), arch(4, &[stage(1, Central, 0.0), stage(2, Central, 0.0)])),
        case("imagenet", (29, 26), arch(4, &[stage(1, Radial, 0.5), stage(1, Central, 1.0)])),
        case("light", (21, 22), arch(8, &[stage(1, Angular, 1.0), stage(1, Radial, 0.3)])),
        case("activations", (7, 8), halves(Angular)),
        case("real", (7, 8), halves(Radial)),
    ];
    cases[1].mode.straight = Straight::Polynomial;
    cases[2].arch.stem = Stem::Imagenet;
    (cases[3].arch.stem, cases[3].arch.shortcut) = (Stem::Light, Shortcut::Pooled);
    cases[4].mode.precision = Precision::Activations;
    cases[5].mode.precision = Precision::Real;
    cases
}

impl Case {
    fn get(&self, name: &str) -> Option<Vec<f32>> {
        let file = SafeTensors::deserialize(GOLDEN).unwrap();
        let tensor = file.tensor(&format!("{}.{name}", self.name)).ok()?;
        Some(tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    /// Loss, logits and gradients of four images in shards of `images`, computed by `threads` threads.
    fn step(&self, isa: Isa, images: usize, threads: usize) -> (f64, Vec<f32>, Vec<f32>) {
        let tape = Tape::new(&self.arch);
        let names = tape.parameters().tensors().iter().map(|tensor| &tensor.name);
        let parameters: Vec<f32> =
            names.flat_map(|name| self.get(&format!("weights.{name}")).unwrap()).collect();
        let mut gradients = vec![0.0; parameters.len()];
        let mut space = Workspace::with_shards_of(images);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut result = (0.0, Vec::new());
            // Twice, because the second time all memory has been used before.
            for _ in 0..2 {
                gradients.fill(0.0);
                tape.forward(
                    isa,
                    self.mode,
                    &parameters,
                    &self.get("images").unwrap(),
                    self.size,
                    &mut space,
                );
                let logits = tape.logits(&space);
                let mut signals = logits.clone();
                let loss = differentiate(&mut signals, &targets(&[0, 2, 1, 2], 3, 0.1), 3, 1.0);
                tape.backward(isa, self.mode, &parameters, &signals, &mut space, &mut gradients);
                result = (loss, logits);
            }
            (result.0, result.1, gradients)
        })
    }
}

/// Some gradients are zero, such as those of terms that a batch norm subtracts again, so differences are
/// shares of at least this.
const LEAST: f32 = 0.05;

/// The largest difference, as a share of the largest expected number.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(LEAST, |largest, x| largest.max(x.abs()));
    found.iter().zip(expected).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs())) / largest
}

/// How four images are cut into shards: not at all, into one of three and one of one, into four.
const SHARDS: [usize; 3] = [4, 3, 1];

#[test]
fn logits_and_gradients_are_those_of_pytorch() {
    for (isa, images) in Isa::available().into_iter().flat_map(|isa| SHARDS.map(|images| (isa, images))) {
        for case in cases() {
            let (loss, logits, gradients) = case.step(isa, images, 1);
            let name = format!("{}, {isa}, shards of {images}", case.name);
            let expected = f64::from(case.get("loss").unwrap()[0]);
            assert!((loss - expected).abs() < 1e-4 * expected, "{name}: loss {loss}, {expected}");
            let worst = difference(&logits, &case.get("logits").unwrap());
            assert!(worst < 1e-4, "{name}: logits differ by {worst}");
            for tensor in Tape::new(&case.arch).parameters().tensors() {
                let parameter = &tensor.name;
                let found = &gradients[tensor.range.clone()];
                match case.get(&format!("gradients.{parameter}")) {
                    Some(expected) => {
                        let worst = difference(found, &expected);
                        assert!(worst < 1e-3, "{name}: gradients of {parameter} differ by {worst}");
                    }
                    None => assert!(found.iter().all(|&g| g == 0.0), "{parameter} is not learnt"),
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for (case, images) in cases().iter().flat_map(|case| SHARDS.map(|images| (case, images))) {
        let one = case.step(Isa::best(), images, 1);
        for threads in [2, 3] {
            assert_eq!(case.step(Isa::best(), images, threads), one, "{}, shards of {images}", case.name);
        }
    }
}
