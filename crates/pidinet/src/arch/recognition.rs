//! Bi-PiDiNet: recognition with convolutions of one bit, said once.
//!
//! [`bi_pidinet`] is the only definition of these networks, generic over [`BuildRecognition`] as
//! [`pidinet`](super::pidinet) is over [`Build`](super::Build). The two share no operation except the sum of
//! two maps, so there are two traits, and code for edge networks need not know about binary operations.
//! `docs/numerics.md` says exactly what each operation computes, and in which precision.

mod convs;
mod layout;
mod network;
pub mod sum;
pub mod survey;

pub use convs::{BinaryConv, NEIGHBOURS, Offset, RealConv};
pub use layout::{Block, RecognitionArch, Shortcut, Stage, Stem};
pub use network::{BuildRecognition, RecognitionOutputs, bi_pidinet};
pub use sum::NORM_EPSILON;
