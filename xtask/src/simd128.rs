//! `cargo xtask simd128`: the kernels' tests with WebAssembly's vectors, run by node.

use crate::cargo;

const TARGET: &str = "wasm32-wasip1";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    cargo::require_target(TARGET)?;
    cargo::require("node", "Node.js 20 or later (the package nodejs)")?;
    let mut test = cargo::test_kernels(TARGET, arguments);
    let runner = cargo::root().join("tools/wasi.mjs");
    test.env("RUSTFLAGS", "-C target-feature=+simd128");
    test.env("CARGO_TARGET_WASM32_WASIP1_RUNNER", format!("node --no-warnings {}", runner.display()));
    cargo::finish(test)
}
