//! Every kernel, with every instruction set this CPU has, against the plain loops of `reference`.
//!
//! Bounds are those of a sum of `n` products rounded one by one, `n * eps * sum |a b|`: the sum of
//! magnitudes is the reference run on absolute values.

#[path = "agree/maps.rs"]
mod maps;
#[path = "agree/ranges.rs"]
mod ranges;

use maps::{Rows, close, random, unfilled};
use pidinet_kernels::Isa;
use pidinet_kernels::reference::{self, Map};
use pidinet_kernels::rows::block::{self, Block, Shortcut};
use pidinet_kernels::rows::dense::{Activation, Dense, DenseWeights, Tap};
use pidinet_kernels::rows::depthwise::{Depthwise, DepthwiseWeights};
use pidinet_kernels::rows::elementwise::{Add, Extent, Gate, Relu, Sigmoid};
use pidinet_kernels::rows::pool::MaxPool;
use pidinet_kernels::rows::resize::{self, Axis, Finish, Fuse, Part};
use pidinet_kernels::rows::row;
use proptest::prelude::*;
use ranges::ranges;
use std::ops::Range;

/// A dense convolution to test: offsets `(dy, dx)` of its taps, all of them reading one map.
struct Case {
    src: Map,
    offsets: Vec<(isize, isize)>,
    outputs: usize,
    activation: Activation,
    biased: bool,
    added: bool,
}

impl Case {
    fn pointwise(inputs: usize, outputs: usize, width: usize) -> Case {
        Case {
            src: random([inputs, 1, width], 1),
            offsets: vec![(0, 0)],
            outputs,
            activation: Activation::None,
            biased: true,
            added: true,
        }
    }

    /// Runs every row with every instruction set, whole and cut at `cuts`, and compares.
    fn check(&self, extra_stride: usize, cuts: &[usize]) {
        let [inputs, height, width] = self.src.shape();
        let k = self.offsets.len() * inputs;
        let weights = random([self.outputs, 1, k], 2);
        let bias = random([1, 1, self.outputs], 3).map(|b| if self.biased { b } else { 0.0 });
        let add = random([self.outputs, height, width], 4).map(|a| if self.added { a } else { 0.0 });

        let activated = match self.activation {
            Activation::None => self.src.clone(),
            Activation::Relu => reference::relu(&self.src),
        };
        let expected = |src: &Map, weights: &Map, bias: &Map, add: &Map| {
            let tap = |&(dy, dx): &(isize, isize)| reference::Tap { map: src, dy, dx };
            let taps: Vec<_> = self.offsets.iter().map(tap).collect();
            reference::add(&reference::dense(&taps, &weights.data, &bias.data), add)
        };
        let want = expected(&activated, &weights, &bias, &add);
        let size = expected(
            &activated.map(f64::abs),
            &weights.map(f64::abs),
            &bias.map(f64::abs),
            &add.map(f64::abs),
        );

        let reach = self.offsets.iter().map(|(_, dx)| dx.unsigned_abs()).max().expect("a tap");
        let src = Rows::new(&self.src, row::stride(width, reach) + extra_stride);
        let add = Rows::new(&add, row::stride(width, 0) + extra_stride);
        let matrix: Vec<f32> = weights.data.iter().map(|&w| w as f32).collect();
        let bias: Vec<f32> = bias.data.iter().map(|&b| b as f32).collect();
        for isa in Isa::available() {
            let packed = DenseWeights::pack(
                isa,
                &matrix,
                &vec![inputs; self.offsets.len()],
                self.biased.then_some(&bias),
            );
            for y in 0..height {
                let taps: Vec<Tap<'_>> =
                    self.offsets.iter().map(|&(dy, dx)| Tap { row: src.at(y as isize + dy), dx }).collect();
                let run = |columns: &[Range<usize>]| {
                    let mut dst = unfilled(self.outputs, width, 8 + extra_stride);
                    for columns in columns {
                        isa.run(Dense {
                            taps: &taps,
                            weights: &packed,
                            activation: self.activation,
                            add: self.added.then(|| add.at(y as isize)),
                            columns: columns.clone(),
                            width,
                            dst: dst.row_mut(),
                        });
                    }
                    dst
                };
                let whole = run(&ranges(width, &[]));
                let name = format!("{isa}, {k} to {}, row {y}", self.outputs);
                close(&whole, &want, &size, y, k + 2, &name);
                assert_eq!(whole, run(&ranges(width, cuts)), "{name}: cut at {cuts:?}");
            }
        }
    }
}

