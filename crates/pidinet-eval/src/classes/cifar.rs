//! The binary batches of CIFAR-10 and CIFAR-100 as they are published.
//!
//! A record is one byte for the class (two in CIFAR-100: the coarse one, then the fine one, which is used) and 3072
//! bytes of pixels: 32×32 of red, then of green, then of blue.

use std::path::Path;

use pidinet::Size;
use pidinet::image::{Image, PixelFormat, PixelLayout};

use super::content::File;
use super::sample::{Pixels, Sample, example};
use crate::{Error, Result};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// Files with the names of the classes, one a line.
const NAMES: [&str; 2] = ["batches.meta.txt", "fine_label_names.txt"];

/// The last part of a path.
fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether a file of this name belongs to CIFAR's batches.
pub(super) fn is_batch(name: &str) -> bool {
    split_of(name).is_some() || NAMES.contains(&file_name(name))
}

/// The split that a batch belongs to.
fn split_of(name: &str) -> Option<&'static str> {
    match file_name(name) {
        "test_batch.bin" | "test.bin" => Some("test"),
        "train.bin" => Some("train"),
        batch if batch.starts_with("data_batch_") && batch.ends_with(".bin") => Some("train"),
        _ => None,
    }
}

/// The classes, and the images of a split in the order of the files and of the records in them.
pub(super) fn read(path: &Path, files: &[File], split: Option<&str>) -> Result<(Vec<String>, Vec<Sample>)> {
    let mut classes = Vec::new();
    if let Some(names) = files.iter().find(|file| NAMES.contains(&file_name(&file.name))) {
        let text = String::from_utf8_lossy(&names.content.read()?).into_owned();
        classes = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    }
    let fine = files.iter().any(|file| matches!(file_name(&file.name), "train.bin" | "test.bin"));
    let (labels, count) = if fine { (2, 100) } else { (1, 10) };
    if classes.len() != count {
        classes = (0..count).map(|class| class.to_string()).collect();
    }
    let mut samples = Vec::new();
    for file in files {
        let belongs = split_of(&file.name).is_some_and(|own| split.is_none_or(|split| split == own));
        if !belongs {
            continue;
        }
        let bytes = file.content.read()?;
        let record = labels + 3 * PLANE;
        let is_whole = bytes.len().is_multiple_of(record);
        for (number, labels) in bytes.chunks_exact(record).map(|record| &record[..labels]).enumerate() {
            let class = usize::from(labels[labels.len() - 1]);
            if class >= count || !is_whole {
                let expected = format!("records of {record} bytes with classes below {count}");
                let found = format!("{} bytes, class {class} in record {number}", bytes.len());
                return Err(Error::content(&path.join(&file.name), expected, found));
            }
            let pixels = Pixels::Planes { file: bytes.clone(), start: number * record + labels.len() };
            samples.push(Sample { name: format!("{}/{number}", file.name), class, pixels });
        }
    }
    if samples.is_empty() {
        let expected = format!("batches of the split {}", split.unwrap_or("train or test"));
        return Err(Error::content(path, expected, example(files)));
    }
    Ok((classes, samples))
}

/// The image whose planes begin `bytes`.
pub(super) fn image(bytes: &[u8]) -> Image {
    let pixels: Vec<u8> =
        (0..PLANE).flat_map(|at| [0, 1, 2].map(|colour| bytes[colour * PLANE + at])).collect();
    Image::from_u8(&pixels, &PixelLayout::packed(Size::square(SIDE), PixelFormat::Rgb)).expect("32×32 pixels")
}

#[cfg(test)]
mod tests {
    use super::super::ClassSet;
    use super::*;

    fn record(labels: &[u8], first: [u8; 3]) -> Vec<u8> {
        let mut record = labels.to_vec();
        for colour in first {
            record.push(colour);
            record.resize(record.len() + PLANE - 1, 200);
        }
        record
    }

    #[test]
    fn batches_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join("cifar-10-batches-bin").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("data_batch_1.bin", &[record(&[3], [1, 2, 3]), record(&[9], [4, 5, 6])].concat());
        write("data_batch_2.bin", &record(&[0], [7, 8, 9]));
        write("test_batch.bin", &record(&[1], [10, 11, 12]));
        write("batches.meta.txt", b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
        let train = ClassSet::open(folder.path(), Some("train")).unwrap();
        assert_eq!((train.len(), train.classes().len()), (3, 10));
        assert_eq!([0, 1, 2].map(|image| train.class(image)), [3, 9, 0]);
        assert_eq!(train.classes()[3], "d");
        let image = train.image(1).unwrap();
        assert_eq!(image.rgb(0, 0).map(|x| (x * 255.0).round()), [4.0, 5.0, 6.0]);
        assert_eq!(image.rgb(31, 31).map(|x| (x * 255.0).round()), [200.0; 3]);
        assert_eq!(ClassSet::open(folder.path(), Some("test")).unwrap().class(0), 1);
        assert!(ClassSet::open(folder.path(), Some("val")).is_err());
        write("test_batch.bin", &record(&[1], [10, 11, 12])[1..]);
        let short = ClassSet::open(folder.path(), Some("test"));
        assert!(short.is_err(), "{short:?}");
    }

    #[test]
    fn the_fine_classes_of_cifar_100_count() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("test.bin"), record(&[19, 77], [1, 2, 3])).unwrap();
        let set = ClassSet::open(folder.path(), Some("test")).unwrap();
        assert_eq!((set.class(0), set.classes().len()), (77, 100));
        assert_eq!(set.classes()[77], "77");
    }
}
