//! Kernels over whole framed planes, for training: forward, and both halves of backward.
//!
//! Training keeps almost every map until its gradient is known, so maps are stored whole, not in strips. A map
//! `[c, h, w]` is `c` planes; a plane is `h` rows of `w` columns inside a frame of zeros: [`Frame`]. Rows
//! follow one another with one border between them, so that the pixel `dy` rows down and `dx` columns
//! right is the same distance away in memory everywhere. A convolution of any size and dilation, its
//! gradient with respect to its input, and a 1×1 convolution are then one kernel, [`Mix`], which is told
//! the distances to read; the gradients with respect to their weights are another, [`Correlate`]. Neither
//! handles borders specially.
//!
//! Maps and gradients are zero in the frame: whoever writes a plane restores that with [`Frame::clear`].

mod correlate;
mod cross_entropy;
mod depthwise;
mod frame;
mod gate;
mod mix;
mod pool;
pub mod reference;

pub use correlate::Correlate;
pub use cross_entropy::CrossEntropy;
pub use depthwise::{Depthwise, DepthwiseGradient, Window};
pub use frame::Frame;
pub use gate::GateGradient;
pub use mix::{Mix, Near, Onto};
pub use pool::{Largest, LargestGradient};
