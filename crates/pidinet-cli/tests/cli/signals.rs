//! Ctrl-C, requests to terminate, lost terminals, and readers that leave.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::{Ran, Sandbox};

/// How long a test waits for what must happen: much longer than it takes, since machines may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn pipe(sandbox: &Sandbox, name: &str) {
    assert!(Command::new("mkfifo").arg(sandbox.path(name)).status().unwrap().success());
}

pub(crate) fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

pub(crate) fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a process that must end by itself.
pub(crate) fn end(child: &mut Child) -> ExitStatus {
    let mut status = None;
    wait_for("the end of the process", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// Whether a signal is among those in one line of what the system says about a process.
pub(crate) fn has(process: &str, line: &str, signal: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|found| found.strip_prefix(line)).unwrap_or("0").trim();
    u64::from_str_radix(mask, 16).unwrap() >> (signal - 1) & 1 == 1
}

/// Whether the process has installed a handler for a signal.
pub(crate) fn handles(child: &Child, signal: u32) -> bool {
    has(&child.id().to_string(), "SigCgt:", signal)
}

pub(crate) fn has_proc() -> bool {
    let there = Path::new("/proc/self/status").exists();
    if !there {
        eprintln!("skipped: there is no /proc");
    }
    there
}

#[test]
fn a_pipe_that_nobody_reads_or_writes_does_not_hold_off_an_interruption() {
    if !has_proc() {
        return;
    }
    let sandbox = Sandbox::new().with(&["a.png", "class/b.png"]);
    pipe(&sandbox, "pipe");
    for arguments in [
        "detect MODEL a.png -o pipe --format png",
        "detect MODEL pipe -o map.png",
        "eval edges --pairs pipe -o out",
        "verify pairs -m bi-pidinet-s --pairs pipe --data .",
    ] {
        for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
            // Some shells ignore Ctrl-C in background jobs, and everything started there inherits that.
            if has("self", "SigIgn:", number) {
                continue;
            }
            let mut child =
                sandbox.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            wait_for("a handler of the signal", || handles(&child, number));
            send(signal, &child);
            assert_eq!(end(&mut child).code(), Some(130), "{arguments}");
        }
    }
    assert_eq!(sandbox.files(), ["a.png", "class/b.png", "pipe"]);
}

#[test]
fn signals_that_were_ignored_stay_ignored() {
    if !has_proc() {
        return;
    }
    let sandbox = Sandbox::new().with(&["a.png"]);
    pipe(&sandbox, "pipe");
    let program = env!("CARGO_BIN_EXE_pidinet");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP INT; exec \"$0\" detect -m model.safetensors pipe -o map.png", program])
        .current_dir(sandbox.path(""))
        .spawn()
        .unwrap();
    wait_for("a handler of signals", || handles(&child, 15));
    send("-HUP", &child);
    send("-INT", &child);
    assert!(!handles(&child, 1) && !handles(&child, 2));
    std::fs::copy(sandbox.path("a.png"), sandbox.path("pipe")).unwrap();
    assert_eq!(end(&mut child).code(), Some(0));
    assert!(sandbox.path("map.png").exists());
}

#[test]
fn work_goes_on_in_silence_when_nobody_listens() {
    let names: Vec<String> = (0..20).map(|number| format!("in/{number:02}.png")).collect();
    let sandbox = Sandbox::new().with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let unheard = |arguments: &str| {
        let mut child =
            sandbox.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{arguments}");
        Ran(child.wait_with_output().unwrap())
    };
    for (arguments, folder) in
        [("detect MODEL in -j 1", "edges"), ("detect MODEL in -o out/ --json -j 2", "out")]
    {
        let ran = unheard(arguments).code(0);
        assert_eq!(ran.stderr(), "");
        assert_eq!(std::fs::read_dir(sandbox.path(folder)).unwrap().count(), 20, "{arguments}");
    }
    unheard("embed -m bi-pidinet-s in -o e.npy").code(0);
    assert!(sandbox.path("e.npy").exists());
    sandbox.write("in/none.png", b"no image");
    let ran = unheard("detect MODEL in -o more/ --json").code(1);
    assert!(ran.stderr().contains("1 of 21 images failed"), "{}", ran.stderr());
}
