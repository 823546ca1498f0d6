//! What a recipe may ask for: phases, shares, registered truth, a teacher, pictures and masks; and mistakes in it.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

use pidinet::arch::Arch;
use pidinet::save::SaveOptions;
use pidinet::weights::{Model, OpenOptions};
use pidinet::{EdgeMap, Size};
use pidinet_train::Error;
use pidinet_train::checkpoint::Checkpoint;
use pidinet_train::edges::config::{self, Augment, Config, Labels, Material, Phase, Source, Trust};
use pidinet_train::edges::data::Examples;
use pidinet_train::edges::data::batches::{Batch, Plan};
use pidinet_train::edges::data::teacher::Teacher;
use pidinet_train::edges::sample::IGNORED;
use pidinet_train::edges::sample::Sample;
use pidinet_train::run::Event;

#[path = "runs/going.rs"]
mod going;
use going::{go, records, weights};

const WIDTH: usize = 48;
const HEIGHT: usize = 40;

/// A folder of drawn data: `images`, `truth` of three annotators, `one` of one, `masks`, `pictures`, `maps`.
struct Data(tempfile::TempDir);

/// Left, top, right and bottom of the rectangle in image `number`.
fn rectangle(number: usize) -> [usize; 4] {
    let (left, top) = (5 + number % 9, 6 + number % 7);
    [left, top, left + 20 + number % 11, top + 18 + number % 9]
}

/// A value for each pixel of image `number`, depending on whether it is inside the rectangle and on its
/// outline.
fn drawn(number: usize, by: usize, value: impl Fn(usize, usize, bool, bool) -> f32) -> EdgeMap {
    let [left, top, right, bottom] = rectangle(number).map(|side| side + by);
    let pixel = |at: usize| {
        let (x, y) = (at % WIDTH, at / WIDTH);
        let inside = (left..=right).contains(&x) && (top..=bottom).contains(&y);
        let outline = inside && (x == left || x == right || y == top || y == bottom);
        value(x, y, inside, outline)
    };
    EdgeMap::new(Size { height: HEIGHT, width: WIDTH }, (0..WIDTH * HEIGHT).map(pixel).collect())
}

impl Data {
    fn new(count: usize) -> Self {
        let data = Self(tempfile::tempdir().unwrap());
        let line = |_, _, _, outline| f32::from(u8::from(outline));
        for number in 0..count {
            let shade = |x: usize, y: usize, inside: bool, _| {
                if inside { 0.8 } else { 0.1 + 0.01 * ((x * 7 + y * 3) % 10) as f32 }
            };
            let image = drawn(number, 0, shade);
            data.save(&image, &format!("images/{number:02}.png"));
            data.save(&image, &format!("pictures/p{number:02}.png"));
            for by in 0..3 {
                data.save(&drawn(number, by, line), &format!("truth/{number:02}_{by}.png"));
            }
            data.save(&drawn(number, 0, line), &format!("one/{number:02}.png"));
            let class = |_, _, inside, _| if inside { 15.5 / 255.0 } else { 0.0 };
            data.save(&drawn(number, 0, class), &format!("masks/{number:02}.png"));
            let soft = |_, _, _, outline| if outline { 0.9 } else { 0.05 };
            for id in [format!("{number:02}"), format!("p{number:02}")] {
                data.save(&drawn(number, 0, soft), &format!("maps/{id}.png"));
            }
        }
        data
    }

