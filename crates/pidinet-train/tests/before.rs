//! Runs that the first version began go on with this one, to the same weights.
//!
//! `data/before` has, for each network, the folder of a run as that version left it after step 5 of 8
//! (`PIDINET_ISA=portable pidinet train edges RUN`, and `classify`), and the images it learns from. What they are compared
//! with is the checkpoint that the same version wrote after step 8: for edges, its checksum. For recognition, where gradients
//! are sums of more pixels than a kernel takes at a time, the order of these sums is another one now, and so are last bits.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pidinet_kernels::Isa;
use pidinet_train::checkpoint::Checkpoint;
use pidinet_train::device::Cpu;
use pidinet_train::run::{Event, Outcome, RunOptions};
use pidinet_train::{Result, edges, recognition};
use safetensors::SafeTensors;

/// Goes on with a copy of a run; returns its last checkpoint, and the checksum of all its numbers.
fn gone_on(
    name: &str,
    train: impl FnOnce(&Path, &RunOptions<'_>, &mut dyn FnMut(&Event)) -> Result<Outcome>,
) -> (Checkpoint, String) {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.toml", "checkpoint.safetensors"] {
        std::fs::copy(Path::new("tests/data/before").join(name).join(file), folder.path().join(file))
            .unwrap();
    }
    let (stop, device) = (AtomicBool::new(false), Cpu { isa: Isa::named("portable").unwrap() });
    let options = RunOptions { folder: folder.path().into(), resume: true, device: &device, stop: &stop };
    let mut first = None;
    let outcome = train(&folder.path().join("config.toml"), &options, &mut |event| {
        if let Event::Started { step, .. } = event {
            first = Some(*step);
        }
    });
    let outcome = outcome.unwrap();
    assert_eq!((first, outcome.position.step, outcome.finished), (Some(5), 8, true));
    let path = folder.path().join("checkpoint.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let checksum = header.metadata().as_ref().unwrap()["checksum"].clone();
    (Checkpoint::open(&path).unwrap(), checksum)
}

/// Whether bits are those of the machine that the run was begun on: elsewhere, functions such as `exp` round differently.
const SAME_BITS: bool = cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"));

#[test]
fn edges_that_the_first_version_began_to_learn_are_learnt_to_the_same_bits() {
    let (_, checksum) = gone_on("edges", |config, options, tell| {
        edges::run::train(&edges::config::Config::open(config)?, options, tell)
    });
    assert!(!SAME_BITS || checksum == "da4abd36", "{checksum}");
}

#[test]
fn classes_that_the_first_version_began_to_learn_are_learnt_to_the_same_weights() {
    let (checkpoint, _) = gone_on("recognition", |config, options, tell| {
        recognition::run::train(&recognition::config::Config::open(config)?, options, tell)
    });
    let wanted = Checkpoint::open(Path::new("tests/data/before/recognition/after.safetensors")).unwrap();
    let numbers = |checkpoint: &Checkpoint| {
        [&checkpoint.parameters, &checkpoint.state.mean, &checkpoint.state.average].map(Clone::clone).concat()
    };
    let differences = numbers(&checkpoint).into_iter().zip(numbers(&wanted)).map(|(a, b)| (a - b).abs());
    // A step is at most about the learning rate, 0.002, long: less than a tenth of one.
    assert!(differences.fold(0.0, f32::max) < 1e-4);
}
