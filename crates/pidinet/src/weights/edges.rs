//! Models for edges: a PiDiNet, its weights and what is known about it.

mod load;
mod metadata;
mod mix;
mod model;
mod random;
mod save;

pub use model::{Form, Model};
