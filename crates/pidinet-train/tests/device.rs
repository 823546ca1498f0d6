//! A device is compared with the engine before it trains anything.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pidinet::arch::recognition::RecognitionArch;
use pidinet::arch::{Arch, Kinds as Differences};
use pidinet::save::SaveOptions;
use pidinet::{EdgeMap, Size};
use pidinet_train::device::{Cpu, Device, check};
use pidinet_train::edges::config::{self, Config, Source};
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::network::{Fixed, Network};
use pidinet_train::edges::run::train;
use pidinet_train::edges::sample::Sample;
use pidinet_train::recognition::recogniser::Recogniser;
use pidinet_train::run::RunOptions;
use pidinet_train::{Error, Result};

/// What a device gets wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    /// One pixel of the fused map.
    Pixel(f32),
    /// Every pixel of the third side map.
    Side,
    /// A map ends early.
    Short,
}

/// The CPU, with a mistake.
#[derive(Debug)]
struct Wrong {
    mistake: Mistake,
    steps: &'static AtomicUsize,
}

#[derive(Debug)]
struct WrongNetwork {
    mistake: Mistake,
    steps: &'static AtomicUsize,
    right: Box<dyn Network>,
}

struct WrongMaps<'a> {
    mistake: Mistake,
    right: Box<dyn Fixed + 'a>,
}

impl Device for Wrong {
    fn name(&self) -> &str {
        "the test's device"
    }

    fn network(&self, arch: &Arch) -> Box<dyn Network> {
        let right = Cpu::default().network(arch);
        Box::new(WrongNetwork { mistake: self.mistake, steps: self.steps, right })
    }

    fn recogniser(&self, arch: &RecognitionArch) -> Box<dyn Recogniser> {
        Cpu::default().recogniser(arch)
    }
}

impl Network for WrongNetwork {
    fn differentiate(
        &self,
        parameters: &[f32],
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<(f64, Vec<f32>)> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.right.differentiate(parameters, loss, samples, divisor)
    }

    fn fixed<'a>(&'a self, parameters: &[f32]) -> Box<dyn Fixed + 'a> {
        Box::new(WrongMaps { mistake: self.mistake, right: self.right.fixed(parameters) })
    }
}

impl Fixed for WrongMaps<'_> {
    fn logits(&self, sample: &Sample) -> Result<[Vec<f32>; 5]> {
        let mut maps = self.right.logits(sample)?;
        match self.mistake {
            Mistake::None => {}
            Mistake::Pixel(value) => maps[4][77] = value,
            Mistake::Side => maps[2].iter_mut().for_each(|logit| *logit += 0.02),
            Mistake::Short => drop(maps[1].pop()),
        }
        Ok(maps)
    }
}

fn architectures() -> [Arch; 3] {
    let small = Arch { width: 6, cdcm: Some(4), ..Arch::full() };
    [Arch::tiny(), small.clone().light(), Arch { kinds: Differences::named("baseline").unwrap(), ..small }]
}

#[test]
fn the_cpu_computes_what_the_engine_computes() {
    for arch in architectures() {
        check::check(&Cpu::default(), &arch).unwrap();
    }
}

#[test]
fn a_device_that_gives_wrong_maps_is_refused() {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    let mistakes =
        [Mistake::Pixel(9.0), Mistake::Pixel(f32::NAN), Mistake::Pixel(25.0), Mistake::Side, Mistake::Short];
    for arch in architectures() {
        check::check(&Wrong { mistake: Mistake::None, steps: &STEPS }, &arch).unwrap();
        for mistake in mistakes {
            let error = check::check(&Wrong { mistake, steps: &STEPS }, &arch).unwrap_err();
            assert!(matches!(error, Error::WrongMaps { .. }), "{mistake:?}: {error}");
            let text = error.to_string();
            assert!(text.contains("the test's device") && text.contains("64x64"), "{text}");
            assert!(text.contains("0.001") && text.contains("--device cpu"), "{text}");
        }
    }
}

/// Two images of a square, and its outline.
fn draw(folder: &Path) -> Source {
    const SIDE: usize = 40;
    for (part, inside) in [("images", 8..30), ("truth", 8..9)] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
        for number in 0..2 {
            let value = |i: usize| inside.contains(&(i % SIDE)) && (8..30).contains(&(i / SIDE));
            let map = (0..SIDE * SIDE).map(|i| f32::from(u8::from(value(i)))).collect();
            let file = folder.join(part).join(format!("{number}.png"));
            EdgeMap::new(Size::square(SIDE), map).save(file, &SaveOptions::default()).unwrap();
        }
    }
    Source::Folders { images: folder.join("images"), truth: folder.join("truth") }
}

#[test]
fn a_run_on_a_wrong_device_does_not_begin() {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().unwrap();
    let arch = Arch { width: 4, cdcm: Some(2), ..Arch::full() };
    let mut config = Config { seed: 1, model: config::Model::of(&arch), ..Config::default() };
    config.data.train = vec![draw(folder.path()).into()];
    config.augment.crop = 32;
    config.train = config::Train { steps: 2, batch: 1, ..config.train };
    config.validation.epochs = 0.0;
    let stop = AtomicBool::new(false);
    let go = |mistake, name: &str| {
        let device = Wrong { mistake, steps: &STEPS };
        let options =
            RunOptions { folder: folder.path().join(name), resume: false, device: &device, stop: &stop };
        train(&config, &options, |_| {})
    };
    let error = go(Mistake::Side, "wrong").unwrap_err();
    assert!(matches!(error, Error::WrongMaps { .. }), "{error}");
    assert_eq!(STEPS.load(Ordering::Relaxed), 0, "nothing was trained");
    assert!(!folder.path().join("wrong").exists(), "and nothing is left of it");
    assert!(go(Mistake::None, "right").unwrap().finished);
    assert_eq!(STEPS.load(Ordering::Relaxed), 2);
}
