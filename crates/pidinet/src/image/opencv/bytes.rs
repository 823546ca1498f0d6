//! Resizing 8-bit images with OpenCV's rounding: weights to 11 bits, sums once or twice.

use super::taps::{Interpolation, Tap, Ways};

/// Resizes `[from height, from width, channels]` to `[to height, to width, channels]`, without gaps.
///
/// `row`: samples of a row of `src`.
pub(super) fn resize(ways: &Ways, channels: usize, row: usize, src: &[u8], dst: &mut [u8]) {
    match ways.interpolation {
        Interpolation::Area if ways.means => means(ways, channels, row, src, dst),
        Interpolation::Area | Interpolation::Linear => {
            mixed(ways, channels, row, src, dst, |rows, x| {
                let sum: i32 = rows.iter().map(|(row, weight)| (weight * (row[x] >> 4)) >> 16).sum();
                (sum + 2) >> 2
            });
        }
        // In floats, as in OpenCV's vector code.
        Interpolation::Cubic => mixed(ways, channels, row, src, dst, |rows, x| {
            let unit = 1.0 / (1 << (2 * BITS)) as f32;
            let product = |(row, weight): &(&[i32], i32)| row[x] as f32 * (*weight as f32 * unit);
            rows.iter().rev().map(product).fold(0.0, |sum, product| sum + product).round_ties_even() as i32
        }),
        Interpolation::Lanczos4 => mixed(ways, channels, row, src, dst, |rows, x| {
            let sum: i64 = rows.iter().map(|(row, weight)| i64::from(*weight) * i64::from(row[x])).sum();
            ((sum + (1 << (2 * BITS - 1))) >> (2 * BITS)) as i32
        }),
    }
}

/// Bits of a weight: 1 is 2048.
const BITS: u32 = 11;

/// Rows that are kept, since the next row of the result needs most of them again: as many as an interpolation
/// takes.
const KEPT: usize = 8;

/// Sums along rows with 11-bit weights, then `sum` of these rows with their weights at each position.
fn mixed(
    ways: &Ways,
    channels: usize,
    row: usize,
    src: &[u8],
    dst: &mut [u8],
    sum: impl Fn(&[(&[i32], i32)], usize) -> i32,
) {
    let across: Vec<Vec<(usize, i32)>> = ways.across.iter().map(whole).collect();
    let mut kept: Vec<(usize, Vec<i32>)> = Vec::with_capacity(KEPT);
    for (down, dst) in ways.down.iter().zip(dst.chunks_exact_mut(channels * across.len())) {
        let down = whole(down);
        for &(y, _) in &down {
            if kept.iter().any(|(there, _)| *there == y) {
                continue;
            }
            let mut sums = match kept.iter().position(|(there, _)| down.iter().all(|(y, _)| y != there)) {
                Some(at) if kept.len() == KEPT => kept.swap_remove(at).1,
                _ => vec![0; dst.len()],
            };
            along(&across, channels, &src[y * row..][..row], &mut sums);
            kept.push((y, sums));
        }
        let rows: Vec<(&[i32], i32)> = down
            .iter()
            .filter_map(|&(y, weight)| Some((&kept.iter().find(|(there, _)| *there == y)?.1[..], weight)))
            .collect();
        for (x, value) in dst.iter_mut().enumerate() {
            *value = sum(&rows, x).clamp(0, 255) as u8;
        }
    }
}

/// Weights of 11 bits.
fn whole(Tap(tap): &Tap) -> Vec<(usize, i32)> {
    let one = (1 << BITS) as f32;
    tap.iter().map(|&(at, weight)| (at, (weight * one).round_ties_even() as i32)).collect()
}

/// The sums of a row.
fn along(across: &[Vec<(usize, i32)>], channels: usize, src: &[u8], sums: &mut [i32]) {
    for (tap, sums) in across.iter().zip(sums.chunks_exact_mut(channels)) {
        for (channel, sum) in sums.iter_mut().enumerate() {
            *sum = tap.iter().map(|&(x, weight)| weight * i32::from(src[x * channels + channel])).sum();
        }
    }
}

/// Means of what each position covers, along rows and then of rows. For two by two pixels, halves are rounded
/// up; for more whole pixels the sum is exact; otherwise each product is a float.
fn means(ways: &Ways, channels: usize, row: usize, src: &[u8], dst: &mut [u8]) {
    let [across, down] = [&ways.across, &ways.down].map(|taps| whole_pixels(taps));
    let width = channels * ways.across.len();
    if let (Some(across), Some(down)) = (across, down) {
        let area = across * down;
        for (y, dst) in dst.chunks_exact_mut(width).enumerate() {
            for (x, value) in dst.iter_mut().enumerate() {
                let (pixel, channel) = (x / channels, x % channels);
                let at = |i: usize| {
                    let (u, v) = (pixel * across + i % across, y * down + i / across);
                    u32::from(src[v * row + u * channels + channel])
                };
                let sum: u32 = (0..area).map(at).sum();
                *value = if (across, down) == (2, 2) && matches!(channels, 1 | 3 | 4) {
                    ((sum + 2) >> 2) as u8
                } else {
                    (sum as f32 * (1.0 / area as f32)).round_ties_even() as u8
                };
            }
        }
        return;
    }
    let mut sums = vec![0f32; width];
    for (Tap(down), dst) in ways.down.iter().zip(dst.chunks_exact_mut(width)) {
        sums.fill(0.0);
        for &(y, weight) in down {
            let src = &src[y * row..][..row];
            for (Tap(tap), sums) in ways.across.iter().zip(sums.chunks_exact_mut(channels)) {
                for (channel, sum) in sums.iter_mut().enumerate() {
                    let value = |&(x, weight): &(usize, f32)| weight * f32::from(src[x * channels + channel]);
                    *sum += weight * tap.iter().map(value).fold(0.0, |sum, value| sum + value);
                }
            }
        }
        for (value, sum) in dst.iter_mut().zip(&sums) {
            *value = sum.round_ties_even() as u8; // saturates
        }
    }
}

/// How many pixels each position covers, if they are whole.
fn whole_pixels(taps: &[Tap]) -> Option<usize> {
    let Tap(first) = taps.first()?;
    let is_next = |at: usize, tap: &[(usize, f32)]| {
        tap.len() == first.len() && tap.iter().enumerate().all(|(i, &(x, _))| x == at * first.len() + i)
    };
    taps.iter().enumerate().all(|(at, Tap(tap))| is_next(at, tap)).then_some(first.len())
}
