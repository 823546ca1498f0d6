//! The formats of words in plain arithmetic: instructions that pack give the same bits.

use super::Portable;
use crate::lanes::floats::Lanes;
use crate::lanes::words::{Format, PackedKernel, PackedLanes, bf16, bf16_to_f32};
use std::array;

/// Words of two bf16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Bf16;

/// Words of four int8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Int8;

/// Words of two int16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Int16;

fn load_words(src: &[f32]) -> [u32; 4] {
    src.first_chunk::<4>().expect("four words to load").map(f32::to_bits)
}

fn store_words(dst: &mut [f32], words: [u32; 4]) {
    *dst.first_chunk_mut().expect("room for four words") = words.map(f32::from_bits);
}

impl PackedLanes for Portable<Bf16> {
    type Words = [u32; 4];
    type Sums = [f32; 4];
    const FORMAT: Format = Format::Bf16;
    const CHANNELS: usize = 2;

    #[inline(never)]
    fn enter_packed<K: PackedKernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn pack(self, channels: [[f32; 4]; 4]) -> [u32; 4] {
        array::from_fn(|i| u32::from(bf16(channels[0][i])) | u32::from(bf16(channels[1][i])) << 16)
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> [u32; 4] {
        [word; 4]
    }

    #[inline(always)]
    fn load_words(self, src: &[f32]) -> [u32; 4] {
        load_words(src)
    }

    #[inline(always)]
    fn store_words(self, dst: &mut [f32], words: [u32; 4]) {
        store_words(dst, words);
    }

    #[inline(always)]
    fn begin(self, start: u32) -> [f32; 4] {
        [f32::from_bits(start); 4]
    }

    #[inline(always)]
    fn dot(self, sums: [f32; 4], values: [u32; 4], weights: [u32; 4]) -> [f32; 4] {
        let product = |shift: u32, i: usize| {
            let half = |word: u32| bf16_to_f32((word >> shift) as u16);
            half(values[i]) * half(weights[i])
        };
        array::from_fn(|i| sums[i] + product(16, i) + product(0, i))
    }

    #[inline(always)]
    fn finish(self, sums: [f32; 4], _scale: f32) -> [f32; 4] {
        sums
    }

    #[inline(always)]
    fn finish_and_add(self, sums: [f32; 4], _scale: f32, add: [f32; 4]) -> [f32; 4] {
        self.add(sums, add)
    }
}

/// Words of whole numbers, and how they are multiplied.
pub(in crate::isa) trait Whole: Copy {
    /// As [`PackedLanes::FORMAT`].
    const FORMAT: Format;

    /// As [`PackedLanes::CHANNELS`].
    const CHANNELS: usize;

    /// The word of one pixel.
    fn word(channels: [f32; 4]) -> u32;

    /// `sum` and the products of the channels of two words.
    fn dot(sum: i32, value: u32, weight: u32) -> i32;
}

impl Whole for Int8 {
    const FORMAT: Format = Format::Int8;
    const CHANNELS: usize = 4;

    /// `as` saturates, and takes NaN to 0.
    #[inline(always)]
    fn word(channels: [f32; 4]) -> u32 {
        u32::from_le_bytes(channels.map(|channel| channel.round_ties_even() as u8))
    }

    #[inline(always)]
    fn dot(sum: i32, value: u32, weight: u32) -> i32 {
        let pairs = value.to_le_bytes().into_iter().zip(weight.to_le_bytes());
        pairs.fold(sum, |sum, (value, weight)| sum + i32::from(value) * i32::from(weight.cast_signed()))
    }
}

impl Whole for Int16 {
    const FORMAT: Format = Format::Int16;
    const CHANNELS: usize = 2;

    #[inline(always)]
    fn word([even, odd, ..]: [f32; 4]) -> u32 {
        let half = |value: f32| u32::from((value.round_ties_even() as i16).cast_unsigned());
        half(even) | half(odd) << 16
    }

    /// Values that are too great must not panic.
    #[inline(always)]
    fn dot(sum: i32, value: u32, weight: u32) -> i32 {
        let half = |word: u32, shift: u32| i32::from(((word >> shift) as u16).cast_signed());
        let product = |shift: u32| half(value, shift) * half(weight, shift);
        sum.wrapping_add(product(0)).wrapping_add(product(16))
    }
}

impl<W: Whole> PackedLanes for Portable<W> {
    type Words = [u32; 4];
    type Sums = [i32; 4];
    const FORMAT: Format = W::FORMAT;
    const CHANNELS: usize = W::CHANNELS;

    #[inline(never)]
    fn enter_packed<K: PackedKernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn pack(self, channels: [[f32; 4]; 4]) -> [u32; 4] {
        array::from_fn(|i| W::word(channels.map(|channel| channel[i])))
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> [u32; 4] {
        [word; 4]
    }

    #[inline(always)]
    fn load_words(self, src: &[f32]) -> [u32; 4] {
        load_words(src)
    }

    #[inline(always)]
    fn store_words(self, dst: &mut [f32], words: [u32; 4]) {
        store_words(dst, words);
    }

    #[inline(always)]
    fn is_cut(self, words: [u32; 4]) -> bool {
        words.into_iter().any(|word| word.to_le_bytes().contains(&u8::MAX))
    }

    #[inline(always)]
    fn begin(self, start: u32) -> [i32; 4] {
        [start.cast_signed(); 4]
    }

    #[inline(always)]
    fn dot(self, sums: [i32; 4], values: [u32; 4], weights: [u32; 4]) -> [i32; 4] {
        array::from_fn(|i| W::dot(sums[i], values[i], weights[i]))
    }

    #[inline(always)]
    fn finish(self, sums: [i32; 4], scale: f32) -> [f32; 4] {
        self.mul(sums.map(|sum| sum as f32), [scale; 4])
    }

    #[inline(always)]
    fn finish_and_add(self, sums: [i32; 4], scale: f32, add: [f32; 4]) -> [f32; 4] {
        self.mul_add(sums.map(|sum| sum as f32), [scale; 4], add)
    }
}
