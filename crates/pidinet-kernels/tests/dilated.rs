//! Bands of dilated convolutions, with every instruction set this CPU has, against the plain loops of `reference`.

#[path = "agree/maps.rs"]
mod maps;
#[path = "agree/ranges.rs"]
mod ranges;

use maps::{Rows, close, random, unfilled};
use pidinet_kernels::Isa;
use pidinet_kernels::reference::{self, Map};
use pidinet_kernels::rows::dilated::{self, Dilated, DilatedWeights};
use pidinet_kernels::rows::row;
use ranges::ranges;
use std::ops::Range;

/// Checks a band of rows from `first` on of a sum of dilated convolutions with every instruction set, whole
/// and cut at `cuts`; returns the root mean square error of a value for the best one.
fn check_dilated(
    shape: [usize; 3],
    outputs: usize,
    first: usize,
    extra_stride: usize,
    cuts: &[usize],
) -> f64 {
    let [inputs, height, width] = shape;
    let dilations = [5, 7, 9, 11];
    let src = random(shape, 51);
    let kernels = dilations.map(|dilation| random([outputs, inputs, 9], 52 + dilation as u64));
    let bias = random([1, 1, outputs], 53);
    let taps: Vec<reference::Tap<'_>> = dilations
        .iter()
        .flat_map(|&dilation| reference::window(3, dilation))
        .map(|(dy, dx)| reference::Tap { map: &src, dy, dx })
        .collect();
    let matrix: Vec<f64> = (0..outputs)
        .flat_map(|o| kernels.iter().map(move |kernel| (o, kernel)))
        .flat_map(|(o, kernel)| (0..9).map(move |tap| (o, kernel, tap)))
        .flat_map(|(o, kernel, tap)| (0..inputs).map(move |i| kernel.at(o, i as isize, tap)))
        .collect();
    let want = reference::dense(&taps, &matrix, &bias.data);
    // Products in a chain of four are up to 48 times as large as the products of weights and inputs, all of
    // which are below 1.
    let size = want.map(|_| 48.0 * (3 * dilations.len() * inputs) as f64);

    let to_f32 = |map: &Map| map.data.iter().map(|&value| value as f32).collect::<Vec<f32>>();
    let branches: Vec<(usize, Vec<f32>)> =
        dilations.into_iter().zip(&kernels).map(|(dilation, kernel)| (dilation, to_f32(kernel))).collect();
    let bias: Vec<f32> = bias.data.iter().map(|&b| b as f32).collect();
    let rows = Rows::new(&src, row::stride(width, 11) + extra_stride);
    let count = (height - first).min(dilated::BAND);
    let mut squares = 0.0;
    for isa in Isa::available() {
        let weights = DilatedWeights::pack(isa, &branches, inputs, Some(&bias));
        let reach = weights.reach() as isize;
        let window: Vec<_> =
            (-reach..count as isize + reach).map(|dy| rows.at(first as isize + dy)).collect();
        let mut scratch = vec![f32::NAN; weights.scratch_len()];
        let mut run = |columns: &[Range<usize>]| {
            let mut dst: Vec<_> = (0..count).map(|_| unfilled(outputs, width, extra_stride)).collect();
            for columns in columns {
                isa.run(Dilated {
                    rows: &window,
                    weights: &weights,
                    columns: columns.clone(),
                    width,
                    scratch: &mut scratch,
                    dst: &mut dst.iter_mut().map(|row| row.row_mut()).collect::<Vec<_>>(),
                });
            }
            dst
        };
        let whole = run(&ranges(width, &[]));
        let name = format!("{isa}, {inputs} to {outputs}, {count} rows from {first}, width {width}");
        for (index, row) in whole.iter().enumerate() {
            close(row, &want, &size, first + index, 3 * inputs, &name);
        }
        assert!(whole == run(&ranges(width, cuts)), "{name}: cut at {cuts:?}");
        let values = whole.iter().enumerate().flat_map(|(index, row)| {
            let want = &want;
            (0..outputs * width).map(move |at| {
                let (o, x) = (at / width, at % width);
                let got = row.row().data[row::MARGIN + o * row.row().stride + x];
                f64::from(got) - want.at(o, (first + index) as isize, x as isize)
            })
        });
        let errors: Vec<f64> = values.map(|error| error * error).collect();
        squares = errors.iter().sum::<f64>() / errors.len() as f64;
    }
    squares.sqrt()
}

#[test]
fn bands_of_every_height_agree() {
    for height in 1..=22 {
        check_dilated([3, height, 21], 2, 0, 0, &[1]);
    }
    for first in [20, 40] {
        check_dilated([5, 47, 70], 3, first, 3, &[2, 3]);
    }
    check_dilated([1, 20, 3200], 1, 0, 0, &[1, 100]);
}

/// Transforms round, but sums are shorter: with 24 channels and 36 taps of numbers up to 1, bands are off by
/// 3.3e-6 and plain sums of multiply-adds by 5.0e-6.
#[test]
fn bands_are_rounded_no_more_than_sums() {
    let channels = 24;
    let sum = |seed: u64| {
        let terms = random([2, 1, 36 * channels], seed);
        let (a, b) = terms.data.split_at(36 * channels);
        let exact: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let rounded = a.iter().zip(b).fold(0.0f32, |sum, (&a, &b)| (a as f32).mul_add(b as f32, sum));
        (f64::from(rounded) - exact).powi(2)
    };
    let one_by_one = ((1..=1000).map(sum).sum::<f64>() / 1000.0).sqrt();
    let in_bands = check_dilated([channels, 40, 50], channels, 20, 0, &[2]);
    assert!(in_bands < one_by_one, "root mean square errors {in_bands:e} and {one_by_one:e}");
}
