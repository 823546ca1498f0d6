//! TIFF files of every kind that programs write, each read correctly or refused by name.
//!
//! The files in `images/tiff/` were written by tifffile and libtiff (`tools/tiff_fixtures.py`); the others are made here.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::path::Path;

use pidinet::Error;
use pidinet::image::{Image, ImageLimits, Pixels, ReadOptions};

const WIDTH: usize = 20;
const HEIGHT: usize = 13;

/// The picture in the files.
fn picture(x: usize, y: usize) -> [u8; 3] {
    [12 * x, 19 * y, 7 * x + 11 * y].map(|value| value as u8)
}

fn alpha(y: usize) -> u8 {
    255 - 18 * y as u8
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/tiff").join(name)).unwrap()
}

fn read(name: &str) -> Image {
    Image::decode(&bytes(name), &ImageLimits::default())
        .unwrap_or_else(|error| panic!("{name}: {}", chain(&error)))
}

/// A message and those of its causes.
fn chain(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

fn refusal(file: &[u8]) -> String {
    chain(&Image::decode(file, &ImageLimits::default()).expect_err("a file that is not read"))
}

/// Asserts the pixels of a file, from 0 to 255, within a tolerance.
#[track_caller]
fn assert_pixels(image: &Image, tolerance: f32, what: &str, want: impl Fn(usize, usize) -> [f32; 3]) {
    assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT), "{what}");
    for (x, y) in (0..WIDTH * HEIGHT).map(|i| (i % WIDTH, i / WIDTH)) {
        let (got, want) = (image.rgb(x, y).map(|value| 255.0 * value), want(x, y));
        let off = got.iter().zip(want).map(|(got, want)| (got - want).abs()).fold(0.0, f32::max);
        assert!(off <= tolerance, "{what} at ({x}, {y}): {got:?} for {want:?}");
    }
}

fn colour(x: usize, y: usize) -> [f32; 3] {
    picture(x, y).map(f32::from)
}

fn grey(_: usize, y: usize) -> [f32; 3] {
    [19.0 * y as f32; 3]
}

#[test]
fn files_of_every_packing_are_the_same_picture() {
    for name in [
        "big.tif",
        "big-16-swapped.tif",
        "tiles.tif",
        "planes.tif",
        "lzw-predictor.tif",
        "lzw-16-predictor-swapped.tif",
        "deflate-strips.tif",
        "zstd.tif",
        "packbits.tif",
        "thumbnail-first.tif",
        "unspecified-8.tif",
    ] {
        assert_pixels(&read(name), 0.001, name, colour);
    }
    for name in ["f32-predictor.tif", "f64-predictor-swapped.tif"] {
        let image = read(name);
        assert!(matches!(image.pixels(), Pixels::F32(_)));
        assert_pixels(&image, 0.001, name, colour);
    }
    assert!(matches!(read("big-16-swapped.tif").pixels(), Pixels::U16(_)));
    for (name, tolerance) in [("grey-f16.tif", 0.1), ("grey-f32.tif", 0.001), ("grey-f64.tif", 0.001)] {
        assert_pixels(&read(name), tolerance, name, grey);
    }
}

#[test]
fn jpeg_within_tiff_has_the_colours_that_the_tags_say() {
    assert_pixels(&read("jpeg-rgb.tif"), 3.0, "jpeg-rgb", colour);
    assert_pixels(&read("jpeg-grey.tif"), 3.0, "jpeg-grey", grey);
    assert_pixels(&read("jpeg-ycbcr-tiles.tif"), 4.0, "tiles", colour);
    // 2×2 pixels share one colour, so the colours of a picture with gradients blend.
    assert_pixels(&read("jpeg-ycbcr-2x2.tif"), 16.0, "2x2", |x, y| {
        if x == 0 || y == 0 || x > 17 || y > 10 {
            read_as_is("jpeg-ycbcr-2x2.tif", x, y)
        } else {
            colour(x, y)
        }
    });
    assert_pixels(&read("pillow-jpeg.tif"), 16.0, "pillow", |x, y| {
        if x == 0 || y == 0 || x > 17 || y > 10 { read_as_is("pillow-jpeg.tif", x, y) } else { colour(x, y) }
    });
    assert_pixels(&read("ycbcr.tif"), 3.5, "ycbcr", colour); // written rounded down
}

