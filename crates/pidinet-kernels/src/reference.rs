//! The same operations as plain loops over `f64`: what the kernels are tested against.
