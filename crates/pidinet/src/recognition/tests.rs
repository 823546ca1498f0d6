//! The engine against the reference: the same numbers to the last bit, for every instruction set and any number of
//! threads.

use std::num::NonZeroUsize;

use pidinet_kernels::isa::Isa;

use super::*;
use crate::Size;
use crate::arch::Kind;
use crate::arch::recognition::{RecognitionArch, Stem};
use crate::image::Image;
use crate::reference::edges::Map;
use crate::reference::recognition::RecognitionReference;
use crate::weights::{OpenOptions, RecognitionModel};

/// Numbers of about the size of normalised pixels, `[h][w][3]`.
fn noise(height: usize, width: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..3 * height * width).map(|_| next() * 2.0).collect()
}

/// `[h][w][3]` to `[3, h, w]`.
fn planes(input: &[f32], height: usize, width: usize) -> Map {
    let data = (0..3).flat_map(|c| input.iter().skip(c).step_by(3).map(|&x| f64::from(x))).collect();
    Map::new([3, height, width], data)
}

fn options(threads: usize, isa: Isa) -> ClassifierOptions {
    ClassifierOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) }
}

/// Every layout, small enough for the reference.
fn layouts() -> Vec<RecognitionArch> {
    let small = || RecognitionArch { width: 12, ..RecognitionArch::small(7) };
    let mut mixed = small().with_differences(Kind::Angular, 0.4);
    mixed.stages[1].rho = 1.0;
    mixed.stages[2] = crate::arch::recognition::Stage { difference: Kind::Radial, ..mixed.stages[2] };
    mixed.stages[3].rho = 0.0;
    vec![
        small(),
        small().with_differences(Kind::Central, 0.2).light(),
        mixed,
        RecognitionArch { width: 17, stem: Stem::Imagenet, ..small() },
        RecognitionArch { width: 17, stem: Stem::Imagenet, ..small() }
            .light()
            .with_differences(Kind::Radial, 0.5),
        RecognitionArch { width: 3, classes: 1, ..small() },
    ]
}

fn logits(map: &Map) -> Vec<f32> {
    map.data.iter().map(|&x| x as f32).collect()
}

#[test]
fn the_engine_gives_what_the_reference_gives() {
    for (number, arch) in layouts().into_iter().enumerate() {
        let model = RecognitionModel::random(arch.clone(), number as u64 + 1);
        for (height, width) in [(32, 32), (19, 24), (1, 5)] {
            let input = noise(height, width, 3);
            let want = RecognitionReference::run(&model, &planes(&input, height, width));
            for isa in Isa::available() {
                for threads in [1, 3] {
                    let classifier = Classifier::new(&model, &options(threads, isa)).unwrap();
                    let got = classifier.run(&input, Size { height, width });
                    let name = format!("{isa}, {threads} threads, {height}x{width}, {arch:?}");
                    assert_eq!(got.features, logits(&want.features), "features, {name}");
                    assert_eq!(got.logits, logits(&want.logits), "logits, {name}");
                }
            }
        }
    }
}

/// A network whose output never changes would agree with anything.
#[test]
fn random_networks_look_at_their_images() {
    for arch in layouts() {
        let classifier =
            Classifier::new(&RecognitionModel::random(arch, 1), &ClassifierOptions::default()).unwrap();
        let [a, b] = [1, 2].map(|seed| classifier.run(&noise(32, 32, seed), Size::square(32)).features);
        let changed = a.iter().zip(&b).filter(|(a, b)| a != b).count();
        assert!(2 * changed > a.len(), "{changed} of {} features differ", a.len());
    }
}

#[test]
fn a_batch_gives_what_its_images_give() {
    use crate::image::{PixelFormat, PixelLayout};
    let classifier =
        Classifier::new(&RecognitionModel::random(layouts().remove(2), 1), &options(3, Isa::best())).unwrap();
    let image = |seed: usize| {
        let pixels: Vec<u8> = (0..3 * 40 * 36).map(|at| (at * at * seed % 251) as u8).collect();
        Image::from_u8(&pixels, &PixelLayout::packed(Size { height: 36, width: 40 }, PixelFormat::Rgb))
            .unwrap()
    };
    let images: Vec<Image> = (1..8).map(image).collect();
    let one_by_one: Vec<Classification> = images.iter().map(|image| classifier.classify(image)).collect();
    assert_eq!(classifier.classify_all(&images), one_by_one);
    let length: f32 = classifier.embed(&images[0]).iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-5);
}

/// Otherwise each call would wait for the classifier's threads on top of the previous one.
#[cfg(feature = "threads")]
#[test]
fn images_may_be_shared_out_by_the_caller() {
    use rayon::prelude::*;
    let arch = RecognitionArch { width: 2, ..RecognitionArch::small(2) };
    let classifier = Classifier::new(&RecognitionModel::random(arch, 1), &options(3, Isa::best())).unwrap();
    let input = noise(4, 4, 1);
    let alone = classifier.run(&input, Size::square(4));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).stack_size(1 << 18).build().unwrap();
    let same = || (0..20_000).into_par_iter().all(|_| classifier.run(&input, Size::square(4)) == alone);
    assert!(pool.install(same));
}

#[test]
fn memory_of_another_size_does_not_leak_into_a_result() {
    let model = RecognitionModel::random(layouts().remove(2), 1);
    let classifier = Classifier::new(&model, &options(1, Isa::best())).unwrap();
    let small = noise(9, 9, 1);
    let before = classifier.run(&small, Size::square(9));
    classifier.run(&noise(40, 30, 2), Size { height: 40, width: 30 });
    classifier.run(&noise(9, 9, 3), Size::square(9));
    assert_eq!(classifier.run(&small, Size::square(9)), before);
}

#[test]
fn packed_models_give_the_same_numbers() {
    use crate::weights::{BinaryStorage, RecognitionStorage};
    let model = RecognitionModel::random(layouts().remove(2), 1);
    let packed = RecognitionStorage { binary: BinaryStorage::Bits, ..RecognitionStorage::default() };
    let read = RecognitionModel::read(&model.to_bytes(packed).unwrap(), &OpenOptions::default()).unwrap();
    let [before, after] =
        [&model, &read].map(|model| Classifier::new(model, &options(1, Isa::best())).unwrap());
    let input = noise(32, 32, 9);
    assert_eq!(before.run(&input, Size::square(32)), after.run(&input, Size::square(32)));
}

#[test]
fn the_most_probable_come_first() {
    let found = Classification { logits: vec![1.0, 3.0, 3.0, -2.0], features: vec![] };
    assert_eq!(found.class(), 1);
    let top = found.top(3);
    assert_eq!(top.iter().map(|&(class, _)| class).collect::<Vec<_>>(), [1, 2, 0]);
    assert!((top[0].1 - 0.467_7).abs() < 1e-3, "{top:?}");
    assert_eq!(found.top(9).len(), 4);
}
