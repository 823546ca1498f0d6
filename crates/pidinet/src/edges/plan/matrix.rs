//! The weights of convolutions, folded, and several of them as one matrix.

use pidinet_kernels::isa::Isa;
use pidinet_kernels::lanes::words::Format;
use pidinet_kernels::rows::dense::DenseWeights;
use pidinet_kernels::rows::packed::PackedWeights;

use super::graph::Named;
use super::op::Offset;
use crate::arch::Conv;
use crate::reparam;
use crate::weights::Weights;

/// The weights of a sum of convolutions as one matrix.
pub(super) struct Matrix {
    /// `[outputs, columns]`; the columns are the taps of the first convolution, each with all its
    /// input channels, then those of the second, and so on.
    pub(super) values: Vec<f32>,
    /// Input channels of each tap.
    pub(super) inputs: Vec<usize>,
    /// Taps of each convolution.
    pub(super) taps: Vec<Vec<Offset>>,
    pub(super) bias: Option<Vec<f32>>,
}

impl Matrix {
    pub(super) fn pack(&self, isa: Isa) -> DenseWeights {
        DenseWeights::pack(isa, &self.values, &self.inputs, self.bias.as_deref())
    }

    /// Multiplies the weights of each input of the only tap.
    pub(super) fn scale_inputs(&mut self, scales: &[f32]) {
        assert_eq!(self.inputs, [scales.len()], "inputs of one tap");
        for row in self.values.chunks_exact_mut(scales.len()) {
            row.iter_mut().zip(scales).for_each(|(weight, scale)| *weight *= scale);
        }
    }

    pub(super) fn pack_words(&self, isa: Isa, format: Format) -> PackedWeights {
        PackedWeights::pack(isa, format, &self.values, &self.inputs, self.bias.as_deref())
    }

    /// The same sum of convolutions of one map, with each place read only once, as if it were one
    /// convolution: all four of a CDCM read the centre.
    pub(super) fn merged(self) -> Self {
        let Self { values, inputs, taps, bias } = self;
        let channels = inputs[0];
        let taps = taps.concat();
        let mut places: Vec<Offset> = Vec::new();
        let place_of: Vec<usize> = taps
            .iter()
            .map(|tap| {
                places.iter().position(|place| place == tap).unwrap_or_else(|| {
                    places.push(*tap);
                    places.len() - 1
                })
            })
            .collect();
        let row = |row: &[f32]| {
            let mut sums = vec![0.0; places.len() * channels];
            for (weights, &place) in row.chunks_exact(channels).zip(&place_of) {
                let sums = &mut sums[place * channels..][..channels];
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            }
            sums
        };
        let values = values.chunks_exact(channels * taps.len()).flat_map(row).collect();
        Self { values, inputs: vec![channels; places.len()], taps: vec![places], bias }
    }
}

/// The parameters of a model.
pub(super) struct Parameters<'a> {
    pub(super) weights: &'a Weights,
    pub(super) is_folded: bool,
}

impl Parameters<'_> {
    pub(super) fn get(&self, name: &str) -> &[f32] {
        let parameter = self.weights.get(name);
        &parameter.unwrap_or_else(|| panic!("{name} is missing from a checked model")).data
    }

    /// The folded kernel `[outputs, inputs / groups, size, size]`, and its size.
    pub(super) fn folded(&self, Named { name, conv }: &Named) -> (Vec<f32>, usize) {
        let weights = self.get(&format!("{name}.weight"));
        let [outputs, inputs, size, _] = conv.folded_shape();
        let kernel = if self.is_folded { weights.to_vec() } else { reparam::fold(conv, weights) };
        assert_eq!(kernel.len(), outputs * inputs * size * size, "{name} has another shape");
        (kernel, size)
    }

    /// The sum of these convolutions as one matrix product. Taps that are zero in every channel, as
    /// folded differences can be, are dropped.
    pub(super) fn matrix(&self, convs: &[&Named]) -> Matrix {
        let outputs = convs[0].conv.outputs;
        let mut rows = vec![Vec::new(); outputs];
        let (mut inputs, mut taps) = (Vec::new(), Vec::new());
        let mut bias: Option<Vec<f32>> = None;
        for named in convs {
            let Conv { inputs: channels, dilation, .. } = named.conv;
            let (kernel, size) = self.folded(named);
            let area = size * size;
            let is_used = |tap: &usize| kernel.iter().skip(*tap).step_by(area).any(|&weight| weight != 0.0);
            let mut used: Vec<usize> = (0..area).filter(is_used).collect();
            if used.is_empty() {
                used.push(area / 2); // an untrained convolution of zeros still is one
            }
            for (row, kernel) in rows.iter_mut().zip(kernel.chunks_exact(channels * area)) {
                for &tap in &used {
                    row.extend(kernel.chunks_exact(area).map(|window| window[tap]));
                }
            }
            let offset = |tap: usize| {
                let along = |index: usize| (index as isize - (size / 2) as isize) * dilation as isize;
                Offset { dy: along(tap / size), dx: along(tap % size) }
            };
            inputs.extend(used.iter().map(|_| channels));
            taps.push(used.into_iter().map(offset).collect());
            if named.conv.bias {
                let values = self.get(&format!("{}.bias", named.name));
                let sum = bias.get_or_insert_with(|| vec![0.0; outputs]);
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        Matrix { values: rows.concat(), inputs, taps, bias }
    }
}
