//! Bombs: small model files that ask for gigabytes. Alone in a process, so that its peak memory is
//! meaningful.
#![cfg(target_os = "linux")]

#[path = "hostile_models/checkpoint.rs"]
mod checkpoint;

use std::io::{Cursor, Write};

use checkpoint::{Checkpoint, Pickle, Tensor};
use pidinet::arch::Arch;
use pidinet::weights::{Model, ModelError, OpenOptions};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const GIBIBYTE: usize = 1 << 30;

/// Peak memory of this process so far, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says how much memory is used");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak is listed");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") / 1024
}

/// A zip archive with some entries and then one of many zeros, deflated to a thousandth.
fn bomb(entries: &[(&str, Vec<u8>)], name: &str, zeros: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a new entry");
        zip.write_all(content).expect("memory can be written to");
    }
    zip.start_file(name, SimpleFileOptions::default()).expect("a new entry");
    for _ in 0..zeros >> 20 {
        zip.write_all(&[0; 1 << 20]).expect("memory can be written to");
    }
    zip.finish().expect("memory can be written to").into_inner()
}

/// Every place where a file says a 32-bit number, changed to another.
fn replaced(mut file: Vec<u8>, from: usize, to: usize) -> Vec<u8> {
    let [from, to] = [from, to].map(|number| (number as u32).to_le_bytes());
    for at in 0..file.len() - 3 {
        if file[at..at + 4] == from {
            file[at..at + 4].copy_from_slice(&to);
        }
    }
    file
}

#[test]
fn bombs_do_not_go_off() {
    // A checkpoint whose first tensor is what a model needs, in a storage that unpacks to a gibibyte.
    let mut pickle = Pickle::new();
    let mut checkpoint = Checkpoint::of(&Model::random(Arch { width: 2, ..Arch::full().light() }, 1));
    let (_, stem, _) = checkpoint.tensor("init_block.weight");
    (stem.key, stem.len) = ("bomb".to_owned(), (GIBIBYTE / 4) as i64);
    let described = checkpoint.pickle();
    let storages = checkpoint.tensors.iter().filter(|(_, tensor, _)| tensor.key != "bomb");
    let names: Vec<(String, Vec<u8>)> =
        storages.map(|(_, tensor, bytes)| (format!("a/data/{}", tensor.key), bytes.clone())).collect();
    let mut entries = vec![("a/data.pkl", described)];
    entries.extend(names.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())));

    let as_pickle = bomb(&[], "a/data.pkl", GIBIBYTE);
    let as_storage = bomb(&entries, "a/data/bomb", GIBIBYTE);
    let nested = pickle.op(b")").op(&vec![0x85; 500_000]).stop();
    // A shape that is described once and used forty thousand times.
    let mut shapes = Pickle::new();
    shapes.tensor(&Tensor::contiguous(0, &[1; 8])).op(b"q\0");
    shapes.op(b"(").op(&b"h\0".repeat(200_000));
    let files = [
        (replaced(as_pickle.clone(), GIBIBYTE, 20), "as the archive says, 20 bytes"),
        (as_pickle, "pickle_bytes"),
        (replaced(as_storage.clone(), GIBIBYTE, 216), "storage of 216 bytes"),
        (as_storage, "unpacked_bytes"),
        (checkpoint.write(), "storages of other sizes"),
        (checkpoint.write_with(&nested), "nested"),
        (checkpoint.write_with(&shapes.op(b"t").stop()), "shared"),
        ([&(GIBIBYTE as u64).to_le_bytes()[..], b"{}"].concat(), "header_bytes"),
    ];
    let before = peak();
    for (file, what) in &files {
        assert!(file.len() < 2 << 20, "{what} has {} bytes", file.len());
        match Model::read(file, &OpenOptions::default()) {
            Err(ModelError::Limit { limit, .. }) => assert_eq!(limit, *what),
            Err(_) => {}
            Ok(_) => panic!("{what} is a model"),
        }
    }
    let more = peak() - before;
    assert!(more < 64, "{more} MiB more");
}
