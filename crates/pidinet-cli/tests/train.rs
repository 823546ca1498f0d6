//! `pidinet train edges`, run as a program.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with images of a lighter square and its outline.
fn drawn() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["images", "truth"] {
        std::fs::create_dir(folder.path().join(part)).unwrap();
    }
    for number in 0..4_u32 {
        let (low, high) = (8 + number, 30 + number);
        let inside = |x, y| (low..=high).contains(&x) && (low..=high).contains(&y);
        let edge = |x, y| inside(x, y) && (x == low || x == high || y == low || y == high);
        let image = image::GrayImage::from_fn(40, 40, |x, y| [if inside(x, y) { 200 } else { 40 }].into());
        let truth = image::GrayImage::from_fn(40, 40, |x, y| [if edge(x, y) { 255 } else { 0 }].into());
        image.save(folder.path().join(format!("images/{number}.png"))).unwrap();
        truth.save(folder.path().join(format!("truth/{number}.png"))).unwrap();
    }
    let config = "[model]\nwidth = 4\ncdcm = 2\n[augment]\ncrop = 32\n[train]\nsteps = 40\nbatch = 2\n\
                  checkpoint_steps = 3\n[[data.train]]\nimages = \"IMAGES\"\ntruth = \"TRUTH\"\n";
    let path = |part| folder.path().join(part).display().to_string();
    let config = config.replace("IMAGES", &path("images")).replace("TRUTH", &path("truth"));
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("pidinet"));
    command.current_dir(folder).args(["train", "edges"]).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_killed_run_goes_on_to_the_same_model() {
    let folder = drawn();
    let whole = run(folder.path(), &["whole", "-c", "config.toml"]);
    assert!(whole.status.success(), "{}", stderr(&whole));
    assert_eq!(String::from_utf8_lossy(&whole.stdout).trim(), "whole/model.safetensors");

    let mut child = command(folder.path(), &["cut", "-c", "config.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let checkpoint = folder.path().join("cut/checkpoint.safetensors");
    let start = Instant::now();
    while !checkpoint.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let resumed = run(folder.path(), &["--resume", "cut"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    let weights = |run: &str| {
        let path = folder.path().join(run).join("model.safetensors");
        pidinet::weights::Model::open(path, &pidinet::weights::OpenOptions::default()).unwrap().weights
    };
    assert_eq!(weights("cut"), weights("whole"));
}

#[test]
fn options_override_the_file_and_mistakes_are_told() {
    let folder = drawn();
    let printed =
        run(folder.path(), &["--print-config", "-c", "config.toml", "--rate", "0.25", "--size", "small-l"]);
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    for line in ["rate = 0.25", "width = 30", "cdcm = 0", "steps = 40", "eta = 0.3"] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    let nothing = run(folder.path(), &["run"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("nothing to learn from"));
    std::fs::write(folder.path().join("wrong.toml"), "[train]\nbatches = 3\n").unwrap();
    let wrong = run(folder.path(), &["run", "-c", "wrong.toml"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        stderr(&wrong).contains("wrong.toml") && stderr(&wrong).contains("batches"),
        "{}",
        stderr(&wrong)
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_is_saved() {
    let folder = drawn();
    let arguments = ["run", "-c", "config.toml", "--steps", "100000"];
    let child =
        command(folder.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !folder.path().join("run/checkpoint.safetensors").exists()
        && start.elapsed() < Duration::from_secs(60)
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("go on with: --resume run"), "{}", stderr(&output));
}
