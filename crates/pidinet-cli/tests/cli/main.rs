//! The program as a process, each test in a folder of its own.

mod detect;
mod hostile;
mod models;
mod pages;
mod sandbox;
