//! Options for how edges are looked for: the model, and what it is shown.

use pidinet::DetectorOptions;
use pidinet::image::Preset;
use pidinet::weights::Model;

use crate::detail::DetailArgs;
use crate::model::ModelArgs;
use crate::options::{EngineArgs, one_of, scale};

/// The model, and what it is shown of an image.
#[derive(clap::Args, Debug)]
pub(crate) struct NetworkArgs {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    detail: DetailArgs,

    /// Normalisation of the network's input [default: the model's own]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(&["imagenet", "controlnet"]))]
    preset: Option<Preset>,

    /// Average the maps of the image at these scales, such as 0.5,1,1.5
    #[arg(long, value_name = "S,...", value_delimiter = ',', value_parser = scale, default_value = "1")]
    scales: Vec<f32>,
}

impl NetworkArgs {
    /// Reads the model.
    pub(crate) fn model(&self) -> anyhow::Result<Model> {
        self.model.open_at(&self.detail)
    }

    /// Those of these options that were given, and differ from what they are by default.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        let options = [
            ("--model", self.model.file().is_some()),
            ("--config", self.model.has_config()),
            ("--detail", self.detail.is_given()),
            ("--preset", self.preset.is_some()),
            ("--scales", self.scales[..] != [1.0]),
        ];
        options.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect()
    }

    /// How it is run, without side outputs.
    pub(crate) fn options(&self, engine: &EngineArgs) -> DetectorOptions {
        DetectorOptions {
            threads: engine.threads,
            isa: engine.isa,
            precision: engine.precision,
            strip: engine.strip,
            sides: false,
            scales: self.scales.clone(),
            preset: self.preset,
        }
    }
}
