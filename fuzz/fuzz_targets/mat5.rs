//! See README.md.
#![no_main]

use pidinet_eval::mat5::{Limits, MatFile};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Small limits, so that a file that gets around them is found by its memory.
    let limits = Limits { bytes: 1 << 20, values: 1000, depth: 4 };
    let _ = MatFile::parse(bytes, &limits);
});
