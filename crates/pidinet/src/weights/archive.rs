//! Named tensors in a file, and whether they are the ones that a model needs.

use std::collections::BTreeMap;

use crate::error::{ModelError, ShapeMismatch};

/// Named tensors in a file, listed before any of them is read.
pub(super) trait Archive {
    /// The tensors' names, as in the published checkpoints, and shapes.
    fn shapes(&self) -> BTreeMap<String, Vec<usize>>;

    /// The numbers of the tensor of this name, which is one of [`Self::shapes`].
    fn read(&mut self, name: &str) -> Result<Vec<f32>, ModelError>;
}

/// Strips `module.`, which PyTorch's `DataParallel` puts before every name.
pub(super) fn without_prefix<T>(tensors: Vec<(String, T)>) -> BTreeMap<String, T> {
    const PREFIX: &str = "module.";
    let all = tensors.iter().all(|(name, _)| name.starts_with(PREFIX));
    tensors
        .into_iter()
        .map(|(name, tensor)| (name[if all { PREFIX.len() } else { 0 }..].to_owned(), tensor))
        .collect()
}

/// Compares names and shapes.
pub(super) fn check_shapes(
    expected: &BTreeMap<String, Vec<usize>>,
    found: &BTreeMap<String, Vec<usize>>,
) -> Result<(), ModelError> {
    let missing: Vec<String> = expected.keys().filter(|name| !found.contains_key(*name)).cloned().collect();
    let unexpected: Vec<String> =
        found.keys().filter(|name| !expected.contains_key(*name)).cloned().collect();
    let shapes: Vec<ShapeMismatch> = expected
        .iter()
        .filter_map(|(name, expected)| {
            let found = found.get(name).filter(|found| *found != expected)?;
            Some(ShapeMismatch { tensor: name.clone(), found: found.clone(), expected: expected.clone() })
        })
        .collect();
    if missing.is_empty() && unexpected.is_empty() && shapes.is_empty() {
        return Ok(());
    }
    Err(ModelError::Mismatch { missing, unexpected, shapes })
}

/// Refuses NaN and infinity.
pub(super) fn check_finite(tensor: &str, shape: &[usize], data: &[f32]) -> Result<(), ModelError> {
    match data.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(ModelError::NotFinite {
            tensor: tensor.to_owned(),
            index: position(shape, at),
            value: data[at],
        }),
    }
}

/// The position of element number `at` in a tensor.
pub(super) fn position(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, &length) in shape.iter().enumerate().rev() {
        index[axis] = at % length;
        at /= length;
    }
    index
}
