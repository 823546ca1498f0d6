//! The program as a process, each test in a folder of its own.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which say what they skip")]

mod detect;
mod files;
mod hostile;
mod models;
mod pages;
mod recognition;
mod sandbox;
