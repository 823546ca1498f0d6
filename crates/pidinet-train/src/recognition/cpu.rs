//! Recognition networks on the CPU, with our own kernels.

use pidinet::arch::recognition::RecognitionArch;
use pidinet_kernels::Isa;

use super::batch::Batch;
use super::loss;
use super::recogniser::MOMENTUM;
use super::recogniser::Recogniser;
use super::tape::shard::Workspace;
use super::tape::{Mode, Tape};
use crate::Result;

/// A network on the CPU. The result is the same for any number of threads.
#[derive(Debug)]
pub(crate) struct OnCpu {
    tape: Tape,
    isa: Isa,
    space: Workspace,
}

impl OnCpu {
    pub(crate) fn new(arch: &RecognitionArch, isa: Isa) -> Self {
        Self { tape: Tape::new(arch), isa, space: Workspace::default() }
    }
}

impl Recogniser for OnCpu {
    fn differentiate(
        &mut self,
        mode: Mode,
        parameters: &mut [f32],
        batch: &Batch,
    ) -> Result<(f64, Vec<f32>)> {
        let Self { tape, isa, space } = self;
        tape.forward(*isa, mode, parameters, &batch.images, batch.size, space);
        let mut logits = tape.logits(space);
        let images = batch.images.len() / (3 * batch.size.0 * batch.size.1);
        let classes = logits.len() / images;
        let loss = loss::differentiate(&mut logits, &batch.targets, classes, 1.0 / images as f32);
        let mut gradients = vec![0.0; parameters.len()];
        tape.backward(*isa, mode, parameters, &logits, space, &mut gradients);
        tape.note(MOMENTUM, space, parameters);
        Ok((loss, gradients))
    }

    fn logits(
        &mut self,
        mode: Mode,
        parameters: &[f32],
        images: &[f32],
        size: (usize, usize),
    ) -> Result<Vec<f32>> {
        self.tape.forward(self.isa, mode, parameters, images, size, &mut self.space);
        Ok(self.tape.logits(&self.space))
    }
}
