//! What people drew: one mask of boundaries for each annotator.

use std::collections::BTreeSet;
use std::path::Path;

use pidinet::EdgeMap;
use pidinet::post::Mask;

use crate::grey::{Grey, GreyPixels};
use crate::mat5::{Array, Limits, MatFile, Record, Value, row_major};
use crate::{Error, Result};

/// The truth of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundTruth {
    /// Columns of every mask.
    pub width: usize,
    /// Rows of every mask.
    pub height: usize,
    /// Boundaries as each annotator drew them; at least one annotator.
    pub annotators: Vec<Mask>,
}

impl GroundTruth {
    /// Reads the truth of an image: one MATLAB file, or images, one for each annotator.
    ///
    /// A `.mat` file is of the BSDS kind: a cell `groundTruth` of structs, each with a matrix
    /// `Boundaries`; what is not 0 is a boundary. In an image of two values the brighter one is a
    /// boundary (so 0 and 1 may be used as well as 0 and 255; one value alone is a boundary unless it
    /// is 0); in a grey one it is half of white and more.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or holds something else, or the annotators' masks differ in size.
    ///
    /// # Panics
    ///
    /// If `files` is empty.
    pub fn open<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        let first = files.first().expect("at least one file of truth").as_ref();
        let mut annotators = Vec::new();
        for file in files {
            let file = file.as_ref();
            if is_mat(file) {
                annotators.extend(from_mat(file)?);
            } else {
                annotators.push(from_image(file)?);
            }
        }
        let Some(mask) = annotators.first() else {
            return Err(Error::content(first, "at least one annotator", "none"));
        };
        let (width, height) = (mask.width(), mask.height());
        if let Some(other) = annotators.iter().find(|m| (m.width(), m.height()) != (width, height)) {
            let found = format!("one of {}x{}", other.width(), other.height());
            return Err(Error::content(first, format!("all annotators' masks {width}x{height}"), found));
        }
        Ok(Self { width, height, annotators })
    }

    /// The share of annotators who drew each pixel.
    pub fn mean(&self) -> EdgeMap {
        let mut mean = vec![0.0; self.width * self.height];
        for mask in &self.annotators {
            for (x, y) in mask.pixels() {
                mean[y * self.width + x] += 1.0;
            }
        }
        mean.iter_mut().for_each(|share| *share /= self.annotators.len() as f32);
        EdgeMap::new(self.width, self.height, mean)
    }
}

fn is_mat(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mat"))
}

/// The annotators of a BSDS truth file.
fn from_mat(path: &Path) -> Result<Vec<Mask>> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
    let file = MatFile::parse(&bytes, &Limits::default())
        .map_err(|source| Error::Mat { path: path.into(), source })?;
    let names = || file.variables.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let truth = file.get("groundTruth").ok_or_else(|| {
        Error::content(path, "a variable `groundTruth`", format!("the variables {}", names()))
    })?;
    let records: Vec<&Record> = match truth {
        Value::Cell(cells) => cells.iter().flat_map(|cell| cell.records().unwrap_or_default()).collect(),
        other => other.records().unwrap_or_default().iter().collect(),
    };
    if let Value::Cell(cells) = truth
        && cells.len() != records.len()
    {
        let found = format!("{} of {}", records.len(), cells.len());
        return Err(Error::content(path, "a struct in every cell of `groundTruth`", found));
    }
    let mut masks = Vec::new();
    for (k, record) in records.into_iter().enumerate() {
        let Some(Value::Array(boundaries)) = record.get("Boundaries") else {
            let expected = format!("a matrix `Boundaries` of annotator {}", k + 1);
            return Err(Error::content(path, expected, "no such field"));
        };
        masks.push(mask(boundaries).ok_or_else(|| {
            let expected = format!("two dimensions in `Boundaries` of annotator {}", k + 1);
            Error::content(path, expected, format!("{:?}", boundaries.dims))
        })?);
    }
    if masks.is_empty() {
        return Err(Error::content(path, "structs with `Boundaries` in `groundTruth`", "none"));
    }
    Ok(masks)
}

fn mask(boundaries: &Array) -> Option<Mask> {
    let (height, width) = boundaries.matrix_size()?;
    let drawn = row_major(&boundaries.numbers.nonzero(), height);
    Some(Mask::from_fn(width, height, |x, y| drawn[y * width + x]))
}

