//! Edge maps that somebody saved: images, NumPy arrays, MATLAB matrices.

use std::path::Path;

use pidinet::EdgeMap;

use crate::grey::{Grey, GreyPixels};
use crate::mat5::{Array, Limits, MatFile, Value, row_major};
use crate::npy;
use crate::numbers::Numbers;
use crate::{Error, Result};

/// Extensions of the files that [`open`] reads.
pub const EXTENSIONS: [&str; 8] = ["png", "npy", "mat", "pgm", "bmp", "tif", "tiff", "webp"];

/// Reads an edge map.
///
/// Images are grey with 8 or 16 bits, `p = v / 255` or `v / 65535`. `.npy` and `.mat` files hold one
/// matrix `[h, w]`: floats in `[0, 1]`, unsigned 8 or 16 bits as in images, or truth values. A MATLAB
/// file may hold other variables, but only one matrix.
///
/// # Errors
///
/// If the file cannot be read, or holds something else, coloured images and values outside `[0, 1]`
/// included.
pub fn open(path: &Path) -> Result<EdgeMap> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "npy" => from_npy(path),
        "mat" => from_mat(path),
        _ => from_image(path),
    }
}

fn from_image(path: &Path) -> Result<EdgeMap> {
    let Grey { width, height, pixels } = Grey::open(path)?;
    let data = match pixels {
        GreyPixels::U8(pixels) => fractions(&pixels, f32::from(u8::MAX)),
        GreyPixels::U16(pixels) => fractions(&pixels, f32::from(u16::MAX)),
        GreyPixels::F32(pixels) => in_range(path, pixels.iter().map(|&x| f64::from(x)))?,
    };
    Ok(EdgeMap::new(width, height, data))
}

fn from_npy(path: &Path) -> Result<EdgeMap> {
    let array =
        npy::parse(&read(path)?).map_err(|found| Error::content(path, "an array of plain numbers", found))?;
    let sizes: Vec<usize> = array.shape.iter().copied().filter(|&size| size != 1).collect();
    let (height, width) = match (&array.shape[..], &sizes[..]) {
        (&[height, width], _) | (_, &[height, width]) => (height, width),
        _ => return Err(Error::content(path, "two dimensions", format!("{:?}", array.shape))),
    };
    let data = probabilities(path, &array.numbers, array.logical)?;
    let data = if array.columns_first { row_major(&data, height) } else { data };
    Ok(EdgeMap::new(width, height, data))
}

fn from_mat(path: &Path) -> Result<EdgeMap> {
    let file = MatFile::parse(&read(path)?, &Limits::default())
        .map_err(|source| Error::Mat { path: path.into(), source })?;
    let matrices: Vec<(&str, &Array, (usize, usize))> = file
        .variables
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Array(array) if array.numbers.len() > 1 => Some((&name[..], array, array.matrix_size()?)),
            _ => None,
        })
        .collect();
    let &[(_, array, (height, width))] = &matrices[..] else {
        let names: Vec<&str> = matrices.iter().map(|&(name, ..)| name).collect();
        let found = if names.is_empty() { "none".into() } else { format!("`{}`", names.join("`, `")) };
        return Err(Error::content(path, "one matrix", found));
    };
    let data = probabilities(path, &array.numbers, array.logical)?;
    Ok(EdgeMap::new(width, height, row_major(&data, height)))
}

/// Numbers as probabilities.
fn probabilities(path: &Path, numbers: &Numbers, logical: bool) -> Result<Vec<f32>> {
    match numbers {
        Numbers::U8(v) if logical => Ok(fractions(v, 1.0)),
        Numbers::U8(v) => Ok(fractions(v, f32::from(u8::MAX))),
        Numbers::U16(v) => Ok(fractions(v, f32::from(u16::MAX))),
        Numbers::F32(v) => in_range(path, v.iter().map(|&x| f64::from(x))),
        Numbers::F64(v) => in_range(path, v.iter().copied()),
        other => Err(Error::content(
            path,
            "floats in [0, 1] or unsigned numbers of 8 or 16 bits",
            format!("numbers of type {}", other.type_name()),
        )),
    }
}

/// The division rounds once, so 8-bit 51 is the float nearest to 0.2.
fn fractions<T: Copy + Into<f32>>(values: &[T], white: f32) -> Vec<f32> {
    values.iter().map(|&v| v.into() / white).collect()
}

