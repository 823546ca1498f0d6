//! From pictures and drawings to a detector: training, measuring and using a network, each as a program.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::process::Command;

use image::{GrayImage, Rgb, RgbImage};

const SIDE: u32 = 96;

/// Steps of the training.
const STEPS: u64 = 400;

/// Numbers that look random and are the same everywhere.
struct Random(u32);

impl Random {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % most
    }
}

/// Draws a picture of a disc and a box on a background, each with its own colour and noise; the truth
/// is where colours meet.
fn draw(folder: &Path, number: u32) {
    let mut random = Random(number * 7919 + 1);
    let (x, y, radius) = (20 + random.below(30), 20 + random.below(30), 10 + random.below(10));
    let (left, top) = (40 + random.below(20), 40 + random.below(20));
    let (right, bottom) = (left + 12 + random.below(20), top + 12 + random.below(20));
    let shape = |column: u32, row: u32| {
        let in_box = (left..right).contains(&column) && (top..bottom).contains(&row);
        let in_disc = column.abs_diff(x).pow(2) + row.abs_diff(y).pow(2) < radius * radius;
        if in_box { 2 } else { usize::from(in_disc) }
    };
    let first = random.below(3);
    let colours: [[u32; 3]; 3] = std::array::from_fn(|shape| {
        [0; 3].map(|_: u32| 75 * ((shape as u32 + first) % 3) + random.below(50))
    });
    let image = RgbImage::from_fn(SIDE, SIDE, |column, row| {
        Rgb(colours[shape(column, row)].map(|value| (value + random.below(20)) as u8))
    });
    let truth = GrayImage::from_fn(SIDE, SIDE, |column, row| {
        let here = shape(column, row);
        let edge = shape(column + 1, row) != here || shape(column, row + 1) != here;
        [if edge { 255 } else { 0 }].into()
    });
    for part in ["images", "truth"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    image.save(folder.join(format!("images/{number}.png"))).unwrap();
    truth.save(folder.join(format!("truth/{number}.png"))).unwrap();
}

/// Runs the program, which must succeed.
fn pidinet(folder: &Path, arguments: &str) {
    let program = assert_cmd::cargo::cargo_bin!("pidinet");
    let output = Command::new(program).current_dir(folder).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_network_learns_to_find_edges_in_pictures_it_has_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    (0..16).for_each(|number| draw(&folder.join("known"), number));
    (16..22).for_each(|number| draw(&folder.join("new"), number));
    let new = folder.join("new");
    let config = format!(
        "[model]\nwidth = 8\ncdcm = 4\n[augment]\ncrop = 64\n[train]\nbatch = 4\naverage = 0.98\n\
         checkpoint_steps = 100\n[validation]\nepochs = 50.0\nthresholds = 9\n\
         [[data.validation]]\nimages = '{}'\ntruth = '{}'\n",
        new.join("images").display(),
        new.join("truth").display()
    );
    std::fs::write(folder.join("config.toml"), config).unwrap();

    pidinet(
        folder,
        &format!(
            "train edges run -c config.toml --folders known/images known/truth --steps {STEPS} --rate 0.01"
        ),
    );
    let run = folder.join("run");
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let records: Vec<serde_json::Value> =
        metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let losses: Vec<f64> = records.iter().map(|record| record["loss"].as_f64().unwrap()).collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(last < 0.5 * first, "the loss went from {first} to {last}");
    let validated = records.iter().filter(|record| !record["validation"].is_null()).count();
    assert_eq!(validated, 2, "50 epochs are 200 steps");
    let mut files: Vec<String> = std::fs::read_dir(&run)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = [
        "best.safetensors",
        "checkpoint-before.safetensors",
        "checkpoint.safetensors",
        "config.toml",
        "loss.png",
        "metrics.jsonl",
        "model.safetensors",
        "predictions",
        "rate.png",
        "run.html",
        "scores.png",
    ];
    assert_eq!(files, expected);
    let predictions = std::fs::read_dir(run.join(format!("predictions/{STEPS:07}"))).unwrap();
    assert_eq!(predictions.count(), 6);

    pidinet(
        folder,
        "eval edges --model run/model.safetensors --images new/images --gt new/truth --out scores --thresholds 19",
    );
    let ods = json(&folder.join("scores/summary.json"))["ods"]["f"].as_f64().unwrap();
    assert!(ods > 0.8, "ODS {ods}");
    pidinet(folder, "detect new/images/16.png -m run/best.safetensors -o edges.png");
    assert_eq!(image::image_dimensions(folder.join("edges.png")).unwrap(), (SIDE, SIDE));
}
