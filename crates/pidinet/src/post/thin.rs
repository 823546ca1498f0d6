//! Thinning: edges one pixel wide, connected as before.
//!
//! Lam, Lee and Suen, "Thinning Methodologies: A Comprehensive Survey", PAMI 14(9) 1992, in the form
//! that MATLAB's `bwmorph(mask, 'thin', Inf)` has, which the edge benchmarks prescribe.

use std::mem::swap;

use super::Mask;

/// Thins the edges of `mask` until nothing changes.
///
/// With `x1..x8` the neighbours of a pixel, east first and counter-clockwise, the pixel is removed if
///
/// ```text
/// G1   exactly one i in 1..=4 has x_{2i-1} = 0 and (x_{2i} = 1 or x_{2i+1} = 1), where x9 = x1
/// G2   2 <= min(n1, n2) <= 3,  n1 = sum_k x_{2k-1} | x_{2k},  n2 = sum_k x_{2k} | x_{2k+1}
/// G3   (x2 | x3 | !x8) & x1 = 0   in the first half of a pass
/// G3'  (x6 | x7 | !x4) & x5 = 0   in the second half
/// ```
///
/// All removals of a half happen at once. Pixels outside the image are 0.
///
/// # Examples
///
/// ```
/// use pidinet::{Size, post::{Mask, thin}};
///
/// let mut bar = Mask::from_fn(Size { height: 5, width: 9 }, |x, y| (1..8).contains(&x) && (1..4).contains(&y));
/// thin(&mut bar);
/// assert_eq!(bar.pixels().collect::<Vec<_>>(), [(2, 2), (3, 2), (4, 2), (5, 2), (6, 2)]);
/// ```
pub fn thin(mask: &mut Mask) {
    let height = mask.height();
    // The first two halves look at every row; later ones only where a pixel was removed nearby.
    let mut changed = vec![FIRST_HALF; height];
    let mut last_change = FIRST_HALF;
    for now in FIRST_HALF.. {
        if last_change + 2 < now {
            return;
        }
        let half = if now % 2 == 0 { Half::First } else { Half::Second };
        if thin_half(mask, half, now, &mut changed) {
            last_change = now;
        }
    }
}

/// The number of the first half; it is even.
const FIRST_HALF: usize = 2;

/// Which half of a pass removes pixels.
#[derive(Clone, Copy)]
enum Half {
    First,
    Second,
}

/// Runs half `now`; returns whether it removed a pixel. `changed` is the last half that changed each row.
///
/// A row is skipped if neither it nor a row beside it has changed since this kind of half last saw it, two
/// halves ago.
fn thin_half(mask: &mut Mask, half: Half, now: usize, changed: &mut [usize]) -> bool {
    let height = mask.height();
    let stride = mask.width().div_ceil(64);
    // Rows as they were before this half: removals must not see each other.
    let mut above = vec![0; stride];
    let mut here = vec![0; stride];
    let mut below = vec![0; stride];
    let mut any = false;
    if height > 0 {
        below.copy_from_slice(mask.row(0));
    }
    for y in 0..height {
        swap(&mut above, &mut here);
        swap(&mut here, &mut below);
        match y + 1 < height {
            true => below.copy_from_slice(mask.row(y + 1)),
            false => below.fill(0),
        }
        let nearby = &changed[y.saturating_sub(1)..(y + 2).min(height)];
        if nearby.iter().all(|&when| when + 2 < now) {
            continue;
        }
        for (at, word) in mask.row_mut(y).iter_mut().enumerate() {
            if *word == 0 {
                continue;
            }
            let gone = *word & Neighbours::of([&above, &here, &below], at).removable(half);
            if gone != 0 {
                *word &= !gone;
                changed[y] = now;
                any = true;
            }
        }
    }
    any
}

/// The eight neighbours of 64 pixels, a word each, numbered as in [`thin`].
struct Neighbours {
    x1: u64,
    x2: u64,
    x3: u64,
    x4: u64,
    x5: u64,
    x6: u64,
    x7: u64,
    x8: u64,
}

impl Neighbours {
    /// The neighbours of word `at` of the middle of three rows.
    fn of([above, here, below]: [&[u64]; 3], at: usize) -> Self {
        let east = |row: &[u64]| row[at] >> 1 | row.get(at + 1).map_or(0, |next| next << 63);
        let west = |row: &[u64]| row[at] << 1 | if at > 0 { row[at - 1] >> 63 } else { 0 };
        Self {
            x1: east(here),
            x2: east(above),
            x3: above[at],
            x4: west(above),
            x5: west(here),
            x6: west(below),
            x7: below[at],
            x8: east(below),
        }
    }

