//! How the rows of an image are cut into streams, and steps into stages.

use std::collections::BTreeMap;
use std::ops::Range;

use pidinet_kernels::rows::resize::Axis;

use super::task::{Pace, Resize};
use crate::Size;
use crate::edges::plan::graph::{Id, Shape};
use crate::edges::plan::reads::{Reach, Reads};
/// The rows of each map that each stream computes. Streams begin at a row of the smallest maps, and at a band.
pub(super) fn streams(
    shapes: &[Shape],
    steps: &[Reads],
    height: usize,
    pace: Pace,
) -> Vec<Vec<Range<usize>>> {
    let smallest = shapes.iter().map(|shape| shape.level).max().unwrap_or(0);
    let streams = shapes.iter().zip(steps).map(|(&Shape { level, .. }, step)| {
        let band = band(step, pace);
        let start = |stream: usize| {
            let start = ((height >> smallest) * stream / pace.streams) << (smallest - level);
            (start + band / 2) / band * band
        };
        let end = |stream: usize| if stream + 1 < pace.streams { start(stream + 1) } else { height >> level };
        (0..pace.streams).map(|stream| start(stream)..end(stream)).collect()
    });
    streams.collect()
}

/// For each map, the steps that read it and which of their inputs it is.
pub(super) fn readers(steps: &[Reads]) -> Vec<Vec<(Id, usize)>> {
    let mut readers = vec![Vec::new(); steps.len()];
    for (id, Reads { inputs, .. }) in steps.iter().enumerate() {
        inputs.iter().enumerate().for_each(|(index, &(input, _))| readers[input].push((id, index)));
    }
    readers
}

/// The steps in groups that read maps of one size, so that these are worked on while they are in the cache.
/// Steps that read maps of several sizes come last.
pub(super) fn stages(shapes: &[Shape], steps: &[Reads]) -> Vec<Vec<Id>> {
    let mut stages: BTreeMap<u32, Vec<Id>> = BTreeMap::new();
    for (id, Reads { inputs, .. }) in steps.iter().enumerate() {
        let level = inputs.iter().map(|&(input, _)| shapes[input].level).min().unwrap_or(0);
        let is_last = inputs.iter().any(|(_, reach)| *reach == Reach::Resized);
        stages.entry(if is_last { u32::MAX } else { level }).or_default().push(id);
    }
    stages.into_values().collect()
}

/// Rows of a step that are computed together; 1 if each may be computed alone.
pub(super) fn band(step: &Reads, pace: Pace) -> usize {
    if pace.bands { step.band } else { 1 }
}

/// The resizes of the maps that are read resized: all or none.
pub(super) fn resizes(step: &Reads, sizes: &[Size], to: Size) -> Vec<Resize> {
    let resizes = resized(step).map(|input| Resize {
        rows: Axis::new(sizes[input].height, to.height),
        columns: Axis::new(sizes[input].width, to.width),
    });
    resizes.collect()
}

/// The maps that a step reads resized.
pub(super) fn resized(step: &Reads) -> impl Iterator<Item = Id> {
    step.inputs.iter().filter(|(_, reach)| *reach == Reach::Resized).map(|&(input, _)| input)
}
