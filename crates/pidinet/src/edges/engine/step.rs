//! A few rows of one step: from the plan's operations to kernels.

use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::isa::Isa;
use pidinet_kernels::rows::block::{self, Block, Shortcut};
use pidinet_kernels::rows::dense::{self, Activation, Dense, DenseWeights, Tap};
use pidinet_kernels::rows::depthwise::{Depthwise, DepthwiseWeights};
use pidinet_kernels::rows::dilated::Dilated;
use pidinet_kernels::rows::elementwise::{Add, Extent, Gate, Relu, Sigmoid};
use pidinet_kernels::rows::packed::{
    self, PackedBlock, PackedDense, PackedDilated, PackedPointwise, PackedWeights, ProjectingBlock,
};
use pidinet_kernels::rows::pool::MaxPool;
use pidinet_kernels::rows::resize::{self, Finish, Fuse, Part};
use pidinet_kernels::rows::row::{MARGIN, Row, RowMut};
use smallvec::{SmallVec, smallvec};

use std::ops::Range;

use super::arena::{FEW, Layout, Maps};
use crate::edges::input::Input;
use crate::edges::plan::op::{Op, Source};
use crate::edges::schedule::task::Resize;

/// What a step is computed from.
pub(super) struct Context<'r, 'a> {
    pub(super) isa: Isa,
    pub(super) op: &'r Op,
    pub(super) input: &'r dyn Input,
    pub(super) maps: Maps<'r, 'a>,
    /// Layout of the map that is written.
    pub(super) layout: Layout,
    /// For the maps that are read resized.
    pub(super) resizes: &'r [Resize],
    /// Whether the rows are a band, where the step wants one.
    pub(super) bands: bool,
}

