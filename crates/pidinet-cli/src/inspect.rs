//! `pidinet inspect`.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::Size;
use pidinet::arch::Kinds;
use pidinet::arch::survey::{Layer, Operation, Shape, Survey};
use pidinet::weights::{Model, ModelInfo, OpenOptions};

use crate::model::Found;
use crate::options::size;
use crate::ui;

mod binary;

/// Say what a model file holds, and what each layer costs
#[derive(clap::Args, Debug)]
pub(crate) struct Inspect {
    /// Model file, or the name of a model that comes with the program
    #[arg(value_name = "MODEL", value_hint = ValueHint::FilePath)]
    model: PathBuf,

    /// Size of image for which shapes, multiply-adds and memory are given [default: 481x321, or the input
    /// of a model for recognition]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,

    /// Kinds of the layers, for a file that does not say [default: carv4]
    #[arg(long, value_name = "NAME")]
    config: Option<Kinds>,
}

impl Inspect {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let found = Found::named(&self.model)?;
        if found.recognises()? {
            ui::print(binary::table(&found.recognition()?, self.size).as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let options = OpenOptions { kinds: self.config, ..OpenOptions::default() };
        let model = found.edges(&options)?;
        let size = self.size.unwrap_or(Size { width: 481, height: 321 });
        let survey = Survey::of(&model.arch, size);
        let facts =
            aligned(facts(&model, &survey, size).iter().map(|(what, value)| [*what, value]), [LEFT; 2]);
        let layers = aligned(
            std::iter::once(HEADER.map(String::from)).chain(survey.layers.iter().map(cells)),
            COLUMNS,
        );
        ui::print(format!("{facts}\n{layers}").as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What there is to know about a model as a whole.
fn facts(model: &Model, survey: &Survey, size: Size) -> Vec<(&'static str, String)> {
    let (arch, info) = (&model.arch, &model.info);
    let Size { width, height } = size;
    let mut facts = vec![
        ("name", info.name.clone()),
        ("channels", format!("{0}, {1}, {2}, {2}", arch.width, 2 * arch.width, 4 * arch.width)),
        ("configuration", arch.kinds.to_string()),
        ("CDCM", arch.cdcm.map_or("no".to_owned(), |channels| format!("{channels} channels"))),
        ("CSAM", if arch.csam { "yes" } else { "no" }.to_owned()),
        ("theta", arch.theta.to_string()),
        ("weights", model.form.to_string()),
        ("input", info.preset.to_string()),
        ("int8", if model.calibration.is_some() { "calibrated" } else { "" }.to_owned()),
        ("parameters", survey.parameter_count().to_string()),
        ("multiply-adds", format!("{:.2} M at {width}x{height}", survey.multiply_adds() as f64 / 1e6)),
    ];
    facts.extend(known(info));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// What is known about a model.
fn known(info: &ModelInfo) -> Vec<(&'static str, String)> {
    let mut known = vec![
        ("provenance", info.provenance.clone()),
        ("training data", info.training_data.clone()),
        ("licence", info.licence.clone()),
    ];
    known.extend(info.scores.iter().map(|(name, score)| ("score", format!("{name} {score}"))));
    known.extend(info.extra.iter().map(|(name, text)| ("note", format!("{name}: {text}"))));
    known
}

const HEADER: [&str; 7] = ["layer", "operation", "input", "output", "parameters", "M mul-adds", "MiB out"];

pub(crate) const LEFT: bool = false;
const RIGHT: bool = true;

const COLUMNS: [bool; 7] = [LEFT, LEFT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT];

fn cells(layer: &Layer) -> [String; 7] {
    let operation = match &layer.operation {
        Operation::Conv(conv) => format!("{} {}", conv.kind.letters(), layer.operation),
        other => other.to_string(),
    };
    let count = |count: String, is_zero| if is_zero { String::new() } else { count };
    [
        layer.name.clone(),
        operation,
        shape(layer.input),
        shape(layer.output),
        count(layer.parameters.to_string(), layer.parameters == 0),
        count(format!("{:.2}", layer.multiply_adds as f64 / 1e6), layer.multiply_adds == 0),
        format!("{:.2}", layer.activation_bytes as f64 / f64::from(1 << 20)),
    ]
}

fn shape([channels, height, width]: Shape) -> String {
    format!("{channels}x{height}x{width}")
}

/// Rows as lines whose columns are as wide as their widest cell.
pub(crate) fn aligned<const N: usize, T: AsRef<str>>(
    rows: impl Iterator<Item = [T; N]>,
    right: [bool; N],
) -> String {
    let rows: Vec<[T; N]> = rows.collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].as_ref().chars().count()).max().unwrap_or_default()
    });
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(widths).zip(right) {
            let cell = cell.as_ref();
            let written =
                if right { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
            written.expect("a text takes more text");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "1", ""], ["bcd", "23", "x"], ["é", "", "yz"]];
        assert_eq!(aligned(rows.into_iter(), [LEFT, RIGHT, LEFT]), "a     1\nbcd  23  x\né        yz\n");
    }
}
