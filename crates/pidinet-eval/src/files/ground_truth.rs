//! Reads ground truth: one mask of boundaries per annotator.

use std::path::Path;

use pidinet::post::Mask;
use pidinet::{EdgeMap, Size};

use crate::files::levels::{Drawing, Drawn};
use crate::files::mat5::{Array, MatFile, Record, Value};
use crate::files::plane;
use crate::{Error, Result};

/// Extensions of ground truth files.
pub const EXTENSIONS: [&str; 16] = [
    "mat", "npy", "png", "bmp", "dib", "tif", "tiff", "pgm", "pnm", "pbm", "pam", "webp", "gif", "jpg",
    "jpeg", "jfif",
];

/// The ground truth of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundTruth {
    /// Columns of every mask.
    pub width: usize,
    /// Rows of every mask.
    pub height: usize,
    /// Boundaries as each annotator drew them; at least one annotator.
    pub annotators: Vec<Mask>,
    /// Pixels excluded from the scores; no annotator has a boundary there.
    pub ignored: Option<Mask>,
}

/// How to read ground truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TruthOptions {
    /// Which values are boundaries.
    pub drawing: Drawing,
    /// The matrix of a MATLAB file; by default `groundTruth` as BSDS500 has it, or the only matrix.
    pub variable: Option<String>,
}

impl GroundTruth {
    /// Reads the ground truth of an image: one file, or one per annotator.
    ///
    /// A `.mat` file is of the BSDS kind: a cell `groundTruth` of structs, each with a matrix `Boundaries`, in which
    /// every value but 0 is a boundary; annotators with an empty matrix are skipped. Otherwise it holds one matrix,
    /// which is read like an image, as is the array of a `.npy` file.
    ///
    /// In an image with two values, the brighter one is a boundary, so 0 and 1 work as well as 0 and 255; a single
    /// value is a boundary unless it is 0. If no value is above 15, every value but 0 is a boundary. In a grey image,
    /// boundaries are at least half white.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or holds something else, or the annotators' masks differ in size.
    ///
    /// # Panics
    ///
    /// If `files` is empty.
    pub fn open<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        Self::open_with(files, &TruthOptions::default())
    }

    /// [`GroundTruth::open`] with options.
    ///
    /// # Errors
    ///
    /// As [`GroundTruth::open`].
    ///
    /// # Panics
    ///
    /// If `files` is empty.
    pub fn open_with<P: AsRef<Path>>(files: &[P], options: &TruthOptions) -> Result<Self> {
        let first = files.first().expect("at least one file of truth").as_ref();
        let mut drawn = Vec::new();
        for file in files {
            let file = file.as_ref();
            if is_mat(file) {
                drawn.extend(from_mat(file, options)?);
            } else {
                let plane = plane::open(file, None)?;
                drawn.push(((plane.width, plane.height), plane.drawn(file, options.drawing)?));
            }
        }
        let Some(&((width, height), _)) = drawn.first() else {
            return Err(Error::content(first, "at least one annotator", "none"));
        };
        if let Some(((w, h), _)) = drawn.iter().find(|(size, _)| *size != (width, height)) {
            let found = format!("one of {w}x{h}");
            return Err(Error::content(first, format!("all annotators' masks {width}x{height}"), found));
        }
        let mask = |pixels: &[bool]| Mask::from_fn(Size { height, width }, |x, y| pixels[y * width + x]);
        let ignored = drawn
            .iter()
            .filter(|(_, drawn)| !drawn.ignored.is_empty())
            .map(|(_, drawn)| mask(&drawn.ignored));
        let ignored = ignored.reduce(|mut all, one| {
            all |= &one;
            all
        });
        let annotators = drawn.iter().map(|(_, drawn)| mask(&drawn.boundary));
        let annotators = annotators.map(|mask| match &ignored {
            Some(ignored) => mask.without(ignored),
            None => mask,
        });
        Ok(Self { width, height, annotators: annotators.collect(), ignored })
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
        EdgeMap::new(Size { height: self.height, width: self.width }, mean)
    }

    /// Whether no annotator drew a boundary.
    pub fn is_empty(&self) -> bool {
        self.annotators.iter().all(Mask::is_empty)
    }

    /// Whether an annotator has boundaries on most pixels, which suggests inverted values.
    pub fn is_mostly_drawn(&self) -> bool {
        let ignored = self.ignored.as_ref().map_or(0, Mask::count);
        let pixels = self.width * self.height - ignored;
        pixels >= SMALL && self.annotators.iter().any(|mask| 2 * mask.count() > pixels)
    }
}

/// Smaller images may well be mostly boundary.
const SMALL: usize = 64;

