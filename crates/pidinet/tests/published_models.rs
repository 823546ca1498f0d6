//! The published checkpoints open, and survive conversion. They are not ours to ship: without a copy in
//! `../shared`, beside the workspace, nothing is tested.

use std::path::PathBuf;

use pidinet::Size;
use pidinet::arch::survey::Survey;
use pidinet::arch::{Arch, Kinds};
use pidinet::weights::{Form, Model, OpenOptions};

/// File names, and what is in them.
fn published() -> [(&'static str, Arch); 9] {
    let baseline = Arch { kinds: Kinds::named("baseline").expect("a published name"), ..Arch::full() };
    [
        ("table5_baseline", baseline),
        ("table5_pidinet", Arch::full()),
        ("table5_pidinet-l", Arch::full().light()),
        ("table5_pidinet-small", Arch::small()),
        ("table5_pidinet-small-l", Arch::small().light()),
        ("table5_pidinet-tiny", Arch::tiny()),
        ("table5_pidinet-tiny-l", Arch::tiny().light()),
        ("table6_pidinet", Arch::full()),
        ("table7_pidinet", Arch::full()),
    ]
}

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn folder() -> Option<PathBuf> {
    let workspace = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folder = workspace.join("../shared/data/pidinet-official/weights");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there are no published checkpoints in {}", folder.display());
    None
}

#[test]
fn checkpoints_open_with_their_architecture() {
    let Some(folder) = folder() else { return };
    for (name, arch) in published() {
        let options = OpenOptions { kinds: Some(arch.kinds), ..OpenOptions::default() };
        let model = Model::open(folder.join(name).with_extension("pth"), &options).unwrap();
        assert_eq!(model.arch, arch, "{name}");
        assert_eq!(model.form, Form::Raw, "{name}");
        assert_eq!(model.info.name, name);
        let count: usize = model.weights.iter().map(|(_, parameter)| parameter.data.len()).sum();
        assert_eq!(count, Survey::of(&arch, Size::square(8)).parameter_count(), "{name}");
    }
}

#[test]
fn checkpoints_survive_conversion() {
    let Some(folder) = folder() else { return };
    for (name, arch) in published() {
        let options = OpenOptions { kinds: Some(arch.kinds), ..OpenOptions::default() };
        let raw = Model::open(folder.join(name).with_extension("pth"), &options).unwrap();
        for model in [raw.folded(), raw] {
            let bytes = model.to_bytes().unwrap();
            // The configuration is now in the file.
            assert_eq!(Model::read(&bytes, &OpenOptions::default()).unwrap(), model, "{name}");
        }
    }
}
