//! The CPU, with our own kernels.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pidinet::arch::Arch;
use pidinet::arch::recognition::RecognitionArch;
use pidinet_kernels::Isa;
use rayon::prelude::*;

use super::{Device, Fixed, Network, Recogniser};
use crate::Result;
use crate::data::augment::Sample;
use crate::loss::Loss;
use crate::recognition;
use crate::tape::{Geometry, Packed, Tape, Workspace};

/// The CPU.
///
/// Images of a batch are differentiated in parallel, each by one thread, and their gradients added in the
/// order of the batch: the result is the same for any number of threads.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// The instruction set to compute with.
    pub isa: Isa,
}

impl Default for Cpu {
    /// The best instruction set of this machine.
    fn default() -> Self {
        Self { isa: Isa::best() }
    }
}

impl Device for Cpu {
    fn name(&self) -> &str {
        "cpu"
    }

    fn network(&self, arch: &Arch) -> Box<dyn Network> {
        let (geometries, workspaces) = Default::default();
        Box::new(OnCpu { isa: self.isa, tape: Tape::new(arch), geometries, workspaces })
    }

    fn recogniser(&self, arch: &RecognitionArch) -> Box<dyn Recogniser> {
        Box::new(recognition::cpu::OnCpu::new(arch, self.isa))
    }
}

#[derive(Debug)]
struct OnCpu {
    isa: Isa,
    tape: Tape,
    geometries: Mutex<HashMap<(usize, usize), Arc<Geometry>>>,
    workspaces: Mutex<Vec<Workspace>>,
}

impl Network for OnCpu {
    fn differentiate(
        &self,
        parameters: &[f32],
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<(f64, Vec<f32>)> {
        let never = AtomicBool::new(false);
        let all = self.differentiate_until(&never, parameters, loss, samples, divisor)?;
        Ok(all.expect("nothing stops it"))
    }

    fn differentiate_until(
        &self,
        stop: &AtomicBool,
        parameters: &[f32],
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<Option<(f64, Vec<f32>)>> {
        let packed = Packed::new(&self.tape, parameters);
        let each = |sample: &Sample| {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let geometry = self.geometry(sample.height, sample.width);
            let mut space = self.workspace();
            self.tape.forward(self.isa, &geometry, &packed, &sample.image, &mut space);
            let mut maps = self.tape.logits(&geometry, &space);
            let value = loss.of(sample, 1.0 / divisor, &mut maps);
            let mut gradients = vec![0.0; parameters.len()];
            self.tape.backward(self.isa, &geometry, &packed, &maps, &mut space, &mut gradients);
            self.keep(space);
            Some((value, gradients))
        };
        let each: Option<Vec<_>> = samples.par_iter().map(each).collect();
        let Some(each) = each else { return Ok(None) };
        let mut total = 0.0;
        let mut sum = vec![0.0; parameters.len()];
        for (value, gradients) in each {
            total += value;
            for (sum, gradient) in sum.iter_mut().zip(gradients) {
                *sum += gradient;
            }
        }
        Ok(Some((total, sum)))
    }

    fn fixed<'a>(&'a self, parameters: &[f32]) -> Box<dyn Fixed + 'a> {
        Box::new(FixedOnCpu { network: self, packed: Packed::new(&self.tape, parameters) })
    }
}

struct FixedOnCpu<'a> {
    network: &'a OnCpu,
    packed: Packed,
}

impl Fixed for FixedOnCpu<'_> {
    fn logits(&self, sample: &Sample) -> Result<[Vec<f32>; 5]> {
        let network = self.network;
        let geometry = network.geometry(sample.height, sample.width);
        let mut space = network.workspace();
        network.tape.forward(network.isa, &geometry, &self.packed, &sample.image, &mut space);
        let maps = network.tape.logits(&geometry, &space);
        network.keep(space);
        Ok(maps)
    }
}

impl OnCpu {
    fn geometry(&self, height: usize, width: usize) -> Arc<Geometry> {
        let mut known = self.geometries.lock().unwrap_or_else(PoisonError::into_inner);
        // Continuous scales give a new size for every image: they are not worth keeping.
        if known.len() > 64 {
            known.clear();
        }
        let make = || Arc::new(Geometry::new(&self.tape, height, width));
        known.entry((height, width)).or_insert_with(make).clone()
    }

    fn workspace(&self) -> Workspace {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn keep(&self, space: Workspace) {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).push(space);
    }
}
