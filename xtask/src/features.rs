//! `cargo xtask features`: whether the library crates compile with each of their features alone, and with none.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cargo;

/// The libraries with features for users to choose from. Those of `pidinet-burn` are for GPUs: see
/// `cargo xtask gpu`.
const CRATES: [&str; 3] = ["pidinet-kernels", "pidinet", "pidinet-eval"];

/// The part of a manifest that is read.
#[derive(Debug, Deserialize)]
struct Manifest {
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
}

/// Checks each crate with each feature, with cargo-hack if that is installed.
///
/// # Errors
///
/// If one does not compile.
pub(crate) fn run() -> Result<()> {
    println!("\n== cargo xtask features");
    let hack = Command::new("cargo")
        .args(["hack", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let has_hack = hack.is_ok_and(|status| status.success());
    for name in CRATES {
        if has_hack {
            cargo::finish(cargo_in_root(&[
                "hack",
                "check",
                "--each-feature",
                "--locked",
                "--package",
                name,
            ]))?;
            continue;
        }
        for features in choices(&manifest(name)?) {
            println!("{name}: {}", if features.is_empty() { "no features" } else { &features });
            let arguments = ["check", "--quiet", "--locked", "--package", name, "--no-default-features"];
            cargo::finish(cargo_in_root(&[&arguments[..], &["--features", &features]].concat()))?;
        }
    }
    Ok(())
}

fn cargo_in_root(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(cargo::root());
    command
}

fn manifest(name: &str) -> Result<Manifest> {
    let path: PathBuf = cargo::root().join("crates").join(name).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
}

/// No feature, and each by itself.
fn choices(manifest: &Manifest) -> Vec<String> {
    let each = manifest.features.keys().filter(|name| *name != "default").cloned();
    std::iter::once(String::new()).chain(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_chosen_once_and_none_first() {
        let manifest: Manifest =
            toml::from_str("[package]\nname = 'a'\n[features]\nb = []\ndefault = ['b']\na = []").unwrap();
        assert_eq!(choices(&manifest), ["", "a", "b"]);
        let manifest: Manifest = toml::from_str("[package]\nname = 'a'").unwrap();
        assert_eq!(choices(&manifest), [""]);
    }
}
