//! Binary 3x3 convolutions at the shapes of ResNet-18: the product alone, a whole block from floats to
//! floats, and what they replace: the same float convolution and a whole network of those, on one and two
//! threads. Throughput is in multiply-adds. The instruction set is the best one, or the one `PIDINET_ISA`
//! names.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pidinet_kernels::Isa;
use pidinet_kernels::pixels::finish::{Finish, Rprelu, Term};
use pidinet_kernels::pixels::pack::{GROUP, PackSigns, words};
use pidinet_kernels::pixels::padding::{Border, Place};
use pidinet_kernels::pixels::xnor::{Run, Xnor, XnorWeights};

mod float;

use float::{Conv, Map, Network};

/// Channels, and rows and columns.
const SHAPES: [(usize, usize); 4] = [(64, 56), (128, 28), (256, 14), (512, 7)];

/// One block whose weights are all +1, on a map filled with `value`.
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
    }
}

fn floats(c: &mut Criterion) {
    let isa = Isa::from_env().expect("PIDINET_ISA names an instruction set of this CPU");
    // Columns before a stride are sorted correctly.
    for phases in [1, 2] {
        let mut dst = Map::ones(1, 14, 1, 1);
        Conv::new(isa, 2, 1, 3).run(&Map::ones(2, 14 * phases, phases, 1), None, &mut dst);
        let ninths = [(0, 0), (0, 1), (1, 1)].map(|(y, x)| (9.0 * dst.first(y, x)).round());
        assert_eq!(ninths, [4.0, 6.0, 9.0], "pixels inside of the map");
    }
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let mut group = c.benchmark_group(format!("float, {isa}, {threads} threads"));
        for (channels, side) in SHAPES {
            let conv = Conv::new(isa, channels, channels, 3);
            let (src, mut dst) = (Map::ones(channels, side, 1, 1), Map::ones(channels, side, 1, 1));
            group.throughput(Throughput::Elements((9 * channels * channels * side * side) as u64));
            group.bench_function(format!("3x3 {channels}x{side}x{side}"), |b| {
                pool.install(|| b.iter(|| conv.run(&src, None, &mut dst)));
            });
        }
        let mut network = Network::new(isa);
        network.whole();
        assert!((network.middle() / 16.0 - 1.0).abs() < 0.5, "{}", network.middle());
        group.throughput(Throughput::Elements(network.macs() as u64));
        group.bench_function("ResNet-18 layout", |b| pool.install(|| b.iter(|| network.whole())));
    }
}

criterion_group!(benches, blocks, floats);
criterion_main!(benches);
