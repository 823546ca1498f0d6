//! Dense convolutions of lower precision: products of [words](crate::lanes::words) of two bf16 or four int8.
//!
//! ```text
//! dst[o][x] = bias[o] + sum_taps sum_i w[o][tap][i] * value[i][x + tap.dx] + add[o][x]
//! ```
//!
//! Only `w` and `value` have low precision. Sums, bias and the added row do not, and the output is in floats,
//! so the sum of blocks and shortcuts, which runs through many layers, is never rounded to it. Words take the
//! place of floats in a [`Row`](crate::rows::row::Row): word `i` of column `x` lies where float `x` of
//! channel `i` would be.

mod block;
mod dense;
mod dilated;
mod int16;
mod pack;
mod pointwise;
mod projecting;
mod weights;

pub use block::{PackedBlock, scratch_len};
pub use dense::{PackedDense, chunk_columns, unit_columns};
pub use dilated::{PackedDilated, PackedDilatedWeights};
pub use pointwise::PackedPointwise;
pub use projecting::{ProjectingBlock, ProjectingWeights};
pub use weights::PackedWeights;
