//! Edge networks on the CPU, with our own kernels.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pidinet::arch::Arch;
use pidinet_kernels::Isa;
use rayon::prelude::*;

use super::loss::Loss;
use super::network::{Fixed, Network};
use super::sample::Sample;
use super::tape::{Geometry, Packed, Tape, Workspace};
use crate::Result;

/// A network on the CPU. The result is the same for any number of threads.
#[derive(Debug)]
pub(crate) struct OnCpu {
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
            if !self.tape.forward_until(stop, self.isa, &geometry, &packed, &sample.image, &mut space) {
                return None;
            }
            let mut maps = self.tape.logits(&geometry, &space);
            let value = loss.of(sample, 1.0 / divisor, &mut maps);
            let mut gradients = vec![0.0; parameters.len()];
            let (tape, sums) = (&self.tape, &mut gradients);
            if !tape.backward_until(stop, self.isa, &geometry, &packed, &maps, &mut space, sums) {
                return None;
            }
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
    pub(crate) fn new(arch: &Arch, isa: Isa) -> Self {
        let (geometries, workspaces) = Default::default();
        Self { isa, tape: Tape::new(arch), geometries, workspaces }
    }

    fn geometry(&self, height: usize, width: usize) -> Arc<Geometry> {
        let mut known = self.geometries.lock().unwrap_or_else(PoisonError::into_inner);
        // With continuous scales every image has a new size, which is not worth keeping.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_is_under_way_is_left_when_all_is_to_stop() {
        let network = OnCpu::new(&Arch::tiny().light(), Isa::best());
        let parameters = vec![0.01; network.tape.parameters().len()];
        let packed = Packed::new(&network.tape, &parameters);
        let geometry = network.geometry(16, 16);
        let (image, mut space) = (vec![0.5; 3 * 256], Workspace::default());
        let [stop, go] = [true, false].map(AtomicBool::new);
        let mut forward =
            |stop| network.tape.forward_until(stop, network.isa, &geometry, &packed, &image, &mut space);
        assert!(!forward(&stop));
        assert!(forward(&go));
        let maps = network.tape.logits(&geometry, &space);
        let mut gradients = vec![0.0; parameters.len()];
        let (tape, isa) = (&network.tape, network.isa);
        assert!(!tape.backward_until(&stop, isa, &geometry, &packed, &maps, &mut space, &mut gradients));
        assert!(gradients.iter().all(|&gradient| gradient == 0.0));
    }
}
