//! When which rows are computed, and how many rows of each map are kept meanwhile.
//!
//! The network runs as a stream: a strip of image rows goes in, and every step computes the rows whose
//! inputs are there. A map is a ring of as many rows as its readers still need, so the memory does not
//! grow with the height of the image, nothing is computed twice, and every row is computed by the same
//! operations in the same order whatever the height of the strips.

use std::ops::Range;

use pidinet_kernels::resize::Axis;

use super::graph::{Id, Shape};

/// Which rows of an input one row of the output needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From `above` rows above to `below` rows below; outside the map there are zeros.
    Window { above: usize, below: usize },
    /// Rows `2y` and `2y + 1`.
    Pair,
    /// The two rows that a bilinear resize mixes.
    Resized,
}

/// A step as the schedule sees it: it makes the map of its own number from others.
#[derive(Clone, Debug)]
pub(crate) struct Reads(pub(crate) Vec<(Id, Reach)>);

/// Height and width of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// Where the pixels of a resized map come from.
#[derive(Clone, Debug)]
pub(crate) struct Resize {
    pub(crate) rows: Axis,
    pub(crate) columns: Axis,
}

/// The stream for one size of image.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Size of each map.
    pub(crate) sizes: Vec<Size>,
    /// Rows that the ring of each map holds.
    pub(crate) capacities: Vec<usize>,
    /// Which rows of which map to compute, in order.
    pub(crate) work: Vec<(Id, Range<usize>)>,
    /// For each map that a step reads resized, where its pixels come from.
    pub(crate) resizes: Vec<Vec<Resize>>,
}

impl Schedule {
    /// The stream of an image of this size in strips of `strip` rows; the maps in `keep` stay whole.
    pub(crate) fn new(shapes: &[Shape], steps: &[Reads], keep: &[Id], image: Size, strip: usize) -> Self {
        assert!(strip > 0, "a strip has at least one row");
        let sizes: Vec<Size> = shapes
            .iter()
            .map(|shape| Size { height: image.height >> shape.level, width: image.width >> shape.level })
            .collect();
        let resizes: Vec<Vec<Resize>> =
            steps.iter().zip(&sizes).map(|(step, &to)| step.resizes(&sizes, to)).collect();
        let mut stream = Stream { steps, sizes: &sizes, resizes: &resizes, done: vec![0; steps.len()] };
        let mut capacities = vec![0; steps.len()];
        let mut work = Vec::new();
        // A pass computes no more rows of a map than a strip has, also when the end of the image sets all
        // that waited free at once: what is made faster than it is used has to be kept.
        let most = |id: usize| strip.div_ceil(1 << shapes[id].level);
        let unfinished = |stream: &Stream<'_>| (0..steps.len()).any(|id| stream.done[id] < sizes[id].height);
        while unfinished(&stream) {
            for id in 0..steps.len() {
                let from = stream.done[id];
                let ready = if steps[id].0.is_empty() { image.height } else { stream.ready(id) };
                let to = ready.min(from + most(id));
                if to > from {
                    stream.done[id] = to;
                    let kept = to - stream.oldest_needed(id).min(from);
                    capacities[id] = kept.max(capacities[id]);
                    work.push((id, from..to));
                }
            }
        }
        for (id, size) in sizes.iter().enumerate() {
            if keep.contains(&id) {
                capacities[id] = size.height;
            }
        }
        Self { sizes, capacities, work, resizes }
    }
}

impl Reads {
    /// The resizes of the maps that are read resized: all or none of them.
    fn resizes(&self, sizes: &[Size], to: Size) -> Vec<Resize> {
        let resized = self.0.iter().filter(|(_, reach)| *reach == Reach::Resized);
        let resizes = resized.map(|&(input, _)| Resize {
            rows: Axis::new(sizes[input].height, to.height),
            columns: Axis::new(sizes[input].width, to.width),
        });
        resizes.collect()
    }
}

struct Stream<'a> {
    steps: &'a [Reads],
    sizes: &'a [Size],
    resizes: &'a [Vec<Resize>],
    done: Vec<usize>,
}

impl Stream<'_> {
    /// The rows of its `index`th input that row `y` of a map needs.
    fn needs(&self, id: Id, index: usize, y: usize) -> Range<usize> {
        let (input, reach) = self.steps[id].0[index];
        match reach {
            Reach::Window { above, below } => {
                y.saturating_sub(above)..(y + below + 1).min(self.sizes[input].height)
            }
            Reach::Pair => 2 * y..2 * y + 2,
            Reach::Resized => {
                let at = self.resizes[id][index].rows.at(y);
                at.first..at.second + 1
            }
        }
    }

    /// How many rows of a map can be computed from what is there.
    fn ready(&self, id: Id) -> usize {
        let inputs = &self.steps[id].0;
        let computable = |y: &usize| {
            (0..inputs.len()).all(|index| self.needs(id, index, *y).end <= self.done[inputs[index].0])
        };
        (self.done[id]..self.sizes[id].height).take_while(computable).last().map_or(self.done[id], |y| y + 1)
    }

    /// The first row of a map that a later row of another one needs.
    fn oldest_needed(&self, id: Id) -> usize {
        let unfinished =
            (id + 1..self.steps.len()).filter(|&reader| self.done[reader] < self.sizes[reader].height);
        let needs = unfinished.flat_map(|reader| {
            let reads = self.steps[reader].0.iter().enumerate().filter(|(_, (input, _))| *input == id);
            reads.map(move |(index, _)| self.needs(reader, index, self.done[reader]).start)
        });
        needs.min().unwrap_or(self.done[id])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Reach = Reach::Window { above: 2, below: 2 };

    fn chain() -> (Vec<Shape>, Vec<Reads>) {
        let shape = |level| Shape { channels: 1, level };
        // image, 5x5, pool, back to full size
        let steps = vec![vec![], vec![(0, TWO)], vec![(1, Reach::Pair)], vec![(2, Reach::Resized)]];
        (vec![shape(0), shape(0), shape(1), shape(0)], steps.into_iter().map(Reads).collect())
    }

    #[test]
    fn every_row_is_computed_once_and_from_rows_that_are_still_there() {
        let (shapes, steps) = chain();
        for height in 2..40 {
            for strip in 1..height + 2 {
                let image = Size { height, width: 8 };
                let schedule = Schedule::new(&shapes, &steps, &[3], image, strip);
                let mut done = [0; 4];
                for (id, rows) in &schedule.work {
                    assert_eq!(rows.start, done[*id]);
                    for y in rows.clone() {
                        let resizes = &schedule.resizes;
                        let stream = Stream { steps: &steps, sizes: &schedule.sizes, resizes, done: vec![] };
                        for (index, &(input, _)) in steps[*id].0.iter().enumerate() {
                            let need = stream.needs(*id, index, y);
                            assert!(need.end <= done[input], "row {y} of {id} comes too early");
                            assert!(
                                need.start + schedule.capacities[input] >= done[input],
                                "row {} of {input} was overwritten before {y} of {id}",
                                need.start
                            );
                        }
                    }
                    done[*id] = rows.end;
                }
                assert_eq!(done.to_vec(), schedule.sizes.iter().map(|size| size.height).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_height() {
        let (shapes, steps) = chain();
        let rings = |height| {
            let image = Size { height, width: 8 };
            Schedule::new(&shapes, &steps, &[], image, 8).capacities
        };
        assert_eq!(rings(4000), rings(400));
        assert!(rings(400).iter().all(|&rows| rows <= 12), "{:?}", rings(400));
    }
}
