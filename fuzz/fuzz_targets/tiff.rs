//! See README.md.
#![no_main]

use pidinet::image::{Image, ImageLimits, ReadOptions};

#[path = "../../crates/pidinet/tests/images/target.rs"]
mod target;

// The first byte chooses the header, so that most of what is tried is a TIFF file.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [choice, rest @ ..] = bytes else { return };
    let header: &[u8] = match choice % 4 {
        0 => b"II*\0",
        1 => b"MM\0*",
        2 => b"II+\0",
        _ => b"MM\0+",
    };
    let file = [header, rest.get(4..).unwrap_or_default()].concat();
    target::image(&file);
    let limits = ImageLimits { max_pixels: 1 << 12, max_bytes: 1 << 20 };
    let _ = Image::decode_with(&file, &ReadOptions { limits, range: "0,255".parse().ok(), accept_damaged: true });
});
