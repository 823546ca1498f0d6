//! Films: streams without ffmpeg, a ffmpeg that only pretends, and the real one where there is one.

use std::io::Write;
use std::process::{Command, Stdio};

use pidinet::image::{Image, Pixels};
use pidinet::save::{Format, SaveOptions};
use pidinet::video::y4m::{Header, Matrix, Reader};

use crate::sandbox::{Ran, Sandbox};

mod fake;
mod real;
mod streams;

/// Most pixels of a frame here.
const MOST: u64 = 1_000_000;

/// The film of a stream: the header's line, and a pattern that moves.
fn film(header: &str, frames: usize) -> Vec<u8> {
    let mut film = format!("YUV4MPEG2 {header}\n").into_bytes();
    let length = Reader::new(&film[..], MOST).unwrap().header().frame_bytes();
    let (deep, grey) = (header.ends_with("10"), header.contains("mono"));
    for frame in 0..frames {
        film.extend_from_slice(b"FRAME\n");
        let sample = |at: usize| 40 + (at / 5 * 37 + frame * 29 + if grey { at % 7 * 11 } else { 0 }) % 180;
        if deep {
            film.extend((0..length / 2).flat_map(|at| ((4 * sample(at)) as u16).to_le_bytes()));
        } else {
            film.extend((0..length).map(|at| sample(at) as u8));
        }
    }
    film
}

/// The header and the frames of a stream.
fn frames(stream: &[u8]) -> (Header, Vec<Vec<u8>>) {
    let mut reader = Reader::new(stream, MOST).unwrap();
    let (mut frames, mut frame) = (Vec::new(), Vec::new());
    while reader.read(&mut frame).unwrap() {
        frames.push(frame.clone());
    }
    (reader.header().clone(), frames)
}

/// The frames of a stream as images.
fn images(stream: &[u8]) -> Vec<Image> {
    let (header, frames) = frames(stream);
    frames.iter().map(|frame| header.image(frame, Matrix::Bt601).unwrap()).collect()
}

/// What `pidinet detect` finds in each image, in 8 bits.
fn detected(sandbox: &Sandbox, images: &[Image], options: &str) -> Vec<Vec<u8>> {
    for (number, image) in images.iter().enumerate() {
        let is_deep = matches!(image.pixels(), Pixels::U16(_));
        let format = Some(if is_deep { Format::Png16 } else { Format::Png });
        let path = sandbox.path(format!("frames/{number:03}.png"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(path, &SaveOptions { format, ..SaveOptions::default() }).unwrap();
    }
    sandbox.run(&format!("detect MODEL frames -o detected {options}")).code(0);
    let grey = |number| grey(sandbox, &format!("detected/{number:03}.png"));
    let maps = (0..images.len()).map(grey).collect();
    std::fs::remove_dir_all(sandbox.path("frames")).unwrap();
    std::fs::remove_dir_all(sandbox.path("detected")).unwrap();
    maps
}

/// The pixels of a grey PNG.
fn grey(sandbox: &Sandbox, name: &str) -> Vec<u8> {
    image::open(sandbox.path(name)).unwrap().into_luma8().into_raw()
}

/// Runs a command that is given a stream.
fn fed(mut command: Command, stream: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(stream); // it may not want all of it
        });
        Ran(child.wait_with_output().unwrap())
    })
}
