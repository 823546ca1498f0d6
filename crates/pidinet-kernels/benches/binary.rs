//! Binary 3x3 convolutions at the shapes of ResNet-18: the product alone, all of a block from floats to floats,
//! and what they replace, the same convolution of floats. Throughput is in multiply-adds. The instruction set is the
//! best one, or the one `PIDINET_ISA` names.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pidinet_kernels::Isa;
use pidinet_kernels::bits::{GROUP, PackSigns, words};
use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::dense::{Activation, Dense, DenseWeights, Tap};
use pidinet_kernels::pixels::{Finish, Rprelu, Term};
use pidinet_kernels::row::{self, MARGIN, Row, RowMut};
use pidinet_kernels::xnor::{Border, Place, Run, Xnor, XnorWeights};

/// Channels, and rows and columns.
const SHAPES: [(usize, usize); 4] = [(64, 56), (128, 28), (256, 14), (512, 7)];

/// One block whose weights are all +1, on a map of which all is `value`.
struct Block {
    isa: Isa,
    channels: usize,
    side: usize,
    map: Vec<f32>,
    bits: Vec<u32>,
    sums: Vec<f32>,
    weights: XnorWeights,
    border: Border,
    zeros: Vec<f32>,
    ones: Vec<f32>,
}

impl Block {
    fn new(isa: Isa, channels: usize, side: usize, value: f32) -> Self {
        let each = words(channels);
        Self {
            isa,
            channels,
            side,
            map: vec![value; side * side * channels + GROUP],
            bits: vec![0; (side + 2) * (side + 2) * each],
            sums: vec![0.0; side * channels],
            weights: XnorWeights::pack(isa, &vec![0; channels * 9 * each], &[3 * each; 3], 9 * channels),
            border: Border::new(&vec![channels as f32; 9 * channels]),
            zeros: vec![0.0; channels],
            ones: vec![1.0; channels],
        }
    }

    fn pack(&mut self) {
        let (each, row) = (words(self.channels), self.side * self.channels);
        for y in 0..self.side {
            let start = ((y + 1) * (self.side + 2) + 1) * each;
            let dst = &mut self.bits[start..][..self.side * each];
            let (src, thresholds) = (&self.map[y * row..], &self.zeros[..]);
            PackSigns { src, step: self.channels, channels: self.channels, thresholds, dst }.run_on(self.isa);
        }
    }

    fn product(&mut self, y: usize) {
        let each = words(self.channels);
        let row = |dy: usize| Run { bits: &self.bits[(y + dy) * (self.side + 2) * each..], step: each };
        Xnor { runs: &[row(0), row(1), row(2)], weights: &self.weights, dst: &mut self.sums }
            .run_on(self.isa);
    }

    fn whole(&mut self) {
        self.pack();
        for y in 0..self.side {
            self.product(y);
            self.border.take_off(Place { y, height: self.side, width: self.side, stride: 1 }, &mut self.sums);
            let row = self.side * self.channels;
            let rprelu = Rprelu { shift: &self.zeros, slope: &self.ones, bias: &self.zeros };
            let first = Term { sums: &self.sums, scale: &self.zeros };
            let dst = &mut self.map[y * row..][..row];
            Finish { first, second: None, offset: &self.zeros, rprelu, dst }.run_on(self.isa);
        }
    }
}

/// A convolution of floats as networks of edges run theirs, row by row: its sums, and nothing after them. Weights
/// are all 1, and so is the map.
struct Float {
    isa: Isa,
    side: usize,
    stride: usize,
    /// A row of zeros, those of the map, and one of zeros.
    rows: Vec<Buffer>,
    weights: DenseWeights,
    dst: Vec<Buffer>,
}

impl Float {
    fn new(isa: Isa, channels: usize, side: usize) -> Self {
        let stride = row::stride(side, 1);
        let zeros = Buffer::zeroed(row::block_len(channels, stride));
        let mut ones = zeros.clone();
        for c in 0..channels {
            ones[MARGIN + c * stride..][..side].fill(1.0);
        }
        let mut rows = vec![ones; side + 2];
        (rows[0], rows[side + 1]) = (zeros.clone(), zeros.clone());
        let weights = DenseWeights::pack(isa, &vec![1.0; 9 * channels * channels], &[channels; 9], None);
        Self { isa, side, stride, rows, weights, dst: vec![zeros; side] }
    }

    fn whole(&mut self) {
        for (y, dst) in self.dst.iter_mut().enumerate() {
            let row = |dy: usize| Row { data: &self.rows[y + dy], stride: self.stride };
            let taps: [Tap<'_>; 9] =
                std::array::from_fn(|tap| Tap { row: row(tap / 3), dx: (tap % 3) as isize - 1 });
            self.isa.run(Dense {
                taps: &taps,
                weights: &self.weights,
                activation: Activation::None,
                add: None,
                columns: 0..self.side,
                width: self.side,
                dst: RowMut { data: dst, stride: self.stride },
            });
        }
    }
}

fn blocks(c: &mut Criterion) {
    let isa = Isa::from_env().expect("PIDINET_ISA names an instruction set of this CPU");
    let mut group = c.benchmark_group(format!("binary 3x3, {isa}"));
    for (channels, side) in SHAPES {
        let mut block = Block::new(isa, channels, side, -1.0);
        block.pack();
        block.product(1);
        let sum = -9.0 * channels as f32;
        assert!(block.sums[channels..2 * channels].iter().all(|&x| x == sum), "nine pixels of -1");
        group.throughput(Throughput::Elements((9 * channels * channels * side * side) as u64));
        group.bench_function(format!("product {channels}x{side}x{side}"), |b| {
            b.iter(|| (0..side).for_each(|y| block.product(y)));
        });
        group.bench_function(format!("block {channels}x{side}x{side}"), |b| b.iter(|| block.whole()));

        let mut float = Float::new(isa, channels, side);
        float.whole();
        let corner = [&float.dst[0][MARGIN], &float.dst[1][MARGIN + 1]].map(|x| *x / channels as f32);
        assert_eq!(corner, [4.0, 9.0], "pixels inside of the map");
        group.bench_function(format!("float {channels}x{side}x{side}"), |b| b.iter(|| float.whole()));
    }
}

criterion_group!(benches, blocks);
criterion_main!(benches);