/// Pixels that are not compared.
fn read_as_is(name: &str, x: usize, y: usize) -> [f32; 3] {
    read(name).rgb(x, y).map(|value| 255.0 * value)
}

#[test]
fn palettes_and_bits_are_read() {
    let of_column = |x: usize, _| [(16 * x % 256) as f32, 255.0 - x as f32, x as f32];
    assert_pixels(&read("palette.tif"), 0.0, "palette", of_column);
    assert!(matches!(read("palette.tif").pixels(), Pixels::U8(_)));
    let image = read("pillow-palette.tif");
    assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT));
    let bit = |x: usize, y: usize| if (x + y).is_multiple_of(3) { [255.0; 3] } else { [0.0; 3] };
    assert_pixels(&read("bits.tif"), 0.0, "bits", bit);
    assert_pixels(&read("group4.tif"), 0.0, "group4", bit);
}

/// Opacity `a` on white is `a c + 255 (1 - a)`; if the file says that it already holds `a c`, that is not
/// multiplied again.
#[test]
fn alpha_is_composited_as_the_file_says() {
    let over = |c: f32, y: usize| {
        let a = f32::from(alpha(y)) / 255.0;
        a * c + 255.0 * (1.0 - a)
    };
    for (name, tolerance) in [
        ("associated-8.tif", 0.51),
        ("associated-16.tif", 0.01),
        ("associated-f32.tif", 0.001),
        ("straight-8.tif", 0.51),
    ] {
        assert_pixels(&read(name), tolerance, name, |x, y| colour(x, y).map(|c| over(c, y)));
    }
    assert_pixels(&read("grey-alpha.tif"), 0.51, "grey", |x, y| grey(x, y).map(|c| over(c, y)));
    // If nothing is said about the fourth sample, it is opacity.
    let file = Tiff::rgb(8, 1, vec![10, 20, 30, 128]).with(277, 3, &[4]).with(258, 3, &[8, 8, 8, 8]).bytes();
    let image = Image::decode(&file, &ImageLimits::default()).unwrap();
    assert_eq!(image.pixels(), &Pixels::U8(vec![132, 137, 142]));
}

#[test]
fn what_is_not_read_is_named_with_the_way_out() {
    for (name, kind) in [
        ("int16.tif", "signed integers of 16 bits"),
        ("complex.tif", "complex numbers"),
        ("bands.tif", "5 bands"),
    ] {
        let message = refusal(&bytes(name));
        assert!(message.contains(kind) && message.contains("convert it to PNG"), "{name}: {message}");
    }
    let lab = Tiff::rgb(8, 1, vec![1, 2, 3]).with(262, 3, &[8]).bytes();
    assert!(refusal(&lab).contains("L*a*b*"), "{}", refusal(&lab));
    let old = Tiff::rgb(8, 1, vec![1, 2, 3]).with(259, 3, &[6]).bytes();
    assert!(refusal(&old).contains("JPEG compression of the old kind"), "{}", refusal(&old));
    let raw = Tiff::rgb(8, 1, vec![1, 2, 3]).with(50706, 1, &[1, 4, 0, 0]).bytes();
    assert!(refusal(&raw).contains("DNG"), "{}", refusal(&raw));
    let thumbnail = Tiff::rgb(8, 1, vec![1, 2, 3]).with(254, 4, &[1]).with(330, 4, &[8]).bytes();
    assert!(refusal(&thumbnail).contains("camera raw"), "{}", refusal(&thumbnail));
    let depths = Tiff::rgb(8, 1, vec![1, 2, 3]).with(258, 3, &[5, 6, 5]).bytes();
    assert!(refusal(&depths).contains("several depths"), "{}", refusal(&depths));
}

