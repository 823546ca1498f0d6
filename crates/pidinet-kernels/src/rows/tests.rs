//! What is cut to fit the caches: how large the pieces are, and that they do not show in the results.

use super::block::{self, Block, Shortcut};
use super::dense::{self, Activation, Dense, DenseWeights, Tap};
use super::depthwise::DepthwiseWeights;
use super::dilated::{BAND, Dilated, DilatedWeights};
use super::packed::{self, PackedBlock, PackedDense, PackedDilatedWeights, PackedWeights};
use super::row::{self, MARGIN, Row, RowMut};
use crate::caches::pretend;
use crate::{Format, Isa};

const KIB: usize = 1 << 10;

/// None, smaller and greater than any, and those that there are.
const CACHES: [usize; 7] = [0, 64 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB, 2048 * KIB, KIB * KIB * KIB];

/// Numbers in `[-1, 1)`, the same for the same seed.
fn random(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(next).collect()
}

/// Row blocks of `channels` channels with the given padding.
fn rows(count: usize, channels: usize, width: usize, padding: usize) -> (Vec<Vec<f32>>, usize) {
    let stride = row::stride(width, padding);
    let row = |y: usize| {
        let mut data = vec![0.0; row::block_len(channels, stride)];
        let values = random(channels * width, 100 + y as u32);
        for (c, values) in values.chunks(width).enumerate() {
            data[MARGIN + c * stride..][..width].copy_from_slice(values);
        }
        data
    };
    ((0..count).map(row).collect(), stride)
}

fn views(rows: &[Vec<f32>], stride: usize) -> Vec<Row<'_>> {
    rows.iter().map(|data| Row { data, stride }).collect()
}

/// Asserts that `run` gives the same bits with every cache.
#[track_caller]
fn same_with_every_cache(name: &str, run: impl Fn() -> Vec<Vec<f32>>) {
    let bits = |rows: Vec<Vec<f32>>| rows.concat().into_iter().map(f32::to_bits).collect::<Vec<u32>>();
    let results = CACHES.map(|bytes| pretend(bytes, || bits(run())));
    let [first, others @ ..] = &results;
    assert!(others.iter().all(|other| other == first), "{name}: the caches show");
}

#[test]
fn results_are_the_same_with_every_cache() {
    const CHANNELS: usize = 40;
    const WIDTH: usize = 701;
    let (window, stride) = rows(5, CHANNELS, WIDTH, 2);
    let window = views(&window, stride);
    let kernel = DepthwiseWeights::pack(&random(CHANNELS * 25, 1), CHANNELS, 5, 1);
    let matrix = random(7 * CHANNELS, 2);
    let square = random(CHANNELS * CHANNELS, 3);
    let (columns, width) = (0..WIDTH, WIDTH);
    let written = |channels| vec![7.0; row::block_len(channels, row::stride(WIDTH, 0))];
    let stride = row::stride(WIDTH, 0);
    for isa in Isa::available() {
        let weights = DenseWeights::pack(isa, &matrix, &[CHANNELS], None);
        let taps = [Tap { row: window[0], dx: 0 }];
        same_with_every_cache(&format!("{isa}, dense"), || {
            let (mut data, activation, columns) = (written(7), Activation::Relu, columns.clone());
            let dst = RowMut { data: &mut data, stride };
            isa.run(Dense { taps: &taps, weights: &weights, activation, add: None, columns, width, dst });
            vec![data]
        });

        let pointwise = DenseWeights::pack(isa, &square, &[CHANNELS], None);
        same_with_every_cache(&format!("{isa}, block"), || {
            let mut data = written(CHANNELS);
            isa.run(Block {
                rows: &window,
                depthwise: &kernel,
                pointwise: &pointwise,
                shortcut: Shortcut::Identity,
                columns: columns.clone(),
                width,
                scratch: &mut vec![f32::NAN; block::scratch_len(CHANNELS)],
                dst: RowMut { data: &mut data, stride },
            });
            vec![data]
        });

        for format in [Format::Bf16, Format::Int8] {
            if !isa.packs(format) && cfg!(not(feature = "emulation")) {
                continue;
            }
            let pointwise = PackedWeights::pack(isa, format, &square, &[CHANNELS], None);
            same_with_every_cache(&format!("{isa}, block of {format:?}"), || {
                let mut data = written(CHANNELS);
                let kernel = PackedBlock {
                    rows: &window,
                    depthwise: &kernel,
                    pointwise: &pointwise,
                    shortcut: Shortcut::Identity,
                    columns: columns.clone(),
                    width,
                    scratch: &mut vec![f32::NAN; packed::scratch_len(CHANNELS)],
                    dst: RowMut { data: &mut data, stride },
                };
                let is_cut = isa.run_packed(format, kernel);
                vec![data, vec![f32::from(u8::from(is_cut))]]
            });
            let weights = PackedWeights::pack(isa, format, &random(3 * CHANNELS, 4), &[CHANNELS], None);
            // Any bits are words; those of ones are finite as bf16, too.
            let words = vec![1.0; row::block_len(CHANNELS, stride)];
            let taps = [Tap { row: Row { data: &words, stride }, dx: 0 }];
            same_with_every_cache(&format!("{isa}, dense of {format:?}"), || {
                let (mut data, columns) = (written(3), columns.clone());
                let dst = RowMut { data: &mut data, stride };
                let kernel = PackedDense { taps: &taps, weights: &weights, add: None, columns, width, dst };
                isa.run_packed(format, kernel);
                vec![data]
            });
        }
    }
}

