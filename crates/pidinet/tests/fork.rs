//! A process may fork at any time, as Python's `multiprocessing` and PyTorch's data loaders do: what was made
//! before works in the child too, where only the thread that forked goes on.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fork::{Fork, fork, waitpid_nohang};
use pidinet::arch::Arch;
use pidinet::arch::recognition::RecognitionArch;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::weights::{Model, RecognitionModel};
use pidinet::{Classifier, ClassifierOptions, DetectorOptions, EdgeDetector, Size};

/// A child has only the thread that forked, so nothing that it would wait for may be running in this process.
static TURN: Mutex<()> = Mutex::new(());

/// How a child ended.
#[derive(Debug, PartialEq)]
enum End {
    /// Its work returned true.
    Right,
    /// Its work returned false, or panicked.
    Wrong,
    /// It was still working after two minutes.
    Hung,
}

/// Does something in a forked process.
fn in_a_child(work: impl FnOnce() -> bool) -> End {
    let child = match fork().unwrap() {
        Fork::Child => {
            let right = catch_unwind(AssertUnwindSafe(work)).unwrap_or(false);
            std::process::exit(if right { 0 } else { 1 });
        }
        Fork::Parent(child) => child,
    };
    for _ in 0..12_000 {
        if let Some(status) = waitpid_nohang(child).unwrap() {
            return if status == 0 { End::Right } else { End::Wrong };
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Command::new("kill").args(["-KILL", &child.to_string()]).status().unwrap();
    End::Hung
}

/// A texture.
fn image(width: usize, height: usize) -> Image {
    let pixels: Vec<u8> = (0..width * height).map(|i| (i * i % 251) as u8).collect();
    Image::from_u8(&pixels, &PixelLayout::packed(Size { height, width }, PixelFormat::Grey)).unwrap()
}

fn detector(threads: usize) -> EdgeDetector {
    let options = DetectorOptions { threads: NonZeroUsize::new(threads), ..DetectorOptions::default() };
    EdgeDetector::new(&Model::random(Arch::tiny(), 1), &options).unwrap()
}

fn classifier(threads: usize) -> Classifier {
    let options = ClassifierOptions { threads: NonZeroUsize::new(threads), ..ClassifierOptions::default() };
    Classifier::new(
        &RecognitionModel::random(RecognitionArch { width: 8, ..RecognitionArch::small(10) }, 1),
        &options,
    )
    .unwrap()
}

#[test]
fn a_detector_works_after_a_fork() {
    let _turn = TURN.lock().unwrap();
    let image = image(160, 150);
    for threads in [1, 3] {
        let detector = detector(threads);
        let edges = detector.detect(&image).unwrap();
        let same = || detector.detect(&image).unwrap() == edges && detector.threads() == threads;
        let end = in_a_child(|| same() && same() && in_a_child(same) == End::Right);
        assert_eq!(end, End::Right, "{threads} threads");
        assert!(same(), "the parent goes on");
    }
}

#[test]
fn a_detector_that_never_ran_works_after_a_fork() {
    let _turn = TURN.lock().unwrap();
    let image = image(70, 140);
    let [here, there] = [detector(2), detector(2)];
    let end = in_a_child(|| {
        let edges = there.detect(&image).unwrap();
        drop(there); // which leaves the parent's threads alone
        edges == here.detect(&image).unwrap()
    });
    assert_eq!(end, End::Right);
}

#[test]
fn a_classifier_works_after_a_fork() {
    let _turn = TURN.lock().unwrap();
    let images: Vec<Image> = (20..28).map(|side| image(side, 40)).collect();
    for threads in [1, 3] {
        let classifier = classifier(threads);
        let found = classifier.classify_all(&images);
        let same =
            || classifier.classify_all(&images) == found && classifier.classify(&images[0]) == found[0];
        assert_eq!(in_a_child(same), End::Right, "{threads} threads");
        assert!(same(), "the parent goes on");
    }
}

/// Locks that other threads hold while the process forks stay locked forever in the child.
#[test]
fn a_fork_may_come_while_other_threads_detect() {
    let _turn = TURN.lock().unwrap();
    let (detector, image) = (detector(2), image(48, 40));
    let edges = detector.detect(&image).unwrap();
    let stop = AtomicBool::new(false);
    let ends = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(detector.detect(&image).unwrap(), edges);
                }
            });
        }
        let ends: Vec<End> =
            (0..20).map(|_| in_a_child(|| detector.detect(&image).unwrap() == edges)).collect();
        stop.store(true, Ordering::Relaxed);
        ends
    });
    assert!(ends.iter().all(|end| *end == End::Right), "{ends:?}");
}
