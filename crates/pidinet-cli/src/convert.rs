//! `pidinet convert`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueHint;
use pidinet::Size;
use pidinet::arch::Kinds;
use pidinet::calibration::Calibration;
use pidinet::image::Preset;
use pidinet::onnx::{self, Input, Maps};
use pidinet::weights::{
    AnyModel, BinaryStorage, Model, OpenOptions, RecognitionModel, RecognitionStorage, Storage,
};

use crate::classifier;
use crate::detail::DetailArgs;
use crate::found::Found;
use crate::inputs;
use crate::options::{one_of, size};
use crate::ui::usage;

/// Turn a model file into one of ours, or into ONNX for other programs
///
/// Reads published .pth checkpoints, without running anything in them, and safetensors. A .safetensors file
/// holds the architecture and the input preset, so that no option has to be remembered. An .onnx file has
/// ordinary convolutions (opset 17), for ONNX Runtime and whatever else reads that format.
#[derive(clap::Args, Debug)]
pub(crate) struct Convert {
    /// Model to read: a file, or the name of a model that comes with the program
    #[arg(value_name = "IN", value_hint = ValueHint::FilePath)]
    input: PathBuf,

    /// File to write, NAME.safetensors or NAME.onnx
    #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
    output: PathBuf,

    #[command(flatten)]
    detail: DetailArgs,

    /// Fold pixel differences into ordinary weights: opens a little faster, but cannot be trained further
    #[arg(long)]
    folded: bool,

    /// Write numbers of 16 bits: half the size, and edges that differ by about 0.001; of a model for
    /// recognition the weights of real convolutions
    #[arg(long)]
    float16: bool,

    /// Write weights of which only the signs are used as one bit each: a model for recognition then is about
    /// a twentieth as large and gives the same, but cannot be trained further
    #[arg(long)]
    packed: bool,

    /// Measure the ranges of the network's activations on these photographs, a folder or a pattern, which
    /// --precision int8 needs; some dozens like those that are to come are enough, and of more, 64 are taken
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    calibrate: Option<PathBuf>,

    /// Kinds of the layers, for a file that does not say: a published configuration, or sixteen of cv,
    /// cd, ad, rd [default: carv4]
    #[arg(long, value_name = "NAME")]
    config: Option<Kinds>,

    /// Share of the pixel difference, from 0 to 1, for a file that does not say [default: 1]
    #[arg(long, value_name = "T")]
    theta: Option<f32>,

    /// How the model wants its input [default: as the file says, else imagenet]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(&["imagenet", "controlnet"]))]
    preset: Option<Preset>,

    #[command(flatten)]
    onnx: Onnx,
}

/// What only ONNX files know.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "ONNX")]
struct Onnx {
    /// Fix the size of the images, one at a time [default: any number of images of any size]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,

    /// What goes in: normalised, as the preset says, or rgb, red, green and blue from 0 to 255
    /// [default: normalised]
    #[arg(id = "onnx_input", long = "input", value_name = "NAME", value_parser = one_of::<Input>(&["normalised", "rgb"]))]
    input: Option<Input>,

    /// Let side1 to side4 come out too, what each stage sees by itself
    #[arg(long)]
    side_outputs: bool,
}

/// How many pictures a model is calibrated with: the ranges that more would give are hardly wider.
const PICTURES: usize = 64;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Safetensors,
    Onnx,
}

