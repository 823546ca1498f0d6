//! Chores of the repository, run as `cargo xtask NAME`, with one file for each.

#![expect(clippy::print_stdout, reason = "a chore reports to whoever runs it")]

mod bare;
mod cargo;
mod check;
mod circles;
mod deny;
mod docs;
mod features;
mod gpu;
mod neon;
mod python;
mod simd128;
mod spelling;
mod web;

use anyhow::bail;

const USAGE: &str = "usage: cargo xtask CHORE [ARGUMENTS]

chores:
  bare     find edges on WebAssembly without a system, in node, and compare with this machine
  check    everything that must hold before a change is proposed; with --fast, without other instruction sets
  circles  check that no files of a crate use each other in a circle; for all crates, or for those named
  deny     check licences, sources and advisories of all dependencies, as deny.toml says
  docs     check that links and paths in the documentation lead somewhere
  features check that libraries compile with each of their features alone
  gpu      check that the parts for GPUs compile; takes long
  neon     test the kernels with NEON, in an emulator of aarch64
  python   build the Python package and test it with every Python from 3.10 that is found
  simd128  test the kernels with WebAssembly's vectors, in node
  spelling check spelling, with typos if it is installed
  web      leave the npm package and the demo page in target/site; with --check, test them; with --serve, serve the page

Arguments of neon and simd128 go to `cargo test`.";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next();
    let arguments: Vec<String> = arguments.collect();
    match chore.as_deref() {
        Some("check") => match arguments.as_slice() {
            [] => check::run(check::Extent::Full),
            [fast] if fast == "--fast" => check::run(check::Extent::Fast),
            other => bail!("`check` takes --fast or nothing, not {other:?}\n\n{USAGE}"),
        },
        Some("bare") => bare::run(),
        Some("circles") => circles::run(&arguments),
        Some("deny") => deny::run(),
        Some("docs") => docs::run(),
        Some("features") => features::run(),
        Some("gpu") => gpu::run(),
        Some("neon") => neon::run(&arguments),
        Some("python") => python::run(),
        Some("simd128") => simd128::run(&arguments),
        Some("spelling") => spelling::run(),
        Some("web") => web::run(&arguments),
        Some(other) => bail!("no chore is called `{other}`\n\n{USAGE}"),
        None => bail!("name a chore\n\n{USAGE}"),
    }
}
