//! The operations that a kernel may use: on vectors of floats, of bits, and of words of several channels.

pub mod bits;
pub mod floats;
pub mod words;
