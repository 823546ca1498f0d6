//! `cargo xtask gpu`: whether the parts for GPUs compile. That needs no GPU and no driver, but hundreds of
//! crates, so it is not part of `cargo xtask check`.

use std::process::Command;

use crate::cargo;

pub(crate) fn run() -> anyhow::Result<()> {
    let mut check = Command::new(env!("CARGO"));
    check.args(["check", "--locked", "--package", "pidinet-cli", "--features", "cuda,wgpu"]);
    // Without this, a crate of the CUDA compiler would download LLVM, which nothing here is linked with.
    check.env("DOCS_RS", "1");
    check.current_dir(cargo::root());
    cargo::finish(check)
}
