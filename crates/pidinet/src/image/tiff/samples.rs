//! From unpacked bytes to samples: bits, byte orders, predictors.

use super::colours::Coloured;
use super::directory::Order;
use super::layout::{Colour, Kind, Layout};
use crate::half::from_f16;

/// Undoes the predictor in one row; `together` samples are a pixel.
pub(super) fn undo_predictor(layout: &Layout, order: Order, row: &mut [u8]) {
    let (size, step) = (layout.bits / 8, layout.together());
    match layout.predictor {
        2 => match size {
            1 => accumulate::<1>(row, step, order),
            2 => accumulate::<2>(row, step, order),
            4 => accumulate::<4>(row, step, order),
            _ => accumulate::<8>(row, step, order),
        },
        3 => {
            // Bytes were grouped by significance, the highest first, and then stored as differences from byte
            // to byte.
            for i in step..row.len() {
                row[i] = row[i].wrapping_add(row[i - step]);
            }
            let values = row.len() / size;
            let sorted = row.to_vec();
            for (i, value) in row.chunks_exact_mut(size).enumerate() {
                for (k, byte) in value.iter_mut().enumerate() {
                    let place = if order == Order::Big { k } else { size - 1 - k };
                    *byte = sorted[place * values + i];
                }
            }
        }
        _ => {}
    }
}

/// Adds to each number of `N` bytes the number `step` bytes before it.
fn accumulate<const N: usize>(row: &mut [u8], step: usize, order: Order) {
    let (numbers, _) = row.as_chunks_mut::<N>();
    for i in step..numbers.len() {
        let sum = order.number(&numbers[i]).wrapping_add(order.number(&numbers[i - step]));
        let bytes = sum.to_le_bytes();
        numbers[i].copy_from_slice(&bytes[..N]);
        if order == Order::Big {
            numbers[i].reverse();
        }
    }
}

/// A depth that samples are kept in.
pub(super) trait Kept: Coloured {
    /// Copies a row into `dst`, of the same number of samples, if they are kept as they are in the file.
    fn same(layout: &Layout, order: Order, row: &[u8], dst: &mut [Self]) -> bool;

    /// Passes each sample of a row to `tell` with its index. Indices of a palette are not scaled.
    fn each(layout: &Layout, order: Order, row: &[u8], tell: impl FnMut(usize, Self));
}

impl Kept for u8 {
    fn same(layout: &Layout, _: Order, row: &[u8], dst: &mut [Self]) -> bool {
        if layout.bits == 8 {
            dst.copy_from_slice(row);
        }
        layout.bits == 8
    }

    fn each(layout: &Layout, order: Order, row: &[u8], mut tell: impl FnMut(usize, Self)) {
        let white = white(layout, 255);
        bits(layout.bits, order, row, |i, value| tell(i, ((value * 255 + white / 2) / white) as Self));
    }
}

impl Kept for u16 {
    fn same(layout: &Layout, order: Order, row: &[u8], dst: &mut [Self]) -> bool {
        if layout.bits == 16 {
            let (values, _) = row.as_chunks::<2>();
            dst.iter_mut().zip(values).for_each(|(dst, value)| *dst = order.u16(*value));
        }
        layout.bits == 16
    }

    fn each(layout: &Layout, order: Order, row: &[u8], mut tell: impl FnMut(usize, Self)) {
        let white = white(layout, 65535);
        bits(layout.bits, order, row, |i, value| tell(i, ((value * 65535 + white / 2) / white) as Self));
    }
}

/// The number in the file that becomes the greatest one of the kept depth, `all`.
fn white(layout: &Layout, all: u64) -> u64 {
    if matches!(layout.colour, Colour::Palette(_)) { all } else { most(layout.bits) }
}

/// Each sample as the number that it is; unsigned ones are at most `white`.
pub(super) fn numbers(layout: &Layout, order: Order, row: &[u8], mut tell: impl FnMut(usize, f64)) {
    match (layout.kind, layout.bits) {
        (Kind::Float, 16) => bits(16, order, row, |i, value| tell(i, f64::from(from_f16(value as u16)))),
        (Kind::Float, 32) => {
            bits(32, order, row, |i, value| tell(i, f64::from(f32::from_bits(value as u32))))
        }
        (Kind::Float, _) => bits(64, order, row, |i, value| tell(i, f64::from_bits(value))),
        (Kind::Unsigned, depth) => bits(depth, order, row, |i, value| tell(i, value as f64)),
    }
}

/// The greatest number of this many bits.
pub(super) fn most(bits: usize) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// Numbers of `depth` bits: whole bytes in the order of the file, others from the highest bit down.
fn bits(depth: usize, order: Order, row: &[u8], mut tell: impl FnMut(usize, u64)) {
    if depth.is_multiple_of(8) {
        row.chunks_exact(depth / 8).enumerate().for_each(|(i, bytes)| tell(i, order.number(bytes)));
        return;
    }
    for i in 0..row.len() * 8 / depth {
        let value = (i * depth..(i + 1) * depth)
            .fold(0, |value, bit| value << 1 | u64::from(row[bit / 8] >> (7 - bit % 8) & 1));
        tell(i, value);
    }
}
