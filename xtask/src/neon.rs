//! `cargo xtask neon`: the kernels' tests with NEON, compiled for aarch64, and run by qemu on other
//! machines.

use crate::cargo;
use anyhow::ensure;
use std::path::Path;

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
/// Where Debian's cross compilers keep the C library that the emulated program loads.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    cargo::require_target(TARGET)?;
    let mut test = cargo::test_kernels(TARGET, arguments);
    if !cfg!(target_arch = "aarch64") {
        cargo::require(LINKER, "the package gcc-aarch64-linux-gnu")?;
        cargo::require("qemu-aarch64", "the package qemu-user")?;
        let library = Path::new(LIBRARIES).join("lib/libc.so.6");
        ensure!(
            library.exists(),
            "{} is missing; install the package libc6-dev-arm64-cross",
            library.display()
        );
        test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER);
        test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", format!("qemu-aarch64 -L {LIBRARIES}"));
        test.env("CC_aarch64_unknown_linux_gnu", LINKER);
    }
    cargo::finish(test)
}
