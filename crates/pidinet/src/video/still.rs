//! What stands still between two frames, and what moves.

use crate::image::{Image, Pixels, Sample};

/// Pixels of the side of a cell.
const CELL: usize = 4;
/// Cells of the side of a thumbnail.
const THUMBNAIL: usize = 8;
/// How far thumbnails of two frames differ on average where the scene was cut: black to white is 1.
const CUT: f32 = 0.08;
/// What share of the cells is taken to change by noise alone.
const QUIET: f64 = 0.3;
/// How many times the noise of its pixels a cell's mean may change and stand still. The mean of 16 pixels of white noise
/// has a standard deviation of 0.32 times their mean absolute deviation, and cells are looked at with their eight
/// neighbours: 1.1 is three and a half of those.
const STILL: f32 = 1.1;
/// What a cell's mean may change besides: one level of 8 bits, by rounding or compression.
const LEVEL: f32 = 1.0 / 255.0;

/// The brightness of a frame.
#[derive(Debug)]
pub(super) struct Brightness {
    width: usize,
    height: usize,
    /// `[height, width]`, black 0, white 1.
    data: Vec<f32>,
    thumbnail: [f32; THUMBNAIL * THUMBNAIL],
}

impl Brightness {
    pub(super) fn of(image: &Image) -> Self {
        let data = match image.pixels() {
            Pixels::U8(data) => brightness(data),
            Pixels::U16(data) => brightness(data),
            Pixels::F32(data) => brightness(data),
        };
        let (width, height) = (image.width(), image.height());
        Self { width, height, thumbnail: thumbnail(width, height, &data), data }
    }

    /// Whether this frame shows another scene.
    pub(super) fn is_cut_from(&self, before: &Self) -> bool {
        let pairs = self.thumbnail.iter().zip(&before.thumbnail);
        let sum: f32 = pairs.map(|(now, before)| (now - before).abs()).sum();
        sum / self.thumbnail.len() as f32 > CUT
    }

    /// How much each pixel stands still since the frame before, of the same size: 1 where only noise changes, 0 where
    /// something moves.
    pub(super) fn stillness(&self, before: &Self) -> Stillness {
        let (columns, rows) = (self.width.div_ceil(CELL), self.height.div_ceil(CELL));
        let cells = (0..columns * rows).map(|at| self.change(before, at % columns, at / columns));
        let (changes, deviations): (Vec<f32>, Vec<f32>) = cells.unzip();
        let least = STILL * quiet(deviations) + LEVEL;
        let still = |at: usize| {
            let (column, row) = (at % columns, at / columns);
            let near = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
            let around = near(row, rows).flat_map(|y| near(column, columns).map(move |x| y * columns + x));
            let most = around.map(|cell| changes[cell]).fold(0.0, f32::max);
            (2.0 - most / least).clamp(0.0, 1.0)
        };
        Stillness { columns, cells: (0..columns * rows).map(still).collect() }
    }

    /// How much the mean of a cell changed, and by how much its pixels changed beside that, on average.
    fn change(&self, before: &Self, column: usize, row: usize) -> (f32, f32) {
        let across = column * CELL..((column + 1) * CELL).min(self.width);
        let down = row * CELL..((row + 1) * CELL).min(self.height);
        let mut differences = [0.0; CELL * CELL];
        let mut count = 0;
        for y in down {
            let at = y * self.width;
            for x in across.clone() {
                differences[count] = self.data[at + x] - before.data[at + x];
                count += 1;
            }
        }
        let differences = &differences[..count];
        let mean = differences.iter().sum::<f32>() / count as f32;
        let deviation = differences.iter().map(|difference| (difference - mean).abs()).sum::<f32>();
        (mean.abs(), deviation / count as f32)
    }
}

/// How much pixels stand still, from 0 to 1, in cells.
pub(super) struct Stillness {
    columns: usize,
    cells: Vec<f32>,
}

impl Stillness {
    /// Of the pixels of row `y`, from the first on.
    pub(super) fn row(&self, y: usize) -> impl Iterator<Item = f32> + '_ {
        let cells = &self.cells[y / CELL * self.columns..][..self.columns];
        cells.iter().flat_map(|&still| [still; CELL])
    }
}

/// Rec. 601 luma in `[0, 1]`.
fn brightness<S: Sample>(data: &[S]) -> Vec<f32> {
    let (pixels, _) = data.as_chunks::<3>();
    pixels.iter().map(|[r, g, b]| 0.299 * r.unit() + 0.587 * g.unit() + 0.114 * b.unit()).collect()
}

/// Means of 8×8 parts.
fn thumbnail(width: usize, height: usize, data: &[f32]) -> [f32; THUMBNAIL * THUMBNAIL] {
    let mut sums = [0.0; THUMBNAIL * THUMBNAIL];
    let mut counts = [0u32; THUMBNAIL * THUMBNAIL];
    for (y, row) in data.chunks_exact(width).enumerate() {
        for (x, value) in row.iter().enumerate() {
            let part = y * THUMBNAIL / height * THUMBNAIL + x * THUMBNAIL / width;
            sums[part] += f64::from(*value);
            counts[part] += 1;
        }
    }
    std::array::from_fn(|part| (sums[part] / f64::from(counts[part].max(1))) as f32)
}

/// The deviation that [`QUIET`] of the cells stay below: that of noise, as more than those show nothing that moves.
fn quiet(mut deviations: Vec<f32>) -> f32 {
    let at = ((deviations.len() as f64 * QUIET) as usize).min(deviations.len() - 1);
    *deviations.select_nth_unstable_by(at, f32::total_cmp).1
}
