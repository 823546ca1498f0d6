//! Kernels of pixel difference networks: slices in, slices out.
//!
//! This crate knows rows, weights and instruction sets. It does not know networks, images, files or
//! threads. A kernel is a struct of borrowed rows and packed weights; [`Isa::run`] computes one row, or
//! a range of the row's columns, for all channels. The result does not depend on how a row is cut into
//! ranges.
//!
//! ```
//! use pidinet_kernels::rows::dense::{Activation, Dense, DenseWeights, Tap};
//! use pidinet_kernels::rows::row::{self, Row, RowMut};
//! use pidinet_kernels::Isa;
//!
//! // One row of a 1x1 convolution from two channels to one: the sum of the two.
//! let isa = Isa::best();
//! let weights = DenseWeights::pack(isa, &[1.0, 1.0], &[2], None);
//! let (width, stride) = (3, row::stride(3, 0));
//! let mut src = vec![0.0; row::block_len(2, stride)];
//! let mut dst = vec![0.0; row::block_len(1, stride)];
//! src[row::MARGIN..][..3].copy_from_slice(&[1.0, 2.0, 3.0]);
//! src[row::MARGIN + stride..][..3].copy_from_slice(&[10.0, 20.0, 30.0]);
//! isa.run(Dense {
//!     taps: &[Tap { row: Row { data: &src, stride }, dx: 0 }],
//!     weights: &weights,
//!     activation: Activation::None,
//!     add: None,
//!     columns: 0..width,
//!     width,
//!     dst: RowMut { data: &mut dst, stride },
//! });
//! assert_eq!(dst[row::MARGIN..][..3], [11.0, 22.0, 33.0]);
//! ```

#![cfg_attr(pidinet_slim, allow(dead_code, unused_imports, reason = "only what web pages need is used"))]
#![deny(unsafe_code)]

pub mod buffer;
pub mod caches;
#[allow(unsafe_code, reason = "the only place where instructions are called and pointers read")]
pub mod isa;
pub mod lanes;
pub mod pixels;
pub mod planes;
pub mod reference;
pub mod rows;
mod run_on;

pub use isa::{Isa, IsaError};
pub use lanes::bits::{BitKernel, BitLanes};
pub use lanes::floats::{Kernel, Lanes};
pub use lanes::words::{Format, PackedKernel, PackedLanes};
