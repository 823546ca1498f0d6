//! CIFAR-10 from `../shared/data`, where it is there: the loader on a real archive, and the engine on real pictures.

use std::path::PathBuf;

use pidinet::arch::Kind;
use pidinet::arch::binary::BiArch;
use pidinet::arch::binary::reference::BiReference;
use pidinet::arch::reference::Map;
use pidinet::recognition::pixels;
use pidinet::weights::BiModel;
use pidinet::{Classifier, ClassifierOptions};
use pidinet_eval::classes::ClassSet;

fn archive() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/cifar10.tar.gz"));
    if !path.exists() {
        eprintln!("skipped: {} is missing", path.display());
    }
    path.exists().then_some(path)
}

#[test]
fn the_engine_recognises_pictures_as_the_reference_does() -> Result<(), Box<dyn std::error::Error>> {
    let Some(path) = archive() else { return Ok(()) };
    let test = ClassSet::open(&path, Some("test"))?;
    assert_eq!((test.len(), test.classes().len()), (10_000, 10));
    assert_eq!((test.classes()[0].as_str(), test.classes()[9].as_str()), ("airplane", "truck"));
    for class in 0..10 {
        assert_eq!((0..test.len()).filter(|&image| test.class(image) == class).count(), 1000);
    }
    let model = BiModel::random(BiArch::small(10).with_differences(Kind::Central, 0.2), 1);
    let classifier = Classifier::new(&model, &ClassifierOptions::default())?;
    for image in (0..test.len()).step_by(1000) {
        let picture = test.image(image)?;
        assert_eq!((picture.width(), picture.height()), (32, 32));
        let numbers = pixels(&picture, &model.input);
        let planes = (0..3).flat_map(|c| numbers.iter().skip(c).step_by(3).map(|&x| f64::from(x)));
        let want = BiReference::run(&model, &Map::new([3, 32, 32], planes.collect())).logits;
        let got: Vec<f64> = classifier.classify(&picture).logits.into_iter().map(f64::from).collect();
        assert_eq!(got, want.data, "{}", test.name(image));
    }
    Ok(())
}
