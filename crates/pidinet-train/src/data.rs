//! Images with what annotators drew in them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pidinet::image::{EXTENSIONS, Image, ImageLimits, Pixels};
use pidinet_eval::dataset::{Dataset, Pair};
use pidinet_eval::ground_truth::{GroundTruth, shares};

use crate::config::Source;
use crate::{Error, Result};

pub mod augment;
pub mod batches;
mod photometric;
pub(crate) mod queue;
mod warp;

/// A decoded image and its truth.
#[derive(Clone, Debug)]
pub struct Example {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue, `[h, w, 3]`.
    pub pixels: Vec<u8>,
    /// The truth.
    pub marks: Marks,
}

/// What is drawn in each pixel, `[h, w]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Marks {
    /// Bit `k` is set where annotator `k` sees a boundary.
    Annotators {
        /// The bits.
        bits: Vec<u16>,
        /// How many annotators there are, at most 16.
        count: u32,
    },
    /// The share of annotators who see a boundary, of 255.
    Grey(Vec<u8>),
}

/// The images of a run, read when they are needed and kept while there is room.
#[derive(Debug)]
pub struct Examples {
    pairs: Vec<Pair>,
    cache: Mutex<Cache>,
}

#[derive(Debug)]
struct Cache {
    examples: Vec<Option<Arc<Example>>>,
    /// Bytes that may still be used.
    room: usize,
}

impl Examples {
    /// The images of several sources, one after the other. Nothing is decoded yet.
    ///
    /// # Errors
    ///
    /// If a source cannot be read, is empty, or has truth without an image.
    pub fn open(sources: &[Source], cache_bytes: usize) -> Result<Self> {
        let mut pairs = Vec::new();
        for source in sources {
            match source {
                Source::Bsds { bsds, splits } => {
                    for split in splits {
                        let images = bsds.join("images").join(split);
                        pairs.extend(folders(&images, &bsds.join("groundTruth").join(split))?);
                    }
                }
                Source::Folders { images, truth } => pairs.extend(folders(images, truth)?),
                Source::List { list } => pairs.extend(Dataset::list(list)?.pairs),
            }
        }
        let cache = Mutex::new(Cache { examples: vec![None; pairs.len()], room: cache_bytes });
        Ok(Self { pairs, cache })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The files of image `index`.
    pub fn pair(&self, index: usize) -> &Pair {
        &self.pairs[index]
    }

    /// Image `index`, decoded.
    ///
    /// # Errors
    ///
    /// If it, or its truth, cannot be read, or they differ in size.
    pub fn get(&self, index: usize) -> Result<Arc<Example>> {
        let lock = || self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(example) = &lock().examples[index] {
            return Ok(example.clone());
        }
        let example = Arc::new(Example::open(&self.pairs[index])?);
        let mut cache = lock();
        if let Some(room) = cache.room.checked_sub(example.bytes()) {
            cache.room = room;
            cache.examples[index] = Some(example.clone());
        }
        Ok(example)
    }
}

fn folders(images: &Path, truth: &Path) -> Result<Vec<Pair>> {
    let pairs = Dataset::folders(images, truth, &EXTENSIONS)?.pairs;
    if pairs.is_empty() { Err(Error::Empty { path: images.into() }) } else { Ok(pairs) }
}

impl Example {
    fn open(pair: &Pair) -> Result<Self> {
        let image = Image::open(&pair.prediction, &ImageLimits::default())?;
        let (width, height) = (image.width(), image.height());
        let (marks, found) = open_truth(&pair.truth)?;
        if found != (width, height) {
            return Err(Error::Size { path: pair.truth[0].clone(), image: (width, height), truth: found });
        }
        let pixels = match image.pixels() {
            Pixels::U8(pixels) => pixels.clone(),
            _ => (0..height)
                .flat_map(|y| (0..width).map(move |x| (x, y)))
                .flat_map(|(x, y)| image.rgb(x, y).map(|value| (value * 255.0 + 0.5) as u8))
                .collect(),
        };
        Ok(Self { width, height, pixels, marks })
    }

    fn bytes(&self) -> usize {
        let marks = match &self.marks {
            Marks::Annotators { bits, .. } => 2 * bits.len(),
            Marks::Grey(grey) => grey.len(),
        };
        self.pixels.len() + marks
    }
}

/// The truth in some files, and its columns and rows: a single grey image is a mean of annotators, everything
/// else is one mask for each.
fn open_truth(files: &[PathBuf]) -> Result<(Marks, (usize, usize))> {
    if let [file] = files
        && !file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mat"))
    {
        let (grey, size) = shares(file)?;
        return Ok((Marks::Grey(grey), size));
    }
    let truth = GroundTruth::open(files)?;
    if truth.is_mostly_drawn() {
        return Err(Error::Eval(pidinet_eval::Error::Content {
            path: files[0].clone(),
            expected: "boundaries, which are few pixels".to_owned(),
            found: "mostly drawn ones: is it inverted?".to_owned(),
        }));
    }
    let mut bits = vec![0; truth.width * truth.height];
    let annotators = &truth.annotators[..truth.annotators.len().min(16)];
    for (annotator, mask) in annotators.iter().enumerate() {
        for (x, y) in mask.pixels() {
            bits[y * truth.width + x] |= 1 << annotator;
        }
    }
    Ok((Marks::Annotators { bits, count: annotators.len() as u32 }, (truth.width, truth.height)))
}
