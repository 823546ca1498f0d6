//! Maps of random numbers, and their rows in the layout of the kernels.

use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::reference::Map;
use pidinet_kernels::rows::row::{self, MARGIN, Row, RowMut};

/// Numbers in `[-1, 1)` that `f32` holds exactly, the same for the same seed.
pub(crate) fn random(shape: [usize; 3], seed: u64) -> Map {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    Map::from_fn(shape, |_, _, _| {
        // xorshift64*: its upper 24 bits make a float.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// A map row by row, with a row of zeros for those outside.
pub(crate) struct Rows {
    rows: Vec<Buffer>,
    zeros: Buffer,
    stride: usize,
}

impl Rows {
    pub(crate) fn new(map: &Map, stride: usize) -> Rows {
        let [channels, height, width] = map.shape();
        let zeros = Buffer::zeroed(row::block_len(channels, stride));
        let mut rows = vec![zeros.clone(); height];
        for (y, row) in rows.iter_mut().enumerate() {
            for c in 0..channels {
                for x in 0..width {
                    row[MARGIN + c * stride + x] = map.at(c, y as isize, x as isize) as f32;
                }
            }
        }
        Rows { rows, zeros, stride }
    }

    pub(crate) fn at(&self, y: isize) -> Row<'_> {
        let data = usize::try_from(y).ok().and_then(|y| self.rows.get(y)).unwrap_or(&self.zeros);
        Row { data, stride: self.stride }
    }
}

/// A row to be written.
#[derive(Debug, PartialEq)]
pub(crate) struct Output {
    data: Vec<f32>,
    stride: usize,
    channels: usize,
    width: usize,
}

/// A row whose columns are not zero, to see that all of them are written.
pub(crate) fn unfilled(channels: usize, width: usize, extra_stride: usize) -> Output {
    let stride = row::stride(width, 0) + extra_stride;
    let mut data = vec![0.0; row::block_len(channels, stride)];
    for c in 0..channels {
        data[MARGIN + c * stride..][..width].fill(7e7);
    }
    Output { data, stride, channels, width }
}

impl Output {
    pub(crate) fn row(&self) -> Row<'_> {
        Row { data: &self.data, stride: self.stride }
    }

    pub(crate) fn row_mut(&mut self) -> RowMut<'_> {
        RowMut { data: &mut self.data, stride: self.stride }
    }
}

/// Asserts that `got` is row `y` of `want` within `n * eps * size`, and zero everywhere else.
#[track_caller]
pub(crate) fn close(got: &Output, want: &Map, size: &Map, y: usize, n: usize, name: &str) {
    let mut rest = got.data.clone();
    for c in 0..got.channels {
        for x in 0..got.width {
            let value = std::mem::take(&mut rest[MARGIN + c * got.stride + x]);
            let [want, size] = [want, size].map(|map| map.at(c, y as isize, x as isize));
            let bound = n as f64 * f64::from(f32::EPSILON) * size.abs();
            let error = (f64::from(value) - want).abs();
            assert!(
                error <= bound,
                "{name}, channel {c}, column {x}: {value} is not {want} within {bound:e}"
            );
        }
    }
    assert!(rest.iter().all(|&value| value == 0.0), "{name}: a column outside the map was written");
}
