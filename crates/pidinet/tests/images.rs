//! Image files as other programs write them, and as nobody should: every format, orientation, alpha and
//! depth, truncation, damage, absurd sizes.
//!
//! The files in `images/` were written by Pillow (`tools/image_fixtures.py`); the others are made here.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ExtendedColorType, ImageBuffer, ImageEncoder, ImageFormat, Rgb32FImage};
use pidinet::Error;
use pidinet::image::{Image, ImageLimits, Pixels};

#[path = "images/target.rs"]
mod target;

const LIMITS: ImageLimits = ImageLimits { max_pixels: 512_000_000, max_bytes: 4 << 30 };

/// Few enough pixels that a damaged header cannot make a test slow.
const SMALL: ImageLimits = ImageLimits { max_pixels: 1 << 16, max_bytes: 1 << 20 };

const WIDTH: usize = 24;
const HEIGHT: usize = 16;

/// The picture in the files: blocks of 8×8 pixels.
const BLOCKS: [[[u8; 3]; 3]; 2] = [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255; 3], [0; 3], [128; 3]]];

fn picture() -> Vec<u8> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| BLOCKS[y / 8][x / 8])).collect()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images").join(name)).unwrap()
}

/// The picture as the `image` crate writes it.
fn written(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let buffer = image::RgbImage::from_raw(WIDTH as u32, HEIGHT as u32, picture()).unwrap();
    DynamicImage::from(buffer).write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// All kinds of files, by name.
fn files() -> BTreeMap<&'static str, Vec<u8>> {
    let fixtures = [
        "rgb.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "grey.jpg",
        "restarts.jpg",
        "orientation.jpg",
        "orientation-6.png",
        "orientation-6.webp",
        "orientation-6.tif",
        "lossy.webp",
        "palette.png",
        "palette-black-transparent.png",
        "bit.png",
        "bit.pbm",
        "cmyk.tif",
        "deflate.tif",
        "palette.bmp",
    ];
    let mut files: BTreeMap<_, _> = fixtures.map(|name| (name, fixture(name))).into();
    files.insert("written.png", written(ImageFormat::Png));
    files.insert("written.webp", written(ImageFormat::WebP));
    files.insert("written.bmp", written(ImageFormat::Bmp));
    files.insert("written.tif", written(ImageFormat::Tiff));
    files.insert("written.ppm", written(ImageFormat::Pnm));
    files
}

/// Asserts that no sample of `got`, 8 bits, is farther than `tolerance` from `want`.
fn assert_close(got: &Image, want: &[u8], tolerance: u8, what: &str) {
    let Pixels::U8(data) = got.pixels() else { panic!("{what}: not 8 bits") };
    assert_eq!(data.len(), want.len(), "{what}");
    let worst = data.iter().zip(want).map(|(got, want)| got.abs_diff(*want)).max().unwrap();
    assert!(worst <= tolerance, "{what}: off by {worst}");
}

#[test]
fn every_kind_of_file_is_read() {
    let grey = |[r, g, b]: [u8; 3]| {
        // ITU-R 601-2, as Pillow converts.
        [(f64::from(r) * 0.299 + f64::from(g) * 0.587 + f64::from(b) * 0.114).round() as u8; 3]
    };
    let picture = picture();
    let (pixels, _) = picture.as_chunks::<3>();
    for (name, tolerance) in [
        ("rgb.jpg", 2), // JPEG rounds to YCbCr
        ("progressive.jpg", 2),
        ("restarts.jpg", 2),
        ("orientation.jpg", 2),
        ("cmyk.jpg", 1),
        ("palette.png", 0),
        ("cmyk.tif", 0),
        ("deflate.tif", 0),
        ("palette.bmp", 0),
        ("written.png", 0),
        ("written.webp", 0),
        ("written.bmp", 0),
        ("written.tif", 0),
        ("written.ppm", 0),
    ] {
        let image = Image::decode(&files()[name], &LIMITS).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT), "{name}");
        assert_close(&image, &picture, tolerance, name);
    }
    // Colours are kept for 2×2 pixels and blend where blocks meet: compare their middles.
    let lossy = Image::decode(&fixture("lossy.webp"), &LIMITS).unwrap();
    for (row, column) in (0..6).map(|block| (block / 3, block % 3)) {
        let got = lossy.rgb(8 * column + 4, 8 * row + 4).map(|value| (255.0 * value).round());
        let off = got.iter().zip(BLOCKS[row][column]).map(|(got, want)| (got - f32::from(want)).abs());
        assert!(off.fold(0.0, f32::max) <= 8.0, "lossy.webp: {got:?} for {:?}", BLOCKS[row][column]);
    }
    let greys: Vec<u8> = pixels.iter().flat_map(|&pixel| grey(pixel)).collect();
    assert_close(&Image::decode(&fixture("grey.jpg"), &LIMITS).unwrap(), &greys, 1, "grey.jpg");
    let bits: Vec<u8> = greys.iter().map(|&grey| if grey >= 128 { 255 } else { 0 }).collect();
    for name in ["bit.png", "bit.pbm"] {
        assert_close(&Image::decode(&fixture(name), &LIMITS).unwrap(), &bits, 0, name);
    }
}

