//! Bi-PiDiNet: recognition with convolutions of one bit, said once.
//!
//! [`bi_pidinet`] is the only definition of these networks, generic over [`BuildRecognition`] as
//! [`pidinet`](super::pidinet) is over [`Build`](super::Build). The two share no operation but the sum of two
//! maps, so the two traits are apart: who draws edges need not know of bits. What exactly each operation
//! computes, and in which precision, is in `docs/numerics.md`.

mod convs;
mod layout;
mod network;
pub mod sum;
pub mod survey;

pub use convs::{BinaryConv, NEIGHBOURS, Offset, RealConv};
pub use layout::{Block, RecognitionArch, Shortcut, Stage, Stem};
pub use network::{BuildRecognition, RecognitionOutputs, bi_pidinet};
pub use sum::NORM_EPSILON;
