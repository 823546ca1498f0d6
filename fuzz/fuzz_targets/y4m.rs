//! See README.md.
#![no_main]

use pidinet::video::y4m::{Matrix, Reader};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = Reader::new(bytes, 1 << 20) else { return };
    let mut frame = Vec::new();
    while reader.read(&mut frame).is_ok_and(|more| more) {
        reader.header().image(&frame, Matrix::Bt601).expect("a whole frame");
    }
});
