//! Edge maps and pictures to files.
//!
//! A file appears whole or not at all: it is written beside its place under a temporary name, synced, and then
//! renamed. What a killed process leaves under such a name is removed later.

#[cfg(feature = "images")]
mod encode;
#[cfg(feature = "images")]
mod format;
mod lock;
#[cfg(feature = "images")]
mod netpbm;
#[cfg(feature = "images")]
mod numpy;
#[cfg(feature = "images")]
mod whole;

pub use crate::atomic::{Staged, abandon_temporaries, sync_folder, write_atomically};
#[cfg(feature = "images")]
pub use format::{Format, SaveOptions};
pub use lock::FolderLock;
#[cfg(feature = "images")]
pub use numpy::{npy, npz};
#[cfg(feature = "images")]
pub use whole::is_whole;
