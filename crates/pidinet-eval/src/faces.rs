//! Face verification: do two images, or two videos, show the same person?
//!
//! [`PairList`] reads the protocols of Labeled Faces in the Wild (`pairs.txt`) and of YouTube Faces (`splits.txt`);
//! [`verify`] scores similarities by them: the threshold for each fold comes from all others.

mod pairs;
mod roc;
mod score;

pub use pairs::{Pair, PairList};
pub use roc::roc;
pub use score::{Verification, verify};