#[test]
fn transparent_pixels_are_white() {
    let file = fixture("palette-black-transparent.png");
    let want: Vec<u8> = picture()
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&pixel| if pixel == [0; 3] { [255; 3] } else { pixel })
        .collect();
    assert_close(&Image::decode(&file, &LIMITS).unwrap(), &want, 0, "palette");

    let rgba = [10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 128];
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let mut file = Cursor::new(Vec::new());
        image::write_buffer_with_format(&mut file, &rgba, 3, 1, ExtendedColorType::Rgba8, format).unwrap();
        let image = Image::decode(file.get_ref(), &LIMITS).unwrap();
        assert_close(&image, &[10, 20, 30, 255, 255, 255, 127, 177, 227], 0, &format!("{format:?}"));
    }
    let mut file = Cursor::new(Vec::new());
    let grey = [0u16, 0x8000, 0x1234, 0xFFFF];
    let bytes: Vec<u8> = grey.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    image::codecs::png::PngEncoder::new(&mut file)
        .write_image(&bytes, 2, 1, ExtendedColorType::La16)
        .unwrap();
    let image = Image::decode(file.get_ref(), &LIMITS).unwrap();
    assert_eq!(image.pixels(), &Pixels::U16(vec![0x7FFF, 0x7FFF, 0x7FFF, 0x1234, 0x1234, 0x1234]));
}

#[test]
fn depth_is_kept() {
    let samples: Vec<u16> = (0..18).map(|i| 257 * i + 3).collect();
    let buffer = ImageBuffer::<image::Rgb<u16>, _>::from_raw(3, 2, samples.clone()).unwrap();
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Pnm] {
        let mut file = Cursor::new(Vec::new());
        DynamicImage::from(buffer.clone()).write_to(&mut file, format).unwrap();
        let image = Image::decode(file.get_ref(), &LIMITS).unwrap();
        assert_eq!(image.pixels(), &Pixels::U16(samples.clone()), "{format:?}");
    }
    let floats = vec![0.0, 0.25, 1.0, 1e-20, 0.5, 0.7];
    let mut file = Cursor::new(Vec::new());
    let buffer = Rgb32FImage::from_raw(2, 1, floats.clone()).unwrap();
    DynamicImage::from(buffer).write_to(&mut file, ImageFormat::Tiff).unwrap();
    assert_eq!(Image::decode(file.get_ref(), &LIMITS).unwrap().pixels(), &Pixels::F32(floats));
    let nan = Rgb32FImage::from_raw(1, 1, vec![0.0, f32::NAN, 0.0]).unwrap();
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(nan).write_to(&mut file, ImageFormat::Tiff).unwrap();
    assert!(matches!(Image::decode(file.get_ref(), &LIMITS), Err(Error::PixelNotANumber { x: 0, y: 0, .. })));
}

#[test]
fn a_scale_other_than_255_fills_the_range() {
    let image = Image::decode(b"P2 3 1 100\n0 50 100\n", &LIMITS).unwrap();
    assert_close(&image, &[0, 0, 0, 128, 128, 128, 255, 255, 255], 0, "maximum 100");
}

