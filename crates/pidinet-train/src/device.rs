//! Where networks compute: their losses, their gradients, their maps.
//!
//! Everything else in a run is the same on all devices and works on plain numbers: data, optimiser,
//! average, checkpoints, validation. A network has under a million parameters, so passing them at every
//! step costs little compared with the step.

use std::fmt::Debug;

use pidinet::arch::Arch;
use pidinet::arch::recognition::RecognitionArch;
use pidinet_kernels::Isa;

use crate::edges::network::Network;
use crate::recognition::recogniser::Recogniser;
use crate::{edges, recognition};

pub mod check;

/// A place where networks can be trained.
pub trait Device: Debug + Sync {
    /// Its name in messages.
    fn name(&self) -> &str {
        "the device"
    }

    /// The network of this architecture, ready to compute.
    fn network(&self, arch: &Arch) -> Box<dyn Network>;

    /// The recognition network of this architecture, ready to compute.
    fn recogniser(&self, arch: &RecognitionArch) -> Box<dyn Recogniser>;
}

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
        Box::new(edges::cpu::OnCpu::new(arch, self.isa))
    }

    fn recogniser(&self, arch: &RecognitionArch) -> Box<dyn Recogniser> {
        Box::new(recognition::cpu::OnCpu::new(arch, self.isa))
    }
}
