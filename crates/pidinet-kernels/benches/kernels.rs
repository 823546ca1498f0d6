//! Kernels with the networks' shapes, on one row of an image 481 pixels wide.
//!
//! Throughput is in floating-point operations, two for each multiply-add: compare it with `peak`. The
//! instruction set is the best one, or the one `PIDINET_ISA` names.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::rows::block::{self, Block, Shortcut};
use pidinet_kernels::rows::dense::{Activation, Dense, DenseWeights, Tap};
use pidinet_kernels::rows::depthwise::{Depthwise, DepthwiseWeights};
use pidinet_kernels::rows::dilated::{BAND, Dilated, DilatedWeights};
use pidinet_kernels::rows::row::{self, MARGIN, Row, RowMut};
use pidinet_kernels::{Isa, Kernel, Lanes, reference};
use std::hint::black_box;

/// Channels and columns of the stages of the tiny, small and full network.
const SHAPES: [(usize, usize); 7] =
    [(20, 481), (30, 481), (60, 481), (40, 240), (120, 240), (80, 120), (240, 60)];

/// Every value of every map, and every weight: all products and sums are exact.
const VALUE: f32 = 0.5;

/// Enough independent multiply-adds to hide their latency, over and over.
struct Peak {
    rounds: usize,
}

const CHAINS: usize = 12;

impl Kernel for Peak {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> f32 {
        let [factor, term] = [black_box(0.5), black_box(0.25)].map(|x| lanes.splat(x));
        let mut chains = [lanes.splat(0.0); CHAINS];
        for _ in 0..self.rounds {
            for chain in &mut chains {
                *chain = lanes.mul_add(*chain, factor, term);
            }
        }
        let mut sum = lanes.splat(0.0);
        for chain in chains {
            sum = lanes.add(sum, chain);
        }
        let mut lane = [0.0; MARGIN];
        lanes.store(&mut lane, sum);
        lane[0]
    }
}

/// Floats in a vector.
struct Width;

impl Kernel for Width {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) -> usize {
        L::WIDTH
    }
}

fn isa() -> Isa {
    Isa::from_env().expect("PIDINET_ISA names an instruction set of this CPU")
}

fn peak(c: &mut Criterion) {
    let mut group = c.benchmark_group("peak");
    let rounds = 10_000;
    group.throughput(Throughput::Elements((2 * CHAINS * rounds * isa().run(Width)) as u64));
    group.bench_function(isa().name(), |b| b.iter(|| isa().run(Peak { rounds })));
}

/// A row whose columns are all [`VALUE`].
fn filled(channels: usize, width: usize, padding: usize) -> (Buffer, usize) {
    let stride = row::stride(width, padding);
    let mut row = Buffer::zeroed(row::block_len(channels, stride));
    for c in 0..channels {
        row[MARGIN + c * stride..][..width].fill(VALUE);
    }
    (row, stride)
}

/// Asserts that a column far from the border is `want` in every channel.
fn check(dst: &Buffer, stride: usize, channels: usize, want: f32) {
    for c in 0..channels {
        assert_eq!(dst[MARGIN + c * stride + 30], want, "channel {c}");
    }
}

/// Weights of a `size` by `size` window with a tap where `used` says so.
fn window(channels: usize, size: usize, used: impl Fn(usize) -> bool) -> DepthwiseWeights {
    let weights: Vec<f32> =
        (0..channels * size * size).map(|i| if used(i % (size * size)) { VALUE } else { 0.0 }).collect();
    DepthwiseWeights::pack(&weights, channels, size, 1)
}

/// The kinds of depthwise convolution, with their windows' sizes and used positions.
const KINDS: [(&str, usize, u32); 3] = [
    ("3x3", 3, 0b111_111_111),
    ("angular", 3, 0b111_101_111),
    ("radial", 5, 0b10101_01110_11011_01110_10101),
];

fn depthwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("depthwise");
    for (channels, width) in SHAPES {
        for (kind, size, used) in KINDS {
            let weights = window(channels, size, |tap| used & 1 << tap != 0);
            let (src, stride) = filled(channels, width, size / 2);
            let mut dst = src.clone();
            let rows = vec![Row { data: &src, stride }; size];
            let run = |dst: &mut Buffer| {
                isa().run(Depthwise {
                    rows: &rows,
                    weights: &weights,
                    activation: Activation::Relu,
                    columns: 0..width,
                    width,
                    dst: RowMut { data: dst, stride },
                });
            };
            run(&mut dst);
            check(&dst, stride, channels, VALUE * VALUE * weights.taps() as f32);
            group.throughput(Throughput::Elements((2 * channels * weights.taps() * width) as u64));
            group.bench_function(format!("{kind}/{channels}x{width}"), |b| b.iter(|| run(&mut dst)));
        }
    }
}

fn pointwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("pointwise");
    for (channels, width) in SHAPES {
        let weights = DenseWeights::pack(isa(), &vec![VALUE; channels * channels], &[channels], None);
        let (src, stride) = filled(channels, width, 2);
        let mut dst = src.clone();
        let row = Row { data: &src, stride };
        let run = |dst: &mut Buffer| {
            isa().run(Dense {
                taps: &[Tap { row, dx: 0 }],
                weights: &weights,
                activation: Activation::None,
                add: Some(row),
                columns: 0..width,
                width,
                dst: RowMut { data: dst, stride },
            });
        };
        run(&mut dst);
        check(&dst, stride, channels, VALUE * VALUE * channels as f32 + VALUE);
        group.throughput(Throughput::Elements((2 * channels * channels * width) as u64));
        group.bench_function(format!("{channels}x{width}"), |b| b.iter(|| run(&mut dst)));
    }
}

