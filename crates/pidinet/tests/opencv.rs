//! Resizing against OpenCV: `images/opencv-resize.bin`, which `tools/opencv_resize.py` wrote with OpenCV 4.14.

#![expect(clippy::unwrap_used, reason = "a test")]

use pidinet::image::{Image, Interpolation, PixelFormat, PixelLayout, Pixels, Resize};
use pidinet::{Error, Size};

const CASES: &[u8] = include_bytes!("images/opencv-resize.bin");

/// What OpenCV made of an image.
struct Case {
    resize: Resize,
    image: Vec<u8>,
    eight: Vec<u8>,
    /// In sixteenths; none for three channels.
    floats: Vec<i16>,
}

/// The cases of the file; its script says how it is laid out.
fn cases() -> Vec<Case> {
    let mut rest = CASES;
    let mut cases = Vec::new();
    while !rest.is_empty() {
        let mut take = |len: usize| rest.split_off(..len).unwrap();
        let name = String::from_utf8(take(8).to_vec()).unwrap();
        let numbers: Vec<usize> = take(10)
            .chunks(2)
            .map(|number| usize::from(u16::from_le_bytes(number.try_into().unwrap())))
            .collect();
        let [from_width, from_height, width, height, channels] = numbers[..] else { unreachable!() };
        let (from, to) = (Size { height: from_height, width: from_width }, Size { height, width });
        let interpolation = name.trim_end_matches('\0').parse().unwrap();
        let resize = Resize { from, to, channels, interpolation };
        let eight = take(width * height * channels).to_vec();
        let floats = if channels == 1 { take(2 * width * height) } else { &[] };
        let floats = floats.chunks(2).map(|value| i16::from_le_bytes(value.try_into().unwrap())).collect();
        let sample = |i: usize| {
            let value = (i * i * 31 + i * 17) % 256;
            if channels == 3 { 255 * u8::from(value > 127) } else { value as u8 }
        };
        let image = (0..from_width * from_height * channels).map(sample).collect();
        cases.push(Case { resize, image, eight, floats });
    }
    cases
}

#[test]
fn bytes_are_those_of_opencv() {
    let cases = cases();
    for interpolation in Interpolation::ALL {
        let count = cases.iter().filter(|case| case.resize.interpolation == interpolation).count();
        assert_eq!(count, 22, "{interpolation}");
    }
    for Case { resize, image, eight, .. } in cases {
        let mut found = vec![0; eight.len()];
        resize.u8(&image, &mut found).unwrap();
        let furthest = found.iter().zip(&eight).map(|(a, b)| a.abs_diff(*b)).max();
        // Of cubic kernels, OpenCV's own results depend on its vectors.
        let most = u8::from(resize.interpolation == Interpolation::Cubic);
        assert!(furthest <= Some(most), "{resize:?}: {furthest:?}");
    }
}

#[test]
fn floats_are_those_of_opencv() {
    for Case { resize, image, floats, .. } in cases() {
        let image: Vec<f32> = image.into_iter().map(f32::from).collect();
        let mut found = vec![0.0; resize.to.pixels() * resize.channels];
        resize.f32(&image, &mut found).unwrap();
        for (found, sixteenths) in found.iter().zip(floats) {
            // OpenCV's values are stored to within 1/32; its weights are floats, whose sums are off by 1e-5
            // of 255.
            let difference = (found - f32::from(sixteenths) / 16.0).abs();
            assert!(difference < 1.0 / 32.0 + 3e-3, "{resize:?}: {difference}");
        }
    }
}

#[test]
fn pictures_keep_their_depth() {
    for Case { resize, image, eight, .. } in cases().into_iter().filter(|case| case.resize.channels == 3) {
        let Size { height, width } = resize.from;
        let layout = PixelLayout::packed(Size { height, width }, PixelFormat::Rgb);
        let picture = Image::from_u8(&image, &layout).unwrap();
        let found = picture.resized_as_opencv(resize.to, resize.interpolation).unwrap();
        assert_eq!(found.size(), resize.to);
        let Pixels::U8(data) = found.pixels() else { panic!("8 bits") };
        assert!(data.iter().zip(&eight).all(|(a, b)| a.abs_diff(*b) <= 1), "{resize:?}");

        let deep: Vec<u16> = image.iter().map(|&value| u16::from(value) * 257).collect();
        let picture = Image::from_u16(&deep, &layout).unwrap();
        let found = picture.resized_as_opencv(resize.to, resize.interpolation).unwrap();
        let Pixels::U16(data) = found.pixels() else { panic!("16 bits") };
        assert!(
            data.iter().zip(&eight).all(|(a, b)| a.abs_diff(u16::from(*b) * 257) <= 2 * 257),
            "{resize:?}"
        );
    }
}

#[test]
fn the_same_size_is_the_same_image() {
    let size = Size { height: 4, width: 5 };
    let image: Vec<u8> = (0..60).map(|i| i * 4).collect();
    for interpolation in Interpolation::ALL {
        let resize = Resize { from: size, to: size, channels: 3, interpolation };
        let mut same = vec![0; 60];
        resize.u8(&image, &mut same).unwrap();
        assert_eq!(same, image, "{interpolation}");
        assert_eq!(interpolation.name().parse(), Ok(interpolation));
    }
    assert!("nearest".parse::<Interpolation>().unwrap_err().to_string().contains("lanczos4"));
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let resize = Resize {
        from: Size { height: 2, width: 3 },
        to: Size::square(2),
        channels: 1,
        interpolation: Interpolation::Linear,
    };
    let mut dst = [0; 4];
    let error = resize.u8(&[0; 5], &mut dst).unwrap_err();
    assert!(matches!(error, Error::Samples { found: 5, expected: 6, .. }), "{error}");
    assert!(resize.u8(&[0; 6], &mut dst[..3]).is_err());
    assert!(Resize { to: Size { height: 2, width: 0 }, ..resize }.u8(&[0; 6], &mut []).is_err());
    assert!(Resize { channels: 0, ..resize }.u8(&[], &mut []).is_err());
    assert!(Resize { from: Size { height: 2, width: usize::MAX }, ..resize }.u8(&[0; 6], &mut dst).is_err());
    let layout = PixelLayout::packed(Size { height: 2, width: 3 }, PixelFormat::Grey);
    let image = Image::from_u8(&[0; 6], &layout).unwrap();
    assert!(image.resized_as_opencv(Size { height: 3, width: 0 }, Interpolation::Area).is_err());
    assert!(image.resized_as_opencv(Size { height: 3, width: usize::MAX }, Interpolation::Area).is_err());
}
