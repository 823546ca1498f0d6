//! Runs a plan.
//!
//! Maps lie pixel by pixel, `[h][w][channels padded]`, and are kept whole, since they are small. The rows of
//! a step are divided among threads; each is computed by one thread in a fixed order, so the result does not
//! depend on the number of threads.

use pidinet_kernels::buffer::{Aligned, Buffer};
use pidinet_kernels::isa::Isa;
use pidinet_kernels::pixels::finish::{Activate, Affine, Finish, Shift, Term};
use pidinet_kernels::pixels::pack::{GROUP, PackDifferences, PackSigns, words};
use pidinet_kernels::pixels::padding::Place;
use pidinet_kernels::pixels::real_conv::{Real, RealRun};
use pidinet_kernels::pixels::xnor::{Run, Xnor};

use super::lower::{self, Difference, Vanilla};
use super::plan::{BlockStep, IMAGE, Id, MapShape, Op, Plan, RealStep, Step};
use crate::size::Size;
use crate::threads::for_each_chunk;

/// A map in memory.
#[derive(Debug)]
struct Map {
    height: usize,
    width: usize,
    /// Floats from pixel to pixel.
    step: usize,
    channels: usize,
    /// After the pixels there is one more group, which vectors may read.
    data: Buffer,
}

impl Map {
    fn new(shape: &MapShape, image: Size) -> Self {
        let Size { height, width } = image.map(|side| shape.side(side));
        let data = Buffer::zeroed(height * width * shape.step + GROUP);
        Self { height, width, step: shape.step, channels: shape.channels, data }
    }

    /// Floats of a row.
    fn row_len(&self) -> usize {
        self.width * self.step
    }

    fn pixels(&self) -> &[f32] {
        &self.data[..self.height * self.row_len()]
    }

    fn pixels_mut(&mut self) -> &mut [f32] {
        let len = self.height * self.row_len();
        &mut self.data[..len]
    }

    /// Pixel `(y, x)` and all that follow.
    fn from(&self, y: usize, x: usize) -> &[f32] {
        &self.data[(y * self.width + x) * self.step..]
    }
}

/// The memory of a run on images of one size.
#[derive(Debug)]
pub(super) struct Arena {
    /// Rows and columns of the image.
    image: Size,
    maps: Vec<Map>,
    /// A map in f64 in a frame of zeros.
    wide: Aligned<f64>,
    /// Some channels of a map, shifted, in a frame of zeros.
    shifted: Buffer,
    /// Signs of a map in a frame of zero bits, which stand for +1.
    signs: Aligned<u32>,
    /// Signs of differences, for each pixel of the output.
    differences: Aligned<u32>,
    /// Two rows of sums for each thread.
    scratch: Vec<Buffer>,
}

impl Arena {
    /// Memory for images of this size, used by this many threads at once.
    pub(super) fn new(plan: &Plan, image: Size, threads: usize) -> Self {
        let maps: Vec<Map> = plan.maps.iter().map(|shape| Map::new(shape, image)).collect();
        let (mut wide, mut shifted, mut signs, mut differences, mut scratch) = (0, 0, 0, 0, 0);
        for step in &plan.steps {
            let dst = &maps[step.dst];
            match &step.op {
                Op::Real(real) => {
                    let frame = Frame::around(&maps[real.x], real.conv.size / 2, maps[real.x].step);
                    wide = wide.max(frame.len());
                }
                Op::Block(block) => {
                    let x = &maps[block.x];
                    scratch = scratch.max(2 * dst.row_len());
                    if let Some(vanilla) = &block.vanilla {
                        signs = signs.max(Frame::around(x, 1, words(vanilla.channels)).len());
                    }
                    if let Some(difference) = &block.difference {
                        let step = difference.channels.next_multiple_of(GROUP);
                        shifted = shifted.max(Frame::around(x, difference.reach, step).len() + GROUP);
                        differences =
                            differences.max(dst.height * dst.width * words(8 * difference.channels));
                    }
                }
                Op::Linear(x, _) => wide = wide.max(maps[*x].channels + 1),
                _ => {}
            }
        }
        Self {
            image,
            maps,
            wide: Aligned::zeroed(wide),
            shifted: Buffer::zeroed(shifted),
            signs: Aligned::zeroed(signs),
            differences: Aligned::zeroed(differences),
            scratch: (0..threads.max(1)).map(|_| Buffer::zeroed(scratch)).collect(),
        }
    }

    /// Whether this memory is for such a run.
    pub(super) fn fits(&self, image: Size, threads: usize) -> bool {
        self.image == image && self.scratch.len() == threads
    }

