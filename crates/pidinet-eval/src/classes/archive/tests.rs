//! Archives that are truncated or damaged, have links, or are large.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::classes::ClassSet;
use crate::classes::class_set::tests::{png, tar};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// The names in an archive of these bytes, and whether each can be read.
fn names(bytes: &[u8]) -> io::Result<Vec<(String, bool)>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("archive");
    std::fs::write(&path, bytes)?;
    let files = list(&path, &|name| name.ends_with(".png"))?;
    Ok(files.into_iter().map(|(name, content)| (name, content.read().is_ok())).collect())
}

fn readable(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|name| (name.to_string(), true)).collect()
}

#[test]
fn an_archive_that_is_cut_anywhere_is_an_error() {
    let whole = tar();
    assert!(names(&whole).is_ok() && names(&gzip(&whole)).is_ok());
    for at in (0..whole.len()).step_by(64) {
        assert!(names(&whole[..at]).is_err(), "{at} of {} bytes", whole.len());
        // Truncated before it was compressed, so that the checksum is right.
        assert!(names(&gzip(&whole[..at])).is_err(), "{at} bytes, compressed");
    }
    let packed = gzip(&whole);
    for at in 0..packed.len() {
        assert!(names(&packed[..at]).is_err(), "{at} of {} compressed bytes", packed.len());
    }
}

#[test]
fn a_bit_that_differs_is_an_error_or_says_nothing() {
    let packed = gzip(&tar());
    // After the header of ten bytes, some of which only say when and where the file was made.
    for at in 10..packed.len() {
        let mut damaged = packed.clone();
        damaged[at] ^= 1 << (at % 8);
        if names(&damaged).is_ok() {
            // Some bits of compressed data mean nothing.
            let mut unpacked = Vec::new();
            MultiGzDecoder::new(&damaged[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, tar(), "byte {at}");
        }
    }
}

#[test]
fn every_member_is_read() {
    let whole = tar();
    let expected = names(&whole).unwrap();
    let (first, second) = whole.split_at(700);
    assert_eq!(names(&[gzip(first), gzip(second)].concat()).unwrap(), expected, "one archive in two members");
    assert!(names(&gzip(first)).is_err());

    let mut other = tar::Builder::new(Vec::new());
    let bytes = png(3);
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    other.append_data(&mut header, "more/x.png", &bytes[..]).unwrap();
    let other = other.into_inner().unwrap();
    for two in [[whole.clone(), other.clone()].concat(), [gzip(&whole), gzip(&other)].concat()] {
        let found = names(&two).unwrap();
        assert_eq!(found.len(), expected.len() + 1, "{found:?}");
    }
}

fn with_links(links: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let bytes = png(7);
    for name in ["train/cat/1.png", "train/cat/2.png"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    for (kind, name, target) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(0);
        archive.append_link(&mut header, name, target).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn links_are_followed_within_the_archive() {
    let archive = with_links(&[
        (EntryType::Link, "test/cat/hard.png", "train/cat/1.png"),
        (EntryType::Symlink, "test/cat/soft.png", "../../train/cat/2.png"),
        (EntryType::Symlink, "test/cat/chain.png", "soft.png"),
        (EntryType::Symlink, "validation", "train"),
        (EntryType::Symlink, "test/cat/through.png", "../../validation/cat/1.png"),
    ]);
    let expected = readable(&[
        "test/cat/chain.png",
        "test/cat/hard.png",
        "test/cat/soft.png",
        "test/cat/through.png",
        "train/cat/1.png",
        "train/cat/2.png",
        "validation/cat/1.png",
        "validation/cat/2.png",
    ]);
    assert_eq!(names(&archive).unwrap(), expected);
    assert_eq!(names(&gzip(&archive)).unwrap(), expected);
}

#[test]
fn links_that_lead_nowhere_are_named() {
    let archive = with_links(&[
        (EntryType::Symlink, "train/cat/gone.png", "3.png"),
        (EntryType::Symlink, "train/cat/out.png", "../../../etc/x.png"),
        (EntryType::Symlink, "train/cat/round.png", "round.png"),
        (EntryType::Symlink, "train/cat/back", ".."),
    ]);
    let found = names(&archive).unwrap();
    let broken: Vec<&str> =
        found.iter().filter(|(_, is_whole)| !is_whole).map(|(name, _)| &name[..]).collect();
    assert_eq!(broken, ["train/cat/gone.png", "train/cat/out.png", "train/cat/round.png"]);
    assert_eq!(found.len(), 5);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.tar");
    std::fs::write(&path, archive).unwrap();
    let set = ClassSet::open(&path, Some("train")).unwrap();
    let errors: Vec<String> =
        (0..set.len()).filter_map(|image| set.image(image).err()).map(|error| error.chain()).collect();
    assert!(errors.len() == 3 && errors[0].contains("gone.png") && errors[0].contains("link"), "{errors:?}");
}

#[test]
fn memory_is_bounded_before_it_is_taken() {
    let zeros = |name: &str, size: u64| {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        archive.append_data(&mut header, name, io::repeat(0).take(size)).unwrap();
        archive.into_inner().unwrap().finish().unwrap()
    };
    // A few hundred kilobytes that claim to unpack to more than the limit.
    let error = names(&zeros("a/x.png", LONGEST + 1)).unwrap_err().to_string();
    assert!(error.contains("take too much memory") || error.contains("at most"), "{error}");
    assert!(names(&zeros("a/x.txt", LONGEST + 1)).unwrap().is_empty(), "what is not wanted is not held");

    // A name of a hundred megabytes.
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    let size = 100 << 20;
    header.set_size(size);
    header.set_cksum();
    archive.append(&header, io::repeat(b'a').take(size)).unwrap();
    let error = names(&archive.into_inner().unwrap().finish().unwrap()).unwrap_err().to_string();
    assert!(error.contains("between two files"), "{error}");
}
