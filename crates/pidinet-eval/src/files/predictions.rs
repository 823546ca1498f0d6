//! Reads saved edge maps: images, NumPy arrays, MATLAB matrices.

use std::path::Path;

use pidinet::image::ImageLimits;
use pidinet::{EdgeMap, Size};

use crate::Result;
use crate::files::plane;

/// Extensions of edge maps.
pub const EXTENSIONS: [&str; 8] = ["png", "npy", "mat", "pgm", "bmp", "tif", "tiff", "webp"];

/// Extensions of edge maps that are used only if there is no file with one of [`EXTENSIONS`]: JPEG changes scores.
pub const OTHERS: [&str; 9] = ["gif", "pnm", "pam", "dib", "jpg", "jpeg", "jpe", "jfif", "btf"];

/// How to read an edge map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether edges are dark on white.
    pub inverted: bool,
    /// How to read maps with only the values 0 and 1.
    pub binary: Binary,
}

/// How to read 8- or 16-bit maps with only the values 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binary {
    /// Truth values: 1 is white.
    #[default]
    Truth,
    /// Almost black: white is 255 or 65535, as in other maps of the set.
    Dark,
}

/// Properties of one map that help to find misread ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Whether it has 8 or 16 bits, but only the values 0 and 1.
    pub binary: bool,
    /// Whether it is a JPEG.
    pub lossy: bool,
    /// The largest value.
    pub most: f32,
    /// The share of pixels of at least 0.5.
    pub white: f64,
}

/// Reads an edge map.
///
/// Images are grey with 8 or 16 bits, `p = v / 255` or `v / 65535`, or floats from 0 to 1. `.npy` and `.mat` files hold
/// one matrix `[h, w]`: floats in `[0, 1]`, integers as in images, or booleans. A MATLAB file may hold other
/// variables, but only one matrix. In a map with only the values 0 and 1, 1 is white.
///
/// # Errors
///
/// If the file cannot be read, is a colour image, or has values outside `[0, 1]`.
pub fn open(path: &Path) -> Result<EdgeMap> {
    open_with(path, Reading::default())
}

/// [`open`] with options.
///
/// # Errors
///
/// As [`open`].
pub fn open_with(path: &Path, reading: Reading) -> Result<EdgeMap> {
    let plane = plane::open(path, None)?;
    let mut data = plane.levels.probabilities(reading.binary == Binary::Truth);
    if reading.inverted {
        data.iter_mut().for_each(|value| *value = 1.0 - *value);
    }
    Ok(EdgeMap::new(Size { height: plane.height, width: plane.width }, data))
}

/// [`open`], of maps within limits of their size.
///
/// # Errors
///
/// As [`open`], and if the map is larger.
pub fn open_within(path: &Path, limits: &ImageLimits) -> Result<EdgeMap> {
    let plane = plane::open_within(path, None, limits)?;
    let size = Size { height: plane.height, width: plane.width };
    Ok(EdgeMap::new(size, plane.levels.probabilities(true)))
}

/// Inspects a map for [`check`].
///
/// # Errors
///
/// As [`open`].
pub fn look(path: &Path, reading: Reading) -> Result<Look> {
    let plane = plane::open(path, None)?;
    let (width, height, lossy, binary) = (plane.width, plane.height, plane.lossy, plane.levels.is_binary());
    let values = plane.levels.probabilities(reading.binary == Binary::Truth);
    let values = values.into_iter().map(|value| if reading.inverted { 1.0 - value } else { value });
    let (mut most, mut white) = (0.0_f32, 0_usize);
    for value in values {
        most = most.max(value);
        white += usize::from(value >= 0.5);
    }
    let white = white as f64 / (width * height) as f64;
    Ok(Look { width, height, binary, lossy, most, white })
}

/// Decides how to read maps with only the values 0 and 1, given the whole set, and warns about suspicious maps.
pub fn check(looks: &[(&Path, Look)]) -> Binary {
    let warn = |what: &str, is_so: &dyn Fn(&Look) -> bool| {
        let names: Vec<String> = looks
            .iter()
            .filter(|(_, look)| is_so(look))
            .map(|(path, _)| path.display().to_string())
            .collect();
        if let [first, others @ ..] = &names[..] {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            log::warn!("{first}{more}: {what}");
        }
    };
    let is_set_binary = looks.iter().all(|(_, look)| look.binary);
    warn("JPEG blurs edge maps and so changes scores: save them as PNG", &|look| look.lossy);
    warn("mostly white: if edges are dark on white, use --invert-pred", &|look| look.white > 0.5);
    if is_set_binary {
        return Binary::Truth;
    }
    let in_dark_set = |look: &Look| look.binary && look.most > 0.0;
    warn("only the values 0 and 1: read as almost black, because other maps have more levels", &in_dark_set);
    let is_dark = |look: &Look| look.most > 0.0 && look.most < DARK && !look.binary;
    warn("no value near white: is this 8-bit data in a 16-bit file, or another range?", &is_dark);
    Binary::Dark
}