    /// The memory of the network's input `[h][w][3]`, to fill.
    pub(super) fn image_mut(&mut self) -> &mut [f32] {
        self.maps[IMAGE].pixels_mut()
    }

    /// The numbers of a map of one pixel.
    pub(super) fn vector(&self, id: Id) -> &[f32] {
        let map = &self.maps[id];
        &map.data[..map.channels]
    }
}

/// A map in a frame of zeros.
#[derive(Clone, Copy, Debug)]
struct Frame {
    height: usize,
    width: usize,
    /// Rows and columns of zeros on each side.
    border: usize,
    /// Elements from pixel to pixel.
    step: usize,
}

impl Frame {
    fn around(map: &Map, border: usize, step: usize) -> Self {
        Self { height: map.height, width: map.width, border, step }
    }

    fn row_len(&self) -> usize {
        (self.width + 2 * self.border) * self.step
    }

    fn len(&self) -> usize {
        (self.height + 2 * self.border) * self.row_len()
    }

    /// Where a pixel is; both coordinates may be on the border.
    fn at(&self, y: isize, x: isize) -> usize {
        let row = (y + self.border as isize) as usize;
        row * self.row_len() + (x + self.border as isize) as usize * self.step
    }

    /// Zeroes the frame and writes every row of the map between.
    fn fill<T: Copy + Default + Send>(
        &self,
        dst: &mut [T],
        threads: usize,
        write: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let (row_len, side) = (self.row_len(), self.border * self.step);
        let (above, rest) = dst[..self.len()].split_at_mut(self.border * row_len);
        let (rows, below) = rest.split_at_mut(self.height * row_len);
        above.fill(T::default());
        below.fill(T::default());
        each_row(rows, row_len, &mut vec![(); threads], |y, row, ()| {
            row[..side].fill(T::default());
            row[row_len - side..].fill(T::default());
            write(y, &mut row[side..row_len - side]);
        });
    }
}

/// Computes rows of `len` elements, as many at a time as there are `scratch`es; each row has one to itself.
fn each_row<T: Send, S: Send>(
    dst: &mut [T],
    len: usize,
    scratch: &mut [S],
    row: impl Fn(usize, &mut [T], &mut S) + Sync,
) {
    let rows = dst.len() / len;
    let together = rows.div_ceil(scratch.len()).max(1);
    let part = |(number, (part, scratch)): (usize, (&mut [T], &mut S))| {
        for (y, dst) in part.chunks_exact_mut(len).enumerate() {
            row(number * together + y, dst, scratch);
        }
    };
    if scratch.len() == 1 {
        dst.chunks_mut(together * len).zip(scratch).enumerate().for_each(part);
    } else {
        for_each_chunk(dst, together * len, scratch, part);
    }
}

/// Runs all steps on the image in the arena.
pub(super) fn run(plan: &Plan, arena: &mut Arena) {
    for step in &plan.steps {
        run_step(plan, arena, step);
    }
}

/// Runs one step.
pub(super) fn run_step(plan: &Plan, arena: &mut Arena, step: &Step) {
    let isa = plan.isa;
    let threads = arena.scratch.len();
    let mut maps = Maps { maps: &mut arena.maps };
    match &step.op {
        Op::Real(real) => {
            let (x, dst) = maps.pair(real.x, step.dst);
            convolve(isa, real, x, &mut arena.wide, threads, dst);
        }
        Op::Block(block) => {
            if let Some(vanilla) = &block.vanilla {
                pack_signs(isa, vanilla, maps.get(block.x), &mut arena.signs, threads);
            }
            if let Some(difference) = &block.difference {
                let (shifted, bits) = (&mut arena.shifted, &mut arena.differences);
                pack_differences(isa, difference, block.stride, maps.get(block.x), shifted, bits, threads);
            }
            let place = Place {
                y: 0,
                height: maps.get(block.x).height,
                width: maps.get(block.x).width,
                stride: block.stride,
            };
            let bits = Bits { signs: &arena.signs, differences: &arena.differences };
            finish(isa, block, place, &bits, &mut arena.scratch, maps.get_mut(step.dst));
        }
        Op::MaxPool(x) => {
            let (x, dst) = maps.pair(*x, step.dst);
            max_pool(x, threads, dst);
        }
        Op::AveragePool(x) => {
            let (x, dst) = maps.pair(*x, step.dst);
            average_pool(x, threads, dst);
        }
        Op::Twice(x) => {
            let (x, dst) = maps.pair(*x, step.dst);
            let pixels = x.pixels().chunks_exact(x.step);
            let step = dst.step;
            for (dst, src) in dst.pixels_mut().chunks_exact_mut(step).zip(pixels) {
                dst[..x.channels].copy_from_slice(&src[..x.channels]);
                dst[x.channels..2 * x.channels].copy_from_slice(&src[..x.channels]);
            }
        }
        Op::GlobalPool(x) => {
            let (x, dst) = maps.pair(*x, step.dst);
            let mut sums = vec![0.0; x.step];
            for pixel in x.pixels().chunks_exact(x.step) {
                sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += f64::from(value));
            }
            let count = (x.height * x.width) as f64;
            dst.data.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (sum / count) as f32);
        }
        Op::Linear(x, weights) => {
            let (x, dst) = maps.pair(*x, step.dst);
            let values = &mut arena.wide[..=x.channels];
            values.iter_mut().zip(&x.data[..x.channels]).for_each(|(wide, &value)| *wide = f64::from(value));
            values[x.channels] = 1.0;
            let runs = [RealRun { values, step: 0 }];
            Real { runs: &runs, weights, dst: dst.pixels_mut() }.run_on(isa);
        }
    }
}

