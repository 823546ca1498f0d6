//! Whole runs on a tiny data set of drawn rectangles.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pidinet::arch::Arch;
use pidinet::image::{Image, ImageLimits};
use pidinet::save::SaveOptions;
use pidinet::{EdgeMap, Size};
use pidinet_train::Error;
use pidinet_train::device::Cpu;
use pidinet_train::edges::config::{self, Augment, Config, Source};
use pidinet_train::edges::run::train;
use pidinet_train::run::{Event, RunOptions};

#[path = "runs/going.rs"]
mod going;
use going::{go, records, weights};

/// A folder with images of grey rectangles and their outlines.
struct Drawn {
    folder: tempfile::TempDir,
}

const SIDE: usize = 48;

impl Drawn {
    fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["images", "truth"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
        }
        let drawn = Self { folder };
        for number in 0..count {
            let (left, top) = (5 + number % 9, 6 + number % 7);
            let (right, bottom) = (left + 20 + number % 11, top + 18 + number % 13);
            let inside = |x, y| (left..=right).contains(&x) && (top..=bottom).contains(&y);
            let edge = |x, y| inside(x, y) && (x == left || x == right || y == top || y == bottom);
            let shade = |x, y| if inside(x, y) { 0.8 } else { 0.1 + 0.01 * ((x * 7 + y * 3) % 10) as f32 };
            drawn.save("images", number, shade);
            drawn.save("truth", number, |x, y| f32::from(u8::from(edge(x, y))));
        }
        drawn
    }

    fn save(&self, part: &str, number: usize, shade: impl Fn(usize, usize) -> f32) {
        let data = (0..SIDE * SIDE).map(|i| shade(i % SIDE, i / SIDE)).collect();
        EdgeMap::new(Size::square(SIDE), data)
            .save(self.file(part, number), &SaveOptions::default())
            .unwrap();
    }

    fn file(&self, part: &str, number: usize) -> PathBuf {
        self.folder.path().join(part).join(format!("{number:02}.png"))
    }

    fn source(&self) -> Source {
        let part = |name| self.folder.path().join(name);
        Source::Folders { images: part("images"), truth: part("truth") }
    }

    /// A small network and few steps.
    fn config(&self) -> Config {
        let arch = Arch { width: 4, cdcm: Some(2), ..Arch::full() };
        let mut config = Config { seed: 3, model: config::Model::of(&arch), ..Config::default() };
        config.data.train = vec![self.source().into()];
        config.augment = Augment { crop: 32, ..Augment::strong() };
        config.train = config::Train { steps: 14, batch: 3, checkpoint_steps: 4, ..config.train };
        config
    }
}

/// What a crash leaves behind: only what was saved.
struct Crash;

#[test]
fn a_crashed_run_goes_on_to_the_same_weights() {
    let drawn = Drawn::new(5);
    let config = drawn.config();
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    assert!(go(&config, &whole, false, |_| {}).unwrap().finished);
    // After a checkpoint, just before one, and before the first.
    for crash in [3, 5, 7, 8, 13] {
        let cut = folder.path().join(format!("cut-{crash}"));
        let crashed = std::panic::catch_unwind(|| {
            go(&config, &cut, false, |event| {
                if matches!(event, Event::Step { step, .. } if *step == crash) {
                    std::panic::resume_unwind(Box::new(Crash));
                }
            })
        });
        assert!(crashed.is_err(), "the run was to crash");
        let outcome = go(&config, &cut, true, |_| {}).unwrap();
        assert!(outcome.finished);
        assert_eq!(weights(&cut).weights, weights(&whole).weights, "after a crash at step {crash}");
        assert_eq!(records(&cut), records(&whole), "after a crash at step {crash}");
    }
}

/// The metadata of a model file, as written.
fn metadata(model: &Path) -> String {
    let bytes = std::fs::read(model).unwrap();
    let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    header["__metadata__"].to_string()
}

