//! CIFAR-10 from `../shared/data`, if it is there: the loader on a real archive, and the engine on real
//! pictures.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::PathBuf;

use pidinet::arch::Kind;
use pidinet::arch::recognition::RecognitionArch;
use pidinet::recognition::pixels;
use pidinet::reference::edges::Map;
use pidinet::reference::recognition::RecognitionReference;
use pidinet::weights::{OpenOptions, RecognitionModel};
use pidinet::{Classifier, ClassifierOptions};
use pidinet_eval::classes::ClassSet;
use rayon::prelude::*;

/// The test images, 32×32 each.
fn test_images() -> Option<ClassSet> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/cifar10.tar.gz"));
    if !path.exists() {
        eprintln!("skipped: {} is missing", path.display());
        return None;
    }
    Some(ClassSet::open(&path, Some("test")).unwrap())
}

/// A model that hardly distinguishes pictures, so that its sums are often near zero.
fn random() -> RecognitionModel {
    RecognitionModel::random(RecognitionArch::small(10).with_differences(Kind::Central, 0.2), 1)
}

/// Asserts that the engine agrees with the reference on these images, to the last bit; returns the share of
/// them that the model recognises.
fn agree(model: &RecognitionModel, set: &ClassSet, images: Vec<usize>) -> f64 {
    let classifier = Classifier::new(model, &ClassifierOptions::default()).unwrap();
    let count = images.len() as f64;
    let is_right = |image: usize| {
        let picture = set.image(image).unwrap();
        let numbers = pixels(&picture, &model.input);
        let planes = (0..3).flat_map(|c| numbers.iter().skip(c).step_by(3).map(|&x| f64::from(x)));
        let side = model.input.size;
        let want = RecognitionReference::run(model, &Map::new([3, side, side], planes.collect())).logits;
        let got = classifier.classify(&picture);
        let logits: Vec<f64> = got.logits.iter().copied().map(f64::from).collect();
        assert_eq!(logits, want.data, "{}", set.name(image));
        got.class() == set.class(image)
    };
    images.into_par_iter().filter(|&image| is_right(image)).count() as f64 / count
}

#[test]
fn the_archive_holds_a_thousand_test_images_of_each_class() {
    let Some(test) = test_images() else { return };
    assert_eq!((test.len(), test.classes().len()), (10_000, 10));
    assert_eq!((test.classes()[0].as_str(), test.classes()[9].as_str()), ("airplane", "truck"));
    for class in 0..10 {
        assert_eq!((0..test.len()).filter(|&image| test.class(image) == class).count(), 1000);
    }
    let image = test.image(9_999).unwrap();
    assert_eq!((image.width(), image.height()), (32, 32));
}

#[test]
fn the_engine_recognises_pictures_as_the_reference_does() {
    let Some(test) = test_images() else { return };
    agree(&random(), &test, (0..test.len()).step_by(50).collect());
    let embedded = pidinet::models::named("bi-pidinet-s").unwrap();
    let model = RecognitionModel::read(embedded.bytes, &OpenOptions::default()).unwrap();
    let right = agree(&model, &test, (0..test.len()).step_by(50).collect());
    // It recognises .856 of all; by chance it would be .1.
    assert!(right > 0.8, "{right} of every fiftieth image");
}

/// `PIDINET_MODEL` names the file of a trained model.
#[test]
#[ignore = "takes minutes: the reference is slow"]
fn the_engine_recognises_every_test_image_as_the_reference_does() {
    let Some(test) = test_images() else { return };
    let model = match std::env::var_os("PIDINET_MODEL") {
        Some(path) => RecognitionModel::open(path, &OpenOptions::default()).unwrap(),
        None => random(),
    };
    let right = agree(&model, &test, (0..test.len()).collect());
    eprintln!("equal logits for {} images, {:.2} % of which are recognised", test.len(), 100.0 * right);
}