#[test]
fn floats_of_another_range_are_refused_unless_it_is_said() {
    let file = bytes("f32-255.tif");
    let message = refusal(&file);
    assert!(message.contains("from 0 at pixel (0, 0) to 254 at pixel (19, 11)"), "{message}");
    assert!(message.contains("--range"), "{message}");
    let options = |range: &str| ReadOptions { range: Some(range.parse().unwrap()), ..ReadOptions::default() };
    let image = Image::decode_with(&file, &options("0,255")).unwrap().image;
    assert_pixels(&image, 0.001, "0,255", colour);
    assert!(Image::decode_with(&file, &options("0,100")).is_err());
    // Integers may have a white level of their own too.
    let twelve = Tiff::rgb(16, 1, [0_u16, 2048, 4095].map(u16::to_le_bytes).concat()).bytes();
    let image = Image::decode_with(&twelve, &options("0,4096")).unwrap().image;
    assert_eq!(image.rgb(0, 0)[1], 0.5);
}

/// A value that no picture has stands for missing data, and one of them would spread over the whole map.
#[test]
fn values_that_stand_for_no_data_are_named_with_their_pixel() {
    for (value, shown) in
        [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (-3.4e38, "-3.4e38"), (f32::MIN, "-3.4"), (1e38, "1e38")]
    {
        let mut floats = [0.5_f32; 3 * 6];
        floats[3 * 4 + 1] = value;
        let data = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
        let file = Tiff::rgb(32, 6, data).with(339, 3, &[3, 3, 3]).bytes();
        let message = refusal(&file);
        assert!(message.contains("pixel (4, 0)") && message.contains(shown), "{value}: {message}");
        let range = ReadOptions { range: "-9999,1".parse().ok(), ..ReadOptions::default() };
        assert!(Image::decode_with(&file, &range).is_err(), "{value}");
    }
    let data: Vec<u8> = [0.5_f32, 0.5, -9999.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let file =
        Tiff::rgb(32, 1, data).with(339, 3, &[3, 3, 3]).with(42113, 2, b"-9999".map(u64::from).as_slice());
    let message = refusal(&file.bytes());
    assert!(
        message.contains("pixel (0, 0)") && message.contains("-9999") && message.contains("no data"),
        "{message}"
    );
}

/// Only the tag says that 32 bits are floats: without it they are unsigned integers.
#[test]
fn thirty_two_bits_without_a_word_are_unsigned_integers() {
    let data = [u32::MAX, u32::MAX / 2, 0].map(u32::to_le_bytes).concat();
    let image = Image::decode(&Tiff::rgb(32, 1, data).bytes(), &ImageLimits::default()).unwrap();
    let [r, g, b] = image.rgb(0, 0);
    assert_eq!((r, b), (1.0, 0.0));
    assert!((g - 0.5).abs() < 1e-6);
    // By the format, 8-bit numbers in 32 bits are black, which nobody intends.
    let data = [200_u32, 100, 0].map(u32::to_le_bytes).concat();
    let message = refusal(&Tiff::rgb(32, 1, data).bytes());
    assert!(message.contains("to 200 at pixel (0, 0)") && message.contains("--range"), "{message}");
}

#[test]
fn subsampled_colours_without_compression_are_read() {
    // A block of 2×2 lumas with its two differences; grey if those are 128.
    let data = vec![10, 20, 30, 40, 128, 128];
    let tiff =
        Tiff { width: 2, height: 2, tags: Vec::new(), data }.with(262, 3, &[6]).with(258, 3, &[8, 8, 8]);
    let tiff = tiff.with(277, 3, &[3]).with(530, 3, &[2, 2]);
    let image = Image::decode(&tiff.bytes(), &ImageLimits::default()).unwrap();
    let greys = [10, 20, 30, 40].into_iter().flat_map(|grey| [grey; 3]).collect();
    assert_eq!(image.pixels(), &Pixels::U8(greys));
}

#[test]
fn twelve_packed_bits_are_sixteen() {
    // 0xFFF, 0x800, 0x000 one after the other, and half a byte to fill the row.
    let tiff = Tiff::rgb(12, 1, vec![0xFF, 0xF8, 0x00, 0x00, 0x00]);
    let image = Image::decode(&tiff.bytes(), &ImageLimits::default()).unwrap();
    assert_eq!(image.pixels(), &Pixels::U16(vec![65535, 32776, 0]));
}

#[test]
fn cut_files_are_errors_and_damaged_ones_no_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/tiff");
    let limits = ImageLimits { max_pixels: 1 << 16, max_bytes: 1 << 20 };
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        let whole = Image::decode(&file, &limits).ok();
        for len in (0..file.len()).step_by(7) {
            if let Ok(image) = Image::decode(&file[..len], &limits) {
                assert_eq!(Some(image), whole, "{len} bytes");
            }
        }
        for bit in (0..file.len() * 8).step_by(5) {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(image) = Image::decode(&damaged, &limits) {
                assert!(image.width() * image.height() <= 1 << 16);
            }
        }
    }
}

