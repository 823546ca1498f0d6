//! A Burn device and its name.

use burn_tensor::{Device, Tensor};
use pidinet_train::{Error, Result};

/// A Burn device, and its name in messages.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) device: Device,
}

impl Place {
    /// The numbers of a tensor.
    pub(crate) fn numbers<const D: usize>(&self, tensor: Tensor<D>) -> Result<Vec<f32>> {
        let failed = |reason: String| Error::Device { device: self.name.to_owned(), reason };
        let data = tensor.try_into_data().map_err(|error| failed(error.to_string()))?;
        data.try_into_vec_as().map_err(|error| failed(error.to_string()))
    }
}
