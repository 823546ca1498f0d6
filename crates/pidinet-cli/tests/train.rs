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
    let options = ["--rate", "0.25", "--size", "small-l", "--gt-ignore", "255"];
    let printed = run(folder.path(), &[&["--print-config", "-c", "config.toml"], &options[..]].concat());
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    for line in ["rate = 0.25", "width = 30", "cdcm = 0", "steps = 40", "eta = 0.3", "ignore = 255"] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    let nothing = run(folder.path(), &["run"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("no training data"));
    std::fs::write(folder.path().join("wrong.toml"), "[train]\nbatches = 3\n").unwrap();
    let wrong = run(folder.path(), &["run", "-c", "wrong.toml"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        stderr(&wrong).contains("wrong.toml") && stderr(&wrong).contains("batches"),
        "{}",
        stderr(&wrong)
    );
}

#[test]
fn a_teacher_labels_and_pictures_are_options() {
    let folder = drawn();
    let options = ["--labels", "registered", "--tolerance", "2", "--trust", "0.5", "--pictures", "images"];
    let print = |teacher: &str| {
        let output = run(folder.path(), &[&options[..], &["--teacher", teacher, "--print-config"]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (by_name, by_folder) = (print("tiny"), print("truth"));
    for line in [
        "labels = \"registered\"",
        "tolerance = 2",
        "trust = 0.5",
        "pictures = \"images\"",
        "model = \"tiny\"",
    ] {
        assert!(by_name.lines().any(|found| found == line), "no {line} in\n{by_name}");
    }
    assert!(by_folder.contains("maps = \"truth\"") && !by_folder.contains("model = \"tiny\""), "{by_folder}");

    let learn = |teacher| {
        let common = ["-c", "config.toml", "--steps", "2", "--pictures", "images", "--teacher", teacher];
        run(folder.path(), &[&["taught"], &common[..]].concat())
    };
    let unknown = learn("enormous");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        stderr(&unknown)
            .contains("no file and no built-in model named enormous; the built-in models are tiny"),
        "{}",
        stderr(&unknown)
    );
    let taught = learn("tiny");
    assert!(taught.status.success(), "{}", stderr(&taught));
    assert!(folder.path().join("taught/model.safetensors").is_file());
}

#[test]
fn a_device_that_was_not_built_in_is_told_with_the_way_to_have_it() {
    let folder = drawn();
    for device in ["cuda", "wgpu"] {
        if (device == "cuda" && cfg!(feature = "cuda")) || (device == "wgpu" && cfg!(feature = "wgpu")) {
            continue;
        }
        let output = run(folder.path(), &["run", "-c", "config.toml", "--device", device]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let message = format!("cargo install --path crates/pidinet-cli --features {device}");
        assert!(stderr(&output).contains(&message), "{}", stderr(&output));
    }
    assert_eq!(
        run(folder.path(), &["run", "-c", "config.toml", "--device", "abacus"]).status.code(),
        Some(2)
    );
    assert!(!folder.path().join("run").exists());
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_run_and_keeps_its_checkpoint() {
    use pidinet_train::checkpoint::Checkpoint;
    let folder = drawn();
    std::fs::create_dir(folder.path().join("disk")).unwrap();
    // A file system of 4 MiB that only this process sees; it is filled up once there is a checkpoint.
    let script = "mount -t tmpfs -o size=4m tmpfs disk || exit 77
        \"$0\" train edges disk/run -c config.toml --steps 1000000 & run=$!
        for wait in $(seq 600); do [ -e disk/run/run.html ] && break; sleep 0.1; done
        cat /dev/zero > disk/rest 2> disk/run/why
        wait $run; echo code $?
        cp disk/run/checkpoint.safetensors disk/run/model.safetensors . && ls -A disk/run";
    let program = assert_cmd::cargo::cargo_bin!("pidinet");
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(program)
        .current_dir(folder.path())
        .output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        other => return eprintln!("skipped: no file system can be mounted here ({other:?})"),
    };
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.starts_with("code 1\n"), "{stdout}{}", stderr(&output));
    assert!(!stdout.contains(".tmp"), "a part of a file is left: {stdout}");
    let message = stderr(&output);
    assert!(message.contains("error: cannot write disk/run/"), "{message}");
    assert!(message.contains("No space left"), "{message}");
    let checkpoint = Checkpoint::open(&folder.path().join("checkpoint.safetensors")).unwrap();
    assert!(checkpoint.position.step > 0);
    let options = pidinet::weights::OpenOptions::default();
    pidinet::weights::Model::open(folder.path().join("model.safetensors"), &options).unwrap();
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
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("resume with: --resume run"), "{}", stderr(&output));
}
