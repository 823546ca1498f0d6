//! How much a page downloads, compressed as servers do it, and that it is not more than was promised.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Most bytes, gzipped, until there are edges.
const MOST: u64 = 500_000;

/// Files of the package that a page fetches before it sees edges, with either of the modules.
const FIRST: [&[&str]; 2] = [
    &["index.js", "worker.js", "pidinet-simd128.wasm", "models/tiny.safetensors"],
    &["index.js", "worker.js", "pidinet-relaxed.wasm", "models/tiny.safetensors"],
];

/// Prints the sizes; of files that wasm-opt and esbuild have made smaller, they must be as promised.
pub(super) fn report(package: &Path, made_smaller: bool) -> Result<()> {
    let dist = package.join("dist");
    for files in FIRST {
        let mut sum = 0;
        for file in files {
            let (bytes, packed) = sizes(&dist.join(file))?;
            println!("{file:28} {bytes:>8} bytes, gzipped {packed:>7}");
            sum += packed;
        }
        println!("{:28} {:>8}        gzipped {sum:>7}\n", "until there are edges", "");
        ensure!(
            sum <= MOST || !made_smaller,
            "a page fetches {sum} bytes before there are edges, more than {MOST}"
        );
    }
    Ok(())
}

/// Bytes of a file, and gzipped.
fn sizes(path: &Path) -> Result<(u64, u64)> {
    let program = "const z = require('zlib'), f = require('fs').readFileSync(process.argv[1]); \
                   console.log(f.length, z.gzipSync(f, { level: 9 }).length)";
    let output = Command::new("node").args(["-e", program]).arg(path).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (bytes, packed) =
        text.trim().split_once(' ').with_context(|| format!("{} is not there", path.display()))?;
    Ok((bytes.parse()?, packed.parse()?))
}