#[test]
fn dense_agrees_at_every_width() {
    for width in 1..=70 {
        Case::pointwise(3, 13, width).check(0, &[1, 3]);
    }
}

#[test]
fn dense_agrees_at_every_number_of_outputs() {
    for outputs in (1..=26).chain([30, 40, 60]) {
        Case::pointwise(5, outputs, 83).check(3, &[2]);
    }
}

#[test]
fn dense_agrees_in_wide_maps_of_many_channels() {
    Case::pointwise(240, 20, 113).check(0, &[4]);
    Case::pointwise(1, 4, 1100).check(0, &[1, 32, 33]);
}

#[test]
fn stem_and_attention_agree() {
    for (size, inputs, outputs) in [(3, 3, 20), (5, 3, 30), (3, 4, 1)] {
        let case = Case {
            src: random([inputs, 6, 37], 7),
            offsets: reference::window(size, 1),
            outputs,
            activation: Activation::None,
            biased: false,
            added: false,
        };
        case.check(1, &[1]);
    }
}

#[test]
fn dilated_context_agrees() {
    for (channels, width) in [(8, 9), (12, 50), (24, 66)] {
        let offsets = [5, 7, 9, 11].into_iter().flat_map(|dilation| reference::window(3, dilation)).collect();
        let case = Case {
            src: random([channels, 5, width], 8),
            offsets,
            outputs: channels,
            activation: Activation::None,
            biased: false,
            added: false,
        };
        case.check(5, &[2, 3]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dense_agrees(
        inputs in 1usize..20,
        outputs in 1usize..30,
        height in 1usize..3,
        width in 1usize..140,
        size in prop::sample::select(vec![1usize, 3, 5]),
        dilation in 1usize..=3,
        relu: bool,
        biased: bool,
        added: bool,
        extra_stride in 0usize..4,
        cuts in prop::collection::vec(0usize..9, 0..3),
    ) {
        let activation = if relu { Activation::Relu } else { Activation::None };
        let offsets = reference::window(size, dilation);
        let src = random([inputs, height, width], 9);
        Case { src, offsets, outputs, activation, biased, added }.check(extra_stride, &cuts);
    }

    #[test]
    fn depthwise_agrees(
        channels in 1usize..6,
        height in 1usize..5,
        width in 1usize..140,
        kind in 0usize..6,
        dilation in 1usize..=2,
        relu: bool,
        extra_stride in 0usize..4,
        cuts in prop::collection::vec(0usize..9, 0..3),
    ) {
        check_depthwise([channels, height, width], kind, dilation, relu, extra_stride, &cuts);
    }

    #[test]
    fn a_block_is_its_parts(
        inputs in 1usize..70,
        outputs in 1usize..30,
        width in 1usize..300,
        kind in 0usize..6,
        projection: bool,
        cuts in prop::collection::vec(0usize..19, 0..3),
    ) {
        check_block(inputs, if projection { outputs } else { inputs }, width, kind, projection, &cuts);
    }
}

/// Sizes and used positions of folded kernels: vanilla, angular, radial, all of 5x5, and two unusual ones.
fn kernel(kind: usize) -> (usize, Vec<usize>) {
    match kind {
        0 => (3, (0..9).collect()),
        1 => (3, (0..9).filter(|&tap| tap != 4).collect()),
        2 => (5, vec![0, 2, 4, 6, 7, 8, 10, 11, 13, 14, 16, 17, 18, 20, 22, 24]),
        3 => (5, (0..25).collect()),
        4 => (3, vec![2]),
        _ => (1, vec![0]),
    }
}

/// Weights `[channels, size, size]` with zeros where the kind has no tap.
fn depthwise_weights(channels: usize, kind: usize, seed: u64) -> (usize, Map) {
    let (size, used) = kernel(kind);
    let weights = random([channels, 1, size * size], seed);
    let keep = Map::from_fn(weights.shape(), |_, _, tap| f64::from(u8::from(used.contains(&tap))));
    let data = weights.data.iter().zip(&keep.data).map(|(weight, keep)| weight * keep).collect();
    (size, Map { data, ..weights })
}

fn check_depthwise(
    shape: [usize; 3],
    kind: usize,
    dilation: usize,
    relu: bool,
    extra_stride: usize,
    cuts: &[usize],
) {
    let [channels, height, width] = shape;
    let src = random(shape, 11);
    let (size, weights) = depthwise_weights(channels, kind, 12);
    let offsets = reference::window(size, dilation);
    let want = reference::depthwise(&src, &weights.data, &offsets);
    let want = if relu { reference::relu(&want) } else { want };
    let magnitude = reference::depthwise(&src.map(f64::abs), &weights.map(f64::abs).data, &offsets);

    let weights: Vec<f32> = weights.data.iter().map(|&w| w as f32).collect();
    let packed = DepthwiseWeights::pack(&weights, channels, size, dilation);
    assert_eq!(packed.taps(), kernel(kind).1.len());
    let rows = Rows::new(&src, row::stride(width, size / 2 * dilation) + extra_stride);
    for isa in Isa::available() {
        for y in 0..height {
            let window: Vec<_> = (0..size)
                .map(|i| rows.at(y as isize + (i as isize - size as isize / 2) * dilation as isize))
                .collect();
            let run = |columns: &[Range<usize>]| {
                let mut dst = unfilled(channels, width, extra_stride);
                for columns in columns {
                    isa.run(Depthwise {
                        rows: &window,
                        weights: &packed,
                        activation: if relu { Activation::Relu } else { Activation::None },
                        columns: columns.clone(),
                        width,
                        dst: dst.row_mut(),
                    });
                }
                dst
            };
            let whole = run(&ranges(width, &[]));
            let name = format!("{isa}, kernel {kind}, row {y}");
            close(&whole, &want, &magnitude, y, packed.taps(), &name);
            assert_eq!(whole, run(&ranges(width, cuts)), "{name}: cut at {cuts:?}");
        }
    }
}

#[test]
fn depthwise_agrees_at_every_width() {
    for width in 1..=70 {
        for kind in 0..6 {
            check_depthwise([2, 3, width], kind, 1, kind % 2 == 0, 0, &[1, 2]);
        }
    }
}

/// A block equals [`Depthwise`] followed by [`Dense`], bit for bit.
fn check_block(inputs: usize, outputs: usize, width: usize, kind: usize, projection: bool, cuts: &[usize]) {
    let src = random([inputs, 5, width], 21);
    let (size, weights) = depthwise_weights(inputs, kind, 22);
    let weights: Vec<f32> = weights.data.iter().map(|&w| w as f32).collect();
    let depthwise = DepthwiseWeights::pack(&weights, inputs, size, 1);
    let rows = Rows::new(&src, row::stride(width, size / 2));
    let window: Vec<_> = (0..size).map(|i| rows.at(2 + i as isize - size as isize / 2)).collect();
    let middle = rows.at(2);

    let taps = if projection { vec![inputs; 2] } else { vec![inputs] };
    let matrix: Vec<f32> =
        random([outputs, 1, inputs * taps.len()], 23).data.iter().map(|&w| w as f32).collect();
    let bias: Vec<f32> = random([1, 1, outputs], 24).data.iter().map(|&b| b as f32).collect();
    for isa in Isa::available() {
        let pointwise = DenseWeights::pack(isa, &matrix, &taps, projection.then_some(&bias));

        let mut between = unfilled(inputs, width, 0);
        isa.run(Depthwise {
            rows: &window,
            weights: &depthwise,
            activation: Activation::Relu,
            columns: 0..width,
            width,
            dst: between.row_mut(),
        });
        let mut apart = unfilled(outputs, width, 0);
        let taps = [Tap { row: between.row(), dx: 0 }, Tap { row: middle, dx: 0 }];
        isa.run(Dense {
            taps: &taps[..if projection { 2 } else { 1 }],
            weights: &pointwise,
            activation: Activation::None,
            add: (!projection).then_some(middle),
            columns: 0..width,
            width,
            dst: apart.row_mut(),
        });

        let mut scratch = vec![f32::NAN; block::scratch_len(inputs)];
        let mut fused = unfilled(outputs, width, 0);
        for columns in ranges(width, cuts) {
            isa.run(Block {
                rows: &window,
                depthwise: &depthwise,
                pointwise: &pointwise,
                shortcut: if projection { Shortcut::Projection } else { Shortcut::Identity },
                columns,
                width,
                scratch: &mut scratch,
                dst: fused.row_mut(),
            });
        }
        assert_eq!(fused, apart, "{isa}, {inputs} to {outputs}, width {width}, kernel {kind}");
    }
}

#[test]
fn pooling_is_exact() {
    for width in 2..=70 {
        let src = random([3, 2, width], 31);
        let want = reference::max_pool(&src);
        let rows = Rows::new(&src, row::stride(width, 0) + width % 5);
        for isa in Isa::available() {
            for cuts in [&[][..], &[1][..]] {
                let mut dst = unfilled(3, width / 2, width % 3);
                for columns in ranges(width / 2, cuts) {
                    let rows = [rows.at(0), rows.at(1)];
                    isa.run(MaxPool { rows, channels: 3, columns, width: width / 2, dst: dst.row_mut() });
                }
                close(&dst, &want, &want.map(|_| 0.0), 0, 0, &format!("{isa}, width {width}"));
            }
        }
    }
}

#[test]
fn elementwise_kernels_agree() {
    for width in 1..=70 {
        let shape = [3, 1, width];
        let (a, b, g) = (random(shape, 41), random(shape, 42), random([1, 1, width], 43));
        let stride = row::stride(width, 0) + width % 7;
        let (a_rows, b_rows, g_rows) = (Rows::new(&a, stride), Rows::new(&b, stride), Rows::new(&g, stride));
        let (a_row, b_row, gate) = (a_rows.at(0), b_rows.at(0), g_rows.at(0));
        let bias = 0.375f32;
        let sum = reference::add(&a, &b);
        let sum_size = reference::add(&a.map(f64::abs), &b.map(f64::abs));
        let gated = reference::gate(&a, &g, f64::from(bias));
        let gated_size = reference::gate(&a.map(f64::abs), &g.map(f64::abs), f64::from(bias));
        let sigmoid = reference::sigmoid(&a);
        for isa in Isa::available() {
            let name = format!("{isa}, width {width}");
            let run = |kernel: &dyn Fn(Extent, row::RowMut<'_>)| {
                let mut dst = unfilled(3, width, 0);
                for columns in ranges(width, &[1, 3]) {
                    kernel(Extent { channels: 3, columns, width }, dst.row_mut());
                }
                dst
            };
            let got = run(&|extent, dst| isa.run(Relu { src: a_row, extent, dst }));
            close(&got, &reference::relu(&a), &a, 0, 0, &name);
            let got = run(&|extent, dst| isa.run(Add { a: a_row, b: b_row, extent, dst }));
            close(&got, &sum, &sum_size, 0, 1, &name);
            let got = run(&|extent, dst| isa.run(Gate { src: a_row, gate, bias, extent, dst }));
            close(&got, &gated, &gated_size, 0, 2, &name);
            let got = run(&|extent, dst| isa.run(Sigmoid { src: a_row, extent, dst }));
            close(&got, &sigmoid, &sigmoid, 0, 4, &name);
        }
    }
}

/// The logistic function of each of `inputs`.
fn sigmoids(isa: Isa, inputs: &[f32]) -> Vec<f32> {
    let width = inputs.len();
    let stride = row::stride(width, 0);
    let mut src = vec![0.0; row::block_len(1, stride)];
    src[row::MARGIN..][..width].copy_from_slice(inputs);
    let mut dst = unfilled(1, width, 0);
    isa.run(Sigmoid {
        src: row::Row { data: &src, stride },
        extent: Extent { channels: 1, columns: 0..width, width },
        dst: dst.row_mut(),
    });
    dst.row().data[row::MARGIN..][..width].to_vec()
}

#[test]
fn sigmoid_is_within_four_units_in_the_last_place() {
    // Every 4099th float of either sign: all exponents, a few thousand of each.
    let magnitudes = (0..f32::INFINITY.to_bits()).step_by(4099).map(f32::from_bits);
    let inputs: Vec<f32> = magnitudes.flat_map(|x| [x, -x]).collect();
    for isa in Isa::available() {
        for (&x, got) in inputs.iter().zip(sigmoids(isa, &inputs)) {
            let want = 1.0 / (1.0 + (-f64::from(x)).exp());
            if x < -87.0 {
                assert_eq!(got, 0.0, "{isa}: sigmoid({x})");
                continue;
            }
            let unit = f64::from((want as f32).next_up()) - f64::from(want as f32);
            let error = (f64::from(got) - want).abs() / unit;
            assert!(error <= 4.0, "{isa}: sigmoid({x}) is {got}, {error} units from {want}");
        }
    }
}

#[test]
fn sigmoid_of_special_numbers_is_defined() {
    for isa in Isa::available() {
        let got = sigmoids(isa, &[f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, f32::NAN, -f32::NAN]);
        assert_eq!(got[..4], [1.0, 0.0, 0.5, 0.5], "{isa}");
        assert!(got[4].is_nan() && got[5].is_nan(), "{isa}: {got:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fuse_agrees(
        height in 1usize..12,
        width in 1usize..150,
        sources in prop::collection::vec((1usize..14, 1usize..160), 1..5),
        last_is_whole: bool,
    ) {
        check_fuse(height, width, &sources, last_is_whole);
    }
}

/// Resizes maps of `sources` `[h, w]` and adds them; the last already has the output's size if
/// `last_is_whole`.
fn check_fuse(height: usize, width: usize, sources: &[(usize, usize)], last_is_whole: bool) {
    let mut sizes = sources.to_vec();
    if last_is_whole {
        *sizes.last_mut().expect("a source") = (height, width);
    }
    let scales = [0.25f32, -1.5, 0.7, 1.0];
    let bias = 0.1f32;
    let maps: Vec<Map> = sizes.iter().zip(51..).map(|(&(h, w), seed)| random([1, h, w], seed)).collect();
    let expected = |bias: f32, maps: &[Map], scales: &[f32]| {
        let start = Map::from_fn([1, height, width], |_, _, _| f64::from(bias));
        maps.iter().zip(scales).fold(start, |sum, (map, &scale)| {
            reference::add(&sum, &reference::resize(map, height, width).map(|x| x * f64::from(scale)))
        })
    };
    let want = expected(bias, &maps, &scales);
    let sizes: Vec<Map> = maps.iter().map(|map| map.map(f64::abs)).collect();
    let magnitude = expected(bias, &sizes, &scales.map(f32::abs));

    let rows: Vec<Rows> = maps.iter().map(|map| Rows::new(map, row::stride(map.width, 0))).collect();
    let axes: Vec<[Axis; 2]> =
        maps.iter().map(|map| [Axis::new(map.height, height), Axis::new(map.width, width)]).collect();
    for isa in Isa::available() {
        for y in 0..height {
            let part = |i: usize| {
                let [vertical, columns] = &axes[i];
                let between = vertical.at(y);
                Part {
                    upper: rows[i].at(between.first as isize),
                    lower: rows[i].at(between.second as isize),
                    lower_weight: between.weight,
                    scale: scales[i],
                    columns,
                }
            };
            let parts: Vec<Part<'_>> = (0..maps.len()).map(part).collect();
            let mut scratch = vec![f32::NAN; resize::scratch_len(axes.iter().map(|[_, columns]| columns))];
            for finish in [Finish::Sum, Finish::Sigmoid] {
                let mut dst = vec![f32::NAN; width];
                isa.run(Fuse { parts: &parts, bias, finish, scratch: &mut scratch, dst: &mut dst });
                for (x, &got) in dst.iter().enumerate() {
                    let want = want.at(0, y as isize, x as isize);
                    // For each part: two weights, a scale, two products and sums of rows, two of columns.
                    let bound = (8 + maps.len()) as f64
                        * f64::from(f32::EPSILON)
                        * magnitude.at(0, y as isize, x as isize);
                    let (want, bound) = match finish {
                        Finish::Sum => (want, bound),
                        // Its slope is at most a quarter, its own error four units.
                        Finish::Sigmoid => {
                            (1.0 / (1.0 + (-want).exp()), bound / 4.0 + 4.0 * f64::from(f32::EPSILON))
                        }
                    };
                    let error = (f64::from(got) - want).abs();
                    assert!(
                        error <= bound,
                        "{isa}, {finish:?} at {y}, {x}: {got} is not {want} within {bound:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_network_s_maps_fuse() {
    check_fuse(33, 81, &[(4, 10), (8, 20), (16, 40), (33, 81)], true);
}
