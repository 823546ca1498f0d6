//! ONNX files, run by ONNX Runtime, against our engine.
//!
//! Needs a Python with onnx, onnxruntime and numpy: that of `PIDINET_PYTHON`, else `python3`.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pidinet::arch::Arch;
use pidinet::edges;
use pidinet::edges::trace;
use pidinet::image::{Image, PixelFormat, PixelLayout, Preset};
use pidinet::onnx::{self, Input, Maps};
use pidinet::weights::{Model, OpenOptions};
use pidinet::{DetectorOptions, EdgeDetector, Size};

/// The largest difference of two probabilities.
const BOUND: f32 = 1e-4;

/// Sizes of images, with no round sides.
const SIZES: [Size; 2] = [Size { height: 37, width: 50 }, Size { height: 83, width: 41 }];

/// A Python that has what `onnx/run.py` imports.
fn python() -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("PIDINET_PYTHON").unwrap_or_else(|| "python3".into()));
    let modules = "import numpy, onnx, onnxruntime";
    match Command::new(&python).args(["-c", modules]).output() {
        Ok(output) if output.status.success() => Some(python),
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr);
            let reason = reason.lines().last().unwrap_or("no reason given");
            eprintln!("skipped: {} has no ONNX Runtime: {reason}", python.display());
            None
        }
        Err(error) => {
            eprintln!("skipped: cannot run {}: {error}", python.display());
            None
        }
    }
}

/// The work for ONNX Runtime: files in a folder, and what to do with them.
struct Work {
    folder: tempfile::TempDir,
    lines: String,
    /// The expected output of each line: all maps, one after another.
    wanted: Vec<(String, Vec<f32>)>,
}

impl Work {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), lines: String::new(), wanted: Vec::new() }
    }

    fn model(&self, name: &str, model: &Model, options: &onnx::Options) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.onnx"));
        onnx::save(model, &path, options).unwrap();
        path
    }

    /// `count` images go into `model`, `wanted` should come out.
    fn add(&mut self, model: &Path, count: usize, size: Size, images: &[f32], wanted: Vec<f32>) {
        let file = |what: &str| self.folder.path().join(format!("{}.{what}", self.wanted.len()));
        let (input, output) = (file("in"), file("out"));
        std::fs::write(&input, bytemuck::cast_slice(images)).unwrap();
        let Size { height, width } = size;
        let (model, input, output) = (model.display(), input.display(), output.display());
        writeln!(self.lines, "{model} {input} {count} {height} {width} {output}").unwrap();
        self.wanted.push((format!("{model} on {count} of {width}x{height}"), wanted));
    }

    /// Runs everything and compares.
    fn run(self, python: &Path) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/run.py");
        let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(self.lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "ONNX Runtime failed");
        for (number, (name, wanted)) in self.wanted.iter().enumerate() {
            let bytes = std::fs::read(self.folder.path().join(format!("{number}.out"))).unwrap();
            let found: Vec<f32> =
                bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            assert_eq!(found.len(), wanted.len(), "{name}");
            let difference = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < BOUND, "{name}: differs by {difference:e}");
            let (low, high) = wanted.iter().fold((1.0_f32, 0.0_f32), |(l, h), x| (l.min(*x), h.max(*x)));
            assert!(high - low > 0.02, "{name}: maps of nothing but {low} compare nothing");
        }
    }
}

/// An image of a pattern, as 8-bit values `[3, h, w]`.
fn pattern(Size { height, width }: Size, seed: usize) -> Vec<u8> {
    let value = |i: usize| {
        let (c, y, x) = (i / (height * width), i / width % height, i % width);
        let stripe = (x * 2 + y * (seed + 1)) / 13;
        let shape = if stripe.is_multiple_of(2) { 40 } else { 190 };
        (shape + (i * i * 31 + i * 17 + seed) % 29 + 11 * c) as u8
    };
    (0..3 * height * width).map(value).collect()
}

