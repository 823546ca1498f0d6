//! Options and files that ask for more than there is: refused with a sentence, each by itself.

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
    // Of holes, which take no space.
    std::fs::File::create(sandbox.path("list")).unwrap().set_len(3 << 30).unwrap();
    for arguments in [
        "eval edges --pairs list -o out",
        "verify pairs -m bi-pidinet-s --pairs list --data .",
        "train edges run -c list",
        "train classify run -c list",
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
