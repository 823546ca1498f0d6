//! Files of edge maps and of ground truth: which belong together, and what they contain.
//!
//! [`dataset`] pairs predictions with truth, [`predictions`] and [`ground_truth`] read them: images, NumPy arrays,
//! MATLAB matrices ([`mat5`]).

pub mod dataset;
pub mod ground_truth;
pub mod predictions;

pub mod levels;
pub mod mat5;
mod npy;
mod numbers;
mod plane;