#[test]
fn a_trained_model_says_what_it_learnt_from_and_names_no_folder_of_its_machine() {
    let drawn = Drawn::new(3);
    let folder = drawn.folder.path();
    for (from, to) in [("images", "Berkeley/images/val"), ("truth", "Berkeley/groundTruth/val")] {
        std::fs::create_dir_all(folder.join(to)).unwrap();
        for number in 0..2 {
            let name = format!("{number:02}.png");
            std::fs::copy(folder.join(from).join(&name), folder.join(to).join(name)).unwrap();
        }
    }
    std::fs::write(folder.join("pairs.lst"), "images/02.png truth/02.png\n").unwrap();
    let mut config = drawn.config();
    let bsds = Source::Bsds { bsds: folder.join("Berkeley"), splits: vec!["val".to_owned()] };
    config.data.train.extend([bsds, Source::List { list: folder.join("pairs.lst") }].map(Into::into));
    config.train.steps = 1;
    let run = folder.join("run");
    go(&config, &run, false, |_| {}).unwrap();
    assert_eq!(
        weights(&run).info.training_data,
        "folders images and truth: 3 images, Berkeley val: 2 images, list pairs.lst: 1 images"
    );
    let metadata = metadata(&run.join("model.safetensors"));
    assert!(!metadata.contains('/') && !metadata.contains(folder.to_str().unwrap()), "{metadata}");
}

