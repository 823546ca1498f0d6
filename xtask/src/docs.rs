//! `cargo xtask docs`: whether the links and paths in the documentation lead somewhere, and lines are short
//! enough to read.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cargo;

/// The longest line of text, in characters. Tables, code and lines with links may be longer.
const LONGEST_LINE: usize = 100;

/// Folders without documentation of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "corpus"];

/// Extensions with which `a/b.rs` in a text is taken for the end of a path in the repository.
const SOURCES: [&str; 3] = ["rs", "py", "mjs"];

/// Checks every Markdown file of the repository.
///
/// # Errors
///
/// If a link or path leads nowhere or a line is too long.
pub(crate) fn run() -> Result<()> {
    println!("\n== cargo xtask docs");
    let root = cargo::root();
    let mut files = BTreeSet::new();
    list(&root, &mut files).with_context(|| format!("cannot read {}", root.display()))?;
    let files: BTreeSet<PathBuf> =
        files.iter().map(|file| file.strip_prefix(&root).unwrap_or(file).to_owned()).collect();
    let pages: Vec<&PathBuf> =
        files.iter().filter(|file| file.extension().is_some_and(|e| e == "md")).collect();
    let read = |page: &Path| std::fs::read_to_string(root.join(page)).ok();
    let problems: Vec<String> = pages.iter().flat_map(|page| problems(page, &files, &read)).collect();
    ensure!(problems.is_empty(), "{} problems:\n  {}", problems.len(), problems.join("\n  "));
    println!("{} pages, every link and path leads somewhere", pages.len());
    Ok(())
}

/// All files below a folder.
fn list(folder: &Path, files: &mut BTreeSet<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
        if entry.path().is_dir() && !skipped {
            list(&entry.path(), files)?;
        } else if !skipped {
            files.insert(entry.path());
        }
    }
    Ok(())
}

/// What is wrong with a page.
fn problems(page: &Path, files: &BTreeSet<PathBuf>, read: &dyn Fn(&Path) -> Option<String>) -> Vec<String> {
    let Some(text) = read(page) else { return vec![format!("{}: cannot be read", page.display())] };
    // Pages about the past keep the names of their time.
    let is_history = page.ends_with("CHANGELOG.md") || page.starts_with("docs/notebook");
    let (mut problems, mut in_code) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let mut tell =
            |problem: String| problems.push(format!("{}:{}: {problem}", page.display(), number + 1));
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let links = links(line);
        for link in &links {
            if let Some(problem) = broken(page, link, files, read) {
                tell(problem);
            }
        }
        let codes = line.split('`').skip(1).step_by(2);
        codes
            .filter(|code| !is_history && is_missing(code, files))
            .for_each(|code| tell(format!("no file {code}")));
        let is_text = !line.starts_with('|') && links.is_empty() && !line.contains("http");
        if is_text && !page.ends_with("CHANGELOG.md") && line.chars().count() > LONGEST_LINE {
            tell(format!("{} characters", line.chars().count()));
        }
    }
    problems
}

/// The targets of the links in a line.
fn links(line: &str) -> Vec<&str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// What is wrong with a link.
fn broken(
    page: &Path,
    link: &str,
    files: &BTreeSet<PathBuf>,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let target = if path.is_empty() { page.to_owned() } else { joined(page.parent()?, path) };
    if !exists(&target, files) {
        return Some(format!("link to {link} leads nowhere"));
    }
    let heading = heading?;
    let text = read(&target)?;
    let has = text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading);
    (!has).then(|| format!("{} has no heading #{heading}", target.display()))
}

/// The anchor of a heading on GitHub.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Whether a piece of code is a path that does not exist.
fn is_missing(code: &str, files: &BTreeSet<PathBuf>) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if !code.contains('/') || !code.chars().all(is_plain) {
        return false;
    }
    let path = Path::new(code);
    let starts = ["crates", "docs", "xtask", "tools", "benches", "models", "fuzz", ".ci", ".github"];
    if starts.iter().any(|start| path.starts_with(start)) {
        return !exists(path, files) && !files.iter().any(|file| file.ends_with(path));
    }
    let is_source = path.extension().is_some_and(|e| SOURCES.iter().any(|source| e == *source));
    is_source && !files.iter().any(|file| file.ends_with(path))
}

/// Whether it is a file or a folder of files.
fn exists(path: &Path, files: &BTreeSet<PathBuf>) -> bool {
    files.contains(path) || files.iter().any(|file| file.starts_with(path))
}

/// A path written in a page, relative to the root.
fn joined(folder: &Path, path: &str) -> PathBuf {
    let mut joined = folder.to_owned();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => drop(joined.pop()),
            Component::CurDir => {}
            other => joined.push(other),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a page of this text, if some files exist.
    fn found(text: &str) -> Vec<String> {
        let names = ["README.md", "docs/page.md", "docs/other.md", "crates/a/src/rows/dense.rs"];
        let files = names.iter().map(PathBuf::from).collect();
        let read = |page: &Path| {
            Some(if page == Path::new("docs/page.md") {
                text.to_owned()
            } else {
                "## Two words, `code`".to_owned()
            })
        };
        problems(Path::new("docs/page.md"), &files, &read)
    }

    #[test]
    fn links_and_headings_must_exist() {
        assert!(
            found("[a](other.md) [b](../README.md) [c](other.md#two-words-code) <https://x.y>").is_empty()
        );
        assert_eq!(found("\n[a](gone.md)"), ["docs/page.md:2: link to gone.md leads nowhere"]);
        assert_eq!(found("[a](other.md#three)"), ["docs/page.md:1: docs/other.md has no heading #three"]);
        assert_eq!(found("# Here\n[a](#there)"), ["docs/page.md:2: docs/page.md has no heading #there"]);
    }

    #[test]
    fn paths_in_code_must_exist() {
        assert!(
            found("`crates/a/src/rows/dense.rs`, `rows/dense.rs`, `crates/a`, `cargo test`, `RUN/x.rs y`")
                .is_empty()
        );
        assert_eq!(found("`crates/a/src/gone.rs`"), ["docs/page.md:1: no file crates/a/src/gone.rs"]);
        assert_eq!(found("`rows/gone.rs`"), ["docs/page.md:1: no file rows/gone.rs"]);
    }

    #[test]
    fn long_lines_are_told_except_in_tables_and_code() {
        let long = "a ".repeat(60);
        assert_eq!(found(&long).len(), 1);
        assert!(found(&format!("| {long}\n```\n{long}\n```\n{long} [a](other.md)")).is_empty());
    }
}
