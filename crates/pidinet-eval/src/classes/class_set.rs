//! A data set of images with classes.
//!
//! [`ClassSet`] knows where every image is and reads it when asked, so that a data set need not fit into
//! memory; only what is in a compressed archive is held, still encoded.

use std::path::{Path, PathBuf};

use pidinet::image::{Image, ImageLimits};

use super::content::File;
use super::sample::{Pixels, Sample, example};
use super::{cifar, files};
use crate::{Error, Result};

/// Extensions of image files.
const IMAGES: [&str; 9] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "ppm", "pgm"];

/// A data set of images with classes.
///
/// # Examples
///
/// ```no_run
/// use std::path::Path;
/// use pidinet_eval::classes::ClassSet;
///
/// let test = ClassSet::open(Path::new("cifar10.tar.gz"), Some("test"))?;
/// let (image, class) = (test.image(0)?, test.class(0));
/// println!("{} is a {}", test.name(0), test.classes()[class]);
/// # Ok::<(), pidinet_eval::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClassSet {
    path: PathBuf,
    classes: Vec<String>,
    samples: Vec<Sample>,
}

impl ClassSet {
    /// Opens the images of one split, or of the whole set, in the order of their names.
    ///
    /// `path` is a folder, a `.tar`, or a `.tar.gz`. In it is a folder for each class, in a folder with the
    /// name of the split if there are splits (`train/cat/7.png`), or the binary batches of CIFAR-10 or
    /// CIFAR-100 as they are published.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if a file cannot be read, [`Error::Content`] if there are no such images.
    pub fn open(path: &Path, split: Option<&str>) -> Result<Self> {
        let files = files::list(path, |name| is_image(name) || cifar::is_batch(name))?;
        if files.iter().any(|file| cifar::is_batch(&file.name)) {
            let (classes, samples) = cifar::read(path, &files, split)?;
            return Ok(Self { path: path.to_owned(), classes, samples });
        }
        let found: Vec<(&File, &str)> =
            files.iter().filter_map(|file| Some((file, class_of(&file.name, split)?))).collect();
        if found.is_empty() {
            let place = split.map_or("CLASS".to_owned(), |split| format!("{split}/CLASS"));
            let expected = format!("images in folders {place}");
            return Err(Error::content(path, expected, example(&files)));
        }
        let mut classes: Vec<String> = found.iter().map(|&(_, class)| class.to_owned()).collect();
        classes.sort_unstable();
        classes.dedup();
        let sample = |(file, class): (&File, &str)| Sample {
            name: file.name.clone(),
            class: classes.binary_search_by(|name| name.as_str().cmp(class)).expect("a class of all"),
            pixels: Pixels::Encoded(file.content.clone()),
        };
        let samples = found.into_iter().map(sample).collect();
        Ok(Self { path: path.to_owned(), classes, samples })
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The class of an image, as a position in [`Self::classes`].
    pub fn class(&self, image: usize) -> usize {
        self.samples[image].class
    }

    /// The name of an image: its path in the folder or archive.
    pub fn name(&self, image: usize) -> &str {
        &self.samples[image].name
    }

    /// Reads an image.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is not an image.
    pub fn image(&self, image: usize) -> Result<Image> {
        let Sample { name, pixels, .. } = &self.samples[image];
        match pixels {
            Pixels::Encoded(content) => {
                let bytes = content.read()?;
                Image::decode(&bytes, &ImageLimits::default()).map_err(|source| {
                    let path = self.path.join(name);
                    pidinet::Error::ImageFile { path, source: Box::new(source) }.into()
                })
            }
            Pixels::Planes { file, start } => Ok(cifar::image(&file[*start..])),
        }
    }
}

/// Whether a file of this name is an image.
fn is_image(name: &str) -> bool {
    let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
    if file.starts_with("._") {
        return false; // metadata of macOS
    }
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    IMAGES.iter().any(|image| image.eq_ignore_ascii_case(ending))
}

/// The class of a file: the folder under that of the split, or else the one it is in.
fn class_of<'a>(name: &'a str, split: Option<&str>) -> Option<&'a str> {
    let folders: Vec<&str> = name.split('/').collect();
    let folders = &folders[..folders.len() - 1];
    match split {
        Some(split) => folders.iter().position(|folder| *folder == split).and_then(|at| folders.get(at + 1)),
        None => folders.last(),
    }
    .copied()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use pidinet::Size;
    use pidinet::image::{PixelFormat, PixelLayout};
    use pidinet::save::{Format, SaveOptions};

    use super::*;

    /// A PNG of one grey.
    pub(crate) fn png(grey: u8) -> Vec<u8> {
        let image =
            Image::from_u8(&[grey; 6], &PixelLayout::packed(Size { height: 2, width: 3 }, PixelFormat::Grey))
                .unwrap();
        image.encode(Format::Png, &SaveOptions::default()).unwrap()
    }

    const NAMES: [(&str, u8); 5] = [
        ("set/test/cat/b.png", 11),
        ("set/test/ape/a.png", 10),
        ("set/train/cat/deep/c.PNG", 12),
        ("set/test/cat/notes.txt", 0),
        ("set/train/bee/d.png", 13),
    ];

    pub(crate) fn tar() -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, grey) in NAMES {
            let bytes = png(grey);
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, &bytes[..]).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn seen(set: &ClassSet) -> Vec<(String, String, f32)> {
        let one = |image| {
            let grey = set.image(image).unwrap().rgb(2, 1)[0] * 255.0;
            (set.name(image).to_owned(), set.classes()[set.class(image)].clone(), grey.round())
        };
        (0..set.len()).map(one).collect()
    }

    #[test]
    fn folders_and_archives_hold_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for (name, grey) in NAMES {
            let path = folder.path().join("data").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, png(grey)).unwrap();
        }
        let (plain, packed) = (folder.path().join("data.tar"), folder.path().join("data.tar.gz"));
        std::fs::write(&plain, tar()).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&tar()).unwrap();
        std::fs::write(&packed, gzip.finish().unwrap()).unwrap();

        let test = [("set/test/ape/a.png", "ape", 10.0), ("set/test/cat/b.png", "cat", 11.0)];
        let train = [("set/train/bee/d.png", "bee", 13.0), ("set/train/cat/deep/c.PNG", "cat", 12.0)];
        let owned =
            |all: [(&str, &str, f32); 2]| all.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c)).to_vec();
        for path in [&folder.path().join("data"), &plain, &packed] {
            assert_eq!(seen(&ClassSet::open(path, Some("test")).unwrap()), owned(test), "{}", path.display());
            assert_eq!(seen(&ClassSet::open(path, Some("train")).unwrap()), owned(train));
            let all = ClassSet::open(path, None).unwrap();
            assert_eq!((all.len(), all.classes().len()), (4, 4), "folder deep is a class without splits");
            let message = ClassSet::open(path, Some("val")).unwrap_err().to_string();
            assert!(message.contains("val/CLASS") && message.contains("set/test/ape/a.png"), "{message}");
        }
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.tar.gz");
        std::fs::write(&path, b"\x1f\x8bnot gzip").unwrap();
        assert!(matches!(ClassSet::open(&path, None), Err(Error::Read { .. })));
        assert!(matches!(ClassSet::open(&folder.path().join("none"), None), Err(Error::Read { .. })));
        let class = folder.path().join("d/cat");
        std::fs::create_dir_all(&class).unwrap();
        std::fs::write(class.join("x.png"), "no image").unwrap();
        let set = ClassSet::open(&folder.path().join("d"), None).unwrap();
        assert!(set.image(0).unwrap_err().to_string().contains("x.png"));
    }
}
