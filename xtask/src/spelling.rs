//! `cargo xtask spelling`: spelling, with `typos` if that is installed.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::cargo;

/// Runs `typos`, or the program that the environment variable `TYPOS` names, configured by `_typos.toml`.
///
/// # Errors
///
/// If a word is misspelt.
pub(crate) fn run() -> Result<()> {
    println!("\n== cargo xtask spelling");
    let program = std::env::var("TYPOS").unwrap_or_else(|_| "typos".to_owned());
    let version =
        Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        println!(
            "spelling was not checked: that needs typos (`pip install typos` or `cargo install typos-cli`)"
        );
        return Ok(());
    }
    let mut typos = Command::new(program);
    typos.current_dir(cargo::root());
    cargo::finish(typos)
}
