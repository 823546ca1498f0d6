//! How a model for recognition is stored.

use super::bits;
use crate::arch::recognition::survey::{RecognitionParameter, Role};
use crate::weights::element::Storage;

/// How weights are stored that are used only by their signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BinaryStorage {
    /// As trained: latent numbers.
    #[default]
    Latent,
    /// One bit each; training cannot continue from them.
    Bits,
}

/// How a model is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecognitionStorage {
    /// Weights of binary convolutions.
    pub binary: BinaryStorage,
    /// Weights of real convolutions and of the classifier; parameters with one number a channel always have
    /// 32 bits.
    pub real: Storage,
}

/// The shape of a parameter in a file.
pub(super) fn stored_shape(parameter: &RecognitionParameter, binary: BinaryStorage) -> Vec<usize> {
    match (parameter.role, binary) {
        (Role::Binary, BinaryStorage::Bits) => bits::shape(parameter),
        _ => parameter.shape.clone(),
    }
}