#[test]
fn threads_and_loaders_change_nothing() {
    let drawn = Drawn::new(4);
    let mut config = drawn.config();
    config.train.steps = 5;
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for (threads, loaders) in [(1, 1), (2, 3), (5, 2)] {
        config.data.loaders = loaders;
        let run = folder.path().join(format!("{threads}"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| go(&config, &run, false, |_| {})).unwrap();
        seen.push(weights(&run).weights);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn training_lowers_the_loss_and_writes_every_file() {
    let drawn = Drawn::new(6);
    let mut config = drawn.config();
    config.data.validation = vec![drawn.source()];
    config.augment = Augment { crop: 0, ..Augment::none() };
    config.train = config::Train { steps: 80, batch: 3, average: 0.5, ..config.train };
    config.schedule.rate = 0.01;
    config.validation = config::Validation { epochs: 20.0, thresholds: 5, images: 3 };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let outcome = go(&config, &run, false, |_| {}).unwrap();
    let records = records(&run);
    let (first, last) = (&records[0], &records[records.len() - 1]);
    assert!(last.loss < 0.7 * first.loss, "loss went from {} to {}", first.loss, last.loss);
    let scores: Vec<f64> = records.iter().filter_map(|r| Some(r.validation.as_ref()?.named["ods"])).collect();
    assert_eq!(scores.len(), 2, "an epoch is two steps, validation every 20 epochs");
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    let best = scores.iter().copied().fold(0.0, f64::max);
    assert!((outcome.position.best.unwrap().0 - best).abs() < 1e-12);
    for file in ["config.toml", "checkpoint.safetensors", "model.safetensors", "best.safetensors", "run.html"]
    {
        assert!(run.join(file).is_file(), "no {file}");
    }
    for chart in ["loss.png", "rate.png", "scores.png"] {
        let picture = Image::open(run.join(chart), &ImageLimits::default()).unwrap();
        assert_eq!((picture.width(), picture.height()), (1280, 580), "{chart}");
    }
    assert_eq!(std::fs::read_dir(run.join("predictions/0000080")).unwrap().count(), 3);
    assert_eq!(Config::open(&run.join("config.toml")).unwrap(), config);
    assert_eq!(weights(&run).arch, config.model.arch().unwrap());
}

#[test]
fn a_stopped_run_is_saved_and_goes_on() {
    let drawn = Drawn::new(3);
    let config = drawn.config();
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let options =
        RunOptions { folder: folder.path().join("run"), resume: false, device: &Cpu::default(), stop: &stop };
    let outcome = train(&config, &options, |event| {
        if matches!(event, Event::Step { step: 6, .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.position.step, outcome.finished), (6, false));
    let whole = folder.path().join("whole");
    go(&config, &whole, false, |_| {}).unwrap();
    assert!(go(&config, &options.folder, true, |_| {}).unwrap().finished);
    assert_eq!(weights(&options.folder).weights, weights(&whole).weights);
}

/// A run that crashed after step 10, with two checkpoints of step 8: from before its validation and from after it.
fn crashed(config: &Config, folder: &Path) {
    let crashed = std::panic::catch_unwind(|| {
        go(config, folder, false, |event| {
            if matches!(event, Event::Step { step: 10, .. }) {
                std::panic::resume_unwind(Box::new(Crash));
            }
        })
    });
    assert!(crashed.is_err(), "the run was to crash");
}

#[test]
fn a_run_goes_on_from_the_checkpoint_before_when_the_newest_is_damaged() {
    let drawn = Drawn::new(4);
    let config = drawn.config();
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    go(&config, &whole, false, |_| {}).unwrap();
    for damage in ["empty", "zeros", "cut", "flipped", "gone"] {
        let run = folder.path().join(damage);
        crashed(&config, &run);
        let last = run.join("checkpoint.safetensors");
        let mut bytes = std::fs::read(&last).unwrap();
        let middle = bytes.len() / 2;
        match damage {
            "zeros" => bytes.fill(0),
            "cut" => bytes.truncate(middle),
            "flipped" => bytes[middle] ^= 1,
            _ => bytes.clear(),
        }
        std::fs::write(&last, bytes).unwrap();
        if damage == "gone" {
            std::fs::remove_file(&last).unwrap();
            std::fs::write(run.join("config.toml"), "").unwrap();
            pidinet_train::run::restore_configuration(&run).unwrap();
            assert_eq!(Config::open(&run.join("config.toml")).unwrap(), config);
        }
        let again = go(&config, &run, false, |_| {});
        assert!(matches!(again, Err(Error::Occupied { .. })), "a run is there, if a damaged one");
        let mut first = None;
        let outcome = go(&config, &run, true, |event| {
            if let Event::Started { step, .. } = event {
                first = Some(*step);
            }
        });
        assert!(outcome.unwrap().finished);
        assert_eq!(first, Some(8), "{damage}");
        assert_eq!(weights(&run).weights, weights(&whole).weights, "{damage}");
        assert_eq!(records(&run), records(&whole), "{damage}");
    }
}

#[test]
fn a_run_that_is_stopped_while_it_validates_does_so_when_it_goes_on() {
    let drawn = Drawn::new(3);
    let mut config = drawn.config();
    config.data.validation = vec![drawn.source()];
    config.validation = config::Validation { epochs: 7.0, thresholds: 3, images: 2 };
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    go(&config, &whole, false, |_| {}).unwrap();
    let run = folder.path().join("run");
    for last in [7, 14] {
        let stop = AtomicBool::new(false);
        let options =
            RunOptions { folder: run.clone(), resume: last > 7, device: &Cpu::default(), stop: &stop };
        let outcome = train(&config, &options, |event| {
            if matches!(event, Event::Step { step, .. } if *step == last) {
                stop.store(true, Ordering::Relaxed);
            }
        });
        let outcome = outcome.unwrap();
        assert_eq!((outcome.position.step, outcome.finished), (last, false));
        assert!(outcome.position.unmeasured);
    }
    assert!(go(&config, &run, true, |_| {}).unwrap().finished);
    assert_eq!(weights(&run).weights, weights(&whole).weights);
    assert_eq!(records(&run), records(&whole));
}

#[test]
fn a_folder_has_one_run_at_a_time() {
    let drawn = Drawn::new(2);
    let folder = tempfile::tempdir().unwrap();
    let lock = pidinet::save::FolderLock::take(folder.path()).unwrap();
    let error = go(&drawn.config(), folder.path(), false, |_| {}).unwrap_err();
    assert!(error.to_string().contains("another run is at work in"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    drop(lock);
}

#[test]
fn a_run_does_without_pictures_that_cannot_be_written() {
    let drawn = Drawn::new(3);
    let mut config = drawn.config();
    config.data.validation = vec![drawn.source()];
    config.validation = config::Validation { epochs: 7.0, thresholds: 3, images: 2 };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    std::fs::create_dir_all(run.join("run.html")).unwrap();
    std::fs::create_dir_all(run.join("loss.png")).unwrap();
    std::fs::write(run.join("predictions"), "").unwrap();
    assert!(go(&config, &run, false, |_| {}).unwrap().finished);
    assert!(run.join("best.safetensors").is_file() && run.join("scores.png").is_file());
}

#[test]
fn a_run_is_neither_overwritten_nor_mixed_with_another() {
    let drawn = Drawn::new(3);
    let mut config = drawn.config();
    config.train.steps = 2;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    go(&config, &run, false, |_| {}).unwrap();
    assert!(matches!(go(&config, &run, false, |_| {}), Err(Error::Occupied { .. })));
    config.schedule.rate = 1.0;
    let message = go(&config, &run, true, |_| {}).unwrap_err().to_string();
    assert!(message.contains("another configuration"), "{message}");
}

#[test]
fn fine_tuning_starts_from_a_model_and_keeps_what_is_frozen() {
    let drawn = Drawn::new(3);
    let mut config = drawn.config();
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    go(&config, &first, false, |_| {}).unwrap();
    config.model.start = Some(first.join("model.safetensors"));
    config.model.freeze = vec!["block".to_owned(), "init".to_owned()];
    go(&config, &second, false, |_| {}).unwrap();
    let (before, after) = (weights(&first).weights, weights(&second).weights);
    for (name, parameter) in before.iter() {
        let frozen = name.starts_with("block") || name.starts_with("init");
        assert_eq!(after[name] == *parameter, frozen, "{name}");
    }
    config.model.width = 3;
    let message = go(&config, &folder.path().join("third"), false, |_| {}).unwrap_err().to_string();
    assert!(message.contains("shape"), "{message}");
}

#[test]
fn damaged_images_stop_the_run_or_are_skipped_and_counted() {
    let drawn = Drawn::new(5);
    std::fs::write(drawn.file("images", 2), b"\x89PNG\r\n\x1a\nnothing more").unwrap();
    drawn.save("truth", 4, |_, _| 0.0);
    EdgeMap::new(Size::square(9), vec![0.0; 81])
        .save(drawn.file("truth", 4), &SaveOptions::default())
        .unwrap();
    let mut config = drawn.config();
    config.train.steps = 5;
    let folder = tempfile::tempdir().unwrap();
    let error = go(&config, &folder.path().join("a"), false, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Images { .. }), "{error}");
    config.data.skip = 100;
    let mut skipped = Vec::new();
    let outcome = go(&config, &folder.path().join("b"), false, |event| {
        if let Event::Skipped { name, reason } = event {
            skipped.push((name.clone(), reason.clone()));
        }
    });
    let outcome = outcome.unwrap();
    // Five steps of three images are three passes over five images, two of which are damaged.
    assert_eq!((skipped.len(), outcome.position.failed), (6, 6));
    assert!(skipped.iter().any(|(name, reason)| name == "04" && reason.contains("9x9")), "{skipped:?}");
}

#[test]
fn missing_data_is_named_before_training() {
    let drawn = Drawn::new(2);
    std::fs::remove_file(drawn.file("images", 1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run =
        |config: &Config| go(config, &folder.path().join("run"), false, |_| {}).unwrap_err().to_string();
    assert!(run(&drawn.config()).contains("01"));
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().to_path_buf();
    let mut config = drawn.config();
    config.data.train = vec![Source::Folders { images: path.clone(), truth: path.clone() }.into()];
    assert!(run(&config).contains(&path.display().to_string()));
    config.data.train = vec![Source::Bsds { bsds: path.clone(), splits: vec!["train".to_owned()] }.into()];
    assert!(run(&config).contains("train"));
    config.data.train = Vec::new();
    assert!(run(&config).contains("data.train"));
    assert!(!folder.path().join("run").exists(), "nothing is written before the data is found");
}

#[test]
fn a_loss_that_is_not_a_number_stops_with_the_names_of_the_batch() {
    let drawn = Drawn::new(3);
    let mut config = drawn.config();
    config.schedule.rate = 1e30;
    config.schedule.warmup = 0.0;
    let folder = tempfile::tempdir().unwrap();
    let error = go(&config, folder.path(), false, |_| {}).unwrap_err();
    let Error::Diverged { images, step, .. } = &error else { panic!("{error}") };
    assert_eq!(images.len(), 3);
    assert!(*step <= 4, "step {step}");
    assert!(error.to_string().contains(&images[0]), "{error}");
}

#[test]
fn unknown_fields_are_errors_that_name_them() {
    for text in ["sede = 1", "[train]\nbatches = 2", "[augment]\ncrops = 2", "[schedule]\nkind = \"cosin\""] {
        let message = Config::parse(text).unwrap_err().to_string();
        let name = text.split(['\n', ' ', '"']).rfind(|word| word.len() > 3).unwrap();
        assert!(message.contains(name), "{text}: {message}");
    }
    let mut config = Drawn::new(1).config();
    config.optimizer.beta1 = 1.0;
    assert!(matches!(config.check(), Err(Error::Config { field: "optimizer.beta1", .. })));
    assert_eq!(Config::parse(&config.to_toml()).unwrap(), config);
}
