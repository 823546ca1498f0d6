//! What goes wrong around the program: full disks, odd names, closed pipes, interruptions.

#![cfg(unix)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pidinet::image::{Image, ImageLimits};

use crate::sandbox::{Ran, Sandbox};

/// The program in a shell that first runs `before`.
fn shell(sandbox: &Sandbox, before: &str, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_pidinet");
    command.args(["-c", &format!("{before} exec {program} {arguments}")]).current_dir(sandbox.path(""));
    command
}

#[test]
fn a_name_that_is_not_utf8_is_a_name() {
    let sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b"caf\xE9.png");
    sandbox.photo(Path::new(name), 16, 16);
    let ran = Ran(sandbox.command("detect MODEL -o out/ --json").arg(name).output().unwrap()).code(0);
    assert!(ran.stdout().contains("caf\u{FFFD}.png"), "{}", ran.stdout());
    let written: Vec<_> =
        std::fs::read_dir(sandbox.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(written, [name]);
    sandbox.run("detect MODEL . -o again").code(0);
    assert!(sandbox.path("again").join(name).exists());
}

#[test]
fn a_pipe_is_read_like_a_file() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap().success());
    let mut child = sandbox.command("detect MODEL pipe -o map.png").spawn().unwrap();
    let photo = std::fs::read(sandbox.path("a.png")).unwrap();
    std::fs::write(sandbox.path("pipe"), photo).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(sandbox.path("map.png").exists());
}

/// A file that cannot grow beyond a block, as on a full disk, but without needing one.
#[test]
fn a_file_that_cannot_be_finished_does_not_appear() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let before = "trap '' XFSZ; ulimit -f 1;";
    let arguments = "detect -m model.safetensors a.png -o map.npy";
    let ran = Ran(shell(&sandbox, before, arguments).output().unwrap()).code(1);
    assert!(ran.stderr().starts_with("error: cannot write map.npy: "), "{}", ran.stderr());
    assert_eq!(sandbox.files(), ["a.png"]);
    sandbox.write("map.npy", b"before");
    Ran(shell(&sandbox, before, arguments).output().unwrap()).code(1);
    assert_eq!(std::fs::read(sandbox.path("map.npy")).unwrap(), b"before");
}

#[test]
fn a_full_disk_is_an_error_without_leftovers() {
    let sandbox = Sandbox::new();
    sandbox.photo(Path::new("a.png"), 200, 200);
    std::fs::create_dir(sandbox.path("disk")).unwrap();
    // A file system of 64 KiB that only this process sees, for a map of 160 KB.
    let script = "mount -t tmpfs -o size=64k tmpfs disk || exit 77;
        \"$0\" detect -m model.safetensors a.png -o disk/map.npy; echo code $?; ls -A disk";
    let program = env!("CARGO_BIN_EXE_pidinet");
    let run = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, program])
        .current_dir(sandbox.path(""))
        .output();
    match run {
        Ok(output) if output.status.code() == Some(0) => {
            let ran = Ran(output);
            assert_eq!(ran.stdout(), "code 1\n", "and nothing is left on the disk");
            assert!(ran.stderr().contains("cannot write disk/map.npy: No space left"), "{}", ran.stderr());
        }
        other => eprintln!("skipped: no file system can be mounted here ({other:?})"),
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new().with(&["a.png"]);
    let ran = sandbox.run("detect MODEL a.png -o model.safetensors/map.png").code(1);
    assert!(ran.stderr().starts_with("error: cannot make folder model.safetensors"), "{}", ran.stderr());

    let folder = sandbox.path("locked");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(folder.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write to any folder");
    } else {
        let ran = sandbox.run("detect MODEL a.png -o locked/map.png").code(1);
        assert!(ran.stderr().starts_with("error: cannot write locked/map.png: "), "{}", ran.stderr());
        assert_eq!(sandbox.files(), ["a.png"]);
    }
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_device_that_is_full_is_an_error() {
    if Path::new("/dev/full").exists() {
        let sandbox = Sandbox::new().with(&["a.png"]);
        let ran = sandbox.run("detect MODEL a.png -o /dev/full --format png").code(1);
        assert!(ran.stderr().contains("No space left"), "{}", ran.stderr());
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let sandbox = Sandbox::new().with(&["a.png", "b.png"]);
    for arguments in ["detect MODEL a.png -o -", "detect MODEL a.png b.png", "completions bash", "man"] {
        let mut child =
            sandbox.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran(child.wait_with_output().unwrap()).code(0);
        assert_eq!(ran.stderr(), "", "{arguments}");
    }
}

/// Waits until `ready`, but not forever.
fn wait_for(ready: impl Fn() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(120), "it never happened");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: &std::process::Child) {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_interruption_leaves_whole_files_only() {
    let sandbox = Sandbox::new();
    for i in 0..300 {
        sandbox.photo(Path::new(&format!("in/{i:03}.png")), 64, 64);
    }
    let mut child = sandbox.command("detect MODEL in -o out -j 1").stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| sandbox.path("out/005.png").exists());
    interrupt(&child);
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
    let written: Vec<_> = std::fs::read_dir(sandbox.path("out")).unwrap().map(|file| file.unwrap()).collect();
    assert!(written.len() < 300, "it went on");
    for file in written {
        let image = Image::open(file.path(), &ImageLimits::default());
        assert!(image.is_ok_and(|image| image.width() == 64), "{}", file.path().display());
    }
}

#[test]
fn an_interruption_does_not_wait_for_the_network() {
    let sandbox = Sandbox::new();
    sandbox.photo(Path::new("small.png"), 8, 8);
    sandbox.photo(Path::new("zlarge.png"), 6000, 5000);
    let mut child = sandbox.command("detect MODEL small.png zlarge.png -o out -j 1").spawn().unwrap();
    wait_for(|| sandbox.path("out/small.png").exists());
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(sandbox.files(), ["out/small.png", "small.png", "zlarge.png"]);
}
