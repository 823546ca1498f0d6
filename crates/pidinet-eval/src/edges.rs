//! The score of edge maps: [`evaluate`](mod@evaluate) counts the matched pixels of an image, [`score`] sums up many
//! images.

pub mod evaluate;
pub mod counts;
pub mod matching;
pub mod assignment;

pub mod score;
pub mod curve;
pub mod best_of;
