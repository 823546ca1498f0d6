//! What the fuzzing target does with its input; it is here so that files that once failed are tested too.

use std::sync::LazyLock;

use pidinet::arch::Arch;
use pidinet::image::{Image, ImageLimits};
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector};

/// Either an error, or an image within the limits whose edges are probabilities.
pub(crate) fn image(bytes: &[u8]) {
    static DETECTOR: LazyLock<EdgeDetector> = LazyLock::new(|| {
        let model = Model::random(Arch { width: 4, ..Arch::full() }.light(), 1);
        let options =
            DetectorOptions { threads: Some(std::num::NonZeroUsize::MIN), ..DetectorOptions::default() };
        EdgeDetector::new(&model, &options).expect("one thread is always there")
    });
    let limits = ImageLimits { max_pixels: 1 << 12, max_bytes: 1 << 20 };
    let Ok(image) = Image::decode(bytes, &limits) else { return };
    let (width, height) = (image.width(), image.height());
    assert!(width * height <= 1 << 12, "{width}x{height}");
    let edges = DETECTOR.detect(&image).expect("every image has edges").edges;
    assert_eq!((edges.width(), edges.height()), (width, height));
    assert!(edges.data().iter().all(|value| (0.0..=1.0).contains(value)), "edges are probabilities");
}