fn blocks(c: &mut Criterion) {
    let mut group = c.benchmark_group("block");
    for (channels, width) in SHAPES {
        for (kind, size, used) in KINDS {
            let depthwise = window(channels, size, |tap| used & 1 << tap != 0);
            let pointwise = DenseWeights::pack(isa(), &vec![VALUE; channels * channels], &[channels], None);
            let (src, stride) = filled(channels, width, size / 2);
            let mut dst = src.clone();
            let mut scratch = Buffer::zeroed(block::scratch_len(channels));
            let rows = vec![Row { data: &src, stride }; size];
            let mut run = |dst: &mut Buffer| {
                isa().run(Block {
                    rows: &rows,
                    depthwise: &depthwise,
                    pointwise: &pointwise,
                    shortcut: Shortcut::Identity,
                    columns: 0..width,
                    width,
                    scratch: &mut scratch,
                    dst: RowMut { data: dst, stride },
                });
            };
            run(&mut dst);
            let between = VALUE * VALUE * depthwise.taps() as f32;
            check(&dst, stride, channels, between * VALUE * channels as f32 + VALUE);
            let products = channels * (channels + depthwise.taps());
            group.throughput(Throughput::Elements((2 * products * width) as u64));
            group.bench_function(format!("{kind}/{channels}x{width}"), |b| b.iter(|| run(&mut dst)));
        }
    }
}

/// Channels and columns of CDCMs.
const CDCMS: [(usize, usize); 6] = [(8, 481), (12, 481), (24, 481), (24, 240), (24, 120), (24, 60)];

const DILATIONS: [usize; 4] = [5, 7, 9, 11];

/// Row by row.
fn cdcm(c: &mut Criterion) {
    let mut group = c.benchmark_group("cdcm");
    for (channels, width) in CDCMS {
        let mut offsets: Vec<_> =
            DILATIONS.into_iter().flat_map(|dilation| reference::window(3, dilation)).collect();
        offsets.sort_unstable();
        offsets.dedup(); // the centre, which all four read
        let matrix = vec![VALUE; channels * offsets.len() * channels];
        let weights = DenseWeights::pack(isa(), &matrix, &vec![channels; offsets.len()], None);
        let (src, stride) = filled(channels, width, 11);
        // As many rows as the taps span, so that they share the cache as in a map.
        let rows: Vec<Buffer> = (0..23).map(|_| src.clone()).collect();
        let tap =
            |&(dy, dx): &(isize, isize)| Tap { row: Row { data: &rows[(11 + dy) as usize], stride }, dx };
        let taps: Vec<Tap<'_>> = offsets.iter().map(tap).collect();
        let mut dst = src.clone();
        let run = |dst: &mut Buffer| {
            isa().run(Dense {
                taps: &taps,
                weights: &weights,
                activation: Activation::None,
                add: None,
                columns: 0..width,
                width,
                dst: RowMut { data: dst, stride },
            });
        };
        run(&mut dst);
        check(&dst, stride, channels, VALUE * VALUE * (channels * taps.len()) as f32);
        group.throughput(Throughput::Elements((2 * weights.inputs() * channels * width) as u64));
        group.bench_function(format!("{channels}x{width}"), |b| b.iter(|| run(&mut dst)));
    }
}

/// A band at a time. Throughput counts the multiply-adds of the products: fewer than there are weights.
fn cdcm_bands(c: &mut Criterion) {
    let mut group = c.benchmark_group("cdcm in bands");
    for (channels, width) in CDCMS {
        let kernel = vec![VALUE; 9 * channels * channels];
        let branches = DILATIONS.map(|dilation| (dilation, kernel.clone()));
        let weights = DilatedWeights::pack(isa(), &branches, channels, None);
        let (src, stride) = filled(channels, width, weights.reach());
        let rows: Vec<Buffer> = (0..BAND + 2 * weights.reach()).map(|_| src.clone()).collect();
        let rows: Vec<Row<'_>> = rows.iter().map(|row| Row { data: row, stride }).collect();
        let mut dst = vec![src.clone(); BAND];
        let mut scratch = Buffer::zeroed(weights.scratch_len());
        let mut run = |dst: &mut [Buffer]| {
            isa().run(Dilated {
                rows: &rows,
                weights: &weights,
                columns: 0..width,
                width,
                scratch: &mut scratch,
                dst: &mut dst.iter_mut().map(|row| RowMut { data: row, stride }).collect::<Vec<_>>(),
            });
        };
        run(&mut dst);
        let (got, want) = (dst[7][MARGIN + 30], VALUE * VALUE * (36 * channels) as f32);
        assert!((got - want).abs() < 1e-4 * want, "{got} is not {want}");
        group.throughput(Throughput::Elements((2 * weights.macs() * width * BAND) as u64));
        group.bench_function(format!("{channels}x{width}"), |b| b.iter(|| run(&mut dst)));
    }
}

criterion_group!(benches, peak, depthwise, pointwise, blocks, cdcm, cdcm_bands);
criterion_main!(benches);
