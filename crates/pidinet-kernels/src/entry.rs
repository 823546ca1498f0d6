//! The kernels as ordinary functions, compiled here for every instruction set.
//!
//! [`Isa::run`] is generic, so a crate that calls it compiles the kernel itself, once for each
//! instruction set. `run_on` does not make its callers pay for that.

use crate::block::Block;
use crate::dense::Dense;
use crate::depthwise::Depthwise;
use crate::elementwise::{Add, Gate, Relu, Sigmoid};
use crate::isa::Isa;
use crate::planes::{Correlate, Mix};
use crate::pool::MaxPool;
use crate::resize::Fuse;

macro_rules! run_on {
    ($($kernel:ident),*) => {$(
        impl $kernel<'_> {
            /// Runs this kernel with an instruction set, as [`Isa::run`] does.
            pub fn run_on(self, isa: Isa) {
                isa.run(self);
            }
        }
    )*};
}

run_on!(Add, Block, Correlate, Dense, Depthwise, Fuse, Gate, MaxPool, Mix, Relu, Sigmoid);
