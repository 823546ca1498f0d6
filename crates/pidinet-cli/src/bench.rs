//! `pidinet bench`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::ValueHint;
use pidinet::edges::{Precision, StepStats};
use pidinet::image::{Image, ImageLimits, PixelFormat, PixelLayout};
use pidinet::weights::{AnyModel, RecognitionInput, RecognitionModel};
use pidinet::{Classifier, ClassifierOptions, DetectorOptions, EdgeDetector, Size};
use serde::Serialize;

use crate::detail::DetailArgs;
use crate::model::ModelArgs;
use crate::options::{EngineArgs, size};
use crate::ui::{self, usage};

/// Measure the speed of a network, excluding image files
///
/// Runs the network on an image in memory (noise unless --image is given), once to warm up and then --runs times, and
/// reports the time per image.
#[derive(clap::Args, Debug)]
pub(crate) struct Bench {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    detail: DetailArgs,

    /// Image size [default: 481x321, or the input size of a recognition model]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,

    /// Image to run on [default: noise]. Matters for int8, which falls back to f32 where values exceed the calibrated
    /// ranges, as noise does
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "size")]
    image: Option<PathBuf>,

    /// Batch size, for recognition models: the images are shared among the threads
    #[arg(long, value_name = "N", default_value = "1", value_parser = batch)]
    batch: NonZeroUsize,

    /// Number of measured runs
    #[arg(long, value_name = "N", default_value = "10")]
    runs: NonZeroUsize,

    #[command(flatten)]
    engine: EngineArgs,

    /// Show the time of each step
    #[arg(long)]
    layers: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Most pixels of an image for edges, and of one for recognition.
const MOST_PIXELS: usize = 128_000_000;
const MOST_PIXELS_WHOLE: usize = 4_000_000;

/// Most images of a batch.
const LARGEST_BATCH: usize = 4096;

/// Reads the number of images in a batch.
fn batch(text: &str) -> Result<NonZeroUsize, String> {
    let batch = text.parse().ok().filter(|batch: &NonZeroUsize| batch.get() <= LARGEST_BATCH);
    batch.ok_or_else(|| format!("expected 1 to {LARGEST_BATCH} images"))
}

/// The measurements.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    width: usize,
    height: usize,
    threads: usize,
    isa: &'static str,
    precision: &'static str,
    runs: usize,
    median_ms: f64,
    min_ms: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Step>,
}

