//! What the fuzzing targets do with their input; it is here so that the files that fuzzing begins with are
//! tested too.

use pidinet_eval::GroundTruth;
use pidinet_eval::classes::ClassSet;
use pidinet_eval::files::ground_truth::{self, TruthOptions};
use pidinet_eval::files::levels::Drawing;
use pidinet_eval::files::mat5::{Limits, MatFile};
use pidinet_eval::files::predictions;

/// Either an error, or the values of a MATLAB file within small limits, so that a file that evades them shows
/// by its use of memory.
pub(crate) fn mat5(bytes: &[u8]) {
    let limits = Limits { bytes: 1 << 20, values: 1000, depth: 4 };
    let _ = MatFile::parse(bytes, &limits);
}

/// Either an error, or an archive in which every entry is an image or an error.
pub(crate) fn classes(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("classes");
    std::fs::write(&path, bytes).expect("there is room for a file");
    for split in [None, Some("train")] {
        let Ok(set) = ClassSet::open(&path, split) else { continue };
        for image in 0..set.len().min(100) {
            assert!(set.class(image) < set.classes().len());
            let _ = set.image(image);
        }
    }
}

/// Either errors, or a NumPy array or MATLAB file (its first bytes say which), as a map and as truth.
pub(crate) fn map(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join(if bytes.starts_with(b"\x93NUMPY") { "map.npy" } else { "map.mat" });
    std::fs::write(&file, bytes).expect("there is room for a file");
    if let Ok(map) = predictions::open(&file) {
        assert!(map.data().iter().all(|value| (0.0..=1.0).contains(value)));
    }
    let drawing = Drawing { inverted: false, ignore: Some(255) };
    let _ = GroundTruth::open(&[&file]);
    let _ = GroundTruth::open_with(&[&file], &TruthOptions { drawing, variable: None });
    let _ = ground_truth::shares(&file, None);
}