#[test]
fn sizes_beyond_the_limits_are_refused_before_anything_is_read() {
    let file =
        Tiff { width: 60_000, height: 60_000, tags: Vec::new(), data: vec![0] }.with(262, 3, &[1]).bytes();
    let error = Image::decode(&file, &ImageLimits::default()).unwrap_err();
    assert!(matches!(error, Error::TooManyPixels { .. }), "{error}");
    let tiles = Tiff { width: 1, height: 1, tags: Vec::new(), data: vec![0] }.with(262, 3, &[1]);
    let tiles = tiles.with(322, 4, &[1 << 30]).with(323, 4, &[1 << 30]).with(324, 4, &[8]).with(325, 4, &[1]);
    assert!(matches!(
        Image::decode(&tiles.bytes(), &ImageLimits::default()),
        Err(Error::TooManyBytes { .. })
    ));
}

/// A file with its pixels first and its directory after them.
struct Tiff {
    width: u64,
    height: u64,
    tags: Vec<(u16, u16, Vec<u64>)>,
    data: Vec<u8>,
}

impl Tiff {
    /// One row of RGB.
    fn rgb(bits: u64, width: u64, data: Vec<u8>) -> Self {
        Self { width, height: 1, tags: Vec::new(), data }.with(258, 3, &[bits; 3]).with(262, 3, &[2]).with(
            277,
            3,
            &[3],
        )
    }

    /// Sets a tag of a type, replacing any tag with that number.
    fn with(mut self, tag: u16, kind: u16, values: &[u64]) -> Self {
        self.tags.retain(|(other, ..)| *other != tag);
        self.tags.push((tag, kind, values.to_vec()));
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        let length = self.data.len() as u64;
        for (tag, value) in [(256, self.width), (257, self.height), (273, 8), (279, length)] {
            self = self.with(tag, 4, &[value]);
        }
        self.tags.sort();
        let directory = 8 + self.data.len();
        let mut rest = [b"II*\0", &(directory as u32).to_le_bytes()[..], &self.data].concat();
        let mut behind = directory + 2 + 12 * self.tags.len() + 4;
        let mut values = Vec::new();
        rest.extend((self.tags.len() as u16).to_le_bytes());
        for (tag, kind, numbers) in &self.tags {
            let width = match kind {
                1 | 2 => 1,
                3 => 2,
                _ => 4,
            };
            let mut packed: Vec<u8> =
                numbers.iter().flat_map(|number| number.to_le_bytes()[..width].to_vec()).collect();
            rest.extend(tag.to_le_bytes());
            rest.extend(kind.to_le_bytes());
            rest.extend((numbers.len() as u32).to_le_bytes());
            if packed.len() <= 4 {
                packed.resize(4, 0);
                rest.extend(packed);
            } else {
                rest.extend((behind as u32).to_le_bytes());
                behind += packed.len();
                values.extend(packed);
            }
        }
        rest.extend([0; 4]);
        rest.extend(values);
        rest
    }
}