impl Context<'_, '_> {
    /// Computes the rows from `first` on into their blocks.
    ///
    /// The rows share most of their input, which all of them except the first read from the cache, so
    /// they are computed a few columns at a time.
    pub(super) fn rows(&self, first: usize, blocks: &mut [&mut [f32]], scratch: &mut Buffer) {
        let Layout { channels, size, stride, .. } = self.layout;
        let (isa, columns, width) = (self.isa, 0..size.width, size.width);
        let extent = || Extent { channels, columns: columns.clone(), width };
        let row = |id: usize, y: usize| self.maps.row(id, y as isize);
        let rows = (first..).zip(&mut *blocks);
        match self.op {
            Op::Image => rows.for_each(|(y, block)| self.image(y, block)),
            Op::Dense { sources, weights, activation, add } => {
                self.dense(first, blocks, sources, weights, *activation, *add);
            }
            Op::Dilated { source, bands, .. } if self.bands => {
                Dilated {
                    rows: &self.rows_around(source.x, first, blocks.len(), bands.reach()),
                    weights: bands,
                    columns,
                    width,
                    scratch: at_least(scratch, bands.scratch_len()),
                    dst: &mut blocks.iter_mut().map(|block| self.layout.row_mut(block)).collect::<Vec<_>>(),
                }
                .run_on(isa);
            }
            Op::PackedDilated { source, bands, .. } if self.bands => {
                PackedDilated {
                    rows: &self.rows_around(source.x, first, blocks.len(), bands.reach()),
                    weights: bands,
                    columns,
                    width,
                    scratch: at_least(scratch, bands.scratch_len()),
                    dst: &mut blocks.iter_mut().map(|block| self.layout.row_mut(block)).collect::<Vec<_>>(),
                }
                .run_on(isa);
            }
            Op::Dilated { source, direct, .. } | Op::PackedDilated { source, direct, .. } => {
                let source = std::slice::from_ref(source);
                self.dense(first, blocks, source, direct, Activation::None, None);
            }
            Op::PackedDense { source, weights } => self.packed_dense(first, blocks, source, weights),
            Op::ProjectingBlock { x, depthwise, radius, weights, .. } if self.bands => {
                let channels = depthwise.channels();
                let scratch = at_least(scratch, ProjectingBlock::scratch_len(channels));
                let rows = self.rows_around(*x, first, blocks.len(), *radius);
                for columns in self.chunks(ProjectingBlock::columns(channels)) {
                    for (rows, dst) in rows.windows(2 * radius + 1).zip(&mut *blocks) {
                        let (scratch, columns) = (&mut *scratch, columns.clone());
                        let dst = self.layout.row_mut(dst);
                        ProjectingBlock { rows, depthwise, weights, columns, width, scratch, dst }
                            .run_on(isa);
                    }
                }
            }
            Op::ProjectingBlock { x, depthwise, radius, direct, .. } => {
                self.blocks(first, blocks, scratch, (*x, *radius), (depthwise, direct), true);
            }
            Op::Block { x, depthwise, radius, pointwise, projection } => {
                self.blocks(first, blocks, scratch, (*x, *radius), (depthwise, pointwise), *projection);
            }
            Op::PackedBlock { x, depthwise, radius, pointwise, projection, floats } => {
                let channels = depthwise.channels();
                let len = packed::scratch_len(channels).max(block::scratch_len(channels));
                let scratch = at_least(scratch, len);
                let rows = self.rows_around(*x, first, blocks.len(), *radius);
                let words = channels.div_ceil(2);
                for unit in self.chunks(packed::unit_columns(words)) {
                    let mut is_cut: SmallVec<[bool; FEW]> = smallvec![false; blocks.len()];
                    for columns in portions(unit.clone(), packed::chunk_columns(words)) {
                        let rows = rows.windows(2 * radius + 1).zip(&mut *blocks);
                        for ((window, dst), is_cut) in rows.zip(&mut is_cut) {
                            *is_cut |= PackedBlock {
                                rows: window,
                                depthwise,
                                pointwise,
                                shortcut: shortcut(*projection),
                                columns: columns.clone(),
                                width,
                                scratch,
                                dst: self.layout.row_mut(dst),
                            }
                            .run_on(isa);
                        }
                    }
                    let Some(floats) = floats else { continue };
                    let rows = rows.windows(2 * radius + 1).zip(&mut *blocks).zip(is_cut);
                    for ((window, dst), _) in rows.filter(|(_, is_cut)| *is_cut) {
                        let weights = (&floats.0, &floats.1);
                        self.block(window, weights, *projection, unit.clone(), scratch, dst);
                    }
                }
            }
            Op::PackedPointwise { x, channels, weights, activation } => rows.for_each(|(y, block)| {
                PackedPointwise {
                    src: row(*x, y),
                    channels: *channels,
                    activation: *activation,
                    weights,
                    columns: columns.clone(),
                    width,
                    scratch: at_least(scratch, PackedPointwise::scratch_len(weights, *channels)),
                    dst: self.layout.row_mut(block),
                }
                .run_on(isa);
            }),
            Op::Depthwise { x, weights, radius, relu } => rows.for_each(|(y, block)| {
                Depthwise {
                    rows: &self.rows_around(*x, y, 1, *radius),
                    weights,
                    activation: if *relu { Activation::Relu } else { Activation::None },
                    columns: columns.clone(),
                    width,
                    dst: self.layout.row_mut(block),
                }
                .run_on(isa);
            }),
            Op::MaxPool(x) => rows.for_each(|(y, block)| {
                let rows = [row(*x, 2 * y), row(*x, 2 * y + 1)];
                let dst = self.layout.row_mut(block);
                MaxPool { rows, channels, columns: columns.clone(), width, dst }.run_on(isa);
            }),
            Op::Relu(x) => rows.for_each(|(y, block)| {
                Relu { src: row(*x, y), extent: extent(), dst: self.layout.row_mut(block) }.run_on(isa);
            }),
            Op::Sigmoid(x) => rows.for_each(|(y, block)| {
                Sigmoid { src: row(*x, y), extent: extent(), dst: self.layout.row_mut(block) }.run_on(isa);
            }),
            Op::Add(a, b) => rows.for_each(|(y, block)| {
                let (a, b) = (row(*a, y), row(*b, y));
                Add { a, b, extent: extent(), dst: self.layout.row_mut(block) }.run_on(isa);
            }),
            Op::Gate { x, gate } => rows.for_each(|(y, block)| {
                let (src, gate, dst) = (row(*x, y), row(*gate, y), self.layout.row_mut(block));
                Gate { src, gate, bias: 0.0, extent: extent(), dst }.run_on(isa);
            }),
            Op::GatedBias { x, logit, bias } => rows.for_each(|(y, block)| {
                let gate = at_least(scratch, block.len());
                let dst = RowMut { data: gate, stride };
                Sigmoid { src: row(*logit, y), extent: extent(), dst }.run_on(isa);
                let (gate, dst) = (Row { data: gate, stride }, self.layout.row_mut(block));
                Gate { src: row(*x, y), gate, bias: *bias, extent: extent(), dst }.run_on(isa);
            }),
            Op::Resize(x) => rows.for_each(|(y, block)| {
                let dst = &mut block[MARGIN..][..width];
                self.fuse(y, &[*x], &[1.0], 0.0, Finish::Sum, scratch, dst);
            }),
            Op::Concat(maps) => rows.for_each(|(y, block)| self.concat(y, maps, block)),
            Op::Fuse { maps, weights, bias } => rows.for_each(|(y, block)| {
                self.fuse(y, maps, weights, *bias, Finish::Sigmoid, scratch, block);
            }),
        }
    }

