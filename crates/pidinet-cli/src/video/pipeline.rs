//! From frames to frames, many at a time and in their order.
//!
//! A thread reads, some compute a frame each, and the caller's writes. What waits is bounded, so memory does not grow with
//! the length of a film.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use anyhow::Context;
use pidinet::video::Smoother;
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector};

use super::frame::Frame;
use super::look::Look;
use super::sink::{Form, Sink};
use super::source::{Frames, Next, Opened};
use super::turn::Turn;
use crate::finish::Finish;
use crate::ui;

/// Frames that wait before and after the work.
const QUEUE: usize = 4;

/// Pixels of the frames that are worked on at a time: more threads than that takes share frames.
const AT_ONCE: usize = 64_000_000;

/// What is done with each frame.
pub(super) struct Work {
    pub(super) model: Model,
    pub(super) options: DetectorOptions,
    /// If edges are to be smoothed.
    pub(super) smoother: Option<Smoother>,
    pub(super) finish: Finish,
    pub(super) look: Look,
}

/// Takes all frames, `first` and those that follow, through the work to the sink. Gives the reason if the film is cut
/// short.
pub(super) fn run(
    opened: Opened,
    first: Frame,
    work: Work,
    mut sink: Box<dyn Sink>,
) -> anyhow::Result<Option<String>> {
    let image = work.look.input(first.image()?);
    let crew = Crew::new(&work.model, &work.options, image.width() * image.height())?;
    let progress = ui::film(opened.film.total);
    let ending = opened.frames.ending();
    let (sender, frames) = sync_channel(QUEUE);
    let (done, results) = sync_channel(QUEUE);
    let shared = Arc::new(Shared {
        frames: Mutex::new((0, frames)),
        smoothing: work.smoother.map(|smoother| (Turn::default(), Mutex::new(smoother))),
        telling: Turn::default(),
        finish: work.finish,
        look: work.look,
        form: sink.form(),
    });
    // Threads are not waited for where something fails: they may wait for a film that never goes on.
    let reader = Builder::new().name("reader".to_owned()).spawn(move || read(opened.frames, first, &sender));
    reader.context("cannot start a thread")?;
    let mut begun = 0;
    for detector in crew.detectors {
        let (shared, done) = (Arc::clone(&shared), done.clone());
        let worker = Builder::new().spawn(move || shared.work(&detector, &done));
        match worker {
            Ok(_) => begun += 1,
            Err(error) if begun > 0 => log::debug!("working with {begun} threads: {error}"),
            Err(error) => return Err(error).context("cannot start a thread"),
        }
    }
    drop(done);
    let write = || {
        let mut cut = None;
        for result in results {
            match result? {
                Told::Frame(frame) => {
                    if !sink.write(frame)? {
                        break;
                    }
                    progress.inc(1);
                }
                Told::Cut(why) => cut = Some(why),
            }
        }
        Ok(cut)
    };
    let cut: anyhow::Result<Option<String>> = write();
    shared.end();
    ending();
    let cut = cut?;
    sink.finish()?;
    progress.finish_and_clear();
    Ok(cut)
}

/// What comes of a frame, or after the last one.
enum Told {
    Frame(Vec<u8>),
    Cut(String),
}

/// Sends frames to the workers, up to the end or a failure.
fn read(mut source: Box<dyn Frames>, first: Frame, sender: &SyncSender<anyhow::Result<Next>>) {
    let mut next = Ok(Next::Frame(first));
    loop {
        let is_last = !matches!(next, Ok(Next::Frame(_)));
        if sender.send(next).is_err() || is_last {
            return;
        }
        next = guarded(|| source.next());
    }
}

/// Does some work of a thread that nobody waits for. A panic in it is an error, or the others would wait for ever, or take
/// the film to be at its end.
fn guarded<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(anyhow::anyhow!("a fault in pidinet itself, told above: please report it, with the film"))
    })
}

/// The workers: each looks for edges in a frame of its own.
struct Crew {
    detectors: Vec<Arc<EdgeDetector>>,
}

impl Crew {
    /// For frames of so many pixels.
    fn new(model: &Model, options: &DetectorOptions, pixels: usize) -> anyhow::Result<Self> {
        let threads = pidinet::threads::count(options.threads);
        let detector = |threads: usize| {
            let options = DetectorOptions { threads: NonZeroUsize::new(threads), ..options.clone() };
            anyhow::Ok(Arc::new(EdgeDetector::new(model, &options)?))
        };
        let members = (AT_ONCE / pixels.max(1)).clamp(1, threads);
        if members == threads {
            return Ok(Self { detectors: vec![detector(1)?; members] });
        }
        let share = |member: usize| threads / members + usize::from(member < threads % members);
        let detectors = (0..members).map(|member| detector(share(member))).collect::<anyhow::Result<_>>()?;
        Ok(Self { detectors })
    }
}

