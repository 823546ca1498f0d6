//! Kernels over whole framed planes, for training: forward, and both halves of backward.
//!
//! Training keeps every map until its gradient is known, so maps are stored whole, not in strips. A map
//! `[c, h, w]` is `c` planes; a plane is `h` rows of `w` columns inside a frame of zeros: [`Frame`]. Rows
//! follow one another with one frame between them, so that "the pixel `dy` rows down and `dx` columns
//! right" is the same distance in memory everywhere. A convolution of any size and dilation, its gradient
//! by its input, and a 1×1 convolution are then one kernel, [`Mix`], told which distances to read, and the
//! gradient by weights of all of them is another, [`Correlate`]. None of them knows what a border is.
//!
//! Maps and gradients are zero in the frame: who writes a plane restores that with [`Frame::clear`].

mod correlate;
mod depthwise;
mod frame;
mod mix;
pub mod reference;

pub use correlate::Correlate;
pub use depthwise::{Depthwise, DepthwiseGradient, Window};
pub use frame::Frame;
pub use mix::{Mix, Onto};
