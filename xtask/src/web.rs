//! `cargo xtask web`: the npm package and the demo page, as folders in `target/site`.
//!
//! 1. Both WebAssembly files are compiled, and wasm-bindgen writes what JavaScript calls them by.
//! 2. Where npm has them, wasm-opt makes them smaller and esbuild makes one script of several; the package works without.
//! 3. What a page needs is put together: `target/site/pidinet` and `target/site/demo`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo;

mod check;
mod sizes;

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

/// Where things are and go to.
struct Folders {
    /// `bindings/web` of the repository.
    source: PathBuf,
    /// Where cargo builds.
    target: PathBuf,
    /// What is between: bindings, tools.
    work: PathBuf,
    package: PathBuf,
    demo: PathBuf,
}

impl Folders {
    fn new() -> Result<Self> {
        let root = cargo::root();
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        let web = target.join("site");
        let folders = Self {
            source: root.join("bindings/web"),
            work: web.join("work"),
            package: web.join("pidinet"),
            demo: web.join("demo"),
            target,
        };
        for folder in [&folders.work, &folders.package, &folders.demo] {
            fs::create_dir_all(folder)?;
        }
        Ok(folders)
    }
}

/// Programs from npm.
struct Tools {
    /// The folder whose `node_modules` has them.
    folder: PathBuf,
}

impl Tools {
    /// The tools, if npm has them or they are there already.
    fn install(folders: &Folders) -> Result<Option<Self>> {
        let folder = folders.work.join("tools");
        fs::create_dir_all(&folder)?;
        let wanted = fs::read(folders.source.join("tools/package.json"))?;
        let there = fs::read(folder.join("installed.json")).unwrap_or_default();
        if there != wanted {
            fs::write(folder.join("package.json"), &wanted)?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]);
            npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").current_dir(&folder).stdin(Stdio::null());
            if !npm.status().is_ok_and(|status| status.success()) {
                println!(
                    "npm cannot install wasm-opt and esbuild: files stay as large as they are, and tests are left out"
                );
                return Ok(None);
            }
            fs::write(folder.join("installed.json"), &wanted)?;
        }
        Ok(Some(Self { folder }))
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join("node_modules/.bin").join(name));
        command.current_dir(&self.folder);
        command
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

/// Makes a folder new.
fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(fs::create_dir_all(folder)?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Copies the files of a folder, and of its folders.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let to = to.join(path.file_name().context("a file has a name")?);
        if path.is_dir() { copy_all(&path, &to)? } else { copy(&path, &to)? }
    }
    Ok(())
}
