//! `cargo xtask python`: the Python package, built and tested with every Python that is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::cargo::{finish, root};

/// The oldest Python that the package is for, as the number after `3.`.
const OLDEST: u32 = 10;
/// The newest Python that is looked for by its name.
const NEWEST: u32 = 15;

/// What tests use besides the package and numpy.
const TOOLS: [&str; 2] = ["pytest", "pillow"];

/// Builds a wheel, in the profile of development, and runs the tests on it. Says so where there is no Python, or
/// where its tools cannot be had, and is content.
pub(crate) fn run() -> Result<()> {
    let pythons = pythons();
    let Some((newest, python)) = pythons.last_key_value() else {
        println!("\n== no Python from 3.{OLDEST}: the tests of the Python package are skipped");
        return Ok(());
    };
    let folder = root().join("target/python-package");
    let Some(builder) = environment(python, &folder.join("build"), &["maturin>=1.14,<2"])? else {
        println!("\n== maturin cannot be installed: the tests of the Python package are skipped");
        return Ok(());
    };
    let wheel = build(&builder, &folder.join("wheels"))?;
    for (minor, python) in &pythons {
        // The oldest numpy that is of use is tested where it still runs, with what checks types where it is the newest.
        let numpy = if *minor == OLDEST { "numpy<2" } else { "numpy" };
        let types: &[&str] = if minor == newest { &["mypy"] } else { &[] };
        let packages = [&[numpy][..], &TOOLS, types].concat();
        let Some(tested) = environment(python, &folder.join(format!("3.{minor}")), &packages)? else {
            println!("\n== numpy cannot be installed for Python 3.{minor}: its tests are skipped");
            continue;
        };
        println!("\n== the Python package with Python 3.{minor}");
        let mut install = Command::new(&tested);
        install.args(["-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", "--no-index"]);
        finish(quiet(install.arg(&wheel)))?;
        let mut tests = Command::new(&tested);
        tests.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
        tests.args(["bindings/python/tests", "integrations/comfyui/tests"]);
        finish(quiet(tests.current_dir(root())))?;
    }
    Ok(())
}

/// A command without what would make Python look elsewhere.
fn quiet(command: &mut Command) -> Command {
    let mut quiet = Command::new(command.get_program());
    quiet.args(command.get_args()).env_remove("PYTHONPATH").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    quiet.current_dir(command.get_current_dir().unwrap_or(&root())).stdin(Stdio::null());
    quiet
}

/// The Pythons that there are, by the number after `3.`: those that can be called by name, and those of pyenv, uv and hosted
/// runners, which need not be.
fn pythons() -> BTreeMap<u32, PathBuf> {
    let names = (OLDEST..=NEWEST).map(|minor| format!("python3.{minor}")).chain(["python3".to_owned()]);
    let mut candidates: Vec<PathBuf> = names.map(PathBuf::from).collect();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let folders = [
        home.join(".pyenv/versions"),
        home.join(".local/share/uv/python"),
        "/opt/hostedtoolcache/Python".into(),
    ];
    for folder in folders {
        let versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
        candidates.extend(versions.flat_map(|version| PLACES.map(|place| version.path().join(place))));
    }
    let told = candidates.into_iter().filter_map(|candidate| {
        let program = "import sys; print(*sys.version_info[:2], sys.implementation.name, sys.executable)";
        let output = Command::new(candidate).args(["-c", program]).stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let [major, minor, name, path] = text.trim().splitn(4, ' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        let minor = minor.parse().ok().filter(|minor| (OLDEST..=NEWEST).contains(minor))?;
        (major == "3" && name == "cpython").then(|| (minor, PathBuf::from(path)))
    });
    let mut found = BTreeMap::new();
    for (minor, path) in told {
        found.entry(minor).or_insert(path);
    }
    found
}

/// Where a Python is in the folder of its version.
const PLACES: [&str; 2] = ["bin/python3", "x64/bin/python3"];

/// The Python of a virtual environment with these packages; none if they cannot be had.
fn environment(python: &Path, folder: &Path, packages: &[&str]) -> Result<Option<PathBuf>> {
    let own = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !own.exists() {
        let made = quiet(Command::new(python).args(["-m", "venv"]).arg(folder)).status();
        if !made.context("cannot run Python")?.success() {
            return Ok(None);
        }
    }
    let mut install = Command::new(&own);
    let status = quiet(install.args(["-m", "pip", "install", "-q"]).args(packages)).status();
    Ok(status.context("cannot run pip")?.success().then_some(own))
}

/// The wheel.
fn build(python: &Path, folder: &Path) -> Result<PathBuf> {
    println!("\n== the wheel of the Python package");
    if folder.exists() {
        std::fs::remove_dir_all(folder).context("cannot remove older wheels")?;
    }
    let mut maturin = Command::new(python);
    maturin.args(["-m", "maturin", "build", "--profile", "dev", "--locked", "--manifest-path"]);
    maturin
        .arg(root().join("bindings/python/Cargo.toml"))
        .arg("--interpreter")
        .arg(python)
        .arg("--out")
        .arg(folder);
    finish(quiet(&mut maturin))?;
    let mut wheels = std::fs::read_dir(folder)?.filter_map(|file| Some(file.ok()?.path()));
    let wheel = wheels.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let wheel = wheel.context("maturin built no wheel")?;
    ensure!(wheel.to_string_lossy().contains("abi3"), "{} is for one Python only", wheel.display());
    Ok(wheel)
}
