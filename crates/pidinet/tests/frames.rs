//! Maps in the caller's memory: the same values, and nothing large allocated for a frame. Alone in a process,
//! whose allocator keeps count.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use pidinet::arch::Arch;
use pidinet::edges::Precision;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector, Error, Isa, Size};

/// The system's allocator, with the size of the largest piece that was asked for.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// One test at a time: the count is for the whole process.
static TURN: Mutex<()> = Mutex::new(());

// SAFETY: every call is passed unchanged to the system's allocator.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps to the rules of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Pixels that change from frame to frame.
fn frame(width: usize, height: usize, number: usize) -> Vec<u8> {
    (0..3 * width * height).map(|i| ((i * i + 7 * number) % 253) as u8).collect()
}

fn image(width: usize, height: usize) -> Image {
    let layout = PixelLayout::packed(Size { height, width }, PixelFormat::Rgb);
    Image::from_u8(&frame(width, height, 0), &layout).unwrap()
}

fn detector(threads: usize, options: DetectorOptions) -> EdgeDetector {
    let options = DetectorOptions { threads: NonZeroUsize::new(threads), ..options };
    EdgeDetector::new(&Model::random(Arch::tiny(), 1), &options).unwrap()
}

/// What is between rows.
const GAP: (f32, u8) = (7.0, 199);

/// Both forms of a map, in memory with gaps, against the result of `detect`.
fn agrees(detector: &EdgeDetector, image: &Image, gap: usize) {
    let edges = detector.detect(image).unwrap().edges;
    let (width, height) = (image.width(), image.height());
    let stride = width + gap;
    // The last row has no gap.
    let mut floats = vec![GAP.0; stride * height - gap];
    let mut bytes = vec![GAP.1; stride * height - gap];
    detector.detect_into(image, &mut floats, stride).unwrap();
    detector.detect_into_u8(image, &mut bytes, stride).unwrap();
    let eight = edges.to_u8();
    for y in 0..height {
        let (floats, bytes) = (floats[y * stride..].iter(), bytes[y * stride..].iter());
        assert!(floats.take(width).eq(edges.row(y)), "row {y} of {width}x{height}");
        assert!(bytes.take(width).eq(&eight[y * width..][..width]), "row {y} of {width}x{height}");
    }
    for (at, (&float, &byte)) in floats.iter().zip(&bytes).enumerate() {
        assert!(at % stride < width || (float, byte) == GAP, "what lies between rows is left alone");
    }
}

#[test]
fn maps_in_ones_own_memory_are_those_of_detect() {
    let _turn = TURN.lock().unwrap();
    let plain = DetectorOptions::default;
    let kinds = [
        plain(),
        DetectorOptions { sides: true, ..plain() },
        DetectorOptions { scales: vec![0.5, 1.0], ..plain() },
        DetectorOptions { precision: Precision::Bf16, ..plain() },
        DetectorOptions { isa: Isa::named("portable").ok(), ..plain() },
    ];
    for options in kinds {
        for threads in [1, 3] {
            let detector = detector(threads, options.clone());
            for (width, height, gap) in [(97, 141, 0), (97, 141, 31), (5, 9, 3), (1, 1, 0), (64, 8, 64)] {
                agrees(&detector, &image(width, height), gap);
            }
        }
    }
}

#[test]
fn a_loop_over_frames_allocates_nothing_of_the_size_of_a_map() {
    let _turn = TURN.lock().unwrap();
    let (width, height) = (320, 240);
    let layout = PixelLayout::packed(Size { height, width }, PixelFormat::Bgr);
    let frames: Vec<Vec<u8>> = (0..10).map(|number| frame(width, height, number)).collect();
    for threads in [1, 2] {
        let detector = detector(threads, DetectorOptions::default());
        let mut picture = image(width, height);
        let (mut floats, mut bytes) = (vec![0.0; width * height], vec![0; width * height]);
        detector.detect_into(&picture, &mut floats, width).unwrap();
        detector.detect_into_u8(&picture, &mut bytes, width).unwrap();
        LARGEST.store(0, Ordering::Relaxed);
        for frame in &frames {
            picture.set_u8(frame, &layout).unwrap();
            detector.detect_into(&picture, &mut floats, width).unwrap();
            detector.detect_into_u8(&picture, &mut bytes, width).unwrap();
        }
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(largest > 0, "the allocator is watched");
        assert!(largest < width * height, "{largest} bytes at once with {threads} threads");
        assert_eq!(bytes, detector.detect(&picture).unwrap().edges.to_u8());
    }
}

#[test]
fn memory_without_room_for_the_map_is_refused() {
    let _turn = TURN.lock().unwrap();
    let (detector, image) = (detector(1, DetectorOptions::default()), image(20, 10));
    let mut bytes = vec![GAP.1; 200];
    assert!(matches!(
        detector.detect_into_u8(&image, &mut bytes[..199], 20),
        Err(Error::ShortPixels { found: 199, expected: 200, .. })
    ));
    for stride in [0, 19] {
        let error = detector.detect_into_u8(&image, &mut bytes, stride).unwrap_err();
        assert!(matches!(error, Error::RowStride { .. }), "{error}");
    }
    assert!(detector.detect_into(&image, &mut [0.0; 199], 20).is_err());
    assert!(detector.detect_into(&image, &mut [0.0; 200], usize::MAX).is_err());
    assert!(bytes.iter().all(|&byte| byte == GAP.1), "nothing was written");
}

#[test]
fn an_image_takes_other_pixels() {
    let _turn = TURN.lock().unwrap();
    let mut image = image(6, 5);
    let before = image.clone();
    let layout = PixelLayout::packed(Size { height: 2, width: 3 }, PixelFormat::Bgra);
    let pixels: Vec<u8> = (0..24).collect();
    assert!(image.set_u8(&pixels[..23], &layout).is_err());
    assert_eq!(image, before);
    image.set_u8(&pixels, &layout).unwrap();
    assert_eq!(image, Image::from_u8(&pixels, &layout).unwrap());
    let floats = PixelLayout::packed(Size::square(1), PixelFormat::Grey);
    let mut image = Image::from_f32(&[0.5], &floats).unwrap();
    image.set_u8(&pixels, &layout).unwrap();
    assert_eq!(image, Image::from_u8(&pixels, &layout).unwrap());
}
