//! `cargo xtask deny`: whether all dependencies have licences, sources and advisories that `deny.toml` allows.
//!
//! If cargo-deny is installed, it decides. Without it, licences and sources are checked here, from what cargo
//! itself says about the packages; advisories need cargo-deny and its database.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::cargo;

/// The part of `deny.toml` that is read.
#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licences,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
    #[serde(default)]
    clarify: Vec<Clarified>,
}

#[derive(Debug, Deserialize)]
struct Clarified {
    #[serde(rename = "crate")]
    name: String,
    expression: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// The output of `cargo metadata`.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

pub(crate) fn run() -> Result<()> {
    println!("\n== cargo xtask deny");
    let has_cargo_deny = Command::new("cargo")
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if has_cargo_deny {
        return with_cargo_deny();
    }
    let rules = std::fs::read_to_string(cargo::root().join("deny.toml")).context("cannot read deny.toml")?;
    let rules: Rules = toml::from_str(&rules).context("cannot read deny.toml")?;
    let metadata = match metadata(&["--all-features"]) {
        Ok(metadata) => metadata,
        Err(_) => {
            println!("cannot fetch all packages: checking those on this machine");
            metadata(&["--offline", "--filter-platform", &cargo::host()?])?
        }
    };
    let problems = problems(&metadata.packages, &rules);
    ensure!(problems.is_empty(), "dependencies that deny.toml does not allow:\n  {}", problems.join("\n  "));
    let count = metadata.packages.len();
    println!("{count} packages have licences and sources that deny.toml allows");
    println!("advisories were not checked: that needs cargo-deny (`cargo install cargo-deny`)");
    Ok(())
}

/// What cargo says about the packages of this repository and all their dependencies.
fn metadata(more: &[&str]) -> Result<Metadata> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(more)
        .current_dir(cargo::root())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Checks licences, sources and duplicates first, since they need no network; advisories if the database can
/// be fetched.
fn with_cargo_deny() -> Result<()> {
    let check = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(["deny", "check"]).args(arguments).current_dir(cargo::root());
        command
    };
    cargo::finish(check(&["bans", "licenses", "sources"]))?;
    let fetched = Command::new("cargo").args(["deny", "fetch", "db"]).current_dir(cargo::root()).status();
    if fetched.is_ok_and(|status| status.success()) {
        cargo::finish(check(&["advisories"]))
    } else {
        println!("advisories were not checked: their database cannot be fetched");
        Ok(())
    }
}

/// What is not allowed; also prints which packages come in several versions.
fn problems(packages: &[Package], rules: &Rules) -> Vec<String> {
    let mut problems = Vec::new();
    let mut versions = BTreeMap::<&str, BTreeSet<&str>>::new();
    for Package { name, version, license, source } in packages {
        versions.entry(name).or_default().insert(version);
        let clarified = rules.licenses.clarify.iter().find(|clarified| clarified.name == *name);
        let licence = clarified.map(|clarified| &clarified.expression).or(license.as_ref());
        match licence.map(|licence| (licence, is_allowed(licence, &rules.licenses.allow))) {
            None => problems.push(format!("{name} {version} states no licence")),
            Some((licence, Ok(false))) => {
                problems.push(format!("{name} {version}: the licence is {licence}"))
            }
            Some((licence, Err(error))) => problems.push(format!("{name} {version}: {licence}: {error}")),
            Some((_, Ok(true))) => {}
        }
        // Packages without a source are folders of this repository.
        let registry = source.as_deref().map(|source| source.trim_start_matches("registry+"));
        if registry.is_some_and(|found| !rules.sources.allow_registry.iter().any(|known| known == found)) {
            problems.push(format!("{name} {version} is from {}", registry.unwrap_or_default()));
        }
    }
    let several = versions.iter().filter(|(_, versions)| versions.len() > 1).count();
    println!("{several} packages come in more than one version");
    problems
}

/// Whether an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` can be met with licences that are allowed.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> Result<bool> {
    // Old packages write `MIT/Apache-2.0`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    let holds = any(&mut rest, allowed)?;
    ensure!(rest.is_empty(), "`{}` is too much", rest.join(" "));
    Ok(holds)
}

fn any(words: &mut &[&str], allowed: &BTreeSet<String>) -> Result<bool> {
    let mut holds = all(words, allowed)?;
    while let Some(("OR", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        holds |= all(words, allowed)?;
    }
    Ok(holds)
}

fn all(words: &mut &[&str], allowed: &BTreeSet<String>) -> Result<bool> {
    let mut holds = one(words, allowed)?;
    while let Some(("AND", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        holds &= one(words, allowed)?;
    }
    Ok(holds)
}

fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> Result<bool> {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let holds = any(words, allowed)?;
            let [")", rest @ ..] = *words else { bail!("a bracket is not closed") };
            *words = rest;
            Ok(holds)
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            Ok(allowed.contains(&format!("{licence} WITH {exception}")))
        }
        [licence, rest @ ..] if !matches!(*licence, "OR" | "AND" | "WITH" | ")") => {
            *words = rest;
            Ok(allowed.contains(*licence))
        }
        _ => bail!("a licence is missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let text = "[licenses]\nallow = [\"MIT\", \"ISC\", \"Apache-2.0 WITH LLVM-exception\"]\n\
                    [[licenses.clarify]]\ncrate = \"odd\"\nexpression = \"MIT\"\n\
                    [sources]\nallow-registry = [\"https://crates\"]\n";
        toml::from_str(text).unwrap()
    }

    #[test]
    fn expressions_are_met_by_what_is_allowed() {
        let allowed = rules().licenses.allow;
        for expression in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/GPL-3.0",
            "MIT AND ISC",
            "(GPL-3.0 OR ISC) AND MIT",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-2.0 AND GPL-3.0 OR ISC",
        ] {
            assert!(is_allowed(expression, &allowed).unwrap(), "{expression}");
        }
        for expression in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(MIT OR ISC) AND GPL-3.0"] {
            assert!(!is_allowed(expression, &allowed).unwrap(), "{expression}");
        }
        for expression in ["", "MIT OR", "(MIT", "MIT ISC", "AND MIT", "MIT)"] {
            assert!(is_allowed(expression, &allowed).is_err(), "{expression}");
        }
    }

    #[test]
    fn every_package_that_is_not_allowed_is_named() {
        let package = |name: &str, license: Option<&str>, source: Option<&str>| Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        let packages = [
            package("fine", Some("MIT"), Some("registry+https://crates")),
            package("ours", Some("MIT"), None),
            package("odd", None, Some("registry+https://crates")),
            package("bare", None, Some("registry+https://crates")),
            package("copyleft", Some("GPL-3.0"), Some("registry+https://crates")),
            package("elsewhere", Some("MIT"), Some("git+https://example.com/x")),
        ];
        let problems = problems(&packages, &rules());
        assert_eq!(problems.len(), 3, "{problems:?}");
        for (problem, name) in problems.iter().zip(["bare", "copyleft", "elsewhere"]) {
            assert!(problem.starts_with(name), "{problem}");
        }
    }

    #[test]
    fn the_rules_of_this_repository_are_read() {
        let text = std::fs::read_to_string(cargo::root().join("deny.toml")).unwrap();
        let rules: Rules = toml::from_str(&text).unwrap();
        assert!(rules.licenses.allow.contains("MIT"));
    }
}
