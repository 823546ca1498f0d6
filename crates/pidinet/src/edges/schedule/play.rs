//! Plays a schedule through before anything is allocated: which tasks there are, and how many rows are kept.

use std::ops::Range;

use super::cut::band;
use super::task::{Pace, Resize, Task};
use crate::Size;
use crate::edges::plan::graph::Id;
use crate::edges::plan::reads::{Reach, Reads};

/// What playing a schedule needs to know.
pub(super) struct Play<'a> {
    pub(super) steps: &'a [Reads],
    pub(super) sizes: &'a [Size],
    pub(super) resizes: &'a [Vec<Resize>],
    /// The rows of each map that each stream computes.
    pub(super) streams: &'a [Vec<Range<usize>>],
    /// For each map, the steps that read it and which of their inputs it is.
    pub(super) readers: Vec<Vec<(Id, usize)>>,
}

/// How many rows of each map are done in each stream.
type Done = Vec<Vec<usize>>;

impl Play<'_> {
    /// All tasks in order, each with its stream, and how many rows of each map every stream has to keep.
    ///
    /// Tasks that overlap read what earlier passes wrote, which is kept until the pass is over. Others read
    /// what was written just before and is still in the cache.
    pub(super) fn tasks(&self, stages: &[Vec<Id>], pace: Pace) -> (Vec<(usize, Task)>, Vec<usize>) {
        let mut done: Done = vec![vec![0; pace.streams]; self.steps.len()];
        let mut capacities = vec![0; self.steps.len()];
        let mut tasks = Vec::new();
        let mut fed = 0;
        while done.iter().zip(self.sizes).any(|(done, size)| done.iter().sum::<usize>() < size.height) {
            fed += pace.strip;
            for stage in stages {
                loop {
                    let before = done.clone();
                    for (id, stream) in
                        stage.iter().flat_map(|&id| (0..pace.streams).map(move |stream| (id, stream)))
                    {
                        let seen = if pace.overlap { &before } else { &done };
                        let from = done[id][stream];
                        let ready = self.ready(id, stream, seen, fed);
                        let ends = self.ends(id, stream, from, pace);
                        let last = ends.last().copied().unwrap_or(from);
                        let to = ready.min(last);
                        let is_whole = to == last || band(&self.steps[id], pace) == 1;
                        if to > from && is_whole {
                            let kept = to - self.first_needed(id, stream, seen).min(from);
                            capacities[id] = kept.max(capacities[id]);
                            let starts = [from].into_iter().chain(ends.iter().copied());
                            let pieces = starts.zip(&ends).map(|(start, &end)| start..end.min(to));
                            for piece in pieces.filter(|piece| !piece.is_empty()) {
                                tasks.push((stream, self.task(id, self.rows(id, stream, piece))));
                            }
                            done[id][stream] = to;
                        }
                    }
                    if done == before {
                        break;
                    }
                }
            }
        }
        (tasks, capacities)
    }

    /// Where the tasks of a pass that begins at row `from` end, as the stream counts rows. A pass in bands
    /// has as many tasks as any other.
    fn ends(&self, id: Id, stream: usize, from: usize, pace: Pace) -> Vec<usize> {
        let Range { start, end } = self.streams[id][stream];
        let band = band(&self.steps[id], pace);
        let next = |&at: &usize| {
            let next = match band {
                1 => (at + pace.task).min(from + pace.pass),
                _ if is_down(stream) => (start + at) / band * band + band - start,
                _ => end - (end - at).saturating_sub(1) / band * band,
            };
            Some(next.min(end - start))
        };
        let ends = std::iter::successors(Some(from), next).skip(1);
        ends.take(pace.pass.div_ceil(pace.task)).collect()
    }

    /// Some rows of a map, counted in the order in which a stream computes them.
    fn rows(&self, id: Id, stream: usize, counted: Range<usize>) -> Range<usize> {
        let Range { start, end } = self.streams[id][stream];
        if is_down(stream) {
            start + counted.start..start + counted.end
        } else {
            end - counted.end..end - counted.start
        }
    }

    fn task(&self, id: Id, rows: Range<usize>) -> Task {
        let mut reads: Vec<(Id, Range<usize>)> = Vec::new();
        for (index, &(input, _)) in self.steps[id].inputs.iter().enumerate() {
            let need = self.needs(id, index, &rows);
            match reads.iter_mut().find(|(other, _)| *other == input) {
                Some((_, rows)) => *rows = rows.start.min(need.start)..rows.end.max(need.end),
                None => reads.push((input, need)),
            }
        }
        reads.shrink_to_fit(); // a large image has many tasks
        Task { id, rows, reads, after: Vec::new() }
    }

    /// The rows of its `index`th input that some rows of a map need.
    fn needs(&self, id: Id, index: usize, rows: &Range<usize>) -> Range<usize> {
        let (input, reach) = self.steps[id].inputs[index];
        let (first, last) = (rows.start, rows.end - 1);
        match reach {
            Reach::Window { above, below } => {
                first.saturating_sub(above)..(last + below + 1).min(self.sizes[input].height)
            }
            Reach::Pair => 2 * first..2 * last + 2,
            Reach::Resized => {
                let axis = &self.resizes[id][index].rows;
                axis.at(first).first..axis.at(last).second + 1
            }
        }
    }

    /// How many rows of a map a stream can compute from the finished rows of the others, and from `fed` rows
    /// of the image.
    fn ready(&self, id: Id, stream: usize, done: &Done, fed: usize) -> usize {
        let inputs = &self.steps[id].inputs;
        let height = self.streams[id][stream].len();
        let height = if inputs.is_empty() { height.min(fed) } else { height };
        let is_done = |input: Id, need: &Range<usize>| {
            (0..self.streams[id].len()).all(|stream| {
                let need = common(need, &self.streams[input][stream]);
                let rows = self.rows(input, stream, 0..done[input][stream]);
                need.is_empty() || rows.start <= need.start && need.end <= rows.end
            })
        };
        let computable = |at: &usize| {
            let row = self.rows(id, stream, *at..at + 1);
            (0..inputs.len()).all(|index| is_done(inputs[index].0, &self.needs(id, index, &row)))
        };
        let done = done[id][stream];
        (done..height).take_while(computable).last().map_or(done, |at| at + 1)
    }

    /// The first row of a map, as a stream counts them, that an unfinished row of another map needs.
    fn first_needed(&self, id: Id, stream: usize, done: &Done) -> usize {
        let own = &self.streams[id][stream];
        let mut first = done[id][stream];
        for &(reader, index) in &self.readers[id] {
            for (other, rows) in self.streams[reader].iter().enumerate() {
                let missing = self.rows(reader, other, done[reader][other]..rows.len());
                if !missing.is_empty() {
                    let need = common(&self.needs(reader, index, &missing), own);
                    let at = if is_down(stream) { need.start - own.start } else { own.end - need.end };
                    first = if need.is_empty() { first } else { first.min(at) };
                }
            }
        }
        first
    }
}

/// Whether a stream computes its first rows first.
fn is_down(stream: usize) -> bool {
    stream.is_multiple_of(2)
}

/// The rows in both ranges.
fn common(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
}
