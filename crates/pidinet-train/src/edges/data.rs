//! Images with what annotators drew on them.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pidinet::image::EXTENSIONS;
use pidinet_eval::files::dataset::{Dataset, Pair};

use super::config::{Data, Material, Source};
use crate::{Error, Result};

pub mod augment;
pub mod batches;
mod example;
pub mod marks;
mod masks;
mod photometric;
mod register;
pub mod rule;
mod shares;
pub mod teacher;
mod warp;

pub use example::Example;
pub use marks::Marks;
use rule::Rule;
use teacher::Teacher;

/// The images of a run, read when needed and kept while there is room.
#[derive(Debug)]
pub struct Examples {
    pairs: Vec<Pair>,
    sources: Vec<Of>,
    teacher: Option<Teacher>,
    cache: Mutex<Cache>,
}

/// A source of images.
#[derive(Debug)]
struct Of {
    /// The range of its images among all images.
    range: Range<usize>,
    rule: Rule,
    /// Number of classes of its masks, if those are its truth.
    classes: Option<usize>,
    /// How much a teacher counts.
    trust: f32,
}

#[derive(Debug)]
struct Cache {
    examples: Vec<Option<Arc<Example>>>,
    /// The teacher's maps, `[h, w]`, as shares of 65535.
    maps: Vec<Option<Arc<Vec<u16>>>>,
    /// Bytes that may still be used.
    room: usize,
}

impl Examples {
    /// Opens the images of several sources, one after another. Nothing is decoded yet.
    ///
    /// # Errors
    ///
    /// If a source cannot be read, is empty, or has truth without an image; if the teacher lacks maps for
    /// more images than `data` allows to be skipped.
    pub fn open(materials: &[Material], data: &Data, teacher: Option<Teacher>) -> Result<Self> {
        let (mut pairs, mut sources) = (Vec::new(), Vec::new());
        for material in materials {
            let first = pairs.len();
            let mut classes = None;
            match &material.source {
                Source::Bsds { bsds, splits } => {
                    for split in splits {
                        let images = bsds.join("images").join(split);
                        pairs.extend(folders(&images, &bsds.join("groundTruth").join(split))?);
                    }
                }
                Source::Folders { images, truth } => pairs.extend(folders(images, truth)?),
                Source::List { list } => pairs.extend(Dataset::list(list)?.pairs),
                Source::Masks { images, masks, classes: count } => {
                    classes = Some(*count);
                    pairs.extend(masks::pairs(pictures(images)?, masks)?);
                }
                Source::Pictures { pictures: images } => pairs.extend(pictures(images)?),
            }
            let (range, rule) = (first..pairs.len(), Rule::of(material, data));
            if range.is_empty() {
                return Err(Error::Empty { path: material.source.place().into() });
            }
            sources.push(Of { range, rule, classes, trust: material.trust });
        }
        let taught = sources.iter().filter(|of| of.trust > 0.0).flat_map(|of| &pairs[of.range.clone()]);
        let unknown = |pair: &&Pair| teacher.as_ref().is_some_and(|teacher| !teacher.knows(&pair.id));
        let missing: Vec<&Pair> = taught.filter(unknown).collect();
        if missing.len() > data.skip {
            let first = format!("{}: the teacher has no map of it", missing[0].id);
            return Err(Error::Images { count: missing.len() as u64, first });
        }
        let (examples, maps) = (vec![None; pairs.len()], vec![None; pairs.len()]);
        let cache = Mutex::new(Cache { examples, maps, room: data.cache_mib << 20 });
        Ok(Self { pairs, sources, teacher, cache })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The number of images of each source.
    pub fn counts(&self) -> impl Iterator<Item = usize> {
        self.sources.iter().map(|of| of.range.len())
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
        if let Some(example) = &self.cache().examples[index] {
            return Ok(example.clone());
        }
        let of = self.source(index);
        let example = Arc::new(Example::open(&self.pairs[index], of.rule, of.classes)?);
        let mut cache = self.cache();
        if let Some(room) = cache.room.checked_sub(example.bytes()) {
            cache.room = room;
            cache.examples[index] = Some(example.clone());
        }
        Ok(example)
    }

    /// The teacher's map of image `index`, which is `example`: `[h, w]`, as shares of 65535. `None` without a
    /// teacher.
    ///
    /// # Errors
    ///
    /// If its map is missing, damaged, or of another size.
    pub fn taught(&self, index: usize, example: &Example) -> Result<Option<Arc<Vec<u16>>>> {
        let Some(teacher) = &self.teacher else { return Ok(None) };
        if let Some(map) = &self.cache().maps[index] {
            return Ok(Some(map.clone()));
        }
        let map = Arc::new(teacher.map(&self.pairs[index].id, example)?);
        let mut cache = self.cache();
        if let Some(room) = cache.room.checked_sub(2 * map.len()) {
            cache.room = room;
            cache.maps[index] = Some(map.clone());
        }
        Ok(Some(map))
    }

    /// How much the teacher counts in image `index`, relative to the configuration's value for all.
    pub fn trust(&self, index: usize) -> f32 {
        self.source(index).trust
    }

    /// The images of each source.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        self.sources.iter().map(|of| of.range.clone()).collect()
    }

    fn source(&self, index: usize) -> &Of {
        &self.sources[self.sources.partition_point(|of| of.range.end <= index)]
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn folders(images: &Path, truth: &Path) -> Result<Vec<Pair>> {
    let pairs = Dataset::folders(images, truth, &EXTENSIONS)?.pairs;
    if pairs.is_empty() { Err(Error::Empty { path: images.into() }) } else { Ok(pairs) }
}

/// The images of a folder, without truth, by name.
fn pictures(folder: &Path) -> Result<Vec<Pair>> {
    let read = |source| Error::Read { path: folder.into(), source };
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)) && path.is_file() {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            pairs.push(Pair { id, prediction: path, truth: Vec::new() });
        }
    }
    pairs.sort_by(|a, b| (&a.id, &a.prediction).cmp(&(&b.id, &b.prediction)));
    Ok(pairs)
}
