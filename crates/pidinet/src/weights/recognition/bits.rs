//! Binary weights in a file: `[outputs, bytes]`, the first weight in the lowest bit of the first byte, 1 for
//! −1; spare bits of a row are 0.

use crate::arch::recognition::survey::RecognitionParameter;
use crate::error::ModelError;

/// Number of weights of one output.
fn row(parameter: &RecognitionParameter) -> usize {
    parameter.shape[1..].iter().product()
}

/// `[outputs, bytes]`.
pub(super) fn shape(parameter: &RecognitionParameter) -> Vec<usize> {
    vec![parameter.shape[0], row(parameter).div_ceil(8)]
}

/// The signs of weights.
pub(super) fn pack(parameter: &RecognitionParameter, weights: &[f32]) -> Vec<u8> {
    let byte = |weights: &[f32]| {
        weights.iter().enumerate().fold(0, |byte, (bit, &weight)| byte | u8::from(weight < 0.0) << bit)
    };
    weights.chunks(row(parameter)).flat_map(|row| row.chunks(8).map(byte)).collect()
}

/// The weights, +1 and −1, that `bytes` of the right length stand for.
pub(super) fn unpack(parameter: &RecognitionParameter, bytes: &[u8]) -> Result<Vec<f32>, ModelError> {
    let row = row(parameter);
    let mut weights = Vec::with_capacity(parameter.shape[0] * row);
    for bytes in bytes.chunks(row.div_ceil(8)) {
        let mut bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        weights.extend(bits.by_ref().take(row).map(|bit| if bit { -1.0 } else { 1.0 }));
        if bits.any(|bit| bit) {
            let (tensor, problem) = (parameter.name.clone(), "has bits set that belong to no weight");
            return Err(ModelError::Tensor { tensor, problem: problem.to_owned() });
        }
    }
    Ok(weights)
}