    /// The pixels that satisfy the three conditions.
    fn removable(&self, half: Half) -> u64 {
        let Self { x1, x2, x3, x4, x5, x6, x7, x8 } = *self;

        let starts = [!x1 & (x2 | x3), !x3 & (x4 | x5), !x5 & (x6 | x7), !x7 & (x8 | x1)];
        // An odd count is 1 or 3, and 3 of four fill the first or the second pair.
        let odd = starts[0] ^ starts[1] ^ starts[2] ^ starts[3];
        let one_start = odd & !(starts[0] & starts[1]) & !(starts[2] & starts[3]);

        let n1 = [x1 | x2, x3 | x4, x5 | x6, x7 | x8];
        let n2 = [x2 | x3, x4 | x5, x6 | x7, x8 | x1];
        let right_size = two_or_more(n1) & two_or_more(n2) & !(all(n1) & all(n2));

        let kept = match half {
            Half::First => (x2 | x3 | !x8) & x1,
            Half::Second => (x6 | x7 | !x4) & x5,
        };
        one_start & right_size & !kept
    }
}

/// Bits that are set in at least two of the words.
fn two_or_more([a, b, c, d]: [u64; 4]) -> u64 {
    (a & b) | (c & d) | ((a | b) & (c | d))
}

/// Bits that are set in all of the words.
fn all([a, b, c, d]: [u64; 4]) -> u64 {
    a & b & c & d
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Size;

    /// The definition, one pixel at a time.
    fn literal(mask: &Mask) -> Mask {
        let (width, height) = (mask.width(), mask.height());
        let mut now = mask.clone();
        loop {
            let before = now.clone();
            for first in [true, false] {
                let old = now.clone();
                let at = |x: usize, y: usize, dx: isize, dy: isize| -> bool {
                    match (x.checked_add_signed(dx), y.checked_add_signed(dy)) {
                        (Some(x), Some(y)) if x < width && y < height => old.contains(x, y),
                        _ => false,
                    }
                };
                for (x, y) in old.pixels() {
                    let ring = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0)];
                    let n: Vec<bool> = ring.iter().map(|&(dx, dy)| at(x, y, dx, dy)).collect();
                    let n = |i: usize| n[i - 1];
                    let g1 = (1..=4).filter(|i| !n(2 * i - 1) && (n(2 * i) || n(2 * i + 1))).count() == 1;
                    let n1 = (1..=4).filter(|k| n(2 * k - 1) || n(2 * k)).count();
                    let n2 = (1..=4).filter(|k| n(2 * k) || n(2 * k + 1)).count();
                    let g2 = (2..=3).contains(&n1.min(n2));
                    let g3 = match first {
                        true => !((n(2) || n(3) || !n(8)) && n(1)),
                        false => !((n(6) || n(7) || !n(4)) && n(5)),
                    };
                    if g1 && g2 && g3 {
                        now.remove(x, y);
                    }
                }
            }
            if now == before {
                return now;
            }
        }
    }

    /// Bitmaps with lines, blobs and noise: a few random discs and dots.
    fn bitmaps() -> impl Strategy<Value = Mask> {
        let size = (1usize..150, 1usize..40);
        let discs = proptest::collection::vec((0usize..150, 0usize..40, 0usize..60), 0..12);
        (size, discs, 0u64..10, any::<u64>()).prop_map(|((width, height), discs, density, seed)| {
            Mask::from_fn(Size { height, width }, |x, y| {
                let noise = seed.wrapping_add((y * 150 + x) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let noise = (noise ^ noise >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32;
                noise % 10 < density
                    || discs.iter().any(|&(u, v, area)| x.abs_diff(u).pow(2) + y.abs_diff(v).pow(2) < area)
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn thinning_is_the_definition(mask in bitmaps()) {
            let mut thinned = mask.clone();
            thin(&mut thinned);
            prop_assert_eq!(&thinned, &literal(&mask));
        }

        #[test]
        fn a_thin_mask_stays(mut mask in bitmaps()) {
            thin(&mut mask);
            let once = mask.clone();
            thin(&mut mask);
            prop_assert_eq!(mask, once);
        }
    }

    /// Every 3 × 3 pattern in the middle of a row, at the border, and across words.
    #[test]
    fn every_neighbourhood_is_the_definition() {
        for pattern in 0u32..512 {
            for left in [0, 1, 62, 63] {
                let mask = Mask::from_fn(Size { height: 5, width: 66 }, |x, y| {
                    (left..left + 3).contains(&x)
                        && (1..4).contains(&y)
                        && pattern >> ((y - 1) * 3 + x - left) & 1 == 1
                });
                let mut thinned = mask.clone();
                thin(&mut thinned);
                assert_eq!(thinned, literal(&mask), "pattern {pattern:#b} at column {left}");
            }
        }
    }

    #[test]
    fn an_empty_image_has_nothing_to_thin() {
        for (width, height) in [(0, 0), (5, 0), (0, 5), (5, 5)] {
            let mut mask = Mask::new(Size { height, width });
            thin(&mut mask);
            assert!(mask.is_empty());
        }
    }
}
