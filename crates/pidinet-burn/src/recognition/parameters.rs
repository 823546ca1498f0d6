//! The parameters of a recognition network, by name.

use std::collections::HashMap;

use burn_tensor::{Device, FloatDType, Tensor, TensorData};
use pidinet_train::Parameters;

/// Parameters, as numbers and on a device.
#[derive(Debug)]
pub(super) struct OnDevice {
    /// Their values.
    pub(super) values: HashMap<String, Vec<f32>>,
    /// The same on the device, each as one row.
    pub(super) rows: HashMap<String, Tensor<1>>,
    /// The type for sums that must be exact.
    pub(super) wide: FloatDType,
}

impl OnDevice {
    /// These values of the parameters. On a device with autodiff, gradients are taken with respect to them.
    pub(super) fn new(layout: &Parameters, values: &[f32], device: &Device) -> Self {
        let named = layout.tensors().iter().map(|tensor| (tensor.name.clone(), tensor.range.clone()));
        let values: HashMap<String, Vec<f32>> =
            named.map(|(name, range)| (name, values[range].to_vec())).collect();
        let parameter = |(name, values): (&String, &Vec<f32>)| {
            let row = Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device);
            (name.clone(), if device.is_autodiff() { row.require_grad() } else { row })
        };
        let rows = values.iter().map(parameter).collect();
        let wide = if device.supports_dtype(FloatDType::F64) { FloatDType::F64 } else { FloatDType::F32 };
        Self { values, rows, wide }
    }
}
