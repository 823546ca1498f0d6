//! What survives a power cut, a kill, and a second run beside the first.

#![cfg(unix)]

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use pidinet::Size;

use crate::sandbox::{Ran, Sandbox};

/// The system calls of a run about files, one a line; `None` if they cannot be traced.
fn traced(sandbox: &Sandbox, arguments: &str) -> Option<Vec<String>> {
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,linkat";
    let program = env!("CARGO_BIN_EXE_pidinet");
    let traced = Command::new("strace")
        .args(["-f", "-y", "-qq", "-e", calls, "-o", "trace", program])
        .args(arguments.split_whitespace())
        .current_dir(sandbox.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let Ok(true) = traced.map(|status| status.success()) else {
        eprintln!("skipped: strace does not work here");
        return None;
    };
    let text = std::fs::read_to_string(sandbox.path("trace")).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

/// The files that were renamed without having been synced, and the folders that were synced after the last.
fn unsynced(calls: &[String]) -> (usize, Vec<String>, bool) {
    let name = |text: &str| {
        let start = text.find(".pidinet-")?;
        Some(text[start..start + text[start..].find(".tmp")?].to_owned())
    };
    let (mut synced, mut renamed, mut bare) = (HashSet::new(), 0, Vec::new());
    let mut folder_synced = false;
    for call in calls {
        let is_sync = call.contains("fsync(") || call.contains("fdatasync(");
        match name(call) {
            Some(file) if is_sync => {
                synced.insert(file);
            }
            Some(file) if call.contains("rename") || call.contains("linkat") => {
                renamed += 1;
                folder_synced = false;
                if !synced.contains(&file) {
                    bare.push(file);
                }
            }
            _ => folder_synced |= is_sync,
        }
    }
    (renamed, bare, folder_synced)
}

#[test]
fn files_are_synced_before_they_take_their_places() {
    let names: Vec<String> = (0..15).map(|number| format!("in/{number:02}.png")).collect();
    let sandbox = Sandbox::new().with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (arguments, files) in [
        ("detect -m model.safetensors in -o out -j 2", 15),
        ("detect -m model.safetensors in/00.png -o map.npz --side-outputs", 1),
        ("convert model.safetensors copy.safetensors", 1),
        ("embed -m bi-pidinet-s in -o e.npy", 1),
    ] {
        let Some(calls) = traced(&sandbox, arguments) else { return };
        assert_eq!(unsynced(&calls), (files, Vec::new(), true), "{arguments}: {calls:#?}");
    }
}

#[test]
fn maps_that_are_not_whole_are_made_again() {
    let sandbox = Sandbox::new().with(&["in/a.png", "in/b.png", "in/c.png", "in/d.png"]);
    let arguments = "detect MODEL in -o out --skip-existing --json";
    for format in ["png", "png16", "jpg", "webp", "tiff", "bmp", "pgm", "pbm", "npy", "npz"] {
        let arguments = format!("{arguments} --format {format}");
        sandbox.run(&arguments).code(0);
        let extension = format.trim_end_matches("16");
        let map = |name: &str| sandbox.path(format!("out/{name}.{extension}"));
        let whole = std::fs::read(map("a")).unwrap();
        std::fs::write(map("a"), "").unwrap();
        std::fs::write(map("b"), &whole[..whole.len() - 20]).unwrap();
        std::fs::write(map("c"), vec![0; whole.len()]).unwrap();
        let ran = sandbox.run(&arguments).code(0);
        let skipped: Vec<bool> = ran.stdout().lines().map(|line| line.contains("\"skipped\":true")).collect();
        assert_eq!(skipped, [false, false, false, true], "{format}: {}", ran.stdout());
        assert_eq!(std::fs::read(map("a")).unwrap(), whole, "{format}");
        std::fs::remove_dir_all(sandbox.path("out")).unwrap();
    }
}

#[test]
fn what_a_kill_left_is_swept() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    std::fs::create_dir(sandbox.path("out")).unwrap();
    let hour = SystemTime::now() - Duration::from_secs(3600);
    for name in ["out/.pidinet-abcdef.tmp", "out/other.tmp"] {
        sandbox.write(name, b"half");
        std::fs::File::options().write(true).open(sandbox.path(name)).unwrap().set_modified(hour).unwrap();
    }
    // One that a living process is writing.
    let busy = std::fs::File::create(sandbox.path("out/.pidinet-busy.tmp")).unwrap();
    busy.lock().unwrap();
    busy.set_modified(hour).unwrap();
    sandbox.run("detect MODEL a.png -o out/").code(0);
    assert_eq!(sandbox.files(), ["a.png", "out/.pidinet-busy.tmp", "out/a.png", "out/other.tmp"]);
}

#[test]
fn edges_are_not_taken_for_images_the_second_time() {
    let sandbox = Sandbox::new().with(&["a.png", "deep/b.png"]);
    for _ in 0..2 {
        let ran = sandbox.run("detect MODEL . -r").code(0);
        assert_eq!(ran.stdout(), "edges/a.png\nedges/deep/b.png\n");
    }
    let kept = ["a.png", "deep/b.png", "edges/a.png", "edges/deep/b.png"];
    assert_eq!(sandbox.files(), kept);
    sandbox.run("detect MODEL . -r -o deep/out/").code(0);
    sandbox.run("detect MODEL . -r -o deep/out").code(0);
    assert!(!sandbox.path("deep/out/deep/out").exists());
    // A file given by name is an image, wherever it lies.
    sandbox.run("detect MODEL edges -o edges/again").code(0);
    sandbox.run("detect MODEL edges/a.png -o edges/more/").code(0);
    assert!(sandbox.path("edges/again/a.png").exists() && sandbox.path("edges/more/a.png").exists());
}

#[test]
fn a_folder_of_results_has_one_run_at_a_time() {
    let sandbox = Sandbox::new();
    let line = (0..33 * 20).map(|pixel| f32::from(u8::from(pixel / 33 == 9))).collect();
    let line = pidinet::EdgeMap::new(Size { height: 20, width: 33 }, line);
    for folder in ["out", "pred", "truth"] {
        std::fs::create_dir(sandbox.path(folder)).unwrap();
    }
    for folder in ["pred", "truth"] {
        line.save(sandbox.path(folder).join("a.png"), &Default::default()).unwrap();
    }
    let lock = pidinet::save::FolderLock::take(&sandbox.path("out")).unwrap();
    let arguments = "eval edges --pred pred --gt truth -o out";
    let ran = sandbox.run(arguments).code(1);
    assert!(ran.stderr().contains("another run is at work in out"), "{}", ran.stderr());
    assert_eq!(std::fs::read_dir(sandbox.path("out")).unwrap().count(), 0);
    drop(lock);
    sandbox.run(arguments).code(0);
}

/// The program with a limit of 8 KiB on file sizes, and without being told to ignore the signal.
#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_no_end() {
    let sandbox = Sandbox::new();
    sandbox.photo(std::path::Path::new("a.png"), 100, 100);
    let program = env!("CARGO_BIN_EXE_pidinet");
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 8; exec \"$0\" detect -m model.safetensors a.png -o map.npy", program])
        .current_dir(sandbox.path(""))
        .output();
    let ran = Ran(output.unwrap()).code(1);
    assert!(ran.stderr().contains("cannot write map.npy"), "{}", ran.stderr());
    assert_eq!(sandbox.files(), ["a.png"]);
}
