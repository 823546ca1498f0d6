//! Models for recognition: a Bi-PiDiNet, its weights, its labels and how its images are prepared.
//!
//! The file format is that of an edge model, with `bi-pidinet` as its architecture; binary weights can be
//! stored as single bits.

mod bits;
mod check;
mod input;
mod load;
mod metadata;
mod model;
mod random;
mod save;
mod storage;

pub use input::RecognitionInput;
pub use model::RecognitionModel;
pub use storage::{BinaryStorage, RecognitionStorage};
