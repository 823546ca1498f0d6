//! Writing edge maps and pictures to files.
//!
//! A file appears whole or not at all: it is written to the same folder under a temporary name, synced, and
//! then renamed. Temporary files of a killed process are removed later.

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

pub use crate::atomic::{Growing, Staged, abandon_temporaries, sync_folder, write_atomically};
#[cfg(feature = "images")]
pub use format::{Format, SaveOptions};
pub use lock::FolderLock;
#[cfg(feature = "images")]
pub use numpy::{npy, npz};
#[cfg(feature = "images")]
pub use whole::is_whole;
