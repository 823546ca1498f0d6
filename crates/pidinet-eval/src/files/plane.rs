//! Reads one plane of numbers from an image, a NumPy array, or a MATLAB matrix.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pidinet::image::{Image, ImageLimits, Pixels};

use crate::files::levels::{Levels, Plane};
use crate::files::mat5::{Array, Limits, MatFile, Value};
use crate::files::npy;
use crate::{Error, Result};

/// Ten thousand pixels square, more than any edge map.
const LIMITS: ImageLimits = ImageLimits { max_pixels: 100_000_000, max_bytes: 800_000_000 };

/// How far JPEG may move the channels of a grey pixel apart, of 255.
const JPEG_NOISE: u8 = 8;

/// Reads the plane of a file; in a MATLAB file the matrix `variable`, or the only one.
pub(crate) fn open(path: &Path, variable: Option<&str>) -> Result<Plane> {
    match arrays(path, variable) {
        Some(plane) => plane,
        None => from_image(path, &LIMITS),
    }
}

/// As [`open`], of planes within limits of their size.
pub(crate) fn open_within(path: &Path, variable: Option<&str>, limits: &ImageLimits) -> Result<Plane> {
    let Some(plane) = arrays(path, variable) else { return from_image(path, limits) };
    let plane = plane?;
    if plane.width as u64 * plane.height as u64 > limits.max_pixels {
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let source = pidinet::Error::TooManyPixels {
            width: side(plane.width),
            height: side(plane.height),
            max_pixels: limits.max_pixels,
        };
        return Err(pidinet::Error::ImageFile { path: path.into(), source: Box::new(source) }.into());
    }
    Ok(plane)
}

/// The plane of a file of arrays; `None` if the file is none.
fn arrays(path: &Path, variable: Option<&str>) -> Option<Result<Plane>> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "npy" => Some(from_npy(path)),
        "mat" => Some(mat(path).and_then(|file| from_mat(path, &file, variable))),
        _ => None,
    }
}

/// Whether a file is a JPEG image.
pub(crate) fn is_jpeg(path: &Path) -> bool {
    let mut start = [0; 3];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == [0xFF, 0xD8, 0xFF]
}

/// Reads a grey image, or one with three equal channels.
fn from_image(path: &Path, limits: &ImageLimits) -> Result<Plane> {
    let image = Image::open(path, limits)?;
    let lossy = is_jpeg(path);
    let levels = match image.pixels() {
        Pixels::U8(rgb) => {
            let noise = if lossy { JPEG_NOISE } else { 0 };
            let grey = one_channel(rgb, |a, b| a.abs_diff(b) <= noise);
            grey.map(|values| Levels::Whole {
                values: values.into_iter().map(u16::from).collect(),
                white: 255,
            })
        }
        Pixels::U16(rgb) => {
            one_channel(rgb, |a, b| a == b).map(|values| Levels::Whole { values, white: u16::MAX })
        }
        Pixels::F32(rgb) => one_channel(rgb, |a, b| a == b).map(Levels::Share),
    };
    let levels = levels.ok_or_else(|| Error::content(path, "a grey image", "a coloured one"))?;
    Ok(Plane { width: image.width(), height: image.height(), levels, lossy })
}

/// The channel of a grey image: the green one if the three differ a little.
fn one_channel<T: Copy>(rgb: &[T], same: impl Fn(T, T) -> bool) -> Option<Vec<T>> {
    let (pixels, _) = rgb.as_chunks::<3>();
    pixels.iter().map(|&[r, g, b]| (same(r, g) && same(g, b)).then_some(g)).collect()
}

fn from_npy(path: &Path) -> Result<Plane> {
    let array =
        npy::parse(&read(path)?).map_err(|found| Error::content(path, "an array of plain numbers", found))?;
    let sizes: Vec<usize> = array.shape.iter().copied().filter(|&size| size != 1).collect();
    let (height, width) = match (&array.shape[..], &sizes[..]) {
        (&[height, width], _) | (_, &[height, width]) => (height, width),
        _ => return Err(Error::content(path, "two dimensions", format!("{:?}", array.shape))),
    };
    let numbers = if array.columns_first { array.numbers.row_major(height) } else { array.numbers };
    plane(path, (width, height), Levels::new(path, width, &numbers, array.logical)?)
}

/// Reads a MATLAB file.
pub(crate) fn mat(path: &Path) -> Result<MatFile> {
    MatFile::parse(&read(path)?, &Limits::default())
        .map_err(|source| Error::Mat { path: path.into(), source })
}

/// The matrix `variable`, or the only one.
pub(crate) fn from_mat(path: &Path, file: &MatFile, variable: Option<&str>) -> Result<Plane> {
    let matrices: Vec<(&str, &Array)> = file
        .variables
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Array(array) if variable.map_or(array.numbers.len() > 1, |wanted| wanted == name) => {
                Some((&name[..], array))
            }
            _ => None,
        })
        .filter(|(_, array)| variable.is_some() || array.matrix_size().is_some())
        .collect();
    let &[(name, array)] = &matrices[..] else {
        let quoted = |names: Vec<&str>| match names.len() {
            0 => "none".into(),
            _ => format!("`{}`", names.join("`, `")),
        };
        let names = matrices.iter().map(|&(name, _)| name).collect();
        let all = file.variables.iter().map(|(name, _)| &name[..]).collect();
        return Err(match variable {
            Some(variable) => {
                let found = format!("the variables {}", quoted(all));
                Error::content(path, format!("a matrix `{variable}`"), found)
            }
            None if matrices.is_empty() => {
                Error::content(path, "one matrix", format!("none among the variables {}", quoted(all)))
            }
            None => Error::content(
                path,
                "one matrix (for ground truth, choose one with --gt-variable)",
                quoted(names),
            ),
        });
    };
    let Some((height, width)) = array.matrix_size() else {
        let expected = format!("two dimensions in `{name}`");
        return Err(Error::content(path, expected, format!("{:?}", array.dims)));
    };
    matrix(path, array, (width, height))
}

/// A matrix of a MATLAB file.
pub(crate) fn matrix(path: &Path, array: &Array, (width, height): (usize, usize)) -> Result<Plane> {
    let levels = Levels::new(path, width, &array.numbers.row_major(height), array.logical)?;
    plane(path, (width, height), levels)
}

fn plane(path: &Path, (width, height): (usize, usize), levels: Levels) -> Result<Plane> {
    if width == 0 || height == 0 {
        return Err(Error::content(path, "at least one pixel", format!("{width}x{height}")));
    }
    Ok(Plane { width, height, levels, lossy: false })
}

/// Most bytes of a file: a hundred megapixels in double precision.
const MOST_BYTES: u64 = 1 << 30;

fn read(path: &Path) -> Result<Vec<u8>> {
    pidinet::files::read(path, MOST_BYTES).map_err(|source| Error::Read { path: path.into(), source })
}
