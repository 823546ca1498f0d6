//! Sums of dilated convolutions with products of int16, with every instruction set this CPU has, against sums in
//! `f64`. The bounds follow from the steps of values and weights.

#[path = "agree/maps.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod maps;

use maps::{Output, Rows, random, unfilled};
use pidinet_kernels::reference::{self, Map};
use pidinet_kernels::rows::packed::{PackedDilated, PackedDilatedWeights};
use pidinet_kernels::rows::row::{self, MARGIN, Row};
use pidinet_kernels::{Format, Isa};

fn floats(map: &Map) -> Vec<f32> {
    map.data.iter().map(|&x| x as f32).collect()
}

fn bits_of(output: &Output) -> Vec<u32> {
    output.row().data.iter().map(|x| x.to_bits()).collect()
}

/// What a CDCM reads: for each dilation a window of 3x3, the centre once.
fn taps_of_dilations() -> Vec<(isize, isize)> {
    let windows = [5, 7, 9, 11].map(|dilation| reference::window(3, dilation));
    let mut taps: Vec<(isize, isize)> = windows.concat();
    taps.sort_unstable();
    taps.dedup();
    taps
}

/// A band of `rows` of a sum of dilated convolutions, values of up to `size`.
fn check_dilated(inputs: usize, outputs: usize, rows: usize, width: usize, size: f64) {
    let taps = taps_of_dilations();
    let src = random([inputs, rows + 22, width], 31).map(|x| f64::from((size * x) as f32));
    let matrix = random([outputs, 1, inputs * taps.len()], 32).map(|w| f64::from(w as f32));
    let bias = random([1, 1, outputs], 33).map(|b| f64::from(b as f32));
    let at = |&(dy, dx): &(isize, isize)| reference::Tap { map: &src, dy, dx };
    let want = reference::dense(&taps.iter().map(at).collect::<Vec<_>>(), &matrix.data, &bias.data);

    let stride = row::stride(width, 11);
    let maps = Rows::new(&src, stride);
    let read: Vec<Row<'_>> = (0..rows + 22).map(|y| maps.at(y as isize)).collect();
    let mut first: Option<Vec<Vec<u32>>> = None;
    for isa in Isa::available() {
        let weights = PackedDilatedWeights::pack(isa, &floats(&matrix), &taps, inputs, Some(&floats(&bias)));
        let mut scratch = vec![f32::NAN; weights.scratch_len()];
        let mut outputs_of: Vec<Output> = (0..rows).map(|_| unfilled(outputs, width, 0)).collect();
        let mut dst: Vec<_> = outputs_of.iter_mut().map(Output::row_mut).collect();
        let kernel = PackedDilated {
            rows: &read,
            weights: &weights,
            columns: 0..width,
            width,
            scratch: &mut scratch,
            dst: &mut dst,
        };
        isa.run_packed(Format::Int16, kernel);
        for (y, got) in outputs_of.iter().enumerate() {
            for o in 0..outputs {
                let row = &matrix.data[o * inputs * taps.len()..][..inputs * taps.len()];
                let sum: f64 = row.iter().map(|w| w.abs()).sum();
                let greatest = row.iter().fold(0.0f64, |greatest, w| greatest.max(w.abs()));
                let room = f64::from(i32::MAX) / 4095.0 - row.len() as f64;
                let (value, weight) = (size / 4095.0, (greatest / 32767.0).max(sum / room));
                // Half a step of each value and of each weight; then four roundings of a float.
                let bound = 0.5 * value * sum
                    + 0.5 * weight * (size + value) * row.len() as f64
                    + 4.0 * f64::from(f32::EPSILON) * (size * sum + 1.0);
                for x in 0..width {
                    let got = f64::from(got.row().data[MARGIN + o * row::stride(width, 0) + x]);
                    let want = want.at(o, (y + 11) as isize, x as isize);
                    assert!(
                        (got - want).abs() <= bound,
                        "{isa}, {inputs} to {outputs}, row {y} of {rows}, column {x} of {width}: {got}, not {want}"
                    );
                }
            }
        }
        let bits: Vec<Vec<u32>> = outputs_of.iter().map(bits_of).collect();
        // The last step is fused in AVX2, which rounds once, and not in portable code.
        if isa.packs(Format::Int16) {
            assert!(*first.get_or_insert_with(|| bits.clone()) == bits, "{isa}: other bits");
        }
    }
}

#[test]
fn dilated_int16_is_near() {
    for (inputs, outputs) in [(1, 1), (3, 4), (8, 8), (24, 24), (21, 5)] {
        check_dilated(inputs, outputs, 20, 61, 1.0);
    }
    for width in [1, 15, 16, 17, 100, 352, 353, 481] {
        check_dilated(8, 8, 3, width, 40.0);
    }
    for rows in [1, 7, 19] {
        check_dilated(8, 8, rows, 33, 1e-5);
    }
}

#[test]
fn dilated_int16_takes_any_values() {
    let taps = taps_of_dilations();
    for value in [0.0, 1e-44, 1e-33, 7.0, 3e38, f64::INFINITY, f64::NAN] {
        let src = Map::from_fn([3, 24, 40], |_, _, _| value);
        let maps = Rows::new(&src, row::stride(40, 11));
        let read: Vec<Row<'_>> = (0..24).map(|y| maps.at(y)).collect();
        let matrix = vec![1.0; 2 * 3 * taps.len()];
        for isa in Isa::available() {
            let weights = PackedDilatedWeights::pack(isa, &matrix, &taps, 3, None);
            let mut outputs: Vec<Output> = (0..2).map(|_| unfilled(2, 40, 0)).collect();
            let mut dst: Vec<_> = outputs.iter_mut().map(Output::row_mut).collect();
            let mut scratch = vec![f32::NAN; weights.scratch_len()];
            let (scratch, dst) = (&mut scratch[..], &mut dst[..]);
            let kernel =
                PackedDilated { rows: &read, weights: &weights, columns: 0..40, width: 40, scratch, dst };
            isa.run_packed(Format::Int16, kernel);
            // All products have one sign, so sums are as great as they can be.
            let want = 99.0 * value as f32;
            let is_near = |got: f32| (got - want).abs() <= 1e-3 * want.abs() + 1e-28;
            let inside = |row: &Output| row.row().data[MARGIN + 16];
            assert!(
                value.abs() >= 1e37 || value.is_nan() || outputs.iter().all(|row| is_near(inside(row))),
                "{isa}, {value}"
            );
        }
    }
}
