//! Options and files that ask for more than there is: each is refused with a message of its own.

use std::path::Path;

use crate::sandbox::Sandbox;

#[test]
fn a_scale_that_is_too_large_for_an_image_is_that_images_failure() {
    let sandbox = Sandbox::new();
    sandbox.photo(Path::new("in/large.png"), 1500, 1000);
    sandbox.photo(Path::new("in/small.png"), 6, 5);
    let ran = sandbox.run("detect MODEL in -o out --scales 1,100").code(1);
    assert!(
        ran.stderr().contains("in/large.png") || ran.stderr().contains("at scale 100"),
        "{}",
        ran.stderr()
    );
    assert!(
        ran.stderr().contains("15000.0 megapixels") && ran.stderr().contains("1 of 2"),
        "{}",
        ran.stderr()
    );
    assert_eq!(sandbox.files(), ["in/large.png", "in/small.png", "out/small.png"]);
}

#[test]
fn options_that_cannot_work_are_refused_before_work_begins() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    for (arguments, message) in [
        ("bench MODEL --size 1000000x1000000", "megapixels"),
        ("bench -m bi-pidinet-s --size 4000x4000", "4 megapixels"),
        ("bench -m bi-pidinet-s --batch 1000000000", "expected 1 to 4096 images"),
        ("detect MODEL a.png --isa none", "none"),
        ("classify -m bi-pidinet-s a.png --isa none", "none"),
        ("detect MODEL a.png ./a.png a.png", "is given twice"),
    ] {
        let ran = sandbox.run(arguments).code(2);
        assert!(ran.stderr().contains(message), "{arguments}: {}", ran.stderr());
    }
    assert_eq!(sandbox.files(), ["a.png"]);
}

#[test]
fn thousands_of_threads_change_nothing() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    sandbox.run("detect MODEL a.png -o one.npy -j 1").code(0);
    sandbox.run("detect MODEL a.png -o many.npy -j 2000").code(0);
    let [one, many] = ["one.npy", "many.npy"].map(|name| std::fs::read(sandbox.path(name)).unwrap());
    assert_eq!(one, many);
}

#[test]
fn lists_that_are_too_long_are_not_read() {
    let sandbox = Sandbox::new();
    // A sparse file, which takes no space.
    std::fs::File::create(sandbox.path("list")).unwrap().set_len(3 << 30).unwrap();
    for arguments in [
        "eval edges --pairs list -o out",
        "verify pairs -m bi-pidinet-s --pairs list --data .",
        "train edges run -c list",
        "train recognition run -c list",
    ] {
        let ran = sandbox.run(arguments).code(1);
        assert!(ran.stderr().contains("longer than 64 MiB"), "{arguments}: {}", ran.stderr());
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_as_a_model_is_refused_instead_of_waited_for() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    assert!(std::process::Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap().success());
    for arguments in ["detect a.png -m pipe", "classify a.png -m pipe", "inspect pipe", "convert pipe x.onnx"]
    {
        let ran = sandbox.run(arguments).code(2);
        assert!(ran.stderr().contains("pipe is a pipe or a device"), "{arguments}: {}", ran.stderr());
    }
}

#[cfg(unix)]
#[test]
fn inputs_that_vanish_are_counted_and_named() {
    let sandbox = Sandbox::new().with(&["in/a.png", "in/deep/b.png"]);
    std::os::unix::fs::symlink("nowhere", sandbox.path("in/deep/gone.png")).unwrap();
    for arguments in [
        "detect MODEL in -r -o out",
        "classify -m bi-pidinet-s in -r",
        "detect MODEL in/*.png in/*/*.png -o out2/",
    ] {
        let ran = sandbox.run(arguments).code(1);
        assert!(ran.stderr().contains("in/deep/gone.png"), "{arguments}: {}", ran.stderr());
        assert!(ran.stderr().contains("1 of 3 images failed"), "{arguments}: {}", ran.stderr());
    }
    assert!(sandbox.path("out/deep/b.png").exists() && sandbox.path("out/a.png").exists());
}

/// The program does without threads that the system refuses. Limits on processes do not apply to root, so a
/// child of root becomes another user, one without other processes.
#[cfg(target_os = "linux")]
#[test]
fn a_limit_on_processes_is_no_failure() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use crate::sandbox::Ran;

    const USER: u32 = 64_123;
    let sandbox = Sandbox::new().with(&["in/a.png", "in/b.png", "in/c.png", "in/d.png", "in/e.png"]);
    sandbox.photo(Path::new("train/one/a.png"), 32, 32);
    sandbox.photo(Path::new("train/two/b.png"), 32, 32);
    sandbox.run("detect MODEL in -o want -j 1").code(0);
    // A place that the other user can reach.
    let program = sandbox.path("pidinet");
    std::fs::copy(env!("CARGO_BIN_EXE_pidinet"), &program).unwrap();
    for path in [sandbox.path(""), program.clone()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let limited = |limit: u32, arguments: &str| {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nproc={limit}")).arg(&program).args(arguments.split_whitespace());
        command.current_dir(sandbox.path("")).env_remove("RUST_LOG").env("RUST_BACKTRACE", "0");
        if is_root {
            command.uid(USER).gid(USER);
        }
        command.output()
    };
    match limited(1, "--version") {
        Ok(output) if output.status.success() => {}
        other => return eprintln!("skipped: no program can be run with a limit on processes ({other:?})"),
    }
    // With a limit of one process there is only the first thread; higher limits, which only work for a user
    // without other processes, allow some more.
    for limit in if is_root { 1..6 } else { 1..2 } {
        let model = "-m model.safetensors";
        for arguments in [
            format!("detect {model} in -o many{limit} -j 8"),
            format!("detect {model} in/a.png -o one{limit}.png -j 8"),
            "classify -m bi-pidinet-s in/a.png in/b.png -j 8".to_owned(),
            "eval recognition -m bi-pidinet-s --data train -j 8".to_owned(),
            format!("bench {model} --size 40x30 --runs 1 -j 8"),
            format!(
                "train recognition run{limit} --data train --held-out 0 --size s --steps 1 --batch 2 -j 8"
            ),
        ] {
            let output = limited(limit, &arguments).unwrap();
            let ran = Ran(output);
            assert_ne!(ran.0.status.code(), Some(101), "{limit}, {arguments}: {}", ran.stderr());
            assert!(!ran.stderr().contains("panicked"), "{limit}, {arguments}: {}", ran.stderr());
            let is_possible = !arguments.starts_with("eval") && !arguments.starts_with("train");
            assert!(ran.0.status.success() || !is_possible, "{limit}, {arguments}: {}", ran.stderr());
        }
        for name in ["a.png", "e.png"] {
            let [want, got] = [format!("want/{name}"), format!("many{limit}/{name}")]
                .map(|name| std::fs::read(sandbox.path(name)).unwrap());
            assert_eq!(want, got, "{limit} processes: {name}");
        }
    }
}
