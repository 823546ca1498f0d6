//! The BSDS edge benchmark.
#![forbid(unsafe_code)]
