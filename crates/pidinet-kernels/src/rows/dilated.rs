//! A sum of dilated 3x3 convolutions of one map, with fewer products than it has weights.
//!
//! ```text
//! dst[o][y][x] = bias[o] + sum_d sum_{u,v in -1..=1} sum_i w[d][o][i][u][v] * src[i][y + d u][x + d v]
//! ```
//!
//! Rows a dilation `d` apart are neighbours of an ordinary convolution: `y, y + d, y + 2d, ...` share the
//! rows they read. In a band of [`BAND`] rows, each of these chains of one to four rows is computed at once
//! by a fast scheme: the rows that it reads are combined into the factors of its products, the dense kernel
//! computes the products from all channels and three columns, and the products are combined into output rows.
//! With the dilations 5, 7, 9 and 11 of a CDCM that takes 21.6 multiply-adds for an input, an output and a
//! pixel instead of 33 (36, less three that read the centre again).
//!
//! How a row is rounded depends on its place in the band, so bands always begin at multiples of [`BAND`].

mod scheme;

use crate::caches::second_level;
use crate::isa::Isa;
use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::dense::{self, Dense, DenseWeights};
use crate::rows::row::{self, MARGIN, Row, RowMut};
use crate::rows::window::{Activation, Tap, check_columns};
use scheme::{Four, One, Scheme, Three, Two};
use std::array;
use std::ops::Range;

/// Rows of a band: chains of four of the smallest dilation of a CDCM, 5.
pub const BAND: usize = 20;

/// Rows of the longest chain.
const LONGEST: usize = 4;

/// Products of the longest chain.
const MOST_PRODUCTS: usize = LONGEST + 2;

/// Weights of a sum of dilated 3x3 convolutions.
#[derive(Clone, Debug)]
pub struct DilatedWeights {
    inputs: usize,
    bias: Vec<f32>,
    branches: Vec<Branch>,
}

/// The weights of one dilation.
#[derive(Clone, Debug)]
struct Branch {
    dilation: usize,
    /// For chains of one row, of two, and so on: the weights of each product, with three taps.
    chains: [Vec<DenseWeights>; LONGEST],
}

impl DilatedWeights {
    /// Packs dilations and their weights `[outputs, inputs, 3, 3]`; without `bias` the bias is zero.
    ///
    /// # Panics
    ///
    /// When the lengths do not fit together, there is no dilation, or one is more than [`MARGIN`] or less
    /// than 5, so that chains would be longer than four.
    pub fn pack(isa: Isa, branches: &[(usize, Vec<f32>)], inputs: usize, bias: Option<&[f32]>) -> Self {
        let (_, first) = branches.first().expect("a dilation");
        let outputs = first.len() / (9 * inputs);
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        assert_eq!(bias.len(), outputs, "biases of {outputs} outputs");
        let branches = branches.iter().map(|(dilation, kernel)| {
            let dilation = *dilation;
            assert_eq!(kernel.len(), outputs * inputs * 9, "weights of dilation {dilation}");
            assert!(
                dilation <= MARGIN && BAND.div_ceil(dilation) <= LONGEST,
                "dilation {dilation} is not between {} and {MARGIN}",
                BAND / LONGEST
            );
            let pack = |combination: &[f64; 3]| product(isa, kernel, inputs, *combination);
            let chains = [
                One::KERNEL.iter().map(pack).collect(),
                Two::KERNEL.iter().map(pack).collect(),
                Three::KERNEL.iter().map(pack).collect(),
                Four::KERNEL.iter().map(pack).collect(),
            ];
            Branch { dilation, chains }
        });
        Self { inputs, bias, branches: branches.collect() }
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Rows above and below a row that are read.
    pub fn reach(&self) -> usize {
        self.branches.iter().map(|branch| branch.dilation).max().unwrap_or(0)
    }

    /// Multiply-adds of the products for each pixel of a whole band.
    pub fn macs(&self) -> usize {
        let products = |branch: &Branch| -> usize {
            (0..branch.dilation).map(|first| chain_len(BAND, first, branch.dilation) + 2).sum()
        };
        let products: usize = self.branches.iter().map(products).sum();
        3 * products * self.inputs * self.outputs() / BAND
    }

    /// Length of [`Dilated::scratch`].
    pub fn scratch_len(&self) -> usize {
        let columns = self.chunk_columns();
        MOST_PRODUCTS * (self.factor_len(columns) + self.product_len(columns))
    }

    /// Columns that are computed at a time: the second-level cache holds them in all rows that a band reads and
    /// writes, and the factors and products of a chain, and keeps an eighth for weights. At least 64, since the
    /// 32 columns on either side of them are combined, too.
    fn chunk_columns(&self) -> usize {
        let (inputs, outputs) = (self.inputs, self.outputs());
        let rows = (BAND + 2 * self.reach()) * inputs + BAND * outputs;
        let floats = rows + MOST_PRODUCTS * (inputs + outputs);
        (second_level() / 8 * 7 / size_of::<f32>() / floats.max(1)).clamp(64, 1024) / 32 * 32
    }

    /// Length of one factor of each channel for this many columns, plus those read on either side.
    fn factor_len(&self, columns: usize) -> usize {
        row::block_len(self.inputs, columns + 2 * MARGIN)
    }

    /// Length of one product of each output for this many columns.
    fn product_len(&self, columns: usize) -> usize {
        row::block_len(self.outputs(), columns)
    }
}

/// The weights of one product, three taps: the rows of the kernels `[outputs, inputs, 3, 3]`, combined.
fn product(isa: Isa, kernel: &[f32], inputs: usize, [above, centre, below]: [f64; 3]) -> DenseWeights {
    let (windows, _) = kernel.as_chunks::<9>();
    let mut matrix = Vec::with_capacity(3 * windows.len());
    for windows in windows.chunks_exact(inputs) {
        for column in 0..3 {
            let row = |window: &[f32; 9], row: usize| f64::from(window[3 * row + column]);
            matrix.extend(windows.iter().map(|window| {
                (row(window, 0) * above + row(window, 1) * centre + row(window, 2) * below) as f32
            }));
        }
    }
    DenseWeights::pack(isa, &matrix, &[inputs; 3], None)
}

/// Rows of the chain from row `first` of a band of `rows` on.
fn chain_len(rows: usize, first: usize, dilation: usize) -> usize {
    (rows - first).div_ceil(dilation)
}

/// A band of rows of a sum of dilated convolutions.
///
/// # Panics
///
/// [`Kernel::run`] panics when rows are missing or too short, when there are more than [`BAND`] to write, when `scratch` is
/// shorter than [`DilatedWeights::scratch_len`], or when `columns` is not as described.
#[derive(Debug)]
pub struct Dilated<'a> {
    /// The rows from [`DilatedWeights::reach`] above the first written row to as many below the last, with
    /// zeros for those outside the map.
    pub rows: &'a [Row<'a>],
    /// Packed weights and bias.
    pub weights: &'a DilatedWeights,
    /// Columns to compute, as in [`Dense`].
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// Working memory; its content does not matter.
    pub scratch: &'a mut [f32],
    /// The rows to write: [`BAND`], or fewer at the end of the map.
    pub dst: &'a mut [RowMut<'a>],
}

