//! The network, its gradients and ten steps agree with PyTorch: `tools/training.py` wrote
//! `data/training.safetensors`.

#![allow(clippy::unwrap_used, reason = "a test")]

use pidinet::arch::Arch;
use pidinet_kernels::Isa;
use pidinet_train::Parameters;
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::tape::{Geometry, Packed, Tape, Workspace};
use pidinet_train::optimizer::{Adam, State};
use safetensors::SafeTensors;

const GOLDEN: &[u8] = include_bytes!("data/training.safetensors");

/// PyTorch's results for one network.
struct Case {
    name: &'static str,
    tape: Tape,
    /// `[h, w]`.
    size: (usize, usize),
}

fn cases() -> [Case; 2] {
    let whole = Arch { width: 4, cdcm: Some(2), ..Arch::full() };
    let light = Arch { width: 4, theta: 0.7, ..Arch::full() }.light();
    [
        Case { name: "whole", tape: Tape::new(&whole), size: (37, 45) },
        Case { name: "light", tape: Tape::new(&light), size: (24, 32) },
    ]
}

impl Case {
    fn get(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(GOLDEN).unwrap();
        let tensor = file.tensor(&format!("{}.{name}", self.name)).unwrap();
        let bytes = tensor.data();
        match tensor.dtype() {
            safetensors::Dtype::F64 => {
                bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect()
            }
            _ => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        }
    }

    fn all(&self, kind: &str) -> Vec<f32> {
        let parameters: &Parameters = self.tape.parameters();
        parameters.tensors().iter().flat_map(|t| self.get(&format!("{kind}.{}", t.name))).collect()
    }

    /// Loss, logits of the first image and gradients of the mean over the two images.
    fn step(&self, isa: Isa, values: &[f32]) -> (f64, [Vec<f32>; 5], Vec<f32>) {
        let (h, w) = self.size;
        let geometry = Geometry::new(&self.tape, h, w);
        let packed = Packed::new(&self.tape, values);
        let (images, labels) = (self.get("images"), self.get("labels"));
        let mut workspace = Workspace::default();
        let mut gradients = vec![0.0; values.len()];
        let (mut total, mut first) = (0.0, None);
        for (image, labels) in images.chunks_exact(3 * h * w).zip(labels.chunks_exact(h * w)) {
            self.tape.forward(isa, &geometry, &packed, image, &mut workspace);
            let mut maps = self.tape.logits(&geometry, &workspace);
            first.get_or_insert_with(|| maps.clone());
            total += Loss { lambda: 1.1, soft: false }.differentiate(labels, 0.5, &mut maps);
            self.tape.backward(isa, &geometry, &packed, &maps, &mut workspace, &mut gradients);
        }
        (total, first.unwrap(), gradients)
    }
}

/// Largest difference, as a share of the largest value.
fn difference(got: &[f32], want: &[f32]) -> f32 {
    let largest = want.iter().fold(1e-6_f32, |largest, want| largest.max(want.abs()));
    got.iter().zip(want).fold(0.0_f32, |most, (got, want)| most.max((got - want).abs())) / largest
}

#[test]
fn maps_are_those_of_pytorch() {
    for case in cases() {
        for isa in Isa::available() {
            let (_, maps, _) = case.step(isa, &case.all("weights"));
            for (i, map) in maps.iter().enumerate() {
                let want = case.get(&format!("logits.{i}"));
                let difference = difference(map, &want[..map.len()]);
                assert!(difference < 2e-5, "{} map {i}: {difference:e}", case.name);
            }
        }
    }
}

#[test]
fn every_gradient_is_that_of_pytorch() {
    for case in cases() {
        for isa in Isa::available() {
            let (_, _, gradients) = case.step(isa, &case.all("weights"));
            for tensor in case.tape.parameters().tensors() {
                let want = case.get(&format!("gradients.{}", tensor.name));
                let difference = difference(&gradients[tensor.range.clone()], &want);
                assert!(difference < 1e-3, "{} {}: {difference:e}", case.name, tensor.name);
            }
        }
    }
}

#[test]
fn ten_steps_give_the_losses_of_pytorch() {
    for case in cases() {
        let mut values = case.all("weights");
        let mut state = State::new(&values);
        let frozen = vec![false; values.len()];
        for (step, want) in case.get("losses").into_iter().enumerate() {
            let (loss, _, gradients) = case.step(Isa::best(), &values);
            let difference = (loss as f32 - want).abs() / want;
            assert!(difference < 5e-3, "{} step {step}: {loss} instead of {want}", case.name);
            Adam::default().step(0.005, &gradients, &frozen, &mut values, &mut state);
        }
    }
}
