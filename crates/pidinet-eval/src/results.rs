//! The files of a finished evaluation: the benchmark's text files, `summary.json`, plots, and a page with
//! pictures.

pub mod write;
pub mod report;
pub mod summary;
pub mod store;
pub mod toolbox;