impl Kernel for Dilated<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { rows, weights, columns, width, scratch, dst } = self;
        check_columns(&columns, width);
        assert!(dst.len() <= BAND, "a band of {} rows", dst.len());
        let reach = weights.reach();
        assert_eq!(rows.len(), dst.len() + 2 * reach, "rows to read for {} to write", dst.len());
        let step = weights.chunk_columns();
        for start in columns.clone().step_by(step) {
            let columns = start..columns.end.min(start + step).next_multiple_of(MARGIN);
            begin(lanes, &weights.bias, columns.clone(), width, dst);
            for branch in &weights.branches {
                let dilation = branch.dilation;
                for first in 0..dilation.min(dst.len()) {
                    let len = chain_len(dst.len(), first, dilation);
                    let chain = Chain {
                        rows: &rows[reach + first - dilation..],
                        dilation,
                        weights,
                        products: &branch.chains[len - 1],
                        columns: columns.clone(),
                        width,
                        scratch,
                        dst: &mut dst[first..],
                    };
                    match len {
                        1 => lanes.enter(Run(chain, One)),
                        2 => lanes.enter(Run(chain, Two)),
                        3 => lanes.enter(Run(chain, Three)),
                        4 => lanes.enter(Run(chain, Four)),
                        other => unreachable!("a chain of {other} rows"),
                    }
                }
            }
        }
    }
}

/// Writes the bias to some columns of the rows, zeros from column `width` on.
#[inline(always)]
fn begin<L: Lanes>(lanes: L, bias: &[f32], columns: Range<usize>, width: usize, rows: &mut [RowMut<'_>]) {
    for row in rows {
        for (channel, &bias) in bias.iter().enumerate() {
            let bias = lanes.splat(bias);
            for x in columns.clone().step_by(L::WIDTH) {
                let place = &mut row.data[MARGIN + channel * row.stride + x..];
                lanes.store(place, lanes.keep_first(bias, width.saturating_sub(x)));
            }
        }
    }
}

/// Some columns of the rows of a chain.
struct Chain<'c, 'a> {
    /// The rows that it reads, from the first one on.
    rows: &'c [Row<'a>],
    /// Distance from one row of the chain to the next.
    dilation: usize,
    /// The weights of all chains.
    weights: &'c DilatedWeights,
    /// The weights of its products.
    products: &'c [DenseWeights],
    /// A multiple of [`MARGIN`].
    columns: Range<usize>,
    width: usize,
    scratch: &'c mut [f32],
    /// The rows from its first one on; its output is added to them.
    dst: &'c mut [RowMut<'a>],
}

