//! Good files of every supported kind, damaged at random: a reader always returns an error or a sound result.
//!
//! A few thousand by default.
//! `PIDINET_MUTATIONS=200000 PIDINET_SEED=1 cargo test -p pidinet-eval --test mutations` does more, with
//! other random numbers. A failure names its number, which alone determines the mutation.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]
#![expect(clippy::print_stdout, reason = "a test that fails says at which file")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pidinet::Error;
use pidinet::arch::Arch;
use pidinet::image::{Image, ImageLimits, Pixels, ReadOptions};
use pidinet::weights::Model;
use pidinet_eval::GroundTruth;
use pidinet_eval::files::ground_truth::{self, TruthOptions};
use pidinet_eval::files::levels::Drawing;
use pidinet_eval::files::predictions;

#[path = "../../pidinet/tests/hostile_models/checkpoint.rs"]
#[expect(dead_code, reason = "models are damaged here at random, not on purpose")]
mod checkpoint;
#[path = "../../pidinet/tests/images/target.rs"]
mod image_target;
#[path = "../../pidinet/tests/hostile_models/target.rs"]
mod model_target;

/// Number of mutations by default.
const FEW: u64 = 4000;

/// The longest time that one file may take.
const LONGEST: Duration = Duration::from_secs(10);

/// The most memory that all may take beyond what there was before.
const MOST_MEMORY: u64 = 512 << 20;

const LIMITS: ImageLimits = ImageLimits { max_pixels: 1 << 12, max_bytes: 1 << 20 };

/// Random numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// What reads a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reader {
    Image,
    /// An edge map, or truth.
    Plane,
    Pth,
    Safetensors,
}

struct Seed {
    name: String,
    extension: String,
    bytes: Vec<u8>,
    reader: Reader,
}

/// Small files of every kind.
fn seeds() -> Vec<Seed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Vec::new();
    let mut folder = |path: PathBuf, readers: &[Reader]| {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.is_file() && file.extension().is_some_and(|e| e != "rs"))
        {
            let extension = file.extension().unwrap().to_string_lossy().into_owned();
            let (name, bytes) =
                (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(file).unwrap());
            seeds.extend(readers.iter().map(|&reader| Seed {
                name: name.clone(),
                extension: extension.clone(),
                bytes: bytes.clone(),
                reader,
            }));
        }
    };
    folder(root.join("../pidinet/tests/images"), &[Reader::Image, Reader::Plane]);
    folder(root.join("../pidinet/tests/images/tiff"), &[Reader::Image, Reader::Plane]);
    folder(root.join("src/files/mat5/fixtures"), &[Reader::Plane]);
    let mut add = |name: &str, bytes: Vec<u8>, reader| {
        let extension = name.rsplit('.').next().unwrap().to_owned();
        seeds.push(Seed { name: name.to_owned(), extension, bytes, reader });
    };
    for (descr, size) in [("|b1", 1), ("|u1", 1), ("<u2", 2), ("<f2", 2), ("<f4", 4), (">f8", 8), ("<i8", 8)]
    {
        add(&format!("{}.npy", &descr[1..]), npy(descr, size), Reader::Plane);
    }
    add("truth.mat", mat(), Reader::Plane);
    let model = Model::random(Arch { width: 1, cdcm: Some(1), ..Arch::full() }, 1);
    add("model.pth", checkpoint::Checkpoint::of(&model).write(), Reader::Pth);
    add("pickle.pth", checkpoint::Checkpoint::of(&model).pickle(), Reader::Pth);
    add("model.safetensors", model.to_bytes().unwrap(), Reader::Safetensors);
    seeds
}

/// Eight by six numbers, whose first bytes are 0 and 1.
fn npy(descr: &str, size: usize) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (6, 8), }}\n");
    let numbers = (0..48).flat_map(|i| {
        let mut number = vec![0; size];
        number[0] = u8::from(i % 7 == 0);
        number
    });
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &numbers.collect::<Vec<u8>>()].concat()
}

/// A matrix `edges` of eight by six bytes in a MATLAB file.
fn mat() -> Vec<u8> {
    let element = |kind: u32, bytes: &[u8]| {
        let mut element = [kind.to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
        element.extend(bytes);
        element.resize(element.len().next_multiple_of(8), 0);
        element
    };
    let numbers: Vec<u8> = (0..48).map(|i| if i % 7 == 0 { 255 } else { 0 }).collect();
    let matrix = [
        element(6, &[9, 0, 0, 0, 0, 0, 0, 0]),
        element(5, &[6, 0, 0, 0, 8, 0, 0, 0]),
        element(1, b"edges"),
        element(2, &numbers),
    ]
    .concat();
    let mut file = b"MATLAB 5.0 MAT-file".to_vec();
    file.resize(124, b' ');
    file.extend(b"\x00\x01IM");
    file.extend(element(14, &matrix));
    file
}

/// One to four changes.
fn mutated(seeds: &[Seed], seed: &Seed, random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.bytes.clone();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        let some = at..(at + 1 + random.below(16)).min(bytes.len());
        match random.below(9) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)],
            3 => bytes[some].fill([0, 0xFF][random.below(2)]),
            4 => drop(bytes.drain(some)),
            5 => drop(bytes.splice(at..at, (0..random.below(16)).map(|i| i as u8).collect::<Vec<u8>>())),
            6 => {
                let copy = bytes[some].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            7 => {
                let other = &seeds[random.below(seeds.len())].bytes;
                let from = random.below(other.len());
                let piece = &other[from..(from + some.len()).min(other.len())];
                bytes[at..at + piece.len().min(some.len())]
                    .copy_from_slice(&piece[..piece.len().min(some.len())]);
            }
            // The beginning of a file matters most.
            _ => {
                let at = at % 64.min(bytes.len());
                bytes[at] = random.next() as u8;
            }
        }
    }
    bytes
}

