//! Programs that are killed at random moments and then continue: nothing partial, nothing lost, nothing left
//! over.
//!
//! Few kills by default; `PIDINET_KILLS=1000 cargo test --test kills` is the long run, and `PIDINET_SEED`
//! chooses other moments. The assertions hold at every moment, so no test depends on when a kill happens.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test, which prints its seed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pidinet::arch::Arch;
use pidinet::save::{Format, SaveOptions, is_whole};
use pidinet::weights::Model;
use pidinet::{EdgeMap, Size};

/// Random numbers from a seed, which is printed.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = std::env::var("PIDINET_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        eprintln!("PIDINET_SEED={seed}");
        Self(seed)
    }

    /// From 0 up to, but not including, 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// How many kills a test makes.
fn kills() -> usize {
    std::env::var("PIDINET_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(6)
}

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pidinet"));
    command.args(arguments.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs to the end and returns the time it took.
fn run(folder: &Path, arguments: &str) -> Duration {
    let start = Instant::now();
    let output = command(folder, arguments).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    start.elapsed()
}

/// Runs and is killed after a share of the time that a whole run takes.
fn kill(folder: &Path, arguments: &str, whole: Duration, share: f64) {
    let mut child = command(folder, arguments).spawn().unwrap();
    std::thread::sleep(whole.mul_f64(share));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A grey picture with a square, and its outline.
fn picture(number: usize, side: usize) -> [EdgeMap; 2] {
    let (low, high) = (side / 5 + number % 5, 3 * side / 4 - number % 3);
    let inside = |x: usize, y: usize| (low..=high).contains(&x) && (low..=high).contains(&y);
    let edge = |x, y| inside(x, y) && (x == low || x == high || y == low || y == high);
    let map = |value: &dyn Fn(usize, usize) -> f32| {
        EdgeMap::new(Size::square(side), (0..side * side).map(|at| value(at % side, at / side)).collect())
    };
    let noise = |x: usize, y: usize| (x * 7 + y * 13 + number) as f32 % 11.0 / 100.0;
    let photo = |x, y| if inside(x, y) { 0.8 } else { 0.2 } + noise(x, y);
    [map(&photo), map(&|x, y| f32::from(u8::from(edge(x, y))))]
}

/// A folder with `images`, `truth` and a model of random weights.
fn material(count: usize, side: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["images", "truth"] {
        std::fs::create_dir(folder.path().join(part)).unwrap();
    }
    for number in 0..count {
        for (part, map) in ["images", "truth"].into_iter().zip(picture(number, side)) {
            let path = folder.path().join(part).join(format!("{number:02}.png"));
            map.save(path, &SaveOptions::default()).unwrap();
        }
    }
    Model::random(Arch::tiny().light(), 1).save(folder.path().join("model.safetensors")).unwrap();
    folder
}

/// All files of a folder except those with temporary names, with their content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let is_temporary = |path: &Path| path.extension().is_some_and(|extension| extension == "tmp");
    entries
        .filter(|path| path.is_file() && !is_temporary(path))
        .map(|path| (path.file_name().unwrap().into(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn detection_that_is_killed_leaves_whole_maps_and_goes_on() {
    let folder = material(24, 96);
    let whole = run(folder.path(), "detect -m model.safetensors images -o whole");
    let expected = files(&folder.path().join("whole"));
    let mut random = Random::new();
    let out = folder.path().join("out");
    let arguments = "detect -m model.safetensors images -o out --skip-existing";
    for kill_number in 0..kills() {
        kill(folder.path(), arguments, whole, random.next());
        for name in files(&out).keys() {
            assert!(is_whole(&out.join(name), Format::Png), "kill {kill_number}: {}", name.display());
        }
        if kill_number % 3 == 2 {
            run(folder.path(), arguments);
            assert_eq!(files(&out), expected, "kill {kill_number}");
            std::fs::remove_dir_all(&out).unwrap();
        }
    }
    run(folder.path(), arguments);
    assert_eq!(files(&out), expected);
}

#[test]
fn training_that_is_killed_goes_on_to_the_same_weights() {
    let folder = material(4, 48);
    let config = "[model]\nwidth = 4\ncdcm = 2\n[augment]\ncrop = 32\n[train]\nsteps = 60\nbatch = 2\n\
                  checkpoint_steps = 4\n[validation]\nepochs = 10.0\nthresholds = 3\n\
                  [[data.train]]\nimages = \"images\"\ntruth = \"truth\"\n\
                  [[data.validation]]\nimages = \"images\"\ntruth = \"truth\"\n";
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    let whole = run(folder.path(), "train edges whole -c config.toml");
    let weights = |run: &str, file: &str| std::fs::read(folder.path().join(run).join(file)).unwrap();
    // Models contain the names of their runs, and measurements those of steps, so only weights are compared.
    let parameters = |run: &str| {
        let path = folder.path().join(run).join("model.safetensors");
        Model::open(path, &pidinet::weights::OpenOptions::default()).unwrap().weights
    };
    let mut random = Random::new();
    for round in 0..kills().div_ceil(3) {
        let cut = format!("cut-{round}");
        let path = folder.path().join(&cut);
        kill(folder.path(), &format!("train edges {cut} -c config.toml"), whole, random.next());
        for _ in 0..2 {
            if path.join("config.toml").exists() {
                kill(folder.path(), &format!("train edges --resume {cut}"), whole, random.next() / 2.0);
            }
        }
        if path.join("config.toml").exists() {
            run(folder.path(), &format!("train edges --resume {cut}"));
        } else {
            run(folder.path(), &format!("train edges {cut} -c config.toml"));
        }
        assert_eq!(parameters(&cut), parameters("whole"), "round {round}");
        let steps = |run: &str| {
            let text = String::from_utf8(weights(run, "metrics.jsonl")).unwrap();
            let step = |line: &str| line.split_once(',').unwrap().0.to_owned();
            text.lines().map(step).collect::<Vec<_>>()
        };
        assert_eq!(steps(&cut), steps("whole"), "round {round}");
    }
}

#[test]
fn an_evaluation_that_is_killed_goes_on_to_the_same_scores() {
    let folder = material(12, 96);
    let arguments =
        "eval edges --model model.safetensors --images images --gt truth --thresholds 9 --no-report -o";
    let whole = run(folder.path(), &format!("{arguments} whole"));
    let results = |run: &str| {
        let mut files = files(&folder.path().join(run));
        files.retain(|name, _| name.extension().is_some_and(|extension| extension == "txt"));
        files
    };
    let mut random = Random::new();
    for round in 0..kills().div_ceil(2) {
        let out = format!("out-{round}");
        for _ in 0..2 {
            kill(folder.path(), &format!("{arguments} {out} --resume"), whole, random.next());
        }
        run(folder.path(), &format!("{arguments} {out} --resume"));
        assert_eq!(results(&out), results("whole"), "round {round}");
    }
}