/// The file says 1; its orientation is changed to each of the eight.
#[test]
fn images_are_upright() {
    let file = fixture("orientation.jpg");
    // The directory entry: tag 0x0112, type 3 (short), one value, in either byte order.
    let entry = [[1, 0x12, 0, 3, 0, 0, 0, 1, 0, 1], [0x12, 1, 3, 0, 1, 0, 0, 0, 1, 0]];
    let (at, entry) = file
        .windows(10)
        .enumerate()
        .find_map(|(at, bytes)| entry.iter().find(|&&entry| bytes == entry).map(|entry| (at, entry)))
        .unwrap();
    let value = at + 8 + usize::from(entry[0] == 1);
    let block = |column: usize, row: usize| BLOCKS[row][column];
    for orientation in 1..=8u8 {
        let mut file = file.clone();
        file[value] = orientation;
        let image = Image::decode(&file, &LIMITS).unwrap();
        let turned = orientation > 4;
        let size = if turned { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
        assert_eq!((image.width(), image.height()), size, "orientation {orientation}");
        // Where the EXIF standard says that the file's first row and column lie.
        let source = |x: usize, y: usize| match orientation {
            1 => (x, y),
            2 => (2 - x, y),
            3 => (2 - x, 1 - y),
            4 => (x, 1 - y),
            5 => (y, x),
            6 => (y, 1 - x),
            7 => (2 - y, 1 - x),
            _ => (2 - y, x),
        };
        let want: Vec<u8> = (0..size.1)
            .flat_map(|y| (0..size.0).map(move |x| (x / 8, y / 8)))
            .map(|(x, y)| source(x, y))
            .flat_map(|(column, row)| block(column, row))
            .collect();
        assert_close(&image, &want, 2, &format!("orientation {orientation}"));
    }
    for name in ["orientation-6.png", "orientation-6.webp", "orientation-6.tif"] {
        let image = Image::decode(&fixture(name), &LIMITS).unwrap();
        assert_eq!((image.width(), image.height()), (HEIGHT, WIDTH), "{name}");
        assert_eq!(image.rgb(0, 0), [1.0; 3], "{name}: white lies at the upper left");
        assert_eq!(image.rgb(15, 0), [1.0, 0.0, 0.0], "{name}: red lies at the upper right");
    }
}

#[test]
fn one_pixel_is_an_image() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
    ] {
        let mut file = Cursor::new(Vec::new());
        let buffer = image::RgbImage::from_raw(1, 1, vec![200, 200, 200]).unwrap();
        DynamicImage::from(buffer).write_to(&mut file, format).unwrap();
        let image = Image::decode(file.get_ref(), &LIMITS).unwrap();
        assert_eq!((image.width(), image.height()), (1, 1));
        assert_close(&image, &[200; 3], 2, &format!("{format:?}"));
    }
}

/// A file that is cut off is an error; or the same image, if no pixels are missing.
#[test]
fn truncated_files_are_errors() {
    for (name, file) in files() {
        let whole = Image::decode(&file, &LIMITS).unwrap();
        let mut complete = 0;
        for point in 0..200 {
            let len = file.len() * point / 200;
            match Image::decode(&file[..len], &LIMITS) {
                Ok(image) => {
                    assert_eq!(image, whole, "{name}, {len} of {} bytes", file.len());
                    complete += 1;
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        // Metadata and end markers that follow the pixels; never much of the file, except in Pillow's
        // TIFF of flat colours, which is mostly a directory.
        assert!(complete < 40, "{name}: {complete} of 200 truncations went unnoticed");
    }
}

/// Damage gives an error or other pixels, never a panic and never more pixels than the limit.
#[test]
fn damaged_files_do_no_harm() {
    for (name, file) in files() {
        for bit in (0..file.len() * 8).step_by(3) {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(image) = Image::decode(&damaged, &SMALL) {
                let pixels = image.width() as u64 * image.height() as u64;
                assert!((1..=SMALL.max_pixels).contains(&pixels), "{name}, bit {bit}");
            }
        }
    }
}

/// All inputs that the fuzzer begins with, and those that once failed.
#[test]
fn the_fuzzing_target_takes_every_file() {
    files().values().for_each(|file| target::image(file));
    let regressions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions/image");
    for file in std::fs::read_dir(regressions).into_iter().flatten() {
        target::image(&std::fs::read(file.unwrap().path()).unwrap());
    }
}

/// Headers that promise up to 2³² pixels a side, with no pixels behind them.
#[test]
fn absurd_sizes_are_refused_by_the_limit() {
    let mut png = written(ImageFormat::Png);
    png[16..24].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]);
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    let mut jpeg = fixture("rgb.jpg");
    let frame = jpeg.windows(2).position(|bytes| bytes == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    let mut bmp = written(ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0]);
    let mut webp = fixture("orientation-6.webp");
    assert_eq!(&webp[12..16], b"VP8X");
    webp[24..30].fill(0xFF);
    let pnm = b"P6\n4294967295 4294967295\n255\nxxx".to_vec();
    for (name, file) in [("PNG", png), ("JPEG", jpeg), ("BMP", bmp), ("WebP", webp), ("PNM", pnm)] {
        let error = Image::decode(&file, &LIMITS).expect_err(name);
        match &error {
            Error::TooManyPixels { max_pixels, .. } => assert_eq!(*max_pixels, LIMITS.max_pixels, "{name}"),
            // The decoder refuses sizes that cannot be addressed before it reports them.
            Error::ImageMemory { .. } => assert_eq!(name, "PNG"),
            // A canvas must agree with the picture in it, and a size must fit in memory, which is checked
            // first.
            Error::DecodeImage { .. } => assert!(["WebP", "PNM"].contains(&name)),
            other => panic!("{name}: {other}"),
        }
        let text = error.to_string();
        let damaged = matches!(error, Error::DecodeImage { .. });
        assert!(damaged || text.contains("--max-pixels"), "{name}: {text}");
    }
}

#[test]
fn the_pixel_limit_is_exact() {
    let file = written(ImageFormat::Png);
    let pixels = (WIDTH * HEIGHT) as u64;
    let read = |max_pixels, max_bytes| Image::decode(&file, &ImageLimits { max_pixels, max_bytes });
    assert!(read(pixels, 3 * pixels).is_ok());
    assert!(matches!(read(pixels - 1, 3 * pixels), Err(Error::TooManyPixels { .. })));
    assert!(matches!(read(pixels, 3 * pixels - 1), Err(Error::TooManyBytes { .. })));
}

/// 400 million pixels are announced, and a few bytes follow.
#[test]
fn a_large_header_alone_is_cut_short() {
    let mut png = written(ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x4E, 0x20, 0, 0, 0x4E, 0x20]);
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    assert!(Image::decode(&png, &LIMITS).is_err());
    assert!(Image::decode(b"P6\n20000 20000\n255\nxxx", &LIMITS).is_err());
}