    /// The columns in portions of at most `step`, a multiple of [`MARGIN`].
    fn chunks(&self, step: usize) -> impl Iterator<Item = Range<usize>> {
        portions(0..self.layout.size.width, step)
    }

    /// Rows of blocks of floats that read `x`, with their depthwise and their pointwise weights.
    fn blocks(
        &self,
        first: usize,
        blocks: &mut [&mut [f32]],
        scratch: &mut Buffer,
        (x, radius): (usize, usize),
        weights: (&DepthwiseWeights, &DenseWeights),
        projection: bool,
    ) {
        let channels = weights.0.channels();
        let scratch = at_least(scratch, block::scratch_len(channels));
        let rows = self.rows_around(x, first, blocks.len(), radius);
        for columns in self.chunks(dense::chunk_columns(channels)) {
            for (window, dst) in rows.windows(2 * radius + 1).zip(&mut *blocks) {
                self.block(window, weights, projection, columns.clone(), scratch, dst);
            }
        }
    }

    /// Some columns of a block of floats, with its depthwise and its pointwise weights.
    fn block(
        &self,
        window: &[Row<'_>],
        (depthwise, pointwise): (&DepthwiseWeights, &DenseWeights),
        projection: bool,
        columns: Range<usize>,
        scratch: &mut [f32],
        dst: &mut [f32],
    ) {
        Block {
            rows: window,
            depthwise,
            pointwise,
            shortcut: shortcut(projection),
            columns,
            width: self.layout.size.width,
            scratch,
            dst: self.layout.row_mut(dst),
        }
        .run_on(self.isa);
    }

    /// Rows of a dense convolution of a packed map, from `first` on.
    fn packed_dense(
        &self,
        first: usize,
        blocks: &mut [&mut [f32]],
        source: &Source,
        weights: &PackedWeights,
    ) {
        let rows = first..first + blocks.len();
        let source = std::slice::from_ref(source);
        let taps: SmallVec<[_; FEW]> = rows.map(|y| self.taps(y, source)).collect();
        for columns in self.chunks(packed::chunk_columns(weights.words())) {
            for (taps, block) in taps.iter().zip(&mut *blocks) {
                PackedDense {
                    taps,
                    weights,
                    add: None,
                    columns: columns.clone(),
                    width: self.layout.size.width,
                    dst: self.layout.row_mut(block),
                }
                .run_on(self.isa);
            }
        }
    }

    /// The channels of all maps, one after the other.
    fn concat(&self, y: usize, maps: &[usize], block: &mut [f32]) {
        let stride = self.layout.stride;
        let mut first = MARGIN;
        for &map in maps {
            let len = self.maps.layout(map).channels * stride;
            let src = self.maps.row(map, y as isize);
            assert_eq!(src.stride, stride, "maps of one size and padding");
            block[first..][..len].copy_from_slice(&src.data[MARGIN..][..len]);
            first += len;
        }
    }

    fn image(&self, y: usize, block: &mut [f32]) {
        let Layout { stride, size, .. } = self.layout;
        let mut channels = block[MARGIN..].chunks_mut(stride);
        let mut next = || &mut channels.next().expect("three channels")[..size.width];
        self.input.fill_row(y, [next(), next(), next()]);
    }

    /// The rows from `radius` above row `first` to `radius` below the last of `count` rows.
    fn rows_around(
        &self,
        x: usize,
        first: usize,
        count: usize,
        radius: usize,
    ) -> SmallVec<[Row<'_>; 2 * FEW]> {
        let (first, radius) = (first as isize, radius as isize);
        (first - radius..first + count as isize + radius).map(|y| self.maps.row(x, y)).collect()
    }

    /// What the taps of a dense convolution read for row `y`.
    fn taps(&self, y: usize, sources: &[Source]) -> SmallVec<[Tap<'_>; 9]> {
        let taps = sources.iter().flat_map(|source| {
            source
                .taps
                .iter()
                .map(|tap| Tap { row: self.maps.row(source.x, y as isize + tap.dy), dx: tap.dx })
        });
        taps.collect()
    }

    /// Rows of a dense convolution, from `first` on.
    fn dense(
        &self,
        first: usize,
        blocks: &mut [&mut [f32]],
        sources: &[Source],
        weights: &DenseWeights,
        activation: Activation,
        add: Option<usize>,
    ) {
        let rows = first..first + blocks.len();
        let taps: SmallVec<[_; FEW]> = rows.map(|y| self.taps(y, sources)).collect();
        for columns in self.chunks(dense::chunk_columns(weights.inputs())) {
            for (index, (taps, block)) in taps.iter().zip(&mut *blocks).enumerate() {
                Dense {
                    taps,
                    weights,
                    activation,
                    add: add.map(|id| self.maps.row(id, (first + index) as isize)),
                    columns: columns.clone(),
                    width: self.layout.size.width,
                    dst: self.layout.row_mut(block),
                }
                .run_on(self.isa);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are a row of the kernel's own struct")]
    fn fuse(
        &self,
        y: usize,
        maps: &[usize],
        weights: &[f32],
        bias: f32,
        finish: Finish,
        scratch: &mut Buffer,
        dst: &mut [f32],
    ) {
        let parts = maps.iter().zip(weights).zip(self.resizes).map(|((&map, &scale), resize)| {
            let at = resize.rows.at(y);
            Part {
                upper: self.maps.row(map, at.first as isize),
                lower: self.maps.row(map, at.second as isize),
                lower_weight: at.weight,
                scale,
                columns: &resize.columns,
            }
        });
        let parts: SmallVec<[Part<'_>; FEW]> = parts.collect();
        let scratch =
            at_least(scratch, resize::scratch_len(self.resizes.iter().map(|resize| &resize.columns)));
        Fuse { parts: &parts, bias, finish, scratch, dst }.run_on(self.isa);
    }
}

/// Columns in portions of at most `step`.
fn portions(columns: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let end = columns.end;
    columns.step_by(step).map(move |start| start..end.min(start + step))
}

/// How a block adds its input.
fn shortcut(projection: bool) -> Shortcut {
    if projection { Shortcut::Projection } else { Shortcut::Identity }
}

/// The first `len` elements of working memory, which grows to hold them.
fn at_least(scratch: &mut Buffer, len: usize) -> &mut [f32] {
    if scratch.len() < len {
        *scratch = Buffer::zeroed(len);
    }
    &mut scratch[..len]
}
