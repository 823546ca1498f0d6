//! The program as a process, each test in a folder of its own.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests, which say what they skip")]

mod detail;
mod detect;
mod files;
mod hostile;
mod limits;
mod lines;
mod models;
mod pages;
mod power;
mod recognition;
mod sandbox;
mod signals;
mod video;