/// The dilated convolutions of a CDCM.
fn dilations(channels: usize) -> Vec<(usize, Vec<f32>)> {
    [5, 7, 9, 11].map(|dilation| (dilation, random(channels * channels * 9, dilation as u32))).to_vec()
}

#[test]
fn bands_are_the_same_with_every_cache() {
    const CHANNELS: usize = 12;
    const WIDTH: usize = 333;
    let (read, stride) = rows(BAND + 22, CHANNELS, WIDTH, 11);
    let read = views(&read, stride);
    let stride = row::stride(WIDTH, 0);
    for isa in Isa::available() {
        let weights = DilatedWeights::pack(isa, &dilations(CHANNELS), CHANNELS, None);
        same_with_every_cache(&format!("{isa}, dilated"), || {
            let mut written = vec![vec![7.0; row::block_len(CHANNELS, stride)]; BAND];
            isa.run(Dilated {
                rows: &read,
                weights: &weights,
                columns: 0..WIDTH,
                width: WIDTH,
                scratch: &mut vec![f32::NAN; weights.scratch_len()],
                dst: &mut written.iter_mut().map(|data| RowMut { data, stride }).collect::<Vec<_>>(),
            });
            written
        });
    }
}

#[test]
fn smaller_caches_have_smaller_pieces() {
    let weights = |channels| DilatedWeights::pack(Isa::best(), &dilations(channels), channels, None);
    let of_channels = [1, 8, 12, 24, 60, 240, 1_000_000].map(|channels| {
        CACHES
            .map(|bytes| pretend(bytes, || [dense::chunk_columns(channels), packed::chunk_columns(channels)]))
    });
    let of_bands = [1, 8, 24, 60].map(weights).map(|weights| {
        CACHES.map(|bytes| pretend(bytes, || [weights.scratch_len(), block::scratch_len(weights.outputs())]))
    });
    for sizes in of_channels.iter().chain(&of_bands) {
        assert!(sizes.is_sorted_by(|[a, b], [c, d]| a <= c && b <= d), "{sizes:?}");
        assert!(sizes.iter().flatten().all(|&size| size >= 96), "{sizes:?}");
    }
    let columns = of_channels.as_flattened().as_flattened();
    assert!(columns.iter().all(|&columns| columns <= 1024 && columns % 32 == 0), "{columns:?}");
    // An eighth of 256 KiB, 512 KiB and 1 MiB for 60 channels.
    assert_eq!(
        CACHES[2..5].iter().map(|&bytes| pretend(bytes, || dense::chunk_columns(60))).collect::<Vec<_>>(),
        [128, 256, 544]
    );
    let mebibytes = of_bands.as_flattened().iter().map(|[band, _]| band / (KIB * KIB)).max();
    assert!(mebibytes.is_some_and(|floats| floats < 2), "{of_bands:?}");
}

#[test]
fn what_rounds_differently_has_a_fixed_size() {
    let taps = [(-11, 0), (0, -11), (0, 0), (11, 11)];
    let weights = PackedDilatedWeights::pack(Isa::best(), &random(24 * 24 * 4, 9), &taps, 24, None);
    let sizes = CACHES.map(|bytes| pretend(bytes, || (packed::unit_columns(30), weights.scratch_len())));
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}