/// Reads a file in every way; panics if the result is not sound.
fn read(reader: Reader, bytes: &[u8], file: &Path) {
    match reader {
        Reader::Image => {
            image_target::image(bytes);
            let options = ReadOptions { limits: LIMITS, range: "0,255".parse().ok(), accept_damaged: true };
            if let Ok(opened) = Image::decode_with(bytes, &options)
                && let Pixels::F32(values) = opened.image.pixels()
            {
                assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
        Reader::Plane => {
            // The readers of maps have their own limit of a hundred megapixels.
            let large = |error| {
                matches!(
                    error,
                    Error::TooManyPixels { .. } | Error::TooManyBytes { .. } | Error::ImageMemory { .. }
                )
            };
            if Image::decode(bytes, &LIMITS).is_err_and(large) {
                return;
            }
            std::fs::write(file, bytes).unwrap();
            if let Ok(map) = predictions::open(file) {
                assert!(map.data().iter().all(|value| (0.0..=1.0).contains(value)));
            }
            let drawing = Drawing { inverted: false, ignore: Some(255) };
            let _ = GroundTruth::open(&[file]);
            let _ = GroundTruth::open_with(&[file], &TruthOptions { drawing, variable: None });
            let _ = ground_truth::shares(file, None);
        }
        Reader::Pth => model_target::pth(bytes),
        Reader::Safetensors => model_target::safetensors(bytes),
    }
}

/// What a file holds, to compare a part of it with the whole.
fn content(reader: Reader, bytes: &[u8], file: &Path) -> Option<String> {
    match reader {
        Reader::Image => Image::decode(bytes, &LIMITS).ok().map(|image| format!("{image:?}")),
        Reader::Plane => {
            std::fs::write(file, bytes).unwrap();
            predictions::open(file).ok().map(|map| format!("{map:?}"))
        }
        Reader::Pth | Reader::Safetensors => {
            let options = pidinet::weights::OpenOptions::default();
            Model::read(bytes, &options).ok().map(|model| format!("{model:?}"))
        }
    }
}

/// The peak memory of this process, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Does `one` for all numbers on all cores, and fails if it panics or takes too long.
fn for_all(count: u64, one: impl Fn(u64, &Path) + Sync) {
    let folder = tempfile::tempdir().unwrap();
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicU64::new(0);
    let (stop, failed) = (AtomicBool::new(false), AtomicBool::new(false));
    let busy: Vec<Mutex<Option<(u64, Instant)>>> = (0..workers).map(|_| Mutex::new(None)).collect();
    let left = AtomicU64::new(workers as u64);
    std::thread::scope(|scope| {
        for (worker, busy) in busy.iter().enumerate() {
            let (next, stop, failed, left, one) = (&next, &stop, &failed, &left, &one);
            let file = folder.path().join(worker.to_string());
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    *busy.lock().unwrap() = Some((number, Instant::now()));
                    if catch_unwind(AssertUnwindSafe(|| one(number, &file))).is_err() {
                        println!("file {number} failed");
                        failed.store(true, Ordering::Relaxed);
                        stop.store(true, Ordering::Relaxed);
                    }
                    *busy.lock().unwrap() = None;
                }
                left.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while left.load(Ordering::Relaxed) > 0 {
            std::thread::sleep(Duration::from_millis(20));
            for busy in &busy {
                if let Some((number, start)) = *busy.lock().unwrap()
                    && start.elapsed() > LONGEST
                {
                    println!("file {number} takes longer than {LONGEST:?}");
                    std::process::exit(1); // a thread that hangs cannot be ended
                }
            }
        }
    });
    assert!(!failed.load(Ordering::Relaxed), "a file failed");
}

#[test]
fn damaged_files_give_errors_or_what_is_sound() {
    let seeds = seeds();
    let (count, seed) = (number("PIDINET_MUTATIONS", FEW), number("PIDINET_SEED", 0));
    println!("seed {seed}");
    let before = peak_memory();
    for_all(count, |number, folder| {
        let mut random = Random(seed << 32 ^ number);
        let chosen = &seeds[random.below(seeds.len())];
        let bytes = mutated(&seeds, chosen, &mut random);
        read(chosen.reader, &bytes, &folder.with_extension(&chosen.extension));
    });
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < MOST_MEMORY, "{} MiB more", (after - before) >> 20);
    }
}

/// A truncated file is refused, or holds what the whole one does: then nothing important was missing.
#[test]
fn cut_files_are_refused_if_anything_is_missing() {
    let seeds: Vec<Seed> = seeds().into_iter().filter(|seed| seed.name != "pickle.pth").collect();
    let cuts = number("PIDINET_MUTATIONS", FEW) / 2 / seeds.len() as u64 + 1;
    let seed = number("PIDINET_SEED", 0);
    for_all(seeds.len() as u64, |number, folder| {
        let chosen = &seeds[number as usize];
        let file = folder.with_extension(&chosen.extension);
        let whole = content(chosen.reader, &chosen.bytes, &file);
        let mut random = Random(seed << 32 ^ number);
        for _ in 0..cuts {
            let length = random.below(chosen.bytes.len());
            if let Some(part) = content(chosen.reader, &chosen.bytes[..length], &file) {
                assert_eq!(Some(&part), whole.as_ref(), "{} cut after {length} bytes", chosen.name);
            }
        }
    });
}
