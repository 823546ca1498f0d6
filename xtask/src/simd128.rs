//! `cargo xtask simd128`: the kernels' tests with WebAssembly's vectors, run by node; with those of relaxed SIMD as well
//! where node has it.

use std::process::Command;

use crate::cargo;

const TARGET: &str = "wasm32-wasip1";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    cargo::require_target(TARGET)?;
    cargo::require("node", "Node.js 20 or later (the package nodejs)")?;
    let mut test = cargo::test_kernels(TARGET, arguments);
    let runner = cargo::root().join("tools/wasi.mjs");
    let (features, flags) = match relaxed() {
        Some(flags) => ("+simd128,+relaxed-simd", flags),
        None => {
            println!("this node has no relaxed SIMD: it is not tested");
            ("+simd128", "")
        }
    };
    test.env("RUSTFLAGS", format!("-C target-feature={features}"));
    test.env("CARGO_TARGET_WASM32_WASIP1_RUNNER", format!("node --no-warnings {flags} {}", runner.display()));
    cargo::finish(test)
}

/// The flags with which node runs relaxed SIMD, if it does.
pub(crate) fn relaxed() -> Option<&'static str> {
    // A function of one `f32x4.relaxed_madd`.
    let program = "const zero = [65, 0, 253, 17]; process.exit(WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, \
                   0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, ...zero, ...zero, ...zero, 253, 133, \
                   2, 11])) ? 0 : 1)";
    ["", "--experimental-wasm-relaxed-simd"].into_iter().find(|flag| {
        let mut node = Command::new("node");
        node.args((!flag.is_empty()).then_some(flag)).args(["-e", program]);
        node.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    })
}