/// A profile of 300 MB that takes 300 KB in the file.
#[test]
fn a_compressed_profile_cannot_fill_the_memory() {
    let profile = flate(300 << 20);
    assert!(profile.len() < 1 << 20);
    let mut chunk = b"iCCPbomb\0\0".to_vec();
    chunk.extend(profile);
    let png = written(ImageFormat::Png);
    let mut file = png[..33].to_vec();
    file.extend(((chunk.len() - 4) as u32).to_be_bytes());
    file.extend(&chunk);
    file.extend(crc32(&chunk).to_be_bytes());
    file.extend(&png[33..]);
    let before = peak_memory();
    match Image::decode(&file, &LIMITS) {
        Ok(image) => assert_close(&image, &picture(), 0, "the profile is ignored"),
        Err(error) => assert!(matches!(error, Error::ImageMemory { .. }), "{error}"),
    }
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 200 << 20, "{} MiB more", (after - before) >> 20);
    }
}

#[test]
fn what_is_no_image_is_said() {
    let error = |file: &[u8]| Image::decode(file, &LIMITS).unwrap_err().to_string();
    assert_eq!(
        error(b"hello, world, this is a text"),
        "not an image: expected PNG, JPEG, WebP, GIF, BMP, TIFF or PNM"
    );
    assert!(error(b"").contains("empty file"), "{}", error(b""));
}

#[test]
fn messages_of_files_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Image::open(folder.path().join("none.png"), &LIMITS).unwrap_err();
    assert!(matches!(&missing, Error::Read { path, .. } if path.ends_with("none.png")), "{missing}");
    assert!(matches!(Image::open(folder.path(), &LIMITS), Err(Error::Read { .. })));
    let path = folder.path().join("broken.jpg");
    std::fs::write(&path, b"\xFF\xD8\xFF").unwrap();
    let broken = Image::open(&path, &LIMITS).unwrap_err();
    assert!(matches!(&broken, Error::ImageFile { path, .. } if path.ends_with("broken.jpg")), "{broken}");
    std::fs::write(&path, fixture("rgb.jpg")).unwrap();
    assert!(Image::open(&path, &LIMITS).is_ok());
}

/// The checksum of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (0u32.wrapping_sub(crc & 1))))
    })
}

/// `len` zeros as a zlib stream, taken from a PNG file of them.
fn flate(len: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = (1 << 14, (len >> 14) as u32);
    let zeros = vec![0; len];
    image::codecs::png::PngEncoder::new_with_quality(
        &mut file,
        image::codecs::png::CompressionType::Best,
        image::codecs::png::FilterType::NoFilter,
    )
    .write_image(&zeros, width, height, ExtendedColorType::L8)
    .unwrap();
    let mut stream = Vec::new();
    let mut rest = &file[8..];
    while rest.len() >= 12 {
        let len = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        if &rest[4..8] == b"IDAT" {
            stream.extend_from_slice(&rest[8..8 + len]);
        }
        rest = &rest[12 + len..];
    }
    stream
}

/// The peak memory of this process, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
