//! The kernels of packed words, with every instruction set this CPU has and both formats, against plain arithmetic.
//!
//! Values are rounded to words here by other means than in the kernels; everything after that is exact or has
//! the bound of sums in `f32`.

#[path = "agree/maps.rs"]
mod maps;

use maps::{Output, Rows, close, random, unfilled};
use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::reference::{self, Map};
use pidinet_kernels::rows::block::Shortcut;
use pidinet_kernels::rows::dense::{Activation, Tap};
use pidinet_kernels::rows::depthwise::{Depthwise, DepthwiseWeights};
use pidinet_kernels::rows::packed::{self, PackedBlock, PackedDense, PackedPointwise, PackedWeights};
use pidinet_kernels::rows::row::{self, MARGIN, Row};
use pidinet_kernels::{Format, Isa};
use proptest::prelude::*;
use std::ops::Range;

const FORMATS: [Format; 2] = [Format::Bf16, Format::Int8];

const NOT_HERE: &str = "int16 has a file of its own";

/// The nearest value that a word of this format holds.
fn rounded(format: Format, x: f64) -> f64 {
    match format {
        Format::Bf16 if x == 0.0 => x,
        Format::Bf16 => {
            let unit = 2f64.powi(x.abs().log2().floor() as i32 - 7); // eight bits
            (x / unit).round_ties_even() * unit
        }
        Format::Int8 => x.round_ties_even().clamp(0.0, 255.0),
        Format::Int16 => unreachable!("{NOT_HERE}"),
    }
}

/// The bits of that value.
fn bits(format: Format, x: f64) -> u32 {
    match format {
        Format::Bf16 => (x as f32).to_bits() >> 16,
        Format::Int8 => x as u32,
        Format::Int16 => unreachable!("{NOT_HERE}"),
    }
}

/// Maps of numbers roughly like those of the network: about 1 for bf16, up to 300 for int8, which cannot hold
/// the greatest and the negative ones.
fn values(format: Format, shape: [usize; 3], seed: u64) -> Map {
    random(shape, seed).map(|x| match format {
        Format::Bf16 => x,
        Format::Int8 => f64::from((140.0 + 170.0 * x) as f32),
        Format::Int16 => unreachable!("{NOT_HERE}"),
    })
}

/// The words of a map `[c, h, w]`: a map of as many channels as there are words, in rows like floats.
fn words(format: Format, map: &Map, stride: usize) -> Vec<Buffer> {
    let row = |y: usize| {
        let mut row = Buffer::zeroed(row::block_len(format.words(map.channels), stride));
        for c in 0..map.channels {
            let (word, shift) = (c / format.channels(), c % format.channels() * (32 / format.channels()));
            for x in 0..map.width {
                let place = &mut row[MARGIN + word * stride + x];
                let bits = bits(format, rounded(format, map.at(c, y as isize, x as isize)));
                *place = f32::from_bits(place.to_bits() | bits << shift);
            }
        }
        row
    };
    (0..map.height).map(row).collect()
}

/// Weights `[outputs, inputs]` that packing keeps exactly: bf16, or whole numbers. 127 or -127 occurs in each
/// output, and no two neighbours of one sign are together greater.
fn weights(format: Format, outputs: usize, inputs: usize, seed: u64) -> Map {
    let weights = random([outputs, 1, inputs], seed);
    match format {
        Format::Bf16 => weights.map(|w| rounded(format, w)),
        Format::Int8 => Map::from_fn(weights.shape(), |o, _, k| {
            let (weight, sign) = (weights.at(o, 0, k as isize), if o % 2 == 0 { 1.0 } else { -1.0 });
            match k.abs_diff(o % inputs) {
                0 => 127.0 * sign,
                1 => -sign * (63.0 * weight.abs()).round(),
                _ => (63.0 * weight).round(),
            }
        }),
        Format::Int16 => unreachable!("{NOT_HERE}"),
    }
}