/// All maps, one of which is written.
struct Maps<'a> {
    maps: &'a mut [Map],
}

impl Maps<'_> {
    fn get(&self, id: Id) -> &Map {
        &self.maps[id]
    }

    fn get_mut(&mut self, id: Id) -> &mut Map {
        &mut self.maps[id]
    }

    /// A map to read and a later one to write.
    fn pair(&mut self, x: Id, dst: Id) -> (&Map, &mut Map) {
        let (before, after) = self.maps.split_at_mut(dst);
        (&before[x], &mut after[0])
    }
}

fn convolve(isa: Isa, real: &RealStep, x: &Map, wide: &mut [f64], threads: usize, dst: &mut Map) {
    let RealStep { conv, weights, norm, activation, .. } = real;
    let reach = conv.size / 2;
    let frame = Frame::around(x, reach, x.step);
    frame.fill(wide, threads, |y, row| {
        row.iter_mut().zip(x.from(y, 0)).for_each(|(wide, &value)| *wide = f64::from(value));
    });
    let columns = lower::real_runs(conv, x.step).len() / conv.size;
    let row_len = dst.row_len();
    each_row(dst.pixels_mut(), row_len, &mut vec![(); threads], |y, dst, ()| {
        let runs: Vec<RealRun<'_>> = (0..conv.size * columns)
            .map(|run| {
                let (row, column) = (run / columns, run % columns);
                let start = frame.at((y * conv.stride + row) as isize - reach as isize, -(reach as isize));
                RealRun { values: &wide[start + column * x.step..], step: conv.stride * x.step }
            })
            .collect();
        Real { runs: &runs, weights, dst: &mut *dst }.run_on(isa);
        if let Some((scale, offset)) = norm {
            Affine { scale, offset, dst: &mut *dst }.run_on(isa);
        }
        if let Some(activation) = activation {
            Activate { rprelu: activation.rprelu(), dst }.run_on(isa);
        }
    });
}

/// The signs of a map, in a frame of zeros.
fn pack_signs(isa: Isa, vanilla: &Vanilla, x: &Map, signs: &mut [u32], threads: usize) {
    let channels = vanilla.channels;
    Frame::around(x, 1, words(channels)).fill(signs, threads, |y, dst| {
        let src = &x.from(y, 0)[vanilla.first..];
        PackSigns { src, step: x.step, channels, thresholds: &vanilla.thresholds, dst }.run_on(isa);
    });
}

/// The signs of a map's differences, for each pixel of the output.
fn pack_differences(
    isa: Isa,
    difference: &Difference,
    stride: usize,
    x: &Map,
    shifted: &mut [f32],
    bits: &mut [u32],
    threads: usize,
) {
    let channels = difference.channels;
    let step = channels.next_multiple_of(GROUP);
    let frame = Frame::around(x, difference.reach, step);
    frame.fill(shifted, threads, |y, dst| {
        if step == x.step {
            Shift { src: &x.from(y, 0)[..x.row_len()], bias: &difference.shift, dst }.run_on(isa);
            return;
        }
        for (column, dst) in dst.chunks_exact_mut(step).enumerate() {
            let src = &x.from(y, column)[..step];
            dst.iter_mut().zip(src).zip(&*difference.shift).for_each(|((dst, x), shift)| *dst = x + shift);
        }
    });
    let row_len = x.width.div_ceil(stride) * words(8 * channels);
    let rows = &mut bits[..x.height.div_ceil(stride) * row_len];
    each_row(rows, row_len, &mut vec![(); threads], |y, dst, ()| {
        let from = |(dy, dx)| &shifted[frame.at((y * stride) as isize + dy, dx)..];
        let pairs = difference.pairs.map(|(first, second)| (from(first), from(second)));
        PackDifferences { pairs, step: stride * step, channels, dst }.run_on(isa);
    });
}

