//! Kernels as ordinary functions, compiled here for every instruction set.
//!
//! [`Isa::run`] is generic, so a crate that calls it compiles the kernel itself, once for each
//! instruction set. `run_on` saves its callers that compile time.

use crate::isa::Isa;
use crate::lanes::floats::Kernel;
use crate::pixels::finish::{Activate, Affine, Finish, Shift};
use crate::pixels::pack::{PackDifferences, PackSigns};
use crate::pixels::real_conv::Real;
use crate::pixels::xnor::Xnor;
use crate::planes::{
    Correlate, CrossEntropy, Depthwise as PlanesDepthwise, DepthwiseGradient, GateGradient, Largest,
    LargestGradient, Mix,
};
use crate::rows::block::Block;
use crate::rows::dense::Dense;
use crate::rows::depthwise::Depthwise;
use crate::rows::dilated::Dilated;
use crate::rows::elementwise::{Add, Gate, Relu, Sigmoid};
use crate::rows::packed::{PackedBlock, PackedDense, PackedDilated, PackedPointwise, ProjectingBlock};
use crate::rows::pool::MaxPool;
use crate::rows::resize::Fuse;

macro_rules! run_on {
    ($($kernel:ident),*) => {$(
        impl $kernel<'_> {
            /// Runs this kernel with an instruction set, as [`Isa::run`] does.
            pub fn run_on(self, isa: Isa) -> <Self as Kernel>::Output {
                isa.run(self)
            }
        }
    )*};
}

run_on!(
    Activate,
    Add,
    Affine,
    Block,
    Correlate,
    CrossEntropy,
    Dense,
    Depthwise,
    DepthwiseGradient,
    Dilated,
    Finish,
    Fuse,
    Gate,
    GateGradient,
    Largest,
    LargestGradient,
    MaxPool,
    Mix,
    PlanesDepthwise
);
run_on!(Relu, Shift, Sigmoid);

macro_rules! run_bits_on {
    ($($kernel:ident),*) => {$(
        impl $kernel<'_> {
            /// Runs this kernel with an instruction set, as [`Isa::run_bits`] does.
            pub fn run_on(self, isa: Isa) {
                isa.run_bits(self);
            }
        }
    )*};
}

run_bits_on!(PackDifferences, PackSigns, Real, Xnor);

macro_rules! run_packed_on {
    ($($kernel:ident: $weights:ident -> $output:ty),*) => {$(
        impl $kernel<'_> {
            /// Runs this kernel with an instruction set, as [`Isa::run_packed`] does, in the format of its weights.
            pub fn run_on(self, isa: Isa) -> $output {
                isa.run_packed(self.$weights.format(), self)
            }
        }
    )*};
}

run_packed_on!(
    PackedBlock: pointwise -> bool,
    PackedDense: weights -> (),
    PackedDilated: weights -> (),
    PackedPointwise: weights -> (),
    ProjectingBlock: weights -> ()
);