fn floats(map: &Map) -> Vec<f32> {
    map.data.iter().map(|&x| x as f32).collect()
}

fn bits_of(output: &Output) -> Vec<u32> {
    output.row().data.iter().map(|x| x.to_bits()).collect()
}

/// `0..width` cut at the multiples of 16 among `cuts`.
fn ranges(width: usize, cuts: &[usize]) -> Vec<Range<usize>> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut * MARGIN).filter(|&cut| cut < width).collect();
    ends.extend([0, width]);
    ends.sort_unstable();
    ends.dedup();
    ends.windows(2).map(|ends| ends[0]..ends[1]).collect()
}

fn check_dense(format: Format, inputs: usize, outputs: usize, size: usize, width: usize, cuts: &[usize]) {
    let src = values(format, [inputs, 3, width], 1);
    let offsets = reference::window(size, 1);
    let matrix = weights(format, outputs, inputs * offsets.len(), 2);
    let bias =
        random([1, 1, outputs], 3).map(|b| if format == Format::Int8 { (100.0 * b).round() } else { b });
    let add = random([outputs, 3, width], 4);

    let exact = src.map(|x| rounded(format, x));
    let sum = |src: &Map, matrix: &Map, bias: &Map, add: &Map| {
        let tap = |&(dy, dx): &(isize, isize)| reference::Tap { map: src, dy, dx };
        let taps: Vec<_> = offsets.iter().map(tap).collect();
        reference::add(&reference::dense(&taps, &matrix.data, &bias.data), add)
    };
    let want = sum(&exact, &matrix, &bias, &add);
    let size = sum(&exact.map(f64::abs), &matrix.map(f64::abs), &bias.map(f64::abs), &add.map(f64::abs));
    // Whole numbers are added exactly, so only the last sum is rounded.
    let roundings = if format == Format::Int8 { 1 } else { offsets.len() * inputs + 2 };

    let stride = row::stride(width, 2);
    let rows = words(format, &src, stride);
    let zeros = Buffer::zeroed(rows[0].len());
    let add = Rows::new(&add, row::stride(width, 0));
    let (matrix, bias) = (floats(&matrix), floats(&bias));
    let mut first = None;
    for isa in Isa::available() {
        let weights = PackedWeights::pack(isa, format, &matrix, &vec![inputs; offsets.len()], Some(&bias));
        for y in 0..3 {
            let data = |dy: isize| usize::try_from(y + dy).ok().and_then(|y| rows.get(y)).unwrap_or(&zeros);
            let taps: Vec<Tap<'_>> =
                offsets.iter().map(|&(dy, dx)| Tap { row: Row { data: data(dy), stride }, dx }).collect();
            let run = |columns: &[Range<usize>]| {
                let mut dst = unfilled(outputs, width, 3);
                for columns in columns.iter().cloned() {
                    let (add, dst) = (Some(add.at(y)), dst.row_mut());
                    isa.run_packed(
                        format,
                        PackedDense { taps: &taps, weights: &weights, add, columns, width, dst },
                    );
                }
                dst
            };
            let whole = run(&ranges(width, &[]));
            let name = format!("{isa}, {format:?}, {inputs} to {outputs}, row {y}");
            close(&whole, &want, &size, y as usize, roundings, &name);
            assert_eq!(whole, run(&ranges(width, cuts)), "{name}: cut at {cuts:?}");
            if y == 1 {
                let first = first.get_or_insert_with(|| bits_of(&whole));
                assert_eq!(bits_of(&whole), *first, "{name}: other bits than portable");
            }
        }
    }
}

#[test]
fn dense_agrees_and_gives_the_bits_of_portable_code() {
    for format in FORMATS {
        for width in (1..=70).step_by(3) {
            check_dense(format, 5, 13, 1, width, &[1, 3]);
        }
        for outputs in 1..=13 {
            check_dense(format, 7, outputs, 1, 83, &[2]);
        }
        for inputs in [1, 2, 3, 4, 20, 30, 60] {
            check_dense(format, inputs, 24, 3, 50, &[2]);
        }
    }
}

