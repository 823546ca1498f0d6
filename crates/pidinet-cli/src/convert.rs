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

/// Convert a model to safetensors or ONNX
///
/// Reads safetensors and published .pth checkpoints (never executing code in them). The .safetensors output records
/// the architecture and the input preset, so no options are needed to use it. The .onnx output has plain
/// convolutions (opset 17), for ONNX Runtime and other programs.
#[derive(clap::Args, Debug)]
pub(crate) struct Convert {
    /// Model to convert: a file or the name of a built-in model
    #[arg(value_name = "IN", value_hint = ValueHint::FilePath)]
    input: PathBuf,

    /// Output file: NAME.safetensors or NAME.onnx
    #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
    output: PathBuf,

    #[command(flatten)]
    detail: DetailArgs,

    /// Fold pixel differences into plain convolutions: loads slightly faster, but cannot be trained further
    #[arg(long)]
    folded: bool,

    /// Store weights as float16: half the size; edge maps change by about 0.001. In a recognition model this applies
    /// to the real-valued convolutions
    #[arg(long)]
    float16: bool,

    /// Store binary weights as one bit each: a recognition model shrinks to about a twentieth with identical results,
    /// but cannot be trained further
    #[arg(long)]
    packed: bool,

    /// Calibrate for --precision int8: measure the activation ranges on these photographs, a folder or a pattern. A
    /// few dozen typical ones suffice; at most 64 are used
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    calibrate: Option<PathBuf>,

    /// Convolution of each layer, if the file does not say: a published configuration, or a list of sixteen of cv, cd,
    /// ad, rd [default: carv4]
    #[arg(long, value_name = "NAME")]
    config: Option<Kinds>,

    /// Weight of the pixel difference (theta), above 0 and at most 1, if the file does not say [default: 1]
    #[arg(long, value_name = "T")]
    theta: Option<f32>,

    /// Normalisation of the network's input [default: as in the file, else imagenet]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(&["imagenet", "controlnet"]))]
    preset: Option<Preset>,

    #[command(flatten)]
    onnx: Onnx,
}

/// Options for ONNX output only.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "ONNX")]
struct Onnx {
    /// Fix the input size, with a batch of one [default: dynamic size and batch]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,

    /// Input of the ONNX model: normalised (by the preset) or rgb (0 to 255; the model normalises)
    /// [default: normalised]
    #[arg(id = "onnx_input", long = "input", value_name = "NAME", value_parser = one_of::<Input>(&["normalised", "rgb"]))]
    input: Option<Input>,

    /// Also output side1 to side4, the side outputs of the four stages
    #[arg(long)]
    side_outputs: bool,
}

/// Most pictures to calibrate with: more would hardly widen the ranges.
const PICTURES: usize = 64;

/// The format of the output.
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
            return Err(usage!("{} would be overwritten: choose another name for OUT", input.display()));
        }
        let found = Found::named(&self.input)?;
        let options = OpenOptions { kinds: self.config, theta: self.theta, ..OpenOptions::default() };
        let opened = match found.open(&options)? {
            AnyModel::Recognition(model) => return self.recognition(&model, format),
            AnyModel::Edges(model) => model,
        };
        if self.packed {
            return Err(usage!("{}: --packed applies to recognition models only", self.input.display()));
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

    /// Whether a file is the output file.
    fn is_output(&self, input: &Path) -> bool {
        let same = self.output.canonicalize().ok().zip(input.canonicalize().ok());
        same.is_some_and(|(output, input)| output == input)
    }

    /// Converts a recognition model.
    fn recognition(&self, model: &RecognitionModel, format: Format) -> anyhow::Result<ExitCode> {
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
                "{name} is a recognition model: --folded, --calibrate, --config, --theta, --preset and --detail apply to edge models only"
            ));
        }
        if format == Format::Onnx {
            return Err(usage!("{name} is a recognition model, which cannot be exported to ONNX"));
        }
        let storage = RecognitionStorage {
            binary: if self.packed { BinaryStorage::Bits } else { BinaryStorage::Latent },
            real: if self.float16 { Storage::Float16 } else { Storage::Float32 },
        };
        model.save(&self.output, storage).context("the model was not converted")?;
        Ok(ExitCode::SUCCESS)
    }

    /// The format for the name of the output, if the other options fit it.
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
            Some((option, _)) => Err(usage!("{option} does not apply to {}", self.output.display())),
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