/// A step of the network, over all runs.
#[derive(Debug, Serialize)]
struct Step {
    name: String,
    output: [usize; 3],
    median_ms: f64,
    /// Billions of multiply-adds a second.
    gmacs_per_s: f64,
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let found = self.model.found()?;
        let opened = found.open(&self.model.options())?;
        self.check_size(matches!(opened, AnyModel::Recognition(_)))?;
        if let AnyModel::Recognition(model) = &opened {
            if self.engine.precision != Precision::F32 {
                return Err(usage!("--precision applies to edge models only"));
            }
            if self.image.is_some() {
                return Err(usage!("--image applies to edge models only"));
            }
            if self.detail.is_given() {
                return Err(usage!("--detail applies to edge models only"));
            }
            return self.recognition(model);
        }
        if self.batch != NonZeroUsize::MIN {
            return Err(usage!("--batch applies to recognition models only"));
        }
        let image = match &self.image {
            Some(path) => Image::open(path, &ImageLimits::default())?,
            None => noise(self.size.unwrap_or(Size { width: 481, height: 321 }))?,
        };
        let model = match opened {
            AnyModel::Edges(model) if !self.detail.is_given() => model,
            _ => self.model.open_at(&self.detail)?,
        };
        let options = DetectorOptions {
            threads: self.engine.threads,
            isa: self.engine.isa,
            precision: self.engine.precision,
            strip: self.engine.strip,
            ..DetectorOptions::default()
        };
        let detector = EdgeDetector::new(&model, &options)?;
        detector.detect(&image)?;
        let mut times = Vec::new();
        let mut profiles = Vec::new();
        for _ in 0..self.runs.get() {
            let start = Instant::now();
            let (_, profile) = detector.profile(&image)?;
            times.push(start.elapsed());
            profiles.push(profile);
        }
        let report = Report {
            model: model.info.name,
            width: image.width(),
            height: image.height(),
            threads: detector.threads(),
            isa: detector.isa(),
            precision: detector.precision().name(),
            runs: self.runs.get(),
            median_ms: median_ms(times.iter().copied()),
            min_ms: times.iter().min().map_or(0.0, |time| milliseconds(*time)),
            layers: if self.layers { steps(&profiles) } else { Vec::new() },
        };
        self.print(&report)
    }

    /// Refuses sizes that need more memory than machines have. In edge networks an image streams through;
    /// recognition networks keep whole maps, and the inputs of a whole batch.
    fn check_size(&self, recognises: bool) -> anyhow::Result<()> {
        let Some(Size { width, height }) = self.size else { return Ok(()) };
        let most = if recognises { MOST_PIXELS_WHOLE } else { MOST_PIXELS };
        match width.checked_mul(height) {
            Some(pixels) if pixels <= most => Ok(()),
            _ => Err(usage!("--size {width}x{height} is more than {} megapixels", most / 1_000_000)),
        }
    }

    fn print(&self, report: &Report) -> anyhow::Result<ExitCode> {
        if self.json {
            ui::print_line(&serde_json::to_string(report)?)?;
        } else {
            ui::print(report.text().as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Measures a recognition model.
    fn recognition(&self, model: &RecognitionModel) -> anyhow::Result<ExitCode> {
        let options = ClassifierOptions { threads: self.engine.threads, isa: self.engine.isa };
        let classifier = Classifier::new(model, &options)?;
        let side = model.input.size;
        let size = self.size.unwrap_or(Size::square(side));
        let Size { width, height } = size;
        let input = pixels(&noise(size)?, width, height, &model.input);
        let batch = vec![&input[..]; self.batch.get()];
        classifier.run_all(&batch, size);
        let (mut times, mut profiles) = (Vec::new(), Vec::new());
        for _ in 0..self.runs.get() {
            let start = Instant::now();
            classifier.run_all(&batch, size);
            times.push(start.elapsed() / batch.len() as u32);
            if self.layers {
                profiles.push(classifier.profile(&input, size).1);
            }
        }
        self.print(&Report {
            model: model.info.name.clone(),
            width,
            height,
            threads: classifier.threads(),
            isa: classifier.isa(),
            precision: "binary",
            runs: self.runs.get(),
            median_ms: median_ms(times.iter().copied()),
            min_ms: times.iter().min().map_or(0.0, |time| milliseconds(*time)),
            layers: steps(&profiles),
        })
    }
}

/// An image as network input, without cropping.
fn pixels(image: &Image, width: usize, height: usize, input: &RecognitionInput) -> Vec<f32> {
    let positions = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let normalised = |(x, y)| {
        let rgb = image.rgb(x, y);
        [0, 1, 2].map(|colour| (rgb[colour] - input.mean[colour]) / input.std[colour])
    };
    positions.flat_map(normalised).collect()
}

impl Report {
    fn text(&self) -> String {
        let Self { model, width, height, threads, isa, precision, runs, median_ms, min_ms, layers } = self;
        let mut text = format!(
            "{model}, {width}x{height}, {threads} threads, {isa}, {precision}: median {median_ms:.2} ms, fastest {min_ms:.2} ms of {runs} runs\n"
        );
        if !layers.is_empty() {
            text += &format!("\n{:<34}{:>16}{:>10}{:>10}\n", "step", "output", "ms", "GMAC/s");
        }
        for Step { name, output: [c, h, w], median_ms, gmacs_per_s } in layers {
            let output = format!("{c}x{h}x{w}");
            text += &format!("{name:<34}{output:>16}{median_ms:>10.3}{gmacs_per_s:>10.1}\n");
        }
        text
    }
}

/// An image of noise, the same for the same size.
fn noise(Size { width, height }: Size) -> anyhow::Result<Image> {
    // A linear congruential generator (Knuth's MMIX constants); its upper bits are good enough for noise.
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let pixels: Vec<u8> = (0..3 * width * height).map(|_| next()).collect();
    Ok(Image::from_u8(&pixels, &PixelLayout::packed(Size { height, width }, PixelFormat::Rgb))?)
}

/// Each step over all runs.
fn steps(profiles: &[Vec<StepStats>]) -> Vec<Step> {
    let count = profiles.first().map_or(0, Vec::len);
    let step = |at: usize| {
        let StepStats { name, shape, macs, .. } = &profiles[0][at];
        let median_ms = median_ms(profiles.iter().map(|profile| profile[at].time));
        let gmacs_per_s = if median_ms > 0.0 { *macs as f64 / median_ms / 1e6 } else { 0.0 };
        Step { name: name.clone(), output: *shape, median_ms, gmacs_per_s }
    };
    (0..count).map(step).collect()
}

/// The median in milliseconds; for an even number of times, the mean of the middle two.
fn median_ms(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    let middle = times.len() / 2;
    match times.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => milliseconds(times[middle]),
        _ => milliseconds(times[middle - 1] + times[middle]) / 2.0,
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let median = |times: &[u64]| median_ms(times.iter().copied().map(Duration::from_millis));
        assert_eq!(median(&[9, 1, 5]), 5.0);
        assert_eq!(median(&[9, 1, 5, 6]), 5.5);
        assert_eq!(median(&[7]), 7.0);
    }

    #[test]
    fn noise_is_noisy_and_repeats() {
        let size = Size { width: 40, height: 30 };
        let image = noise(size).unwrap();
        assert_eq!(image, noise(size).unwrap());
        let values: std::collections::HashSet<u32> = (0..40).map(|x| image.rgb(x, 7)[1].to_bits()).collect();
        assert!(values.len() > 25, "{} values", values.len());
    }
}
