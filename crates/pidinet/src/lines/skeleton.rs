//! The skeleton of a map: lines one pixel wide along the crests of its edges, connected as the edges are.

use super::grid::{CREST, LINK, NOTHING, pixels, ring, steps};
use super::thinning;
use crate::{EdgeMap, post};

/// Pixels of a padded image, each in one of three states.
pub(super) struct Skeleton {
    /// Columns with the frame of one pixel on either side.
    pub(super) stride: usize,
    /// One byte a pixel, with a frame of background.
    pub(super) state: Vec<u8>,
}

impl Skeleton {
    /// The skeleton of the pixels of `low` or more.
    ///
    /// Crests are what [`post::suppress`] leaves. Pixels are taken away in the order of their values, least first, as
    /// long as what is left is connected as before; crests stay if they are needed for a line's length. What is left
    /// beside crests are links where suppression leaves gaps, such as at junctions. Links of more than `longest_link`
    /// pixels or low ones go, as do parts without any pixel of `high` or more.
    pub(super) fn of(map: &EdgeMap, low: f32, high: f32, longest_link: usize) -> Self {
        let (width, height) = (map.width(), map.height());
        let stride = width + 2;
        let mut state = vec![NOTHING; stride * (height + 2)];
        post::nms::each_row(map, &SUPPRESSION, low, |y, crests| {
            let row = &mut state[(y + 1) * stride + 1..][..width];
            for ((state, &value), &crest) in row.iter_mut().zip(map.row(y)).zip(crests) {
                *state = match (value >= low, crest > 0.0) {
                    (true, true) => CREST,
                    (true, false) => LINK,
                    (false, _) => NOTHING,
                };
            }
        });
        let mut skeleton = Self { stride, state };
        skeleton.open_basins(map);
        thinning::thin(&mut skeleton.state, stride, map, low);
        skeleton.cut_links(map, longest_link);
        skeleton.keep_strong(map, high);
        skeleton
    }

    /// The eight neighbours of a pixel as bits, east first, counter-clockwise.
    pub(super) fn ring(&self, at: usize) -> u8 {
        ring(&self.state, self.stride, at)
    }

    /// The pixels of the skeleton, in order.
    pub(super) fn pixels(&self) -> impl Iterator<Item = usize> + '_ {
        pixels(&self.state)
    }

    /// Column and row of a pixel of the padded image.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        (at % self.stride - 1, at / self.stride - 1)
    }

    /// The probability of a pixel of the padded image.
    fn value(&self, map: &EdgeMap, at: usize) -> f32 {
        let (x, y) = self.position(at);
        map.row(y)[x]
    }

    /// Takes the lowest pixel of each deep basin away, so that the crests around it stay a ring when pixels go. A basin
    /// is deep if its lowest pixel has less than [`BASIN`] of what the nearest crests around it have.
    fn open_basins(&mut self, map: &EdgeMap) {
        let (width, height) = (map.width(), map.height());
        for y in 1..height.saturating_sub(1) {
            let rows = [map.row(y - 1), map.row(y), map.row(y + 1)];
            for x in 1..width.saturating_sub(1) {
                let at = (y + 1) * self.stride + x + 1;
                let lowest =
                    || rows.iter().all(|row| row[x - 1..x + 2].iter().all(|&value| value >= rows[1][x]));
                if self.state[at] == LINK && lowest() && rows[1][x] < BASIN * self.crests_around(map, at) {
                    self.state[at] = NOTHING;
                }
            }
        }
    }

    /// The mean probability of the first crests in eight directions; 0 if there are none.
    fn crests_around(&self, map: &EdgeMap, at: usize) -> f32 {
        let found = steps(self.stride).map(|step| {
            let way = (1..=FAR).map(|far| at.wrapping_add_signed(far * step));
            // The frame is background, so no way leads out.
            let mut way = way.take_while(|&at| self.state[at] != NOTHING);
            way.find(|&at| self.state[at] == CREST).map(|at| self.value(map, at))
        });
        let (sum, count) =
            found.iter().flatten().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    }

    /// Takes links away of more than `longest` pixels, or that lie much lower than the crests that they join.
    fn cut_links(&mut self, map: &EdgeMap, longest: usize) {
        let steps = steps(self.stride);
        self.remove_pieces(
            |state| state == LINK,
            |skeleton, link| {
                let lowest =
                    link.iter().map(|&at| skeleton.value(map, at as usize)).fold(f32::INFINITY, f32::min);
                let beside =
                    link.iter().flat_map(|&at| steps.map(|step| (at as usize).wrapping_add_signed(step)));
                let crests = beside.filter(|&at| skeleton.state[at] == CREST);
                let joined = crests.map(|at| skeleton.value(map, at)).fold(f32::INFINITY, f32::min);
                link.len() > longest || lowest < DIP * joined
            },
        );
    }

    /// Takes connected parts away that have no pixel of `high` or more.
    fn keep_strong(&mut self, map: &EdgeMap, high: f32) {
        self.remove_pieces(
            |state| state != NOTHING,
            |skeleton, piece| piece.iter().all(|&at| skeleton.value(map, at as usize) < high),
        );
    }

    /// Takes those connected sets of pixels in a `wanted` state away that are to `go`.
    fn remove_pieces(&mut self, wanted: impl Fn(u8) -> bool, go: impl Fn(&Self, &[u32]) -> bool) {
        let steps = steps(self.stride);
        let mut seen = vec![false; self.state.len()];
        let mut piece: Vec<u32> = Vec::new();
        let starts: Vec<u32> = self.pixels().map(|at| at as u32).collect();
        for start in starts {
            let start = start as usize;
            if seen[start] || !wanted(self.state[start]) {
                continue;
            }
            seen[start] = true;
            piece.clear();
            piece.push(start as u32);
            let mut next = 0;
            while let Some(&at) = piece.get(next) {
                next += 1;
                for step in steps {
                    let near = (at as usize).wrapping_add_signed(step);
                    if !seen[near] && wanted(self.state[near]) {
                        seen[near] = true;
                        piece.push(near as u32);
                    }
                }
            }
            if go(self, &piece) {
                piece.iter().for_each(|&at| self.state[at as usize] = NOTHING);
            }
        }
    }
}

/// Smoothed a little first, so that crests of binary maps lie in the middle of lines; up to the frame of the image.
const SUPPRESSION: post::Suppression = post::Suppression { border: 0, ..post::Suppression::HED };

/// The lowest pixel of a deep basin has less than this share of what the crests around it have.
const BASIN: f32 = 0.5;
/// The lowest pixel of a link has at least this share of the lowest crest that it joins.
const DIP: f32 = 0.7;

/// How far crests around a basin are looked for, in pixels.
const FAR: isize = 100;
