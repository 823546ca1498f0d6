//! What binary convolutions replace: float convolutions by the dense kernel, row by row, as edge networks run
//! theirs.

use pidinet_kernels::Isa;
use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::rows::dense::{Activation, Dense, DenseWeights, Tap};
use pidinet_kernels::rows::row::{self, MARGIN, Row, RowMut};
use rayon::prelude::*;

/// A square map between rows of zeros. Each row is cut into `phases` row blocks: block `p` has the columns
/// `p`, `p + phases`, … for a convolution of this stride.
#[derive(Default)]
pub(crate) struct Map {
    side: usize,
    phases: usize,
    /// Rows of zeros above and below.
    border: usize,
    stride: usize,
    blocks: Vec<Buffer>,
}

impl Map {
    /// A map of ones.
    pub(crate) fn ones(channels: usize, side: usize, phases: usize, border: usize) -> Self {
        let columns = side / phases;
        let stride = row::stride(columns, border);
        let zeros = Buffer::zeroed(row::block_len(channels, stride));
        let mut ones = zeros.clone();
        for c in 0..channels {
            ones[MARGIN + c * stride..][..columns].fill(1.0);
        }
        let inside = border * phases..(border + side) * phases;
        let block = |at: usize| if inside.contains(&at) { ones.clone() } else { zeros.clone() };
        let blocks = (0..(side + 2 * border) * phases).map(block).collect();
        Self { side, phases, border, stride, blocks }
    }

    /// The first number of row `y` in column `x`.
    pub(crate) fn first(&self, y: usize, x: usize) -> f32 {
        self.row(y as isize, x % self.phases).data[MARGIN + x / self.phases]
    }

    /// Some columns of row `y`, which may lie in the border.
    fn row(&self, y: isize, phase: usize) -> Row<'_> {
        let y = (y + self.border as isize) as usize;
        Row { data: &self.blocks[y * self.phases + phase], stride: self.stride }
    }
}

/// A convolution whose weights are all equal and add up to 1.
pub(crate) struct Conv {
    isa: Isa,
    size: usize,
    weights: DenseWeights,
}

impl Conv {
    pub(crate) fn new(isa: Isa, inputs: usize, outputs: usize, size: usize) -> Self {
        let sum = inputs * size * size;
        let matrix = vec![1.0 / sum as f32; outputs * sum];
        Self { isa, size, weights: DenseWeights::pack(isa, &matrix, &vec![inputs; size * size], None) }
    }

    /// `dst = conv(relu(src)) + add`, with the stride that `src` is laid out for. The rows are divided among
    /// the threads of the pool that this is called in.
    pub(crate) fn run(&self, src: &Map, add: Option<&Map>, dst: &mut Map) {
        let reach = (self.size / 2) as isize;
        let phases = src.phases as isize;
        let (side, stride) = (dst.side, dst.stride);
        let rows = dst.blocks[dst.border..][..side].par_iter_mut().enumerate();
        let together = side.div_ceil(rayon::current_num_threads());
        rows.with_min_len(together).for_each(|(y, dst)| {
            let tap = |tap: usize| {
                let [dy, dx] = [tap / self.size, tap % self.size].map(|at| at as isize - reach);
                let row = src.row(y as isize * phases + dy, dx.rem_euclid(phases) as usize);
                Tap { row, dx: dx.div_euclid(phases) }
            };
            let taps: Vec<Tap<'_>> = (0..self.size * self.size).map(tap).collect();
            self.isa.run(Dense {
                taps: &taps,
                weights: &self.weights,
                activation: Activation::Relu,
                add: add.map(|map| map.row(y as isize, 0)),
                columns: 0..side,
                width: side,
                dst: RowMut { data: dst, stride },
            });
        });
    }
}

/// A network with ResNet-18's layout and a convolution for each shortcut, for images of 224×224: all its
/// convolutions, additions and ReLUs. Pooling, the classifier and the sorting of columns before a stride are
/// left out: their results are there from the start.
pub(crate) struct Network {
    maps: Vec<Map>,
    steps: Vec<Step>,
}

/// A convolution and the numbers of its maps.
struct Step {
    conv: Conv,
    src: usize,
    add: Option<usize>,
    dst: usize,
}

impl Network {
    pub(crate) fn new(isa: Isa) -> Self {
        let mut maps = vec![Map::ones(3, 224, 2, 3), Map::ones(64, 112, 1, 0)];
        let mut steps = vec![Step { conv: Conv::new(isa, 3, 64, 7), src: 0, add: None, dst: 1 }];
        for (stage, (channels, side)) in super::SHAPES.into_iter().enumerate() {
            // The output of the pooling before the stage, and two maps; blocks read one and write the other.
            let [pooled, even, odd] = [0, 1, 2].map(|at| maps.len() + at);
            let inputs = if stage == 0 { channels } else { channels / 2 };
            maps.extend([inputs, channels, channels].map(|channels| Map::ones(channels, side, 1, 1)));
            if stage == 0 {
                let conv = Conv::new(isa, channels, channels, 3);
                steps.push(Step { conv, src: pooled, add: Some(pooled), dst: odd });
            } else {
                let halved = maps.len();
                maps.push(Map::ones(inputs, 2 * side, 2, 1));
                let shortcut = Conv::new(isa, inputs, channels, 1);
                steps.push(Step { conv: shortcut, src: pooled, add: None, dst: even });
                let conv = Conv::new(isa, inputs, channels, 3);
                steps.push(Step { conv, src: halved, add: Some(even), dst: odd });
            }
            for (src, dst) in [(odd, even), (even, odd), (odd, even)] {
                steps.push(Step { conv: Conv::new(isa, channels, channels, 3), src, add: Some(src), dst });
            }
        }
        Self { maps, steps }
    }

    pub(crate) fn whole(&mut self) {
        for Step { conv, src, add, dst } in &self.steps {
            let mut map = std::mem::take(&mut self.maps[*dst]);
            conv.run(&self.maps[*src], add.map(|add| &self.maps[add]), &mut map);
            self.maps[*dst] = map;
        }
    }

    /// A number in the middle of the last map: after the shortcut, four blocks have doubled it.
    pub(crate) fn middle(&self) -> f32 {
        self.maps[self.steps[self.steps.len() - 1].dst].first(3, 3)
    }

    /// Multiply-adds.
    pub(crate) fn macs(&self) -> usize {
        let each = |Step { conv, dst, .. }: &Step| {
            conv.weights.inputs() * conv.weights.outputs() * self.maps[*dst].side.pow(2)
        };
        self.steps.iter().map(each).sum()
    }
}