fn in_range(path: &Path, values: impl Iterator<Item = f64>) -> Result<Vec<f32>> {
    values
        .map(|value| {
            if (0.0..=1.0).contains(&value) {
                Ok(value as f32)
            } else {
                Err(Error::content(path, "probabilities in [0, 1]", value.to_string()))
            }
        })
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use pidinet::image::{Image, PixelFormat, PixelLayout};
    use pidinet::save::{Format, SaveOptions};

    use super::*;
    use crate::mat5::write::Writer;
    use crate::numbers::Order;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn save(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }
    }

    fn npy(descr: &str, columns_first: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {columns_first}, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn grey_images_of_8_and_16_bits() {
        let folder = Folder::new();
        let map = EdgeMap::new(3, 1, vec![0.0, 0.2, 1.0]);
        for format in [Format::Png, Format::Png16, Format::Tiff] {
            let path = folder.save("map.png", &map.encode(format, &SaveOptions::default()).unwrap());
            assert_eq!(open(&path).unwrap(), map, "{format}");
        }
    }

    #[test]
    fn three_equal_channels_are_grey_and_others_are_refused() {
        let folder = Folder::new();
        let save = |rgb: [u8; 6]| {
            let image = Image::from_u8(&rgb, &PixelLayout::packed(2, 1, PixelFormat::Rgb)).unwrap();
            folder.save("rgb.png", &image.encode(Format::Png, &SaveOptions::default()).unwrap())
        };
        assert_eq!(open(&save([51, 51, 51, 255, 255, 255])).unwrap().data(), [0.2, 1.0]);
        let message = open(&save([51, 51, 52, 255, 255, 255])).unwrap_err().to_string();
        assert!(message.contains("coloured"), "{message}");
    }

    #[test]
    fn arrays_in_both_orders_are_the_same_map() {
        let folder = Folder::new();
        let rows = [0.0_f32, 0.25, 0.5, 0.75, 1.0, 0.125].map(f32::to_le_bytes).concat();
        let columns = [0.0_f32, 0.75, 0.25, 1.0, 0.5, 0.125].map(f32::to_le_bytes).concat();
        let expected = EdgeMap::new(3, 2, vec![0.0, 0.25, 0.5, 0.75, 1.0, 0.125]);
        for (name, columns_first, shape, data) in [
            ("c.npy", "False", "(2, 3)", &rows),
            ("batch.npy", "False", "(1, 1, 2, 3)", &rows),
            ("channel.npy", "False", "(2, 3, 1)", &rows),
            ("f.npy", "True", "(2, 3)", &columns),
        ] {
            let path = folder.save(name, &npy("<f4", columns_first, shape, data));
            assert_eq!(open(&path).unwrap(), expected, "{name}");
        }
        let single = Writer { order: Order::Big };
        let big: Vec<u8> = columns.chunks_exact(4).flat_map(|c| [c[3], c[2], c[1], c[0]]).collect();
        let matrix = single.matrix(7, &[2, 3], "edges", &single.element(7, &big));
        let path = folder.save("m.mat", &single.file(&[matrix]));
        assert_eq!(open(&path).unwrap(), expected);
    }

    #[test]
    fn bytes_are_fractions_and_truth_values_are_not() {
        let folder = Folder::new();
        let bytes = folder.save("u.npy", &npy("|u1", "False", "(1, 2)", &[1, 255]));
        assert_eq!(open(&bytes).unwrap().data(), [1.0 / 255.0, 1.0]);
        let truth = folder.save("b.npy", &npy("|b1", "False", "(1, 2)", &[1, 0]));
        assert_eq!(open(&truth).unwrap().data(), [1.0, 0.0]);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let folder = Folder::new();
        for (value, shown) in [(1.5_f32, "1.5"), (-0.1, "-0.1"), (f32::NAN, "NaN")] {
            let path = folder.save("x.npy", &npy("<f4", "False", "(1, 1)", &value.to_le_bytes()));
            let message = open(&path).unwrap_err().to_string();
            assert!(message.contains("[0, 1]") && message.contains(shown), "{message}");
        }
        let counts = folder.save("i.npy", &npy("<i4", "False", "(1, 1)", &[0; 4]));
        assert!(open(&counts).unwrap_err().to_string().contains("int32"));
    }

    #[test]
    fn two_matrices_in_a_file_are_named() {
        let w = Writer { order: Order::Little };
        let variables = ["a", "b"].map(|name| w.logical(&[1, 2], name, &[0, 1]));
        let path = Folder::new().save("none.mat", b"");
        assert!(matches!(open(&path), Err(Error::Read { .. })));
        let folder = Folder::new();
        let path = folder.save("two.mat", &w.file(&variables));
        assert!(open(&path).unwrap_err().to_string().contains("`a`, `b`"));
        let path = folder.save("one.mat", &w.file(&variables[..1]));
        assert_eq!(open(&path).unwrap().data(), [0.0, 1.0]);
    }
}
