//! Whole runs of recognition networks, on drawn patterns.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pidinet::EdgeMap;
use pidinet::save::SaveOptions;
use pidinet::weights::{OpenOptions, RecognitionModel};
use pidinet::{Classifier, ClassifierOptions, Size};
use pidinet_eval::classes::{ClassSet, Confusion};
use pidinet_train::device::Cpu;
use pidinet_train::recognition::config::{Augment, Config, Model};
use pidinet_train::recognition::loss::{differentiate, targets};
use pidinet_train::recognition::run::train;
use pidinet_train::recognition::signs::Precision;
use pidinet_train::run::{Event, Outcome, Record, RunOptions, Scores};
use pidinet_train::{Error, Result};

const SIDE: usize = 32;

/// A folder `data/CLASS/N.png` of stripes: across, down, and diagonal.
fn draw(folder: &Path, count: usize) {
    for (class, name) in ["across", "diagonal", "down"].into_iter().enumerate() {
        std::fs::create_dir_all(folder.join("data").join(name)).unwrap();
        for number in 0..count {
            let shade = |x: usize, y: usize| {
                let along = [y, x + y, x][class] + number % 5;
                f32::from(u8::from((along / 3).is_multiple_of(2))) * 0.6
                    + 0.03 * ((x * 7 + y * 5 + number) % 11) as f32
            };
            let data = (0..SIDE * SIDE).map(|i| shade(i % SIDE, i / SIDE)).collect();
            let path = folder.join(format!("data/{name}/{number:02}.png"));
            EdgeMap::new(Size::square(SIDE), data).save(path, &SaveOptions::default()).unwrap();
        }
    }
}

/// A small network and few steps.
fn config(folder: &Path) -> Config {
    let mut config = Config { seed: 3, ..Config::default() };
    config.model = Model { width: 6, blocks: vec![1, 1], rho: vec![0.5, 0.0], ..Model::default() };
    config.data.path = folder.join("data");
    config.data.train = String::new();
    config.data.held_out = 4;
    (config.train.steps, config.train.batch, config.train.checkpoint_steps) = (12, 8, 5);
    config.schedule.rate = 0.01;
    config
}

fn go(config: &Config, folder: &Path, resume: bool, tell: impl FnMut(&Event)) -> Result<Outcome> {
    let stop = AtomicBool::new(false);
    let options = RunOptions { folder: folder.to_path_buf(), resume, device: &Cpu::default(), stop: &stop };
    train(config, &options, tell)
}

fn model(folder: &Path) -> RecognitionModel {
    RecognitionModel::open(folder.join("model.safetensors"), &OpenOptions::default()).unwrap()
}

fn records(folder: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_crashed_run_goes_on_to_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 12);
    let mut config = config(folder.path());
    // Everything that uses random numbers.
    config.augment = Augment { cutout: 6, mixup: 0.3, scale: 1.3, ..Augment::default() };
    config.binary.real_weights = 0.5;
    let whole = folder.path().join("whole");
    assert!(go(&config, &whole, false, |_| {}).unwrap().finished);
    for crash in [2, 5, 11] {
        let cut = folder.path().join(format!("cut-{crash}"));
        let crashed = std::panic::catch_unwind(|| {
            go(&config, &cut, false, |event| {
                if matches!(event, Event::Step { step, .. } if *step == crash) {
                    std::panic::resume_unwind(Box::new(()));
                }
            })
        });
        assert!(crashed.is_err(), "the run was to crash");
        config.data.loaders = 1;
        assert!(go(&config, &cut, true, |_| {}).unwrap().finished);
        assert_eq!(model(&cut).weights, model(&whole).weights, "after a crash at step {crash}");
    }
}

