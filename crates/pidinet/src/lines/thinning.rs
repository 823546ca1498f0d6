//! Thinning a map in the order of its values: what remains are lines along its crests.

use super::grid::{CREST, LINK, NOTHING, pixels, ring, steps};
use crate::EdgeMap;

/// Takes pixels away, least first, that are not needed for how the rest is connected: links, then crests, which stay if they
/// are the end of a line.
pub(super) fn thin(state: &mut [u8], stride: usize, map: &EdgeMap, low: f32) {
    let levels = levels(map, stride, low);
    let steps = steps(stride);
    let mut open = Vec::new();
    for (kind, table) in [(LINK, &SIMPLE), (CREST, &SIMPLE_INSIDE)] {
        let goes = |state: &[u8], at: usize| state[at] == kind && table[usize::from(ring(state, stride, at))];
        for at in by_level(state, kind, &levels) {
            let at = at as usize;
            if !goes(state, at) {
                continue;
            }
            let now = levels[at];
            open.push(at);
            // Neighbours that were passed over, because they were needed, may not be needed any more.
            while let Some(at) = open.pop() {
                if goes(state, at) {
                    state[at] = NOTHING;
                    for step in steps {
                        let near = at.wrapping_add_signed(step);
                        if state[near] == kind && levels[near] <= now {
                            open.push(near);
                        }
                    }
                }
            }
        }
    }
}

/// The levels of the pixels of the padded image.
fn levels(map: &EdgeMap, stride: usize, low: f32) -> Vec<u8> {
    let mut levels = vec![0; stride * (map.height() + 2)];
    for y in 0..map.height() {
        let row = &mut levels[(y + 1) * stride + 1..][..map.width()];
        row.iter_mut().zip(map.row(y)).for_each(|(to, &value)| *to = level(value, low));
    }
    levels
}

/// The pixels of a state in the order of their levels.
fn by_level(state: &[u8], kind: u8, levels: &[u8]) -> Vec<u32> {
    let mut starts = [0; LEVELS + 1];
    let of_kind = || pixels(state).filter(|&at| state[at] == kind);
    of_kind().for_each(|at| starts[usize::from(levels[at]) + 1] += 1);
    for level in 0..LEVELS {
        starts[level + 1] += starts[level];
    }
    let mut order = vec![0; starts[LEVELS]];
    for at in of_kind() {
        let next = &mut starts[usize::from(levels[at])];
        order[*next] = at as u32;
        *next += 1;
    }
    order
}

/// Steps of probability that the order of removal tells apart.
const LEVELS: usize = 64;

/// The step of a probability of `low` or more.
fn level(value: f32, low: f32) -> u8 {
    let share = (value - low) / (1.0 - low).max(f32::MIN_POSITIVE);
    ((share * LEVELS as f32) as usize).min(LEVELS - 1) as u8
}

/// Whether a pixel with these neighbours can go without a change of connectedness: its Yokoi number over eight
/// neighbours is 1 (Yokoi, Toriwaki and Fukumura, "An analysis of topological properties of digitized binary pictures
/// using local features", 1975).
const SIMPLE: [bool; 256] = {
    let mut table = [false; 256];
    let mut ring = 0;
    while ring < 256 {
        let mut number = 0;
        let mut side = 0;
        while side < 8 {
            number += yokoi(ring, side);
            side += 2;
        }
        table[ring] = number == 1;
        ring += 1;
    }
    table
};

/// As [`SIMPLE`], and the pixel is no end of a line.
const SIMPLE_INSIDE: [bool; 256] = {
    let mut table = SIMPLE;
    let mut ring = 0_usize;
    while ring < 256 {
        table[ring] = table[ring] && ring.count_ones() > 1;
        ring += 1;
    }
    table
};

/// The term of one side: it is empty, and one of the two that follow is not.
const fn yokoi(ring: usize, side: usize) -> usize {
    let here = (ring >> side & 1) ^ 1;
    let next = (ring >> ((side + 1) % 8) & 1) ^ 1;
    let after = (ring >> ((side + 2) % 8) & 1) ^ 1;
    here - here * next * after
}