/// Reads one file as the share of annotators who drew each pixel, from 0 to 255, with its width and height. Grey values
/// stay as they are; masks with few values become black and white. Pixels of the value
/// `ignore` have no share.
///
/// # Errors
///
/// As [`GroundTruth::open`].
pub fn shares(path: &Path, ignore: Option<u16>) -> Result<(Vec<Option<u8>>, Size)> {
    let plane = plane::open(path, None)?;
    let shares = plane.grey(path, ignore)?;
    let known = shares.iter().flatten().count();
    let white = shares.iter().flatten().filter(|&&share| share >= 128).count();
    if known >= SMALL && 2 * white > known {
        return Err(Error::content(path, "boundaries on few pixels", "mostly white pixels: is it inverted?"));
    }
    Ok((shares, Size { height: plane.height, width: plane.width }))
}

fn is_mat(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mat"))
}

type Annotator = ((usize, usize), Drawn);

/// The annotators of a MATLAB file.
fn from_mat(path: &Path, options: &TruthOptions) -> Result<Vec<Annotator>> {
    let file = plane::mat(path)?;
    match (&options.variable, file.get("groundTruth")) {
        (None, Some(truth @ (Value::Cell(_) | Value::Struct(_)))) => from_records(path, truth, options),
        (variable, _) => {
            let plane = plain(path, &file, variable.as_deref())?;
            Ok(vec![((plane.width, plane.height), plane.drawn(path, options.drawing)?)])
        }
    }
}

/// The only matrix of a file, or that of a name.
fn plain(path: &Path, file: &MatFile, variable: Option<&str>) -> Result<crate::files::levels::Plane> {
    plane::from_mat(path, file, variable).map_err(|error| match error {
        Error::Content { path, expected, found } if variable.is_none() => {
            Error::Content { path, expected: format!("a variable `groundTruth`, or {expected}"), found }
        }
        other => other,
    })
}

/// The annotators of a file of the BSDS kind.
fn from_records(path: &Path, truth: &Value, options: &TruthOptions) -> Result<Vec<Annotator>> {
    let is_empty = |value: &Value| matches!(value, Value::Array(array) if array.numbers.is_empty());
    let records: Vec<&Record> = match truth {
        Value::Cell(cells) => {
            let cells: Vec<&Value> = cells.iter().filter(|cell| !is_empty(cell)).collect();
            let records: Vec<&Record> =
                cells.iter().flat_map(|cell| cell.records().unwrap_or_default()).collect();
            if cells.len() != records.len() {
                let found = format!("{} of {}", records.len(), cells.len());
                return Err(Error::content(path, "a struct in every cell of `groundTruth`", found));
            }
            records
        }
        other => other.records().unwrap_or_default().iter().collect(),
    };
    let mut annotators = Vec::new();
    for (k, record) in records.into_iter().enumerate() {
        let Some(Value::Array(boundaries)) = record.get("Boundaries") else {
            let expected = format!("a matrix `Boundaries` of annotator {}", k + 1);
            return Err(Error::content(path, expected, "no such field"));
        };
        if !boundaries.numbers.is_empty() {
            annotators.push(annotator(path, boundaries, k, options)?);
        }
    }
    if annotators.is_empty() {
        return Err(Error::content(path, "structs with `Boundaries` in `groundTruth`", "none"));
    }
    Ok(annotators)
}

/// What one annotator drew: every value but 0.
fn annotator(path: &Path, boundaries: &Array, k: usize, options: &TruthOptions) -> Result<Annotator> {
    let Some((height, width)) = boundaries.matrix_size() else {
        let expected = format!("two dimensions in `Boundaries` of annotator {}", k + 1);
        return Err(Error::content(path, expected, format!("{:?}", boundaries.dims)));
    };
    let size = (width, height);
    Ok((size, plane::matrix(path, boundaries, size)?.nonzero(path, options.drawing)?))
}

#[cfg(test)]
mod tests {
    use pidinet::save::SaveOptions;

