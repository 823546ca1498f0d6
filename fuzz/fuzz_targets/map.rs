//! See README.md.
#![no_main]

use pidinet_eval::ground_truth::{self, TruthOptions};
use pidinet_eval::levels::Drawing;
use pidinet_eval::{GroundTruth, predictions};

// A NumPy array or a MATLAB file by its beginning, read as a map and as truth.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let extension = if bytes.starts_with(b"\x93NUMPY") { "npy" } else { "mat" };
    let file = std::env::temp_dir().join(format!("pidinet-fuzz-{}.{extension}", std::process::id()));
    if std::fs::write(&file, bytes).is_err() {
        return;
    }
    if let Ok(map) = predictions::open(&file) {
        assert!(map.data().iter().all(|value| (0.0..=1.0).contains(value)));
    }
    let drawing = Drawing { inverted: false, ignore: Some(255) };
    let _ = GroundTruth::open(&[&file]);
    let _ = GroundTruth::open_with(&[&file], &TruthOptions { drawing, variable: None });
    let _ = ground_truth::shares(&file);
});
