//! Very wide images: a few columns at a time.
//!
//! The engine keeps whole rows, so its memory grows with the width of an image, and an image a few rows high
//! gives threads little to share. Very wide images are therefore cut into pieces of [`PIECE`] columns, each
//! with [`MARGIN`] more on either side, which is farther than a network sees. A piece is computed by one
//! thread, from the same numbers and in the same order as in the whole row, so not a bit depends on where
//! images are cut.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::arena::Arena;
use super::crew::Crew;
use super::machine::{Clock, Engine, Map, Run};
use crate::edges::input::Input;
use crate::edges::schedule::task::Pace;
use crate::size::Size;

/// Images with more columns than this are cut.
const WIDEST: usize = 32_768;

/// Columns of a piece that are kept: many compared with its margins. A multiple of the widest vector in the
/// smallest map.
const PIECE: usize = 8192;

/// Columns on either side of a piece that its own are computed from: more than the 240 that the deepest
/// network with the widest kernels sees, and a multiple of the widest vector in the smallest map.
const MARGIN: usize = 256;

/// Some columns of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    /// Those that are computed.
    read: Range<usize>,
    /// Those among them that are kept.
    kept: Range<usize>,
}

/// The pieces of an image, from left to right.
fn pieces(width: usize) -> Vec<Piece> {
    let starts = (0..(width / PIECE).max(1)).map(|number| number * PIECE);
    let piece = |start: usize| {
        // The last piece takes the remainder.
        let end = if start + 2 * PIECE > width { width } else { start + PIECE };
        Piece { read: start.saturating_sub(MARGIN)..width.min(end + MARGIN), kept: start..end }
    };
    starts.map(piece).collect()
}

/// The columns of a piece as an image of their own.
struct Columns<'a> {
    input: &'a dyn Input,
    width: usize,
    read: Range<usize>,
}

impl Input for Columns<'_> {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        self.input.fill_columns(y, self.width, self.read.clone(), channels);
    }
}

/// Whether an image of this width is computed piece by piece.
pub(super) fn is_cut(width: usize) -> bool {
    width > WIDEST
}

impl Engine {
    /// Runs the network piece by piece.
    pub(super) fn run_pieces(&self, clock: Clock, input: &dyn Input, image: Size) -> Run {
        let whole = self.plan.keep.iter().map(|&id| {
            let (shape, channels) = (&self.plan.shapes[id], self.plan.shapes[id].channels);
            let (height, width) = (image.height >> shape.level, image.width >> shape.level);
            Map { shape: [channels, height, width], data: vec![0.0; channels * height * width] }
        });
        let maps = Mutex::new(whole.collect::<Vec<Map>>());
        let one = |piece: &Piece| {
            let run = self.run_piece(clock, input, image, piece);
            let mut maps = maps.lock().unwrap_or_else(PoisonError::into_inner);
            for ((id, whole), part) in self.plan.keep.iter().zip(maps.iter_mut()).zip(&run.maps) {
                put(whole, part, piece, self.plan.shapes[*id].level);
            }
            run.times
        };
        let pieces = pieces(image.width);
        let times: Vec<Vec<Duration>> = match self.workers.pool() {
            None => pieces.iter().map(one).collect(),
            Some(pool) => pool.map(&pieces, one),
        };
        let steps = times.first().map_or(0, Vec::len);
        let sum = |id: usize| times.iter().map(|times| times[id]).sum::<Duration>() / self.threads() as u32;
        let maps = maps.into_inner().unwrap_or_else(PoisonError::into_inner);
        Run { maps, times: (0..steps).map(sum).collect() }
    }

    /// Runs the network on one piece, in this thread.
    fn run_piece(&self, clock: Clock, input: &dyn Input, image: Size, piece: &Piece) -> Run {
        let size = Size { width: piece.read.len(), ..image };
        // The same choice as for the whole image, since bands round differently.
        let pace = Pace { bands: self.pace(image, 1).bands, ..self.pace(size, 1) };
        let mut arena = Arena::new(&self.plan, size, pace, 1);
        arena.schedule.take_columns(&self.plan.shapes, &self.plan.reads, image.width, piece.read.start);
        let columns = Columns { input, width: image.width, read: piece.read.clone() };
        self.run_in(&mut arena, |arena| {
            self.work(arena, &Crew::new(&arena.schedule.streams), 0, &columns, clock)
        })
    }
}

/// Copies the kept columns of a piece into the whole map, one of whose columns is `2^level` of the image's.
fn put(whole: &mut Map, part: &Map, Piece { read, kept }: &Piece, level: u32) {
    let ([_, _, width], [_, _, piece_width]) = (whole.shape, part.shape);
    let end = if kept.end == read.end { width } else { kept.end >> level };
    let (to, from) = (kept.start >> level..end, (kept.start - read.start) >> level);
    let rows = whole.data.chunks_mut(width.max(1)).zip(part.data.chunks(piece_width.max(1)));
    for (whole, part) in rows {
        whole[to.clone()].copy_from_slice(&part[from..][..to.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_an_image_once() {
        for width in [WIDEST + 1, 5 * PIECE, 1_000_000, 1_000_003] {
            let pieces = pieces(width);
            let mut next = 0;
            for Piece { read, kept } in &pieces {
                assert_eq!(kept.start, next);
                assert!(kept.len() >= PIECE && kept.len() < 2 * PIECE, "{kept:?} of {width}");
                assert_eq!((read.start % 128, kept.start % 128), (0, 0));
                assert_eq!(read.end, width.min(kept.end + MARGIN));
                next = kept.end;
            }
            assert_eq!(next, width);
        }
    }
}