fn from_image(path: &Path) -> Result<Mask> {
    let image = Grey::open(path)?;
    let drawn = match image.pixels {
        GreyPixels::U8(pixels) => drawn(&pixels, 0, u8::MAX / 2 + 1),
        GreyPixels::U16(pixels) => drawn(&pixels, 0, u16::MAX / 2 + 1),
        GreyPixels::F32(pixels) => pixels.iter().map(|&share| share >= 0.5).collect(),
    };
    Ok(Mask::from_fn(image.width, image.height, |x, y| drawn[y * image.width + x]))
}

/// Boundaries in an image of two values or of many.
fn drawn<T: Copy + Ord>(pixels: &[T], black: T, half: T) -> Vec<bool> {
    let mut values = BTreeSet::new();
    for &pixel in pixels {
        values.insert(pixel);
        if values.len() > 2 {
            return pixels.iter().map(|&pixel| pixel >= half).collect();
        }
    }
    let brighter = values.last().copied();
    pixels.iter().map(|&pixel| Some(pixel) == brighter && pixel != black).collect()
}

#[cfg(test)]
mod tests {
    use pidinet::save::SaveOptions;

    use super::*;
    use crate::mat5::write::Writer;
    use crate::numbers::Order;

    fn save(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn a_bsds_file_gives_its_annotators_row_by_row() {
        for order in [Order::Little, Order::Big] {
            let bytes = Writer { order }.truth(2, 3, &[&[0, 1, 1, 0, 0, 1], &[1, 0, 1, 0, 1, 0]]);
            let (_folder, path) = save("1.mat", &bytes);
            let truth = GroundTruth::open(&[path]).unwrap();
            assert_eq!((truth.width, truth.height), (3, 2));
            assert_eq!(truth.annotators[0].pixels().collect::<Vec<_>>(), [(1, 0), (0, 1), (2, 1)]);
            assert_eq!(truth.annotators[1].pixels().collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0)]);
            assert_eq!(truth.mean().data(), [0.5, 1.0, 0.5, 0.5, 0.0, 0.5]);
        }
    }

    #[test]
    fn a_file_without_truth_names_what_it_has() {
        let w = Writer { order: Order::Little };
        let (_folder, path) = save("1.mat", &w.file(&[w.logical(&[1, 2], "edges", &[1, 0])]));
        let message = GroundTruth::open(&[path]).unwrap_err().to_string();
        assert!(message.contains("`groundTruth`") && message.contains("`edges`"), "{message}");
    }

    #[test]
    fn annotators_of_two_sizes_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [(2, "1_a.png"), (3, "1_b.png")].map(|(width, name)| {
            let path = folder.path().join(name);
            EdgeMap::new(width, 2, vec![0.0; width * 2]).save(&path, &SaveOptions::default()).unwrap();
            path
        });
        let message = GroundTruth::open(&paths).unwrap_err().to_string();
        assert!(message.contains("2x2") && message.contains("3x2"), "{message}");
    }

    #[test]
    fn the_brighter_of_two_values_is_drawn_and_half_of_many() {
        let (t, f) = (true, false);
        assert_eq!(drawn(&[0_u8, 255, 0], 0, 128), [f, t, f]);
        assert_eq!(drawn(&[0_u8, 1, 0], 0, 128), [f, t, f]);
        assert_eq!(drawn(&[0_u8, 0], 0, 128), [f, f]);
        assert_eq!(drawn(&[255_u8, 255], 0, 128), [t, t]);
        assert_eq!(drawn(&[0_u8, 127, 128, 255], 0, 128), [f, f, t, t]);
    }

    #[test]
    fn one_image_for_each_annotator() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [[0.0, 1.0], [1.0, 1.0]].map(|pixels| {
            let path = folder.path().join(format!("1_{}.png", pixels[0]));
            EdgeMap::new(2, 1, pixels.to_vec()).save(&path, &SaveOptions::default()).unwrap();
            path
        });
        let truth = GroundTruth::open(&paths).unwrap();
        assert_eq!(truth.mean().data(), [0.5, 1.0]);
    }
}