impl Convert {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let format = self.format()?;
        if let Some(input) = [Some(&*self.input), self.detail.partner()]
            .into_iter()
            .flatten()
            .find(|input| self.is_output(input))
        {
            return Err(usage!("{} would be overwritten; give OUT another name", input.display()));
        }
        let found = Found::named(&self.input)?;
        let options = OpenOptions { kinds: self.config, theta: self.theta, ..OpenOptions::default() };
        let opened = match found.open(&options)? {
            AnyModel::Recognition(model) => return self.binary(&model, format),
            AnyModel::Edges(model) => model,
        };
        if self.packed {
            return Err(usage!("{} finds edges and has no weights of one bit", self.input.display()));
        }
        let mut model = if self.detail.is_given() { self.detail.model(&found, &options)? } else { opened };
        if self.folded {
            model = model.folded();
        }
        if let Some(preset) = self.preset {
            model.info.preset = preset;
        }
        if let Some(folder) = &self.calibrate {
            model.calibration = Some(calibration(&model, folder)?);
        }
        match format {
            Format::Safetensors => {
                let precision = if self.float16 { Storage::Float16 } else { Storage::Float32 };
                model.save_as(&self.output, precision)
            }
            Format::Onnx => onnx::save(&model, &self.output, &self.onnx.options()),
        }
        .context("the model was not converted")?;
        Ok(ExitCode::SUCCESS)
    }

    /// Whether a file is the one that is written.
    fn is_output(&self, input: &Path) -> bool {
        let same = self.output.canonicalize().ok().zip(input.canonicalize().ok());
        same.is_some_and(|(output, input)| output == input)
    }

    /// Converts a model for recognition.
    fn binary(&self, model: &RecognitionModel, format: Format) -> anyhow::Result<ExitCode> {
        let name = self.input.display();
        let for_edges = [
            self.folded,
            self.calibrate.is_some(),
            self.config.is_some(),
            self.theta.is_some(),
            self.preset.is_some(),
            self.detail.is_given(),
        ];
        if for_edges.contains(&true) {
            return Err(usage!(
                "{name} is a model for recognition: --folded, --calibrate, --config, --theta, --preset and --detail are for edges"
            ));
        }
        if format == Format::Onnx {
            return Err(usage!("{name} is a model for recognition, and is not written as ONNX"));
        }
        let storage = RecognitionStorage {
            binary: if self.packed { BinaryStorage::Bits } else { BinaryStorage::Latent },
            real: if self.float16 { Storage::Float16 } else { Storage::Float32 },
        };
        model.save(&self.output, storage).context("the model was not converted")?;
        Ok(ExitCode::SUCCESS)
    }

    /// The format that the name of the output asks for, if the other options fit it.
    fn format(&self) -> anyhow::Result<Format> {
        let extension = self.output.extension().map(|extension| extension.to_ascii_lowercase());
        let format = match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Format::Safetensors,
            Some("onnx") => Format::Onnx,
            _ => {
                let output = self.output.display();
                return Err(usage!("{output}: expected OUT to end in .safetensors or .onnx"));
            }
        };
        let Onnx { size, input, side_outputs } = &self.onnx;
        let unfit = match format {
            Format::Onnx => vec![("--float16", self.float16), ("--calibrate", self.calibrate.is_some())],
            Format::Safetensors => {
                vec![
                    ("--size", size.is_some()),
                    ("--input", input.is_some()),
                    ("--side-outputs", *side_outputs),
                ]
            }
        };
        match unfit.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(usage!("{option} cannot be had in {}", self.output.display())),
            None => Ok(format),
        }
    }
}

/// Calibrates a model with at most [`PICTURES`] images of a folder.
fn calibration(model: &Model, folder: &Path) -> anyhow::Result<Calibration> {
    let mut found = inputs::find(&[folder.to_owned()], false)?;
    if let Some(failure) = found.failures.pop() {
        return Err(failure);
    }
    let images = &found.images;
    let count = images.len().min(PICTURES);
    let mut pictures = (0..count).map(|index| classifier::read(&images[index * images.len() / count]));
    let mut unreadable = None;
    let calibration = Calibration::measure(
        model,
        std::iter::from_fn(|| pictures.next()?.map_err(|error| unreadable = Some(error)).ok()),
    );
    match unreadable {
        Some(error) => Err(error),
        None => calibration.context("the model was not calibrated"),
    }
}

impl Onnx {
    fn options(&self) -> onnx::Options {
        onnx::Options {
            size: self.size,
            input: self.input.unwrap_or_default(),
            maps: if self.side_outputs { Maps::All } else { Maps::Fused },
        }
    }
}