    use super::*;
    use crate::files::mat5::write::Writer;
    use crate::files::numbers::Order;

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
        let (_folder, path) = save("1.mat", &w.file(&[w.logical(&[1, 1], "edges", &[1])]));
        let message = GroundTruth::open(&[path]).unwrap_err().to_string();
        assert!(message.contains("`groundTruth`") && message.contains("`edges`"), "{message}");
    }

    #[test]
    fn annotators_of_two_sizes_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [(2, "1_a.png"), (3, "1_b.png")].map(|(width, name)| {
            let path = folder.path().join(name);
            EdgeMap::new(Size { height: 2, width }, vec![0.0; width * 2])
                .save(&path, &SaveOptions::default())
                .unwrap();
            path
        });
        let message = GroundTruth::open(&paths).unwrap_err().to_string();
        assert!(message.contains("2x2") && message.contains("3x2"), "{message}");
    }

    #[test]
    fn a_matrix_of_any_name_is_truth_and_two_are_named() {
        let w = Writer { order: Order::Little };
        let matrix = |name: &str| w.matrix(9, &[2, 3], name, &w.element(2, &[0, 255, 0, 0, 0, 255]));
        let (_folder, path) = save("1.mat", &w.file(&[matrix("edges")]));
        let truth = GroundTruth::open(&[&path]).unwrap();
        assert_eq!(truth.annotators[0].pixels().collect::<Vec<_>>(), [(0, 1), (2, 1)]);

        let other = w.matrix(9, &[2, 3], "other", &w.element(2, &[255, 0, 0, 0, 0, 0]));
        std::fs::write(&path, w.file(&[matrix("edges"), other])).unwrap();
        let message = GroundTruth::open(&[&path]).unwrap_err().to_string();
        assert!(message.contains("`edges`, `other`") && message.contains("--gt-variable"), "{message}");
        let named = |name: &str| TruthOptions { variable: Some(name.to_owned()), ..TruthOptions::default() };
        let truth = GroundTruth::open_with(&[&path], &named("other")).unwrap();
        assert_eq!(truth.annotators[0].pixels().collect::<Vec<_>>(), [(0, 0)]);
        let message = GroundTruth::open_with(&[&path], &named("none")).unwrap_err().to_string();
        assert!(message.contains("`none`") && message.contains("`edges`, `other`"), "{message}");
    }

    #[test]
    fn an_annotator_who_drew_nothing_at_all_is_left_out() {
        let w = Writer { order: Order::Little };
        let bytes = w.truth_of(&[(2, 3, &[0, 1, 1, 0, 0, 1]), (0, 0, &[])]);
        let (_folder, path) = save("1.mat", &bytes);
        let truth = GroundTruth::open(&[path]).unwrap();
        assert_eq!(truth.annotators.len(), 1);
        let (_folder, path) = save("1.mat", &w.truth_of(&[(0, 0, &[])]));
        assert!(GroundTruth::open(&[path]).is_err());
    }

    #[test]
    fn pixels_that_are_left_out_are_so_for_all_annotators() {
        let w = Writer { order: Order::Little };
        const UINT8: u32 = 9; // the class of a matrix; its elements are of type 2
        let one = |pixels: &[u8]| {
            let boundaries = w.matrix(UINT8, &[1, 4], "", &w.element(2, pixels));
            w.record("", &[("Boundaries", boundaries)])
        };
        let bytes = w.file(&[w.cell("groundTruth", &[one(&[0, 1, 255, 1]), one(&[0, 1, 1, 255])])]);
        let (_folder, path) = save("1.mat", &bytes);
        assert!(GroundTruth::open(&[&path]).unwrap_err().to_string().contains("--gt-ignore 255"));
        let drawing = Drawing { ignore: Some(255), ..Drawing::default() };
        let truth = GroundTruth::open_with(&[&path], &TruthOptions { drawing, variable: None }).unwrap();
        assert_eq!(truth.ignored.unwrap().pixels().collect::<Vec<_>>(), [(2, 0), (3, 0)]);
        for annotator in truth.annotators {
            assert_eq!(annotator.pixels().collect::<Vec<_>>(), [(1, 0)]);
        }
    }

    #[test]
    fn shares_that_are_mostly_white_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.png");
        let save = |value: &dyn Fn(usize) -> f32| {
            let map = EdgeMap::new(Size::square(10), (0..100).map(value).collect());
            map.save(&path, &SaveOptions::default()).unwrap();
        };
        save(&|i| if i % 5 == 0 { 0.0 } else { 1.0 });
        let message = shares(&path, None).unwrap_err().to_string();
        assert!(message.contains("1.png") && message.contains("inverted"), "{message}");
        save(&|i| if i % 5 == 0 { 0.4 } else { 0.0 });
        assert_eq!(shares(&path, None).unwrap().0[..2], [Some(102), Some(0)]);
        save(&|i| if i % 5 == 0 { 1.0 / 255.0 } else { 0.0 });
        assert_eq!(shares(&path, None).unwrap().0[..2], [Some(255), Some(0)]);
    }

    #[test]
    fn one_image_for_each_annotator() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [[0.0, 1.0], [1.0, 1.0]].map(|pixels| {
            let path = folder.path().join(format!("1_{}.png", pixels[0]));
            EdgeMap::new(Size { height: 1, width: 2 }, pixels.to_vec())
                .save(&path, &SaveOptions::default())
                .unwrap();
            path
        });
        let truth = GroundTruth::open(&paths).unwrap();
        assert_eq!(truth.mean().data(), [0.5, 1.0]);
    }
}
