//! Pictures after one another: edges that do not flicker, and films as streams of plain frames.
//!
//! What is compressed is left to programs for that, which give and take [`y4m`] streams.

mod rate;
mod smoother;
mod still;
pub mod y4m;

pub use rate::Rate;
pub use smoother::Smoother;
