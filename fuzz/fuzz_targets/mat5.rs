//! See README.md.
#![no_main]

#[allow(dead_code, reason = "each target is one of them")]
#[path = "../../crates/pidinet-eval/tests/corpus/target.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::mat5(bytes));
