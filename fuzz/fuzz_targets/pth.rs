//! See README.md.
#![no_main]

#[path = "../../crates/pidinet/tests/hostile_models/checkpoint.rs"]
mod checkpoint;
#[path = "../../crates/pidinet/tests/hostile_models/target.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::pth(bytes));
