//! The contents of an edge model.

use pidinet::Size;
use pidinet::arch::survey::{Layer, Operation, Survey};
use pidinet::weights::Model;

use super::facts::{known, shape};
use crate::table::{LEFT, RIGHT, aligned};

const HEADER: [&str; 7] = ["layer", "operation", "input", "output", "parameters", "M mul-adds", "MiB out"];

const COLUMNS: [bool; 7] = [LEFT, LEFT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT];

/// The whole output.
pub(super) fn table(model: &Model, size: Option<Size>) -> String {
    let size = size.unwrap_or(Size { width: 481, height: 321 });
    let survey = Survey::of(&model.arch, size);
    let facts = facts(model, &survey, size);
    let facts = aligned(facts.iter().map(|(what, value)| [*what, value]), [LEFT; 2]);
    let layers = std::iter::once(HEADER.map(String::from)).chain(survey.layers.iter().map(cells));
    format!("{facts}\n{}", aligned(layers, COLUMNS))
}

/// The facts about a model as a whole.
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
