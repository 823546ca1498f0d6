//! Models for recognition: a Bi-PiDiNet, its weights, its labels and how it wants its images.
//!
//! The file is of the same kind as that of an edge model, with `bi-pidinet` for its architecture; weights of one
//! bit can be stored as such.

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
