//! All images of a folder, several at a time.
//!
//! One detector serves all threads. For many small images it is best to give each image one thread, and for one large
//! image all of them, which is the default of [`DetectorOptions::threads`].
//!
//! ```sh
//! cargo run --release -p pidinet --example folder_in_parallel -- photos edges
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output")]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use pidinet::image::{Image, ImageLimits};
use pidinet::save::SaveOptions;
use pidinet::{DetectorOptions, EdgeDetector};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else {
        return Err("usage: folder_in_parallel IMAGES OUTPUT".into());
    };
    let files = std::fs::read_dir(input)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<PathBuf>>>()?;
    std::fs::create_dir_all(output)?;

    let options = DetectorOptions { threads: Some(NonZeroUsize::MIN), ..DetectorOptions::default() };
    let detector = EdgeDetector::new(&pidinet::models::open("tiny")?, &options)?;

    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match one(&detector, file, Path::new(output)) {
                        Ok(()) => drop(done.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => eprintln!("{}: {error}", file.display()),
                    }
                }
            });
        }
    });
    println!("{} of {} files", done.into_inner(), files.len());
    Ok(())
}

/// From one file to another.
fn one(detector: &EdgeDetector, file: &Path, output: &Path) -> pidinet::Result<()> {
    let image = Image::open(file, &ImageLimits::default())?;
    let name = file.with_extension("png");
    let edges = detector.detect(&image)?.edges;
    edges.save(output.join(name.file_name().unwrap_or_default()), &SaveOptions::default())
}
