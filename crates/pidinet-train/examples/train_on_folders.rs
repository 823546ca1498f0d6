//! Fine-tunes the built-in `tiny` on a folder of images and a folder of drawn edges with the same names,
//! `.png` or `.mat`.
//!
//! ```sh
//! cargo run --release -p pidinet-train --example train_on_folders -- images truth runs/own
//! pidinet detect photo.jpg -m runs/own/model.safetensors
//! ```
#![allow(clippy::print_stdout, reason = "its output")]

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use pidinet_train::device::Cpu;
use pidinet_train::edges::config::{Config, Source};
use pidinet_train::edges::run::train;
use pidinet_train::run::{Event, RunOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [images, truth, folder] = &arguments[..] else {
        return Err("usage: train_on_folders IMAGES TRUTH RUN".into());
    };

    let mut config = Config::default();
    config.model.start = Some("tiny".into());
    config.data.train = vec![Source::Folders { images: images.clone(), truth: truth.clone() }.into()];
    config.data.tolerance = 2; // a line drawn two pixels beside an edge is not a mistake
    config.train.steps = 2000;
    config.train.batch = 4;

    let device = Cpu::default();
    let stop = AtomicBool::new(false); // set it from elsewhere: the run saves and stops
    let options = RunOptions { folder: folder.clone(), resume: true, device: &device, stop: &stop };
    let outcome = train(&config, &options, |event| {
        if let Event::Step { step, loss, left, .. } = event
            && step % 50 == 0
        {
            println!("step {step}: loss {loss:.0}, {left:.0} s left");
        }
    })?;
    println!("{}", outcome.model.display());
    Ok(())
}
