//! `cargo xtask circles`: whether files of a crate use each other in a circle.
//!
//! A circle is a set of files none of which can be read first. A file uses another if it names something that
//! the other defines. Names are followed through `use`, so what a parent re-exports from its child counts as
//! the child's. Declaring a module (`mod child;`) or re-exporting from one below does not count as use, and
//! test code is left out.

mod components;
mod modules;
mod resolve;
#[cfg(test)]
mod tests;
mod ties;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cargo;
use components::components;
use modules::Modules;
use ties::Ties;

/// Checks the named crates, or all of them; fails if one has a circle.
///
/// # Errors
///
/// If there is a circle, or a crate cannot be read.
pub(crate) fn run(names: &[String]) -> Result<()> {
    println!("\n== cargo xtask circles {}", names.join(" "));
    let all = crates()?;
    for name in names {
        ensure!(all.iter().any(|folder| folder.ends_with(name)), "no crate is called `{name}`");
    }
    let chosen =
        all.iter().filter(|folder| names.is_empty() || names.iter().any(|name| folder.ends_with(name)));
    let (mut files, mut circles) = (0, 0);
    for folder in chosen {
        for start in ["src/lib.rs", "src/main.rs"].map(|start| folder.join(start)) {
            if start.is_file() {
                let ties = ties_of(&start, &|file| std::fs::read_to_string(file).ok())?;
                let found = circles_of(&ties);
                found.iter().for_each(|circle| print!("{}", told(circle, &ties, &cargo::root())));
                (files, circles) = (files + ties.files.len(), circles + found.len());
            }
        }
    }
    ensure!(circles == 0, "{circles} circles of files: move what is shared into a file of its own");
    println!("{files} files, no circles");
    Ok(())
}

/// The folders of all crates of the repository.
fn crates() -> Result<Vec<PathBuf>> {
    let root = cargo::root();
    let folder = root.join("crates");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.push(root.join("xtask"));
    folders.sort();
    Ok(folders)
}

/// What each file of a crate takes from the others, starting at the crate's first file.
fn ties_of(start: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Result<Ties> {
    Ok(Ties::of(&Modules::read(start, read)?))
}

/// The circles, each a list of files by number.
fn circles_of(ties: &Ties) -> Vec<Vec<usize>> {
    let uses: Vec<Vec<usize>> = (0..ties.files.len()).map(|file| ties.used_by(file)).collect();
    components(&uses)
}

/// A circle in words: each pair of files with the names that tie it.
fn told(circle: &[usize], ties: &Ties, root: &Path) -> String {
    let path = |file: usize| ties.files[file].strip_prefix(root).unwrap_or(&ties.files[file]).display();
    let mut text = format!("circle of {} files:\n", circle.len());
    for (&(user, used), names) in &ties.names {
        if circle.contains(&user) && circle.contains(&used) {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            writeln!(text, "  {} takes {names} from {}", path(user), path(used)).expect("strings grow");
        }
    }
    text
}
