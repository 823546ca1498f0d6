//! The contents of a recognition model.

use pidinet::Size;
use pidinet::arch::recognition::survey::{RecognitionLayer, RecognitionSurvey};
use pidinet::weights::RecognitionModel;

use super::facts::{known, shape};
use crate::table::{LEFT, RIGHT, aligned};

const HEADER: [&str; 8] =
    ["layer", "operation", "input", "output", "parameters", "bits", "M FLOPs", "M BOPs"];

const COLUMNS: [bool; 8] = [LEFT, LEFT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT];

/// The whole output.
pub(super) fn table(model: &RecognitionModel, size: Option<Size>) -> String {
    let side = model.input.size;
    let size = size.unwrap_or(Size::square(side));
    let survey = RecognitionSurvey::of(&model.arch, size);
    let facts = facts(model, &survey, size);
    let facts = aligned(facts.iter().map(|(what, value)| [*what, value]), [LEFT; 2]);
    let layers = std::iter::once(HEADER.map(String::from)).chain(survey.layers.iter().map(cells));
    format!("{facts}\n{}", aligned(layers, COLUMNS))
}

fn facts(model: &RecognitionModel, survey: &RecognitionSurvey, size: Size) -> Vec<(&'static str, String)> {
    let RecognitionModel { arch, input, labels, info, .. } = model;
    let Size { width, height } = size;
    let stages: Vec<String> = arch
        .stages
        .iter()
        .enumerate()
        .map(|(number, stage)| {
            let differences = match stage.difference_channels(arch.channels(number)) {
                0 => String::new(),
                count => format!(", {count} in bi-pdc {}", stage.difference.letters()),
            };
            format!("{} of {} channels{differences}", stage.blocks, arch.channels(number))
        })
        .collect();
    let mega = |count: f64| format!("{:.2} M", count / 1e6);
    let mut facts = vec![
        ("name", info.name.clone()),
        ("blocks", stages.join("; ")),
        ("stem", arch.stem.name().to_owned()),
        ("shortcut", arch.shortcut.name().to_owned()),
        ("classes", arch.classes.to_string()),
        ("labels", labels.join(", ")),
        ("input", format!("{0}x{0} of images resized to {1}", input.size, input.resize)),
        ("mean, deviation", format!("{:?}, {:?}", input.mean, input.std)),
        ("parameters", survey.parameter_count().to_string()),
        ("1-bit weights", survey.bit_count().to_string()),
        ("FLOPs", format!("{} at {width}x{height}", mega(survey.flops() as f64))),
        ("BOPs", mega(survey.bops() as f64)),
        ("OPs", format!("{} (FLOPs + BOPs / 64)", mega(survey.ops()))),
    ];
    facts.extend(known(info));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn cells(layer: &RecognitionLayer) -> [String; 8] {
    let count = |count: String, is_zero| if is_zero { String::new() } else { count };
    let mega = |count_: u64| count(format!("{:.2}", count_ as f64 / 1e6), count_ == 0);
    [
        layer.name.clone(),
        layer.operation.to_string(),
        shape(layer.input),
        shape(layer.output),
        count(layer.parameters.to_string(), layer.parameters == 0),
        count(layer.bits.to_string(), layer.bits == 0),
        mega(layer.flops),
        mega(layer.bops),
    ]
}