#[test]
fn stripes_are_learnt_and_every_file_is_written() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 24);
    let mut config = config(folder.path());
    config.train.steps = 60;
    let run = folder.path().join("run");
    let mut measured = None;
    let note = |event: &Event| {
        if let Event::Recorded(Record { validation: Some(scores), .. }) = event {
            measured = Some(scores.clone());
        }
    };
    go(&config, &run, false, note).unwrap();
    let records = records(&run);
    let (first, last) = (&records[0], records.last().unwrap());
    assert!(last.loss < 0.7 * first.loss, "loss {} after {}", last.loss, first.loss);
    let top1 = last.validation.as_ref().unwrap().named["top1"];
    assert!(top1 >= 0.75, "accuracy {top1}, chance is 0.33");
    for file in
        ["config.toml", "checkpoint.safetensors", "best.safetensors", "run.html", "loss.png", "scores.png"]
    {
        assert!(run.join(file).is_file(), "{file}");
    }

    // The recorded scores are those of the engine, to the last bit.
    let model = model(&run);
    assert_eq!(model.labels, ["across", "diagonal", "down"]);
    assert_eq!(model.info.scores["validation.top1"], top1);
    assert_eq!(model.info.training_data, "data: 60 images", "no folder of the machine");
    let classifier = Classifier::new(&model, &ClassifierOptions::default()).unwrap();
    let set = ClassSet::open(&folder.path().join("data"), None).unwrap();
    let mut confusion = Confusion::new(model.labels.clone());
    let (mut logits, mut labels) = (Vec::new(), Vec::new());
    for image in (0..set.len()).filter(|image| image % 24 >= 20) {
        let found = classifier.classify(&set.image(image).unwrap());
        confusion.add(set.class(image), &found);
        labels.push(set.class(image));
        logits.extend(found.logits);
    }
    let loss = differentiate(&mut logits, &targets(&labels, 3, 0.0), 3, 1.0) / labels.len() as f64;
    let named = [("top1", confusion.top1()), ("top5", confusion.top5())];
    assert_eq!(measured, Some(Scores::new(loss, named)));
}

#[test]
fn a_network_learns_from_a_teacher() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 10);
    let mut config = config(folder.path());
    config.binary.precision = Precision::Real;
    let teacher = folder.path().join("teacher");
    go(&config, &teacher, false, |_| {}).unwrap();
    assert!(model(&teacher).info.provenance.contains("teacher"));

    config.binary.precision = Precision::Binary;
    let (alone, taught) = (folder.path().join("alone"), folder.path().join("taught"));
    go(&config, &alone, false, |_| {}).unwrap();
    config.binary.teacher = Some(teacher);
    go(&config, &taught, false, |_| {}).unwrap();
    assert_ne!(model(&alone).weights, model(&taught).weights);

    config.model.width = 8;
    config.binary.teacher = Some(folder.path().join("nobody"));
    let error = go(&config, &folder.path().join("none"), false, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}

#[test]
fn damaged_pictures_stop_the_run_or_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), 6);
    std::fs::write(folder.path().join("data/down/05.png"), b"not a picture").unwrap();
    let mut config = config(folder.path());
    (config.data.held_out, config.data.cache_mib) = (0, 0);
    let run = folder.path().join("run");
    let error = go(&config, &run, false, |_| {}).unwrap_err();
    assert!(matches!(&error, Error::Images { first, .. } if first.contains("05.png")), "{error}");
    std::fs::remove_dir_all(&run).unwrap();
    config.data.skip = 100;
    let mut skipped = 0;
    go(&config, &run, false, |event| skipped += usize::from(matches!(event, Event::Skipped { .. }))).unwrap();
    assert!(skipped > 0);
}

#[test]
fn what_makes_no_sense_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[binary]\nsmoohting = 0.2\n").unwrap();
    assert!(format!("{:?}", Config::open(&path).unwrap_err()).contains("smoohting"));
    let mut wrong = config(folder.path());
    wrong.model.difference = vec!["cv".to_owned()];
    let error = go(&wrong, folder.path(), false, |_| {}).unwrap_err();
    assert!(error.to_string().contains("model.difference"), "{error}");
    let error = go(&config(folder.path()), folder.path(), false, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Eval(_)), "{error:?}: there is no data");
}
