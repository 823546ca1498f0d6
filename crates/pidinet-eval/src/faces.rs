//! Face verification: do two images, or two videos, show the same person?
//!
//! [`PairList`] reads the protocols of Labeled Faces in the Wild (`pairs.txt`) and of YouTube Faces (`splits.txt`);
//! [`verify`] scores similarities with a threshold for each fold that comes from the others.

mod pairs;
mod roc;
mod score;

pub use pairs::{Pair, PairList};
pub use roc::roc;
pub use score::{Verification, verify};
