//! What a kernel may ask of a CPU: vectors of floats, of bits, and of words of several channels.

pub mod bits;
pub mod floats;
pub mod words;
