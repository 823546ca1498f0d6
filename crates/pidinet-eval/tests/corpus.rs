//! Inputs that fuzzing begins with, and those that once made it fail.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

#[path = "corpus/target.rs"]
mod target;

#[test]
fn the_fuzzing_targets_take_every_file() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    for (name, target) in
        [("mat5", target::mat5 as fn(&[u8])), ("classes", target::classes), ("map", target::map)]
    {
        let mut count = 0;
        for part in ["seeds", "regressions"] {
            for file in std::fs::read_dir(fuzz.join(part).join(name)).into_iter().flatten() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                target(&bytes);
                // And the same file truncated, or with one bit flipped.
                for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
                    target(&bytes[..at]);
                    let mut damaged = bytes.clone();
                    damaged[at] ^= 1 << (at % 8);
                    target(&damaged);
                }
                count += 1;
            }
        }
        assert!(count > 0, "there are seeds of {name}");
    }
}
