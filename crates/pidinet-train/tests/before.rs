//! Runs that the first version started can be resumed with this one, to the same weights.
//!
//! `data/before` has, for each network, the folder of a run as that version left it after step 5 of 8
//! (`PIDINET_ISA=portable pidinet train edges RUN`, and `classify`), and its training images. The result is
//! compared with the checkpoint that the same version wrote after step 8. Kernels now add the pixels of a
//! gradient in another order, so the last bits differ.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pidinet_kernels::Isa;
use pidinet_train::checkpoint::Checkpoint;
use pidinet_train::device::Cpu;
use pidinet_train::run::{Event, Outcome, RunOptions};
use pidinet_train::{Result, edges, recognition};

/// Resumes a copy of a run; its parameters and their averages must be those that the first version arrived
/// at.
fn gone_on(
    name: &str,
    train: impl FnOnce(&Path, &RunOptions<'_>, &mut dyn FnMut(&Event)) -> Result<Outcome>,
) {
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
    let wanted = Path::new("tests/data/before").join(name).join("after.safetensors");
    let [found, wanted] = [&folder.path().join("checkpoint.safetensors"), &wanted].map(|path| {
        let checkpoint = Checkpoint::open(path).unwrap();
        [checkpoint.parameters, checkpoint.state.mean, checkpoint.state.average].concat()
    });
    assert_eq!(found.len(), wanted.len());
    let differences = found.into_iter().zip(wanted).map(|(a, b)| (a - b).abs());
    // The bound is less than a tenth of a step, which is at most about as long as the learning rate, 0.002.
    let most = differences.fold(0.0, f32::max);
    assert!(most < 1e-4, "{most}");
}

#[test]
fn edges_that_the_first_version_began_to_learn_are_learnt_to_the_same_weights() {
    gone_on("edges", |config, options, tell| {
        edges::run::train(&edges::config::Config::open(config)?, options, tell)
    });
}

#[test]
fn classes_that_the_first_version_began_to_learn_are_learnt_to_the_same_weights() {
    gone_on("recognition", |config, options, tell| {
        recognition::run::train(&recognition::config::Config::open(config)?, options, tell)
    });
}