/// A chain of `M` rows of `K` products.
struct Run<'c, 'a, S, const M: usize, const K: usize>(Chain<'c, 'a>, S);

impl<S: Scheme<M, K>, const M: usize, const K: usize> Kernel for Run<'_, '_, S, M, K> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Chain { rows, dilation, weights, products: weights_of, columns, width, scratch, dst } = self.0;
        let len = weights.factor_len(columns.len());
        let (factors, products) = scratch.split_at_mut(K * len);
        let stride = columns.len() + 2 * MARGIN;
        for input in 0..weights.inputs {
            factor::<L, S, M, K>(lanes, rows, dilation, input, columns.start, stride, factors);
        }
        let here = 0..columns.len();
        let product_len = weights.product_len(here.len());
        let products = &mut products[..K * product_len];
        let dx = dilation as isize;
        for ((weights, factor), product) in
            weights_of.iter().zip(factors.chunks_exact(len)).zip(products.chunks_exact_mut(product_len))
        {
            let row = Row { data: factor, stride };
            let sum = Dense {
                taps: &[Tap { row, dx: -dx }, Tap { row, dx: 0 }, Tap { row, dx }],
                weights,
                activation: Activation::None,
                add: None,
                columns: here.clone(),
                width: here.end,
                dst: RowMut { data: product, stride: here.end },
            };
            dense::chunk(lanes, sum);
        }
        for output in 0..weights.outputs() {
            add::<L, S, M, K>(lanes, products, output, columns.clone(), width, dilation, dst);
        }
    }
}

/// Combines one channel of the rows that a chain reads into factors, from [`MARGIN`] columns before `start` on.
#[inline(always)]
fn factor<L: Lanes, S: Scheme<M, K>, const M: usize, const K: usize>(
    lanes: L,
    rows: &[Row<'_>],
    dilation: usize,
    channel: usize,
    start: usize,
    stride: usize,
    factors: &mut [f32],
) {
    let count = stride / L::WIDTH;
    let sources: [&[L::Floats]; K] = array::from_fn(|k| {
        let row = rows[k * dilation];
        &lanes.vectors(&row.data[channel * row.stride + start..][..stride])[..count]
    });
    let mut parts = factors.chunks_exact_mut(factors.len() / K);
    let targets: [&mut [L::Floats]; K] = array::from_fn(|_| {
        let part = parts.next().expect("a part for each product");
        &mut lanes.vectors_mut(&mut part[channel * stride..][..stride])[..count]
    });
    for at in 0..count {
        let mut values = [lanes.splat(0.0); K];
        for k in 0..K {
            values[k] = lanes.load(sources[k][at].as_ref());
        }
        let values = S::input(lanes, values);
        for k in 0..K {
            lanes.store(targets[k][at].as_mut(), values[k]);
        }
    }
}

/// Combines the products of one output into the rows of a chain.
#[inline(always)]
fn add<L: Lanes, S: Scheme<M, K>, const M: usize, const K: usize>(
    lanes: L,
    products: &[f32],
    output: usize,
    columns: Range<usize>,
    width: usize,
    dilation: usize,
    dst: &mut [RowMut<'_>],
) {
    let count = columns.len() / L::WIDTH;
    let mut parts = products.chunks_exact(products.len() / K);
    let sources: [&[L::Floats]; K] = array::from_fn(|_| {
        let part = parts.next().expect("a part for each product");
        &lanes.vectors(&part[MARGIN + output * columns.len()..][..columns.len()])[..count]
    });
    let mut rows = dst.iter_mut().step_by(dilation);
    let targets: [&mut [L::Floats]; M] = array::from_fn(|_| {
        let row = rows.next().expect("the rows of the chain");
        let first = MARGIN + output * row.stride + columns.start;
        &mut lanes.vectors_mut(&mut row.data[first..][..columns.len()])[..count]
    });
    for at in 0..count {
        let mut values = [lanes.splat(0.0); K];
        for k in 0..K {
            values[k] = lanes.load(sources[k][at].as_ref());
        }
        let sums = S::output(lanes, values);
        let inside = width.saturating_sub(columns.start + at * L::WIDTH);
        for m in 0..M {
            let place = targets[m][at].as_mut();
            let mut sum = lanes.add(lanes.load(place), sums[m]);
            if inside < L::WIDTH {
                sum = lanes.keep_first(sum, inside);
            }
            lanes.store(place, sum);
        }
    }
}
