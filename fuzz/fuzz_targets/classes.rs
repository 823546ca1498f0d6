//! See README.md.
#![no_main]

#[path = "../../crates/pidinet-eval/tests/corpus/target.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::classes(bytes));
