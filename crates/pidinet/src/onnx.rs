//! ONNX files: a model for other programs.
//!
//! The graph is one more interpretation of [`crate::arch::pidinet`]: folded weights and ordinary operators
//! of opset 17, with no custom operators. ONNX files are written, not read.

use std::path::Path;

use crate::arch::pidinet;
use crate::atomic::write_atomically;
use crate::error::{Error, Result};
use crate::image::Preset;
use crate::weights::Model;
use crate::{Size, UnknownName};

mod graph;
mod protobuf;

use graph::{Graph, Info};
use protobuf::Message;

/// Version of the standard operators.
const OPSET: i64 = 17;

/// Version of the file format that came with this opset.
const IR_VERSION: i64 = 8;

/// The smallest side that the network takes: halved three times, it is one pixel.
const SMALLEST_SIDE: usize = 8;

/// The input of the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Input {
    /// What the network takes: colours in `[0, 1]`, normalised and ordered as the model's [`Preset`] says.
    #[default]
    Normalised,
    /// Red, green, blue from 0 to 255, as decoders return them; the graph normalises.
    Rgb,
}

/// Which maps the graph outputs, all `[n, 1, h, w]` in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Maps {
    /// `edges`, the answer.
    #[default]
    Fused,
    /// Also `side1` to `side4`, what each stage sees by itself, fine to coarse.
    All,
}

/// How to write an ONNX file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// One image of this size at a time, sides of at least 8, for compilers that want every shape; without it, any number of
    /// images of any size from 8×8.
    pub size: Option<Size>,
    /// What goes in.
    pub input: Input,
    /// What comes out.
    pub maps: Maps,
}

/// Writes a model as an ONNX file. An existing file at `path` is replaced only once everything is written.
///
/// # Errors
///
/// [`Error::Write`] if the file cannot be written, else as [`to_bytes`].
pub fn save(model: &Model, path: impl AsRef<Path>, options: &Options) -> Result<()> {
    let path = path.as_ref();
    let bytes = to_bytes(model, options).map_err(|error| match error {
        Error::ModelContent(source) => Error::Model { path: path.to_owned(), source },
        other => other,
    })?;
    write_atomically(path, &bytes)
}

/// The content of an ONNX file with this model; the same for the same model and options.
///
/// Its input is `image`, `[n, 3, h, w]`. Parameters keep their names; the metadata are those of our own
/// model files (`docs/model-format.md`), with `pidinet.onnx.input` for [`Options::input`].
///
/// # Errors
///
/// [`Error::OnnxSize`] for a size under 8×8, [`Error::ModelContent`] if the weights are not those of the
/// architecture, or not finite.
///
/// # Examples
///
/// ```
/// use pidinet::onnx::{self, Maps};
/// use pidinet::weights::{Model, OpenOptions};
/// let model = Model::read(pidinet::models::DEFAULT.bytes, &OpenOptions::default())?;
/// let options = onnx::Options { maps: Maps::All, ..onnx::Options::default() };
/// let bytes = onnx::to_bytes(&model, &options)?;
/// assert!(bytes.windows(17).any(|name| name == b"init_block.weight"));
/// # Ok::<(), pidinet::Error>(())
/// ```
pub fn to_bytes(model: &Model, options: &Options) -> Result<Vec<u8>> {
    if let Some(Size { height, width }) = options.size.filter(|size| size.shorter() < SMALLEST_SIDE) {
        return Err(Error::OnnxSize { height, width });
    }
    model.check()?;
    let model = model.folded();
    let mut graph = Graph::new(&model.weights, options.size);
    let image = graph.image();
    let normalised = match options.input {
        Input::Normalised => image.clone(),
        Input::Rgb => normalised(&mut graph, &image, model.info.preset),
    };
    let maps = pidinet(&model.arch, &mut graph, &normalised);
    graph.output(&maps.fused, "edges", "Edge probability in [0, 1].");
    if options.maps == Maps::All {
        for (stage, side) in (1..).zip(&maps.sides) {
            let doc = format!("Edge probability in [0, 1] that stage {stage} sees by itself.");
            graph.output(side, &format!("side{stage}"), &doc);
        }
    }

    let input = input_text(options.input, model.info.preset);
    let dims = graph.dims(3);
    let info = Info { name: graph::IMAGE, dims, doc: &input };
    let mut metadata = model.metadata()?;
    metadata.insert("pidinet.onnx.input".to_owned(), options.input.name().to_owned());
    let properties = metadata.iter().map(|(key, value)| Message::new().text(1, key).text(2, value));
    let name = if model.info.name.is_empty() { "pidinet" } else { &model.info.name };
    let file = Message::new()
        .int(1, IR_VERSION)
        .text(2, "pidinet")
        .text(3, env!("CARGO_PKG_VERSION"))
        .text(6, &doc_text(&model, &input))
        .message(7, graph.finish(name, &info))
        .message(8, Message::new().text(1, "").int(2, OPSET))
        .messages(14, properties);
    Ok(file.into_bytes())
}

/// The operations of [`Preset::normalise`], in its order, on red, green and blue from 0 to 255.
fn normalised(graph: &mut Graph<'_>, image: &graph::Value, preset: Preset) -> graph::Value {
    let shares = graph.arithmetic("Div", image, "white", &[255.0]);
    match preset {
        Preset::Imagenet => {
            let centred = graph.arithmetic("Sub", &shares, "mean", &Preset::MEAN);
            graph.arithmetic("Div", &centred, "std", &Preset::STD)
        }
        Preset::Controlnet => graph.channels(&shares, "blue_green_red", &[0, 1, 2].map(|c| preset.colour(c))),
    }
}

fn input_text(input: Input, preset: Preset) -> String {
    let values = match (input, preset) {
        (Input::Rgb, _) => "red, green, blue from 0 to 255".to_owned(),
        (Input::Normalised, Preset::Imagenet) => {
            let (mean, std) = (Preset::MEAN, Preset::STD);
            format!("red, green, blue in [0, 1], minus {mean:?}, divided by {std:?}")
        }
        (Input::Normalised, Preset::Controlnet) => "blue, green, red in [0, 1]".to_owned(),
    };
    format!("Images [n, 3, h, w], sides of at least 8: {values}.")
}

fn doc_text(model: &Model, input: &str) -> String {
    let mut doc = "PiDiNet: finds the edges in images. Pixel differences are folded into ordinary \
                   convolutions. `image`: "
        .to_owned();
    doc += input;
    let facts = [
        ("Licence", &model.info.licence),
        ("Provenance", &model.info.provenance),
        ("Trained on", &model.info.training_data),
    ];
    for (what, text) in facts.into_iter().filter(|(_, text)| !text.is_empty()) {
        doc += &format!(" {what}: {text}.");
    }
    doc
}

impl Input {
    /// Its name in options and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normalised => "normalised",
            Self::Rgb => "rgb",
        }
    }
}

impl std::str::FromStr for Input {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = [Self::Normalised, Self::Rgb].into_iter().find(|input| input.name() == text);
        named.ok_or_else(|| UnknownName::new("an input", text, "normalised or rgb"))
    }
}

#[cfg(test)]
mod tests;