/// Maps whose largest value is below this are suspicious.
const DARK: f32 = 16.0 / 255.0;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use pidinet::image::{Image, PixelFormat, PixelLayout};
    use pidinet::save::{Format, SaveOptions};

    use super::*;
    use crate::Error;
    use crate::files::mat5::write::Writer;
    use crate::files::numbers::Order;

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
        let map = EdgeMap::new(Size { height: 1, width: 3 }, vec![0.0, 0.2, 1.0]);
        for format in [Format::Png, Format::Png16, Format::Tiff] {
            let path = folder.save("map.png", &map.encode(format, &SaveOptions::default()).unwrap());
            assert_eq!(open(&path).unwrap(), map, "{format}");
        }
    }

    #[test]
    fn three_equal_channels_are_grey_and_others_are_refused() {
        let folder = Folder::new();
        let save = |rgb: [u8; 6]| {
            let image =
                Image::from_u8(&rgb, &PixelLayout::packed(Size { height: 1, width: 2 }, PixelFormat::Rgb))
                    .unwrap();
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
        let expected = EdgeMap::new(Size { height: 2, width: 3 }, vec![0.0, 0.25, 0.5, 0.75, 1.0, 0.125]);
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
    fn maps_beyond_a_limit_are_refused() {
        let folder = Folder::new();
        let path = folder.save("x.npy", &npy("|u1", "False", "(2, 3)", &[0, 51, 102, 153, 204, 255]));
        let within = |max_pixels| open_within(&path, &ImageLimits { max_pixels, ..ImageLimits::default() });
        assert_eq!(within(6).unwrap(), open(&path).unwrap());
        let error = within(5).unwrap_err().chain();
        assert!(error.contains("x.npy") && error.contains("3x2"), "{error}");
    }

    #[test]
    fn bytes_are_fractions_and_truth_values_are_not() {
        let folder = Folder::new();
        let bytes = folder.save("u.npy", &npy("|u1", "False", "(1, 2)", &[1, 255]));
        assert_eq!(open(&bytes).unwrap().data(), [1.0 / 255.0, 1.0]);
        let binary = folder.save("01.npy", &npy("|u1", "False", "(1, 2)", &[0, 1]));
        assert_eq!(open(&binary).unwrap().data(), [0.0, 1.0]);
        assert!(look(&binary, Reading::default()).unwrap().binary);
        let dark = Reading { binary: Binary::Dark, inverted: true };
        assert_eq!(open_with(&binary, dark).unwrap().data(), [1.0, 1.0 - 1.0 / 255.0]);
        let truth = folder.save("b.npy", &npy("|b1", "False", "(1, 2)", &[1, 0]));
        assert_eq!(open(&truth).unwrap().data(), [1.0, 0.0]);
    }

    #[test]
    fn numbers_of_every_type_are_read() {
        let folder = Folder::new();
        let read = |descr: &str, data: &[u8]| {
            open(&folder.save("x.npy", &npy(descr, "False", "(1, 2)", data))).unwrap().into_data()
        };
        assert_eq!(read("<f2", &[0x00, 0x38, 0x00, 0x3C]), [0.5, 1.0]);
        assert_eq!(read("<i8", &[[255_i64, 51].map(i64::to_le_bytes).concat()].concat()), [1.0, 0.2]);
        assert_eq!(read("<i8", &[[0_i64, 1].map(i64::to_le_bytes).concat()].concat()), [0.0, 1.0]);
        assert_eq!(read(">f8", &[[255.0_f64, 51.0].map(f64::to_be_bytes).concat()].concat()), [1.0, 0.2]);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let folder = Folder::new();
        for (value, shown) in [(1.5_f32, "1.5 at pixel (0, 0)"), (-0.1, "-0.1"), (f32::NAN, "NaN")] {
            let path = folder.save("x.npy", &npy("<f4", "False", "(1, 1)", &value.to_le_bytes()));
            let message = open(&path).unwrap_err().to_string();
            assert!(message.contains("[0, 1]") && message.contains(shown), "{message}");
        }
        let counts = folder.save("i.npy", &npy("<i4", "False", "(1, 1)", &[0xFF; 4]));
        assert!(open(&counts).unwrap_err().to_string().contains("int32, found -1 at pixel (0, 0)"));
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
