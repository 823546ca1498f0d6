//! Help, version, completions, manual.

use crate::sandbox::Sandbox;

#[test]
fn help_is_as_it_was() {
    let sandbox = Sandbox::new();
    for command in [
        "",
        "detect",
        "lines",
        "video",
        "classify",
        "embed",
        "models",
        "convert",
        "mix",
        "inspect",
        "bench",
        "eval",
        "eval edges",
        "eval recognition",
        "eval plot",
        "train",
        "train edges",
        "train recognition",
        "verify pairs",
        "completions",
        "man",
    ] {
        let ran = sandbox.run(&format!("{command} --help")).code(0);
        let name = if command.is_empty() { "pidinet".to_owned() } else { command.replace(' ', "-") };
        insta::assert_snapshot!(format!("help-{name}"), ran.stdout().replace("pidinet.exe", "pidinet"));
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let ran = Sandbox::new().run("--version").code(0);
    assert_eq!(ran.stdout(), format!("pidinet {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_know_the_options() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox.run(&format!("completions {shell}")).code(0).stdout();
        assert!(script.contains("side-outputs") && script.contains("bench"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let sandbox = Sandbox::new();
    assert!(sandbox.run("man").code(0).stdout().contains(".TH pidinet 1"));
    sandbox.run("man --folder pages").code(0);
    let pages = sandbox.files();
    for command in ["", "-detect", "-convert", "-inspect", "-bench"] {
        assert!(pages.contains(&format!("pages/pidinet{command}.1")), "{pages:?}");
    }
}

/// Options and commands have the names used in the rest of the project; their former names still work.
#[test]
fn names_of_before_are_understood() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    sandbox.run("detect MODEL a.png -o new.npy --strip 8").code(0);
    sandbox.run("detect MODEL a.png -o old.npy --tile 8").code(0);
    let [new, old] = ["new.npy", "old.npy"].map(|name| std::fs::read(sandbox.path(name)).unwrap());
    assert_eq!(new, old);
    for (old, new) in [
        ("train classify --print-config", "train recognition --print-config"),
        ("eval classify --help", "eval recognition --help"),
        ("bench --tile 8 --help", "bench --strip 8 --help"),
    ] {
        assert_eq!(sandbox.run(old).code(0).stdout(), sandbox.run(new).code(0).stdout(), "{old}");
    }
}
