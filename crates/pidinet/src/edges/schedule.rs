//! When which rows are computed, and how many rows of each map are kept meanwhile.
//!
//! The network runs in streams: a strip of image rows goes in, and every step computes the rows whose
//! inputs are there. A map is a ring of as many rows as its readers still need, so the memory does not
//! grow with the height of the image, nothing is computed twice, and every row is computed by the same
//! operations in the same order whatever the height of the strips.
//!
//! Streams lie one below the other, and every other one goes upwards, so that two of them end where they
//! meet. A thread that keeps to its stream finds what it reads in its own cache, except for a few rows at the
//! border.

mod cut;
mod order;
mod play;
pub(crate) mod task;
#[cfg(test)]
mod tests;

use pidinet_kernels::rows::resize::Axis;

use crate::Size;
use crate::edges::plan::graph::{Id, Shape};
use crate::edges::plan::reads::Reads;
use play::Play;
use task::{Pace, Resize, Ring, Task};

/// The schedule for one size of image.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Size of each map.
    pub(crate) sizes: Vec<Size>,
    /// Where the rows of each map are kept.
    pub(crate) rings: Vec<Ring>,
    /// For each stream, which rows of which map to compute, in order.
    pub(crate) streams: Vec<Vec<Task>>,
    /// For each map that a step reads resized, where its pixels come from.
    pub(crate) resizes: Vec<Vec<Resize>>,
    /// Whether steps that want bands get them.
    pub(crate) bands: bool,
}

impl Schedule {
    /// The schedule of an image of this size; the maps in `keep` stay whole.
    pub(crate) fn new(shapes: &[Shape], steps: &[Reads], keep: &[Id], image: Size, pace: Pace) -> Self {
        assert!(pace.strip.min(pace.pass).min(pace.task).min(pace.streams) > 0, "{pace:?} would never end");
        let sizes: Vec<Size> = shapes
            .iter()
            .map(|shape| Size { height: image.height >> shape.level, width: image.width >> shape.level })
            .collect();
        let resizes: Vec<Vec<Resize>> =
            steps.iter().zip(&sizes).map(|(step, &to)| cut::resizes(step, &sizes, to)).collect();
        let streams = cut::streams(shapes, steps, image.height, pace);
        let readers = cut::readers(steps);
        let play = Play { steps, sizes: &sizes, resizes: &resizes, streams: &streams, readers };
        let (mut tasks, capacities) = play.tasks(&cut::stages(shapes, steps), pace);
        let ring = |(id, capacity): (Id, usize)| {
            let height = sizes[id].height;
            if keep.contains(&id) || pace.streams * capacity >= height {
                Ring { starts: vec![0], capacity: height }
            } else {
                Ring { starts: streams[id].iter().map(|rows| rows.start).collect(), capacity }
            }
        };
        let rings: Vec<Ring> = capacities.into_iter().enumerate().map(ring).collect();
        order::order(&mut tasks, &rings, pace.streams);
        let mut streams = vec![Vec::new(); pace.streams];
        tasks.into_iter().for_each(|(stream, task)| streams[stream].push(task));
        Self { sizes, rings, streams, resizes, bands: pace.bands }
    }

    /// Treats the image as the columns from `start` on of a wider one, and resizes maps as in that one.
    pub(crate) fn take_columns(&mut self, shapes: &[Shape], steps: &[Reads], width: usize, start: usize) {
        for (id, (step, resizes)) in steps.iter().zip(&mut self.resizes).enumerate() {
            for (input, resize) in cut::resized(step).zip(resizes) {
                let part = |id: usize| {
                    let start = start >> shapes[id].level;
                    start..start + self.sizes[id].width
                };
                let whole = |id: usize| width >> shapes[id].level;
                resize.columns = Axis::part(whole(input), whole(id), part(input), part(id));
            }
        }
    }
}
