//! `cargo xtask web`: the npm package and the demo page, as folders in `target/site`.
//!
//! 1. Both WebAssembly files are compiled, and wasm-bindgen writes what JavaScript calls them by.
//! 2. Where npm has them, wasm-opt makes them smaller and esbuild makes one script of several; the package works without.
//! 3. What a page needs is put together: `target/site/pidinet` and `target/site/demo`.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::cargo;

mod check;
mod files;
mod folders;
mod sizes;
mod tools;

use files::{copy, copy_all, empty};
use folders::Folders;
use tools::Tools;

const TARGET: &str = "wasm32-unknown-unknown";

/// Files of the package that are of one kind for each: name, and what the compiler may use.
const MODULES: [(&str, &str); 2] = [("simd128", "+simd128"), ("relaxed", "+simd128,+relaxed-simd")];

/// Models that a page can fetch.
const MODELS: [&str; 2] = ["tiny", "tiny-edges"];

/// Scripts that pages, workers and node begin with.
const ENTRIES: [&str; 4] = ["index", "worker", "sync", "node"];

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let serve = match arguments {
        [] => None,
        [check] if check == "--check" => Some(false),
        [serve] if serve == "--serve" => Some(true),
        other => bail!("`web` takes --check, --serve or nothing, not {other:?}"),
    };
    println!("\n== cargo xtask web");
    cargo::require_target(TARGET)?;
    cargo::require("node", "Node.js 20 or later (the package nodejs)")?;
    let folders = Folders::new()?;
    let tools = Tools::install(&folders)?;
    bindings(&folders)?;
    package(&folders, tools.as_ref())?;
    demo(&folders)?;
    sizes::report(&folders.package, tools.is_some())?;
    println!("package: {}\ndemo:    {}", folders.package.display(), folders.demo.display());
    match serve {
        None => Ok(()),
        Some(false) => check::run(&folders, tools.as_ref()),
        Some(true) => {
            let mut node = Command::new("node");
            node.arg(folders.source.join("tools/serve.mjs")).arg(&folders.demo).arg("8080");
            cargo::finish(node)
        }
    }
}

/// Compiles the modules and lets wasm-bindgen write the bindings of each.
fn bindings(folders: &Folders) -> Result<()> {
    for (name, features) in MODULES {
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--locked",
            "--package",
            "pidinet-web",
            "--lib",
            "--profile",
            "web",
            "--target",
            TARGET,
        ]);
        build
            .current_dir(cargo::root())
            .env("RUSTFLAGS", format!("-C target-feature={features} --cfg pidinet_slim"));
        cargo::finish(build)?;
        let mut bindgen = Command::new(env!("CARGO"));
        bindgen.args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "xtask",
            "--features",
            "web",
            "--bin",
            "bindgen",
            "--",
        ]);
        bindgen.arg(folders.target.join(TARGET).join("web/pidinet_web.wasm"));
        bindgen.arg(folders.work.join(name)).arg("bindings").current_dir(cargo::root());
        cargo::finish(bindgen)?;
    }
    let script = |name: &str| fs::read(folders.work.join(name).join("bindings.js"));
    ensure!(script("simd128")? == script("relaxed")?, "the two modules are not called alike");
    Ok(())
}

/// Puts the package together.
fn package(folders: &Folders, tools: Option<&Tools>) -> Result<()> {
    let source = folders.source.join("package");
    let dist = folders.package.join("dist");
    empty(&folders.package)?;
    fs::create_dir_all(dist.join("models"))?;
    for name in ["package.json", "README.md"] {
        copy(&source.join(name), &folders.package.join(name))?;
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&cargo::root().join(name), &folders.package.join(name))?;
    }
    for model in MODELS {
        let file = format!("{model}.safetensors");
        copy(&cargo::root().join("crates/pidinet/models").join(&file), &dist.join("models").join(&file))?;
    }
    copy_all(&source.join("types"), &dist)?;
    for (name, features) in MODULES {
        let (from, to) =
            (folders.work.join(name).join("bindings_bg.wasm"), dist.join(format!("pidinet-{name}.wasm")));
        match tools {
            None => copy(&from, &to)?,
            Some(tools) => {
                let mut optimise = tools.command("wasm-opt");
                optimise.args(["-O3", "--strip-debug", "--strip-producers"]);
                // What the compiler uses by default, and what it was told to.
                optimise.args([
                    "--enable-bulk-memory",
                    "--enable-bulk-memory-opt",
                    "--enable-call-indirect-overlong",
                    "--enable-multivalue",
                    "--enable-mutable-globals",
                    "--enable-nontrapping-float-to-int",
                    "--enable-reference-types",
                    "--enable-sign-ext",
                    "--enable-simd",
                ]);
                if features.contains("relaxed-simd") {
                    optimise.arg("--enable-relaxed-simd");
                }
                cargo::finish({
                    optimise.arg(&from).arg("-o").arg(&to);
                    optimise
                })?;
            }
        }
    }
    // Scripts: one for each entry, or as they are written.
    let scripts = folders.work.join("scripts");
    empty(&scripts)?;
    copy_all(&source.join("src"), &scripts)?;
    copy(&folders.work.join("simd128/bindings.js"), &scripts.join("bindings.js"))?;
    match tools {
        None => copy_all(&scripts, &dist),
        Some(tools) => {
            let mut bundle = tools.command("esbuild");
            bundle.args(ENTRIES.map(|entry| scripts.join(format!("{entry}.js"))));
            bundle.args(["--bundle", "--format=esm", "--target=es2022", "--minify", "--external:node:*"]);
            // What node imports is the other entry, not a copy of it.
            bundle.args(["--log-level=warning", "--legal-comments=none"]);
            bundle.arg(format!("--outdir={}", dist.display()));
            cargo::finish(bundle)
        }
    }
}

/// Puts the page together: its files, and the package in a folder of it.
fn demo(folders: &Folders) -> Result<()> {
    empty(&folders.demo)?;
    copy_all(&folders.source.join("demo"), &folders.demo)?;
    copy(&cargo::root().join("docs/images/example.jpg"), &folders.demo.join("example.jpg"))?;
    let dist = folders.demo.join("pidinet");
    fs::create_dir_all(dist.join("models"))?;
    let of_package = folders.package.join("dist");
    for model in MODELS {
        let file = format!("models/{model}.safetensors");
        copy(&of_package.join(&file), &dist.join(&file))?;
    }
    for entry in fs::read_dir(&of_package)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_file() && !name.ends_with(".d.ts") && !matches!(name, "sync.js" | "node.js") {
            copy(&path, &dist.join(name))?;
        }
    }
    Ok(())
}
