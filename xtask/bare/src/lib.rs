//! What `cargo xtask bare` computes on WebAssembly without a system, and on this machine for comparison: the
//! built-in models' maps and logits of a small picture, and the logits of a network with Bi-PDC of all kinds.
//!
//! Nothing lies between it and its caller: numbers go in and out, and there is no system to ask for anything.

use std::sync::LazyLock;

use pidinet::arch::Kind;
use pidinet::arch::recognition::{RecognitionArch, Shortcut, Stage, Stem};
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::weights::{Model, OpenOptions, RecognitionModel};
use pidinet::{Classifier, ClassifierOptions, DetectorOptions, EdgeDetector, Isa, Size, models};

/// Columns and rows of the picture: odd, and enough for every stage to have a few rows.
const SIZE: [usize; 2] = [75, 53];

static PORTABLE: LazyLock<Vec<f32>> = LazyLock::new(|| results(Some("portable")));
static BEST: LazyLock<Vec<f32>> = LazyLock::new(|| results(None));

/// The results of all models for the picture with an instruction set, by default the best available: the
/// map, row by row, and the logits.
///
/// # Panics
///
/// If the models cannot be used.
pub fn results(isa: Option<&str>) -> Vec<f32> {
    let isa = isa.map(|name| Isa::named(name).expect("an instruction set of this target"));
    let [width, height] = SIZE;
    // Discs on a slope, in three colours.
    let sample = |i: usize| {
        let (x, y, colour) = (i / 3 % width, i / 3 / width, i % 3);
        let far = x.abs_diff(20 + 15 * colour).pow(2) + y.abs_diff(25).pow(2);
        if far < 150 { 230 } else { (2 * x + y) as u8 }
    };
    let pixels: Vec<u8> = (0..3 * width * height).map(sample).collect();
    let image = Image::from_u8(&pixels, &PixelLayout::packed(Size { height, width }, PixelFormat::Rgb));
    let image = image.expect("as many pixels as the layout says");

    let model = Model::read(models::DEFAULT.bytes, &OpenOptions::default()).expect("a model of the library");
    let options = DetectorOptions { isa, ..DetectorOptions::default() };
    let detector = EdgeDetector::new(&model, &options).expect("options of this target");
    let mut results = detector.detect(&image).expect("a scale of 1").edges.into_data();

    let embedded = models::named("bi-pidinet-s").expect("a model of the library");
    let embedded =
        RecognitionModel::read(embedded.bytes, &OpenOptions::default()).expect("a model of the library");
    for model in [embedded, RecognitionModel::random(differences(), 1)] {
        let options = ClassifierOptions { isa, ..ClassifierOptions::default() };
        let classifier = Classifier::new(&model, &options).expect("an instruction set of this target");
        results.extend(classifier.classify(&image).logits);
    }
    results
}

/// A network with Bi-PDC of every kind: the one that is built in has none.
fn differences() -> RecognitionArch {
    let stage = |difference| Stage { blocks: 1, difference, rho: 0.5 };
    RecognitionArch {
        width: 8,
        stages: [Kind::Central, Kind::Angular, Kind::Radial].map(stage).to_vec(),
        stem: Stem::Cifar,
        shortcut: Shortcut::Projected,
        classes: 10,
    }
}

/// Number of results.
#[unsafe(no_mangle)] // SAFETY: the module has no other function of that name, as for the next two
pub extern "C" fn length() -> usize {
    PORTABLE.len()
}

/// A result of the portable kernels.
#[unsafe(no_mangle)]
pub extern "C" fn portable(at: usize) -> f32 {
    PORTABLE[at]
}

/// A result of the target's best instruction set.
#[unsafe(no_mangle)]
pub extern "C" fn best(at: usize) -> f32 {
    BEST[at]
}
