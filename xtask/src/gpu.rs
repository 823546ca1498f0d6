//! `cargo xtask gpu`: whether the parts for GPUs compile. No GPU and no driver is needed for that, but some
//! hundreds of crates are, so it is no part of `cargo xtask check`.

use std::process::Command;

use crate::cargo;

pub(crate) fn run() -> anyhow::Result<()> {
    let mut check = Command::new(env!("CARGO"));
    check.args(["check", "--locked", "--package", "pidinet-cli", "--features", "cuda,wgpu"]);
    // Without it a crate of the CUDA compiler would download LLVM, which nothing is linked with here.
    check.env("DOCS_RS", "1");
    check.current_dir(cargo::root());
    cargo::finish(check)
}