/// What the workers share.
struct Shared {
    /// The number of the next frame, and where it comes from.
    frames: Mutex<(u64, Receiver<anyhow::Result<Next>>)>,
    smoothing: Option<(Turn, Mutex<Smoother>)>,
    telling: Turn,
    finish: Finish,
    look: Look,
    form: Form,
}

impl Shared {
    /// Works on frames as long as there are some.
    fn work(&self, detector: &EdgeDetector, done: &SyncSender<anyhow::Result<Told>>) {
        while let Some((number, next)) = self.next() {
            let told = match next {
                Ok(Next::Frame(frame)) => {
                    guarded(|| self.one(number, &frame, detector)).map(|frame| frame.map(Told::Frame))
                }
                Ok(Next::Cut(why)) => Ok(Some(Told::Cut(why))),
                Ok(Next::End) => Ok(None),
                Err(error) => Err(error),
            };
            let Some(told) = told.transpose() else { return };
            match self.telling.take(number, || done.send(told)) {
                Some(Ok(())) => {}
                _ => return,
            }
        }
    }

    /// The next frame, with its number.
    fn next(&self) -> Option<(u64, anyhow::Result<Next>)> {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let next = frames.1.recv().ok()?;
        frames.0 += 1;
        Some((frames.0 - 1, next))
    }

    /// The bytes of the output's frame; `None` if nobody wants them any more.
    fn one(&self, number: u64, frame: &Frame, detector: &EdgeDetector) -> anyhow::Result<Option<Vec<u8>>> {
        let image = self.look.input(frame.image()?);
        let mut edges = detector.detect(&image)?.edges;
        if let Some((turn, smoother)) = &self.smoothing {
            let smooth = || smoother.lock().unwrap_or_else(PoisonError::into_inner).smooth(&image, edges);
            match turn.take(number, smooth) {
                Some(smooth) => edges = smooth,
                None => return Ok(None),
            }
        }
        let picture = self.look.picture(&image, self.finish.apply(edges))?;
        Ok(Some(self.form.bytes(&picture)?))
    }

    /// Nobody waits for a turn any more.
    fn end(&self) {
        self.telling.end();
        if let Some((turn, _)) = &self.smoothing {
            turn.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use clap::Parser;
    use pidinet::Size;

    use super::*;
    use crate::video::frame::Kind;
    use crate::video::source::{Ending, Film};

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        finish: Finish,
    }

    /// Frames of which the fourth is a fault.
    struct Faulty(usize);

    impl Frames for Faulty {
        fn next(&mut self) -> anyhow::Result<Next> {
            self.0 += 1;
            assert!(self.0 < 4, "a fault, as it should be in this test");
            Ok(Next::Frame(black()))
        }

        fn ending(&self) -> Ending {
            Arc::new(|| {})
        }
    }

    fn black() -> Frame {
        Frame { bytes: vec![0; 3 * 64], kind: Kind::Rgb(Size::square(8)) }
    }

    /// Counts frames, and must not be finished.
    struct Counting(Arc<AtomicUsize>);

    impl Sink for Counting {
        fn form(&self) -> Form {
            Form::Rows(1)
        }

        fn write(&mut self, _: Vec<u8>) -> anyhow::Result<bool> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(true)
        }

        fn finish(self: Box<Self>) -> anyhow::Result<()> {
            panic!("a film with a fault is finished")
        }
    }

    #[test]
    fn a_fault_in_a_thread_is_no_end_of_a_film() {
        let film = Film {
            rate: "25".parse().unwrap(),
            aspect: (0, 0),
            matrix: None,
            total: None,
            is_live: false,
            rest: None,
        };
        let work = Work {
            model: pidinet::weights::Model::random(pidinet::arch::Arch::tiny(), 1),
            options: DetectorOptions { threads: NonZeroUsize::new(2), ..DetectorOptions::default() },
            smoother: None,
            finish: Arguments::parse_from(["video"]).finish,
            look: Look { max_side: None, side_by_side: false, overlay: None },
        };
        let written = Arc::new(AtomicUsize::new(0));
        let sink = Box::new(Counting(Arc::clone(&written)));
        let error = run(Opened { film, frames: Box::new(Faulty(0)) }, black(), work, sink).unwrap_err();
        assert!(error.to_string().contains("please report it"), "{error}");
        assert_eq!(written.load(Ordering::SeqCst), 4);
        assert!(guarded(|| -> anyhow::Result<()> { panic!("another fault, as it should be") }).is_err());
    }
}
