//! Chores of the repository, run as `cargo xtask NAME`. One file a chore.

mod cargo;
mod neon;
mod simd128;

use anyhow::bail;

const USAGE: &str = "usage: cargo xtask CHORE [ARGUMENTS]

chores:
  neon     test the kernels with NEON, in an emulator of aarch64
  simd128  test the kernels with WebAssembly's vectors, in node

Arguments go to `cargo test`.";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next();
    let arguments: Vec<String> = arguments.collect();
    match chore.as_deref() {
        Some("neon") => neon::run(&arguments),
        Some("simd128") => simd128::run(&arguments),
        Some(other) => bail!("no chore is called `{other}`\n\n{USAGE}"),
        None => bail!("name a chore\n\n{USAGE}"),
    }
}