#[test]
fn int8_is_exact_where_values_and_weights_are_greatest() {
    let pairs = [[127, 0], [0, -127], [64, 63], [-63, -64], [127, -127], [-127, 127], [1, 126], [-126, -1]];
    for inputs in [2, 4, 60, 240] {
        let matrix = Map::from_fn([pairs.len(), 1, inputs], |o, _, k| f64::from(pairs[o][k % 2]));
        let src = Map::from_fn([inputs, 1, 40], |_, _, x| if x % 8 == 0 { 1e6 } else { 255.0 });
        let stride = row::stride(src.width, 0);
        let values = words(Format::Int8, &src, stride);
        for isa in Isa::available() {
            let weights = PackedWeights::pack(isa, Format::Int8, &floats(&matrix), &[inputs], None);
            let mut dst = unfilled(pairs.len(), src.width, 0);
            let taps = [Tap { row: Row { data: &values[0], stride }, dx: 0 }];
            isa.run_packed(
                Format::Int8,
                PackedDense {
                    taps: &taps,
                    weights: &weights,
                    add: None,
                    columns: 0..src.width,
                    width: src.width,
                    dst: dst.row_mut(),
                },
            );
            for (o, [a, b]) in pairs.into_iter().enumerate() {
                let want = (255 * (a + b) * inputs as i32 / 2) as f32;
                let got = &dst.row().data[MARGIN + o * stride..][..src.width];
                assert!(
                    got.iter().all(|&got| got == want),
                    "{isa}, {inputs} of {a}, {b}: {got:?}, not {want}"
                );
            }
        }
    }
}

/// What a 1x1 convolution packs, before and after, equals what is packed here.
fn check_pointwise(format: Format, inputs: usize, outputs: usize, width: usize, cuts: &[usize]) {
    let src = values(format, [inputs, 1, width], 11);
    let matrix = weights(format, outputs, inputs, 12);
    // Sums of int8 are scaled back to the range of words.
    let matrix = if format == Format::Int8 { matrix.map(|w| w / (127.0 * 64.0)) } else { matrix };
    let rows = Rows::new(&src, row::stride(width, 0));
    let packed = words(format, &reference::relu(&src), row::stride(width, 0));
    for isa in Isa::available() {
        let weights = PackedWeights::pack(isa, format, &floats(&matrix), &[inputs], None);
        let mut sums = unfilled(outputs, width, 0);
        let tap = Tap { row: Row { data: &packed[0], stride: row::stride(width, 0) }, dx: 0 };
        isa.run_packed(
            format,
            PackedDense {
                taps: &[tap],
                weights: &weights,
                add: None,
                columns: 0..width,
                width,
                dst: sums.row_mut(),
            },
        );
        let sums = Map::from_fn([outputs, 1, width], |c, _, x| {
            f64::from(sums.row().data[MARGIN + c * row::stride(width, 0) + x])
        });
        let want = words(format, &sums, row::stride(width, 0));

        let mut scratch = vec![f32::NAN; PackedPointwise::scratch_len(&weights, inputs)];
        let mut got = unfilled(format.words(outputs), width, 0);
        for columns in ranges(width, cuts) {
            let kernel = PackedPointwise {
                src: rows.at(0),
                channels: inputs,
                activation: Activation::Relu,
                weights: &weights,
                columns,
                width,
                scratch: &mut scratch,
                dst: got.row_mut(),
            };
            isa.run_packed(format, kernel);
        }
        let want: Vec<u32> = want[0].iter().map(|word| word.to_bits()).collect();
        assert_eq!(bits_of(&got), want, "{isa}, {format:?}, {inputs} to {outputs}, {width} wide");
    }
}

