//! See README.md.
#![no_main]

#[path = "../../crates/pidinet/tests/images/target.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::image(bytes));
