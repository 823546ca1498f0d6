//! Model files: an architecture, its weights, and where they come from.
//!
//! [`AnyModel::open`] reads our own safetensors files (`docs/model-format.md`) and the published PyTorch
//! checkpoints, [`Model::open`] and [`RecognitionModel::open`] those of one kind; `save` writes safetensors.
//! Nothing in a file is ever executed, and no file, however malicious, can make the reader panic or use more
//! memory than [`OpenOptions`] allows.

mod any;
mod archive;
mod edges;
mod element;
mod file;
mod info;
mod metadata;
mod options;
mod parameters;
#[cfg(feature = "pytorch")]
mod pytorch;
mod random;
mod recognition;
mod safetensors;

pub use crate::error::{ModelError, ShapeMismatch};
pub use any::AnyModel;
pub use edges::{Form, Model};
pub use element::Storage;
pub use info::ModelInfo;
pub use options::OpenOptions;
pub use parameters::{Parameter, Weights};
pub use recognition::{BinaryStorage, RecognitionInput, RecognitionModel, RecognitionStorage};
