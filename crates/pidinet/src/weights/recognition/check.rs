//! Limits of a network and its input.

use super::input::RecognitionInput;
use crate::arch::recognition::survey::RecognitionSurvey;
use crate::arch::recognition::{RecognitionArch, Stage};
use crate::error::ModelError;
use crate::size::Size;
use crate::weights::metadata::invalid;

/// Most stages, each with half the rows of the one before.
const STAGES: usize = 8;

/// Most blocks of a stage, and classes of a model: more than anybody needs, and few enough that no size
/// overflows.
const BLOCKS: usize = 1 << 10;
const CLASSES: usize = 1 << 20;

/// Longest side of an input, and most values in a map of the network at that size (256 MiB): the networks of the paper
/// have inputs of 224 pixels and maps of under a million values.
const LONGEST: usize = 1 << 11;
const LARGEST_MAP: usize = 1 << 26;

/// How a file describes stages.
pub(super) const STAGES_EXPECTED: &str =
    "1 to 8 of BLOCKS:KIND:RHO separated by commas, such as 4:cd:0.2, rho from 0 to 1";

/// A stage as text, such as `4:cd:0.2`.
pub(super) fn written(Stage { blocks, difference, rho }: &Stage) -> String {
    format!("{blocks}:{}:{rho}", difference.letters())
}

/// Refuses layouts that no network can be built from.
pub(super) fn arch(arch: &RecognitionArch) -> Result<(), ModelError> {
    if arch.width == 0 || arch.width > 1 << 15 {
        return Err(ModelError::NoChannels);
    }
    let is_sound = |stage: &Stage| (0.0..=1.0).contains(&stage.rho) && (1..=BLOCKS).contains(&stage.blocks);
    if !(1..=STAGES).contains(&arch.stages.len()) || !arch.stages.iter().all(is_sound) {
        let stages: Vec<String> = arch.stages.iter().map(written).collect();
        return Err(invalid("stages", &stages.join(","), STAGES_EXPECTED));
    }
    if !(1..=CLASSES).contains(&arch.classes) {
        return Err(invalid("classes", &arch.classes.to_string(), "a number of classes up to a million"));
    }
    Ok(())
}

/// Refuses inputs that are impossible, or that would cost unreasonable memory.
pub(super) fn input(input: &RecognitionInput, arch: &RecognitionArch) -> Result<(), ModelError> {
    let RecognitionInput { size, resize, mean, std } = input;
    if !(1..=LONGEST).contains(size) {
        return Err(invalid("input", &size.to_string(), "1 to 2048 pixels"));
    }
    let layers = RecognitionSurvey::of(arch, Size::square(*size)).layers;
    if layers.iter().any(|layer| layer.output.iter().product::<usize>() > LARGEST_MAP) {
        return Err(invalid(
            "input",
            &size.to_string(),
            "less, as maps of this network would have over 256 MiB",
        ));
    }
    if !(*size..=LONGEST).contains(resize) {
        return Err(invalid("resize", &resize.to_string(), "pixels, at least those of the input"));
    }
    if !mean.iter().all(|x| x.is_finite()) {
        return Err(invalid("mean", &format!("{mean:?}"), "three numbers"));
    }
    if !std.iter().all(|x| x.is_finite() && *x > 0.0) {
        return Err(invalid("std", &format!("{std:?}"), "three positive numbers"));
    }
    Ok(())
}
