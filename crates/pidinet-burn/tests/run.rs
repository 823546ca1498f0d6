//! A training run on Burn: the same folder, and the same code, as on the CPU.
#![cfg(feature = "cpu")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pidinet::arch::Arch;
use pidinet::save::SaveOptions;
use pidinet::{EdgeMap, Size};
use pidinet_burn::Accelerator;
use pidinet_train::device::{Cpu, Device};
use pidinet_train::edges::config::{self, Config, Source};
use pidinet_train::edges::run::train;
use pidinet_train::run::{Outcome, RunOptions};

const SIDE: usize = 40;

/// Images of a lighter square, and its outline.
fn draw(folder: &Path) -> Source {
    let save = |part: &str, number: usize, value: &dyn Fn(usize, usize) -> bool| {
        let map = (0..SIDE * SIDE).map(|i| f32::from(u8::from(value(i % SIDE, i / SIDE)))).collect();
        std::fs::create_dir_all(folder.join(part)).unwrap();
        let file = folder.join(part).join(format!("{number}.png"));
        EdgeMap::new(Size::square(SIDE), map).save(file, &SaveOptions::default()).unwrap();
    };
    for number in 0..4 {
        let range = 8 + number..=28 + number;
        let inside = |x, y| range.contains(&x) && range.contains(&y);
        let ends = [*range.start(), *range.end()];
        save("images", number, &inside);
        save("truth", number, &|x, y| inside(x, y) && (ends.contains(&x) || ends.contains(&y)));
    }
    Source::Folders { images: folder.join("images"), truth: folder.join("truth") }
}

#[test]
fn a_run_on_burn_goes_on_on_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let arch = Arch { width: 4, cdcm: Some(2), ..Arch::full() };
    let mut config = Config { seed: 1, model: config::Model::of(&arch), ..Config::default() };
    config.data.validation = vec![draw(folder.path())];
    config.data.train = config.data.validation.iter().cloned().map(Into::into).collect();
    config.augment.crop = 32;
    config.train = config::Train { steps: 12, batch: 2, average: 0.5, ..config.train };
    config.validation = config::Validation { epochs: 2.0, thresholds: 5, images: 2 };

    let stop = AtomicBool::new(false);
    let run = folder.path().join("run");
    let go = |device: &dyn Device, resume: bool, last: u64| -> Outcome {
        stop.store(false, std::sync::atomic::Ordering::Relaxed);
        let options = RunOptions { folder: run.clone(), resume, device, stop: &stop };
        train(&config, &options, |event| {
            if matches!(event, pidinet_train::run::Event::Step { step, .. } if *step == last) {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        })
        .unwrap()
    };
    let outcome = go(&Accelerator::cpu(), false, 7);
    assert_eq!((outcome.position.step, outcome.finished), (7, false));
    assert!(outcome.position.best.is_some(), "validated after four steps");
    let outcome = go(&Cpu::default(), true, 100);
    assert_eq!((outcome.position.step, outcome.finished), (12, true));
    for file in
        ["checkpoint.safetensors", "model.safetensors", "best.safetensors", "metrics.jsonl", "run.html"]
    {
        assert!(run.join(file).is_file(), "no {file}");
    }
}