#[test]
fn pointwise_packs_before_and_after() {
    for format in FORMATS {
        for width in [1, 15, 16, 17, 50, 483, 700] {
            check_pointwise(format, 6, 8, width, &[1, 2, 31]);
        }
        for (inputs, outputs) in [(1, 1), (3, 2), (20, 8), (30, 12), (60, 24), (61, 5)] {
            check_pointwise(format, inputs, outputs, 130, &[4]);
        }
    }
}

/// A block equals its parts, bit for bit, and tells whether words could hold the values between them.
fn check_block(
    format: Format,
    [inputs, outputs]: [usize; 2],
    width: usize,
    size: usize,
    weight: f64,
    cuts: &[usize],
) {
    let projection = format == Format::Bf16 && outputs != inputs;
    let outputs = if projection { outputs } else { inputs };
    let src = values(format, [inputs, 5, width], 21);
    let rows = Rows::new(&src, row::stride(width, 2));
    let window: Vec<_> = (0..size).map(|i| rows.at(2 + i as isize - size as isize / 2)).collect();
    let kernel = random([inputs, 1, size * size], 22).map(|w| w * weight);
    let depthwise = DepthwiseWeights::pack(&floats(&kernel), inputs, size, 1);
    let taps = if projection { vec![inputs; 2] } else { vec![inputs] };
    let matrix = floats(&random([outputs, 1, inputs * taps.len()], 23));
    let bias = floats(&random([1, 1, outputs], 24));
    for isa in Isa::available() {
        let pointwise = PackedWeights::pack(isa, format, &matrix, &taps, projection.then_some(&bias));
        let mut between = unfilled(inputs, width, 0);
        // The rest of a block runs on the same instruction set as its words.
        let lanes = if isa.packs(format) { isa } else { Isa::named("portable").expect("always there") };
        lanes.run(Depthwise {
            rows: &window,
            weights: &depthwise,
            activation: Activation::Relu,
            columns: 0..width,
            width,
            dst: between.row_mut(),
        });
        let stride = row::stride(width, 0);
        let between = Map::from_fn([inputs, 1, width], |c, _, x| {
            f64::from(between.row().data[MARGIN + c * stride + x])
        });
        let is_cut = format == Format::Int8 && between.data.iter().any(|&x| x.round_ties_even() >= 255.0);
        let between = words(format, &between, stride);
        let middle = words(format, &src, stride);
        let taps = [&between[0], &middle[2]].map(|data| Tap { row: Row { data, stride }, dx: 0 });
        let mut apart = unfilled(outputs, width, 0);
        let dense = PackedDense {
            taps: &taps[..if projection { 2 } else { 1 }],
            weights: &pointwise,
            add: (!projection).then_some(rows.at(2)),
            columns: 0..width,
            width,
            dst: apart.row_mut(),
        };
        isa.run_packed(format, dense);

        let mut scratch = vec![f32::NAN; packed::scratch_len(inputs)];
        let mut fused = unfilled(outputs, width, 0);
        let mut was_cut = false;
        for columns in ranges(width, cuts) {
            let block = PackedBlock {
                rows: &window,
                depthwise: &depthwise,
                pointwise: &pointwise,
                shortcut: if projection { Shortcut::Projection } else { Shortcut::Identity },
                columns,
                width,
                scratch: &mut scratch,
                dst: fused.row_mut(),
            };
            was_cut |= isa.run_packed(format, block);
        }
        let name = format!("{isa}, {format:?}, {inputs} to {outputs}, width {width}, size {size}");
        assert_eq!(fused, apart, "{name}");
        assert_eq!(was_cut, is_cut, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_block_is_its_parts(
        inputs in 1usize..70,
        outputs in 1usize..30,
        width in 1usize..300,
        size in prop::sample::select(vec![1usize, 3, 5]),
        int8: bool,
        weight in prop::sample::select(vec![0.05, 0.2, 1.0]),
        cuts in prop::collection::vec(0usize..19, 0..3),
    ) {
        check_block(FORMATS[usize::from(int8)], [inputs, outputs], width, size, weight, &cuts);
    }
}