    fn save(&self, map: &EdgeMap, name: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        map.save(path, &SaveOptions::default()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn folders(&self, truth: &str) -> Material {
        Source::Folders { images: self.path("images"), truth: self.path(truth) }.into()
    }

    fn masks(&self, classes: usize) -> Material {
        Source::Masks { images: self.path("images"), masks: self.path("masks"), classes }.into()
    }

    fn pictures(&self) -> Material {
        Source::Pictures { pictures: self.path("pictures") }.into()
    }

    /// A small network, few steps, one source.
    fn config(&self, material: Material) -> Config {
        let arch = Arch { width: 4, cdcm: Some(2), ..Arch::full() };
        let mut config = Config { seed: 3, model: config::Model::of(&arch), ..Config::default() };
        config.data.train = vec![material];
        config.augment = Augment { crop: 24, ..Augment::strong() };
        config.train = config::Train { steps: 12, batch: 3, checkpoint_steps: 4, ..config.train };
        config
    }

    /// Everything that a recipe can have, at once.
    fn everything(&self) -> Config {
        let mut config = self.config(self.folders("truth"));
        config.data.labels = Labels::Registered;
        let sources = [self.folders("truth"), self.folders("one"), self.masks(21), self.pictures()];
        config.data.train = sources.map(|material| Material { share: Some(1.0), ..material }).into();
        config.data.train[1].tolerance = Some(1);
        config.data.train[2].trust = 0.5;
        config.distil.model = Some("tiny".into());
        config.distil.scales = vec![1.0, 0.75];
        config.distil.trust = Trust::Points(vec![[0.0, 0.5], [0.5, 2.0], [0.75, 0.0]]);
        let phase = Phase::default();
        config.phase = vec![
            Phase { until: 0.4, ..phase.clone() },
            Phase { until: 0.75, crop: Some(32), average: Some(0.9), ..phase.clone() },
            Phase {
                crop: Some(0),
                rate: 0.1,
                geometric: false,
                photometric: false,
                shares: vec![1.0, 1.0, 0.0, 0.0],
                ..phase
            },
        ];
        config
    }
}

/// The batches of a run.
fn batches(config: &Config) -> Vec<Batch> {
    let teacher = Teacher::open(&config.distil).unwrap();
    let examples = Examples::open(&config.data.train, &config.data, teacher).unwrap();
    let plan = Plan::new(config, Some(config.train.steps));
    (0..config.train.steps).map(|step| plan.batch(&examples, step)).collect()
}

#[test]
fn a_crashed_run_of_every_feature_goes_on_to_the_same_weights() {
    let data = Data::new(4);
    let config = data.everything();
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    assert!(go(&config, &whole, false, |_| {}).unwrap().finished);
    let kept = Config {
        distil: config::Distil { maps: Some(folder.path().join("kept")), ..config.distil.clone() },
        ..config.clone()
    };
    // In each phase, before and after checkpoints; with the teacher's maps in memory, and kept in a folder.
    for (crash, config) in [(3, &config), (6, &kept), (8, &config), (11, &kept)] {
        let cut = folder.path().join(format!("cut-{crash}"));
        let crashed = std::panic::catch_unwind(|| {
            go(config, &cut, false, |event| {
                if matches!(event, Event::Step { step, .. } if *step == crash) {
                    std::panic::resume_unwind(Box::new(()));
                }
            })
        });
        assert!(crashed.is_err(), "the run was to crash");
        assert!(go(config, &cut, true, |_| {}).unwrap().finished);
        assert_eq!(weights(&cut).weights, weights(&whole).weights, "after a crash at step {crash}");
        assert_eq!(records(&cut), records(&whole), "after a crash at step {crash}");
    }
    assert!(folder.path().join("kept/p00.png").is_file(), "the teacher's maps are kept");
}

#[test]
fn threads_and_loaders_do_not_change_what_a_recipe_gives() {
    let data = Data::new(3);
    let mut config = data.everything();
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for (threads, loaders) in [(1, 1), (3, 2)] {
        config.data.loaders = loaders;
        let run = folder.path().join(format!("{threads}"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| go(&config, &run, false, |_| {})).unwrap();
        seen.push(weights(&run).weights);
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn whole_images_of_a_batch_have_one_scale() {
    let data = Data::new(4);
    let mut config = data.config(data.folders("one"));
    config.augment.crop = 0;
    let mut sizes = Vec::new();
    for batch in batches(&config) {
        let size = |sample: &Sample| (sample.width, sample.height);
        assert!(batch.samples.iter().all(|sample| size(sample) == size(&batch.samples[0])));
        sizes.push(size(&batch.samples[0]));
    }
    sizes.sort_unstable();
    sizes.dedup();
    assert!(sizes.len() > 6, "batches differ: {sizes:?}");
}

#[test]
fn phases_change_crops_augmentation_shares_rate_and_average() {
    let data = Data::new(4);
    let mut config = data.everything();
    config.augment.flip = false;
    config.phase[2].average = Some(0.0);
    let examples = Examples::open(&config.data.train, &config.data, None).unwrap();
    for (step, batch) in batches(&config).iter().enumerate() {
        assert!(batch.failed.is_empty());
        for sample in &batch.samples {
            let done = step as f64 / 12.0;
            let size =
                [(24, 24), (32, 32), (WIDTH, HEIGHT)][usize::from(done >= 0.4) + usize::from(done >= 0.75)];
            assert_eq!((sample.width, sample.height), size, "step {step}");
            if done >= 0.75 {
                let known =
                    (0..8).any(|index| Sample::plain(&examples.get(index).unwrap(), &sample.name) == *sample);
                assert!(known, "an image of the first two sources as it is, without a teacher");
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    config.schedule.kind = pidinet_train::schedule::Kind::Constant;
    go(&config, &run, false, |_| {}).unwrap();
    let rates: Vec<f64> = records(&run).iter().map(|record| record.rate / config.schedule.rate).collect();
    assert!((rates[0] - 1.0).abs() < 1e-12 && (rates[rates.len() - 1] - 0.1).abs() < 1e-12, "{rates:?}");
    let checkpoint = Checkpoint::open(&run.join("checkpoint.safetensors")).unwrap();
    assert_eq!(checkpoint.state.average, checkpoint.parameters, "an average of 0 is the last weights");
}

#[test]
fn every_source_gives_what_it_knows() {
    let data = Data::new(3);
    let mut config = data.everything();
    config.phase.clear();
    config.distil = config::Distil { maps: Some(data.path("maps")), ..Default::default() };
    let teacher = Teacher::open(&config.distil).unwrap();
    let examples = Examples::open(&config.data.train, &config.data, teacher).unwrap();
    let plain = |index| Sample::plain(&examples.get(index).unwrap(), "a");
    let count =
        |index: usize, kind: fn(f32) -> bool| plain(index).labels.iter().filter(|l| kind(**l)).count();
    let [left, top, right, bottom] = rectangle(0);
    let outline = 2 * (right - left + bottom - top);
    // Three annotators, each a pixel further out: the ridges are those of the middle one. (In pictures of
    // this size, matched pixels are less than a pixel apart.)
    let seen = count(0, |label| label > 0.0);
    assert!((outline / 2..2 * outline).contains(&seen), "{seen} pixels of ridges, {outline} of an outline");
    assert!(count(0, |label| label == IGNORED) > outline, "the other lines are open");
    assert!(count(0, |label| label == 0.0) > WIDTH * HEIGHT / 2);
    // One annotator with a tolerance of one pixel.
    assert_eq!(count(3, |label| label == 1.0), outline);
    assert!((outline..3 * outline).contains(&count(3, |label| label == IGNORED)));
    // A mask: no background.
    assert!((outline * 9 / 10..=outline + 4).contains(&count(6, |label| label == 1.0)));
    assert_eq!(count(6, |label| label == 0.0), 0);
    // A picture: only a teacher.
    assert_eq!(count(9, |label| label != IGNORED), 0);
    assert_eq!(
        examples.taught(9, &examples.get(9).unwrap()).unwrap().unwrap()[top * WIDTH + left],
        229 * 257
    );
    // Truth that is declared partial: the same boundaries, but no background.
    config.data.train[1].partial = true;
    let examples = Examples::open(&config.data.train, &config.data, None).unwrap();
    let partial = Sample::plain(&examples.get(3).unwrap(), "a").labels;
    assert_eq!(partial.iter().filter(|label| **label == 1.0).count(), outline);
    assert!(!partial.contains(&0.0));
}

#[test]
fn pixels_of_the_value_to_be_ignored_count_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, value: &dyn Fn(usize) -> f32| {
        let path = folder.path().join(name).join("a.png");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        EdgeMap::new(Size::square(16), (0..256).map(value).collect())
            .save(path, &SaveOptions::default())
            .unwrap();
    };
    save("images", &|at| at as f32 / 255.0);
    save("truth", &|at| [0.0, 0.0, 1.0 / 255.0, 1.0][at % 4]);
    let [images, truth] = ["images", "truth"].map(|name| folder.path().join(name));
    let mut config = Config::default();
    config.data.train = vec![Source::Folders { images, truth }.into()];
    let labels = |config: &Config| {
        let examples = Examples::open(&config.data.train, &config.data, None).unwrap();
        examples.get(0).map(|example| Sample::plain(&example, "a").labels)
    };
    let error = labels(&config).unwrap_err().to_string();
    assert!(error.contains("a.png") && error.contains("--gt-ignore 255"), "{error}");
    let wanted: Vec<f32> = (0..256).map(|at| [0.0, 0.0, 1.0, IGNORED][at % 4]).collect();
    config.data.ignore = Some(255);
    assert_eq!(labels(&config).unwrap(), wanted);
    config.data.ignore = None;
    config.data.train[0].ignore = Some(255);
    assert_eq!(labels(&config).unwrap(), wanted);
    assert_eq!(Config::parse(&config.to_toml()).unwrap(), config);
}

#[test]
fn pictures_and_a_teacher_alone_teach() {
    let data = Data::new(4);
    let mut config = data.config(data.pictures());
    config.distil.maps = Some(data.path("maps"));
    config.augment = Augment { crop: 0, ..Augment::none() };
    config.train = config::Train { steps: 80, average: 0.5, ..config.train };
    config.schedule.rate = 0.01;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    go(&config, &run, false, |_| {}).unwrap();
    let records = records(&run);
    let (first, last) = (&records[0], &records[records.len() - 1]);
    assert!(last.loss < 0.7 * first.loss, "loss went from {} to {}", first.loss, last.loss);
}

#[test]
fn a_teacher_that_does_not_fit_stops_the_run_or_is_skipped_and_counted() {
    let data = Data::new(4);
    data.save(&EdgeMap::new(Size { height: 8, width: 9 }, vec![0.5; 72]), "maps/01.png");
    std::fs::write(data.path("maps/02.png"), b"\x89PNG\r\n\x1a\nnothing more").unwrap();
    let mut config = data.config(data.folders("one"));
    config.distil.maps = Some(data.path("maps"));
    config.train.steps = 4;
    let folder = tempfile::tempdir().unwrap();
    let error = go(&config, &folder.path().join("a"), false, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Images { .. }), "{error}");
    config.data.skip = 100;
    let mut reasons = Vec::new();
    let outcome = go(&config, &folder.path().join("b"), false, |event| {
        if let Event::Skipped { reason, .. } = event {
            reasons.push(reason.clone());
        }
    });
    assert_eq!((outcome.unwrap().position.failed, reasons.len()), (6, 6), "{reasons:?}");
    let size = format!("a map of the image's size, {WIDTH}x{HEIGHT}, found one of 9x8");
    assert!(reasons.iter().any(|reason| reason.contains(&size)), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("02.png")), "{reasons:?}");
    // Missing maps are reported before anything begins.
    std::fs::remove_file(data.path("maps/03.png")).unwrap();
    config.data.skip = 0;
    let message = go(&config, &folder.path().join("c"), false, |_| {}).unwrap_err().to_string();
    assert!(message.contains("03: the teacher has no map"), "{message}");
    assert!(!folder.path().join("c").exists());
}

#[test]
fn masks_of_other_classes_and_broken_pictures_stop_the_run_or_are_skipped_and_counted() {
    let data = Data::new(4);
    std::fs::write(data.path("pictures/p01.png"), b"no picture").unwrap();
    std::fs::write(data.path("pictures/notes.txt"), b"no picture either, by its name").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, material, count, text) in [
        ("masks", data.masks(9), 12, "a mask of the 9 classes 0 to 8 and 255, found class 15"),
        ("pictures", data.pictures(), 3, "p01.png"),
    ] {
        let mut config = data.config(material);
        config.distil.maps = Some(data.path("maps"));
        config.train.steps = 4;
        let run = |config: &Config, number| {
            let mut reasons = Vec::new();
            let outcome = go(config, &folder.path().join(format!("{name}-{number}")), false, |event| {
                if let Event::Skipped { reason, .. } = event {
                    reasons.push(reason.clone());
                }
            });
            (outcome, reasons)
        };
        let message = run(&config, 0).0.unwrap_err().to_string();
        assert!(message.contains(text), "{message}");
        config.data.skip = 100;
        let (outcome, reasons) = run(&config, 1);
        assert_eq!((outcome.unwrap().position.failed, reasons.len()), (count, count as usize));
        assert!(reasons.iter().all(|reason| reason.contains(text)), "{reasons:?}");
    }
    let empty = data.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut config = data.config(Source::Pictures { pictures: empty.clone() }.into());
    config.distil.model = Some("tiny".into());
    let message = go(&config, &folder.path().join("empty"), false, |_| {}).unwrap_err().to_string();
    assert!(message.contains(&empty.display().to_string()), "{message}");
}

#[test]
fn a_run_starts_from_a_model_that_comes_with_the_library() {
    let data = Data::new(3);
    let mut config = data.config(data.folders("one"));
    config.model = config::Model { start: Some("tiny".into()), ..config::Model::default() };
    config.model.freeze = vec![String::new()];
    config.train.steps = 1;
    let folder = tempfile::tempdir().unwrap();
    go(&config, &folder.path().join("run"), false, |_| {}).unwrap();
    let tiny = Model::read(pidinet::models::DEFAULT.bytes, &OpenOptions::default()).unwrap();
    assert_eq!(weights(&folder.path().join("run")).weights, tiny.weights, "all of it is frozen");
    config.model.start = Some("enormous".into());
    let message = go(&config, &folder.path().join("none"), false, |_| {}).unwrap_err().to_string();
    assert!(message.contains("enormous") && message.contains("tiny"), "{message}");
    assert!(!message.contains("bi-pidinet"), "{message}");
    assert!(!folder.path().join("none/config.toml").exists(), "nothing is written before the model is found");
}

#[test]
fn a_run_starts_from_a_model_of_fewer_channels() {
    let data = Data::new(3);
    let mut config = data.config(data.folders("one"));
    let small = config::Model::of(&pidinet::arch::Arch::small());
    config.model = config::Model { start: Some("tiny".into()), freeze: vec![String::new()], ..small };
    config.train.steps = 1;
    let folder = tempfile::tempdir().unwrap();
    go(&config, &folder.path().join("run"), false, |_| {}).unwrap();
    let tiny = Model::read(pidinet::models::DEFAULT.bytes, &OpenOptions::default()).unwrap();
    let stem = &weights(&folder.path().join("run")).weights["init_block.weight"];
    let of_tiny = &tiny.weights["init_block.weight"];
    assert_eq!((stem.shape[0], &stem.data[..of_tiny.data.len()]), (30, &*of_tiny.data));
    (config.model.width, config.model.cdcm) = (19, 8);
    let message = go(&config, &folder.path().join("none"), false, |_| {}).unwrap_err().to_string();
    assert!(message.contains("of fewer channels"), "{message}");
}

#[test]
fn a_run_goes_on_with_a_configuration_of_fewer_fields_that_says_the_same() {
    let data = Data::new(3);
    let mut config = data.config(data.folders("one"));
    config.train.steps = 2;
    let folder = tempfile::tempdir().unwrap();
    go(&config, folder.path(), false, |_| {}).unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut checkpoint = Checkpoint::open(&path).unwrap();
    let older =
        checkpoint.config.lines().filter(|line| !line.starts_with("tolerance") && !line.starts_with("phase"));
    checkpoint.config = older.map(|line| format!("{line}\n")).collect();
    assert!(!checkpoint.config.contains("tolerance"));
    checkpoint.save(&path).unwrap();
    go(&config, folder.path(), true, |_| {}).unwrap();
    config.data.tolerance = 1;
    let message = go(&config, folder.path(), true, |_| {}).unwrap_err().to_string();
    assert!(message.contains("another configuration"), "{message}");
}

#[test]
fn a_configuration_of_everything_comes_back_from_its_text() {
    let config = Data::new(0).everything();
    let text = config.to_toml();
    assert_eq!(Config::parse(&text).unwrap(), config, "{text}");
    config.check().unwrap();
    let short = Config::parse("[[data.train]]\npictures = \"a\"\n[distil]\nmodel = \"tiny\"").unwrap();
    assert_eq!(short.data.train, [Source::Pictures { pictures: "a".into() }.into()]);
    short.check().unwrap();
    for line in ["phase = []", "tolerance = 0", "trust = 1.0", "scales = [", "partial = false"] {
        assert!(short.to_toml().lines().any(|found| found == line), "no {line} in\n{}", short.to_toml());
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence() {
    const DRAWN: &str = "[[data.train]]\nimages = \"a\"\ntruth = \"b\"\n";
    let pictures = "[[data.train]]\npictures = \"a\"\n";
    let cases = [
        ("[[phase]]\nuntil = 0.5", "`phase.until` is 0.5, expected 1 in the last phase"),
        ("[[phase]]\nuntil = 0.5\n[[phase]]\nuntil = 0.5", "`phase.until` is 0.5, expected more than"),
        ("[[phase]]\nuntil = nan", "`phase.until` is NaN"),
        ("[[phase]]\nrate = -1", "`phase.rate` is -1"),
        ("[[phase]]\naverage = 1.0", "`phase.average` is 1"),
        ("[[phase]]\ncrop = 3", "`phase.crop` is 3, expected 0, or 8 to 8192"),
        (
            "[[phase]]\ncrop = 64\n[augment]\nhed = true",
            "`phase.crop` is given, expected none with augment.hed",
        ),
        ("[[phase]]\nshares = [1, 2]", "`phase.shares` is 2 numbers, expected one for each of the 1 sources"),
        ("[[phase]]\nshares = [0]", "`phase.shares` is [0.0], expected numbers of at least 0, some above"),
        ("[[phase]]\nshares = [inf]", "`phase.shares` is [inf]"),
        ("[[phase]]\n[train]\nminutes = 3", "`train.minutes` is 3, expected 0 with phases"),
        ("[distil]\ntrust = [[0, 1], [1, 0]]\n[train]\nminutes = 3", "`train.minutes` is 3"),
        ("[distil]\ntrust = -1", "`distil.trust` is -1, expected 0 to 1000"),
        ("[distil]\ntrust = []", "`distil.trust` is [], expected points"),
        ("[distil]\ntrust = [[0.5, 1], [0.2, 1]]", "expected points [share, trust] with growing shares"),
        ("[distil]\ntrust = [[0.5, nan]]", "expected points [share, trust]"),
        ("[distil]\nscales = []", "`distil.scales` is []"),
        ("[distil]\nscales = [1e9]", "expected 1 to 16 numbers of 0.1 to 4"),
        ("[data]\ntolerance = 1000000", "`data.tolerance` is 1000000, expected 0 to 64 pixels"),
        ("[[data.train]]\nimages = \"a\"\ntruth = \"b\"\nshare = 1", "`share` is given by 1 of 2 sources"),
        ("[[data.train]]\nlist = \"a\"\ntolerance = 65", "`tolerance` is 65"),
        ("[[data.train]]\nlist = \"a\"\ntrust = nan", "`trust` is NaN"),
        ("[[data.train]]\nimages = \"a\"\nmasks = \"b\"\nclasses = 1", "`classes` is 1, expected 2 to 255"),
        (pictures, "`data.train` is folder a, expected a teacher"),
        (
            "[[data.validation]]\npictures = \"v\"",
            "`data.validation` is folder v, expected images with truth",
        ),
    ];
    for (text, expected) in cases {
        let found = Config::parse(&format!("{DRAWN}{text}")).unwrap().check();
        let message = found.expect_err(text).to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
    let unreadable = [
        ("[[data.train]]\nimages = \"a\"", "a source is one of"),
        ("[[data.train]]\nimages = \"a\"\ntruth = \"b\"\nlist = \"c\"", "a source is one of"),
        ("[[data.train]]\nlist = \"a\"\nshares = 2", "shares"),
        ("[[data.validation]]\nlist = \"a\"\nshare = 2", "`share` is for sources that are learnt from"),
        ("[data]\nlabels = \"registred\"", "registred"),
        ("[distil]\nteacher = \"a\"", "teacher"),
        ("[distil]\ntrust = \"much\"", "expected a number, or points"),
        ("[[phase]]\nphotometrics = false", "photometrics"),
    ];
    for (text, expected) in unreadable {
        let message = Config::parse(text).expect_err(text).to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
    let empty = Config::parse("[data]\ntrain = []").unwrap().check().unwrap_err().to_string();
    assert!(empty.contains("data.train"), "{empty}");
}

#[test]
fn recipes_in_the_documentation_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recipes");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| !name.to_string_lossy().contains("bi-pidinet")) {
            Config::open(&path).and_then(|config| config.check()).unwrap_or_else(|error| {
                panic!("{}: {error}: {:?}", path.display(), std::error::Error::source(&error))
            });
            count += 1;
        }
    }
    assert!(count >= 6, "{count} recipes");
}
