//! `cargo xtask check`: everything that must hold before a change is proposed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What can be checked on this machine's own instruction sets with the compiler alone.
    Fast,
    /// Also NEON and WebAssembly, which need qemu-user and Node.js, and every benchmark once.
    Full,
}

/// Runs all checks, the tests last; the closing line counts the tests.
pub(crate) fn run(extent: Extent) -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])?;
    cargo(&["doc", "--workspace", "--no-deps", "--locked"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    crate::deny::run()?;
    crate::circles::run(&[])?;
    crate::docs::run()?;
    crate::spelling::run()?;
    let mut tests = Counts::default();
    if extent == Extent::Full {
        crate::neon::run(&[])?;
        crate::simd128::run(&[])?;
        crate::bare::run()?;
        crate::web::run(&["--check".to_owned()])?;
        crate::features::run()?;
        cargo(&["test", "--workspace", "--benches", "--locked"], &[])?;
        let small =
            ["clippy", "-p", "pidinet-cli", "--no-default-features", "--locked", "--", "-D", "warnings"];
        cargo(&small, &[])?;
    }
    if extent == Extent::Full {
        crate::python::run()?;
    }
    tests.add(Command::new("cargo").args(["test", "--workspace", "--locked", "--no-fail-fast"]))?;
    println!("{} passed, {} failed, {} skipped", tests.passed, tests.failed, tests.ignored);
    ensure!(tests.failed == 0 && tests.success, "tests failed");
    ensure!(tests.passed > 0, "no test ran");
    Ok(())
}

/// Runs a cargo command that must succeed.
fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    println!("\n== cargo {}", arguments.join(" "));
    let status = Command::new("cargo").args(arguments).envs(environment.iter().copied()).status();
    let status = status.context("cannot run cargo")?;
    ensure!(status.success(), "`cargo {}` failed", arguments.join(" "));
    Ok(())
}

/// The results of test runs.
#[derive(Debug, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
    success: bool,
}

impl Counts {
    /// Runs tests, shows their output, and adds up their summaries.
    fn add(&mut self, command: &mut Command) -> Result<()> {
        println!("\n== {command:?}");
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
        let output = child.stdout.take().context("the tests' output is not readable")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            self.read(&line);
        }
        self.success = child.wait()?.success();
        Ok(())
    }

    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for part in counts.split("; ") {
            match part.split_once(' ').map(|(number, what)| (number.parse::<u64>(), what)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                Some((Ok(number), "ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_the_test_runner_are_added_up() {
        let mut counts = Counts::default();
        counts.read(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.1s",
        );
        counts.read("test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out");
        counts.read("test tests::something ... ok");
        assert_eq!((counts.passed, counts.failed, counts.ignored), (5, 4, 1));
    }
}
