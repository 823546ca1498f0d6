//! Help, version, completions, manual.

use crate::sandbox::Sandbox;

#[test]
fn help_is_as_it_was() {
    let sandbox = Sandbox::new();
    for command in [
        "",
        "detect",
        "classify",
        "embed",
        "models",
        "convert",
        "mix",
        "inspect",
        "bench",
        "completions",
        "man",
    ] {
        let ran = sandbox.run(&format!("{command} --help")).code(0);
        let name = if command.is_empty() { "pidinet" } else { command };
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