/// An image, ready for the network.
struct Planes<'a> {
    size: Size,
    planes: &'a [f32],
}

impl edges::Input for Planes<'_> {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        let Size { height, width } = self.size;
        for (plane, row) in self.planes.chunks(height * width).zip(channels) {
            row.copy_from_slice(&plane[y * width..][..width]);
        }
    }
}

/// The five maps that the engine makes of some images, in the order of the outputs: all images of a map together.
fn engine_maps(model: &Model, size: Size, images: &[Vec<f32>]) -> Vec<f32> {
    let each: Vec<[edges::Map; 5]> = images
        .iter()
        .map(|planes| {
            let input = Planes { size, planes };
            let maps = trace(model, &DetectorOptions::default(), &input, size).unwrap();
            let [a, b, c, d] = maps.sides;
            [maps.fused, a, b, c, d]
        })
        .collect();
    (0..5).flat_map(|map| each.iter().flat_map(move |maps| maps[map].data.clone())).collect()
}

/// Networks of every configuration and option, with random weights, and our own.
fn models() -> Vec<(String, Model)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
    let mut models: Vec<_> = std::fs::read_dir(golden)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, Model::open(path, &OpenOptions::default()).unwrap())
        })
        .collect();
    models.sort_by(|(a, _), (b, _)| a.cmp(b));
    models.push(("random-full".to_owned(), Model::random(Arch::full(), 11)));
    let options = OpenOptions::default();
    models.push(("built-in".to_owned(), Model::read(pidinet::models::DEFAULT.bytes, &options).unwrap()));
    models
}

#[test]
fn onnx_runtime_gives_all_maps_of_the_engine() {
    let Some(python) = python() else { return };
    let mut work = Work::new();
    for (name, model) in models() {
        let options = onnx::Options { maps: Maps::All, ..onnx::Options::default() };
        let free = work.model(&name, &model, &options);
        for (count, size) in [(2, SIZES[0]), (1, SIZES[1])] {
            let normalise = |seed| -> Vec<f32> {
                let values = pattern(size, seed);
                values.iter().map(|&value| f32::from(value) / 64.0 - 2.0).collect()
            };
            let images: Vec<Vec<f32>> = (0..count).map(normalise).collect();
            let wanted = engine_maps(&model, size, &images);
            work.add(&free, count, size, &images.concat(), wanted.clone());
            if count == 1 {
                let fixed = onnx::Options { size: Some(size), ..options };
                let fixed = work.model(&format!("{name}-fixed"), &model, &fixed);
                work.add(&fixed, count, size, &images.concat(), wanted);
            }
        }
    }
    work.run(&python);
}

#[test]
fn onnx_runtime_finds_the_edges_of_a_picture() {
    let Some(python) = python() else { return };
    let mut work = Work::new();
    let mut model = Model::read(pidinet::models::DEFAULT.bytes, &OpenOptions::default()).unwrap();
    for preset in Preset::ALL {
        model.info.preset = preset;
        let detector = EdgeDetector::new(&model, &DetectorOptions::default()).unwrap();
        let options = onnx::Options { input: Input::Rgb, ..onnx::Options::default() };
        let file = work.model(preset.name(), &model, &options);
        for (seed, size) in SIZES.into_iter().enumerate() {
            let planes = pattern(size, seed);
            let area = size.height * size.width;
            let pixels: Vec<u8> = (0..3 * area).map(|i| planes[i % 3 * area + i / 3]).collect();
            let layout = PixelLayout::packed(size, PixelFormat::Rgb);
            let edges = detector.detect(&Image::from_u8(&pixels, &layout).unwrap()).unwrap().edges;
            let values: Vec<f32> = planes.iter().map(|&value| f32::from(value)).collect();
            work.add(&file, 1, size, &values, edges.data().to_vec());
        }
    }
    work.run(&python);
}