/// The bits that the convolutions of a block read.
struct Bits<'a> {
    signs: &'a [u32],
    differences: &'a [u32],
}

/// The convolutions of a block, and everything after them; `place` belongs to the input.
fn finish(isa: Isa, block: &BlockStep, place: Place, bits: &Bits<'_>, scratch: &mut [Buffer], dst: &mut Map) {
    let BlockStep { stride, difference, vanilla, offset, activation, .. } = block;
    let (row_len, width) = (dst.row_len(), dst.width);
    each_row(dst.pixels_mut(), row_len, scratch, |y, dst, scratch| {
        let (first, second) = scratch[..2 * row_len].split_at_mut(row_len);
        let by_differences = difference.as_ref().map(|difference| {
            let step = words(8 * difference.channels);
            let runs = [Run { bits: &bits.differences[y * width * step..], step }];
            Xnor { runs: &runs, weights: &difference.weights, dst: &mut *first }.run_on(isa);
            Term { sums: &*first, scale: &difference.scale }
        });
        let by_signs = vanilla.as_ref().map(|vanilla| {
            let step = words(vanilla.channels);
            let frame = Frame { height: place.height, width: place.width, border: 1, step };
            let runs: [Run<'_>; 3] = std::array::from_fn(|row| {
                let start = frame.at((y * stride + row) as isize - 1, -1);
                Run { bits: &bits.signs[start..], step: stride * step }
            });
            Xnor { runs: &runs, weights: &vanilla.weights, dst: &mut *second }.run_on(isa);
            vanilla.border.take_off(Place { y, ..place }, second);
            Term { sums: &*second, scale: &vanilla.scale }
        });
        let mut terms = by_differences.into_iter().chain(by_signs);
        let first = terms.next().expect("a block has a branch");
        let second = terms.next();
        Finish { first, second, offset, rprelu: activation.rprelu(), dst }.run_on(isa);
    });
}

/// Maxima over 3×3 pixels.
fn max_pool(x: &Map, threads: usize, dst: &mut Map) {
    let (row_len, step) = (dst.row_len(), dst.step);
    each_row(dst.pixels_mut(), row_len, &mut vec![(); threads], |y, dst, ()| {
        let rows = (2 * y).saturating_sub(1)..(2 * y + 2).min(x.height);
        for (column, dst) in dst.chunks_exact_mut(step).enumerate() {
            let columns = (2 * column).saturating_sub(1)..(2 * column + 2).min(x.width);
            dst.fill(f32::MIN);
            for pixel in rows.clone().flat_map(|row| columns.clone().map(move |column| (row, column))) {
                let src = x.from(pixel.0, pixel.1);
                dst.iter_mut()
                    .zip(src)
                    .for_each(|(most, &value)| *most = if value > *most { value } else { *most });
            }
        }
    });
}

/// Means over 2×2 pixels, or over those of them that exist.
fn average_pool(x: &Map, threads: usize, dst: &mut Map) {
    let (row_len, step) = (dst.row_len(), dst.step);
    each_row(dst.pixels_mut(), row_len, &mut vec![(); threads], |y, dst, ()| {
        let (above, below) = (2 * y, 2 * y + 1);
        for (column, dst) in dst.chunks_exact_mut(step).enumerate() {
            let (left, right) = (2 * column, 2 * column + 1);
            let row = |row: usize| {
                let first = &x.from(row, left)[..step];
                (first, (right < x.width).then(|| &x.from(row, right)[..step]))
            };
            let rows = [Some(row(above)), (below < x.height).then(|| row(below))];
            let count =
                rows.iter().flatten().map(|(_, second)| 1 + usize::from(second.is_some())).sum::<usize>();
            let share = 1.0 / count as f32;
            let pair = |row: &(&[f32], Option<&[f32]>), c: usize| match row.1 {
                Some(second) => row.0[c] + second[c],
                None => row.0[c],
            };
            let [Some(top), bottom] = rows else { unreachable!("the first row is inside of the map") };
            for (c, mean) in dst.iter_mut().enumerate() {
                let sum = match &bottom {
                    Some(bottom) => pair(&top, c) + pair(bottom, c),
                    None => pair(&top, c),
                };
                *mean = sum * share;
            }
        }
    });
}
