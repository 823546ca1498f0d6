//! How an edge map bends: second derivatives of the smoothed map, a row at a time, so that what is needed stays in the cache.

use crate::EdgeMap;

/// Radius of the triangle that smooths the map before its derivatives are taken.
const TRIANGLE: usize = 4;

/// A row of second derivatives.
pub(super) struct Second<'a> {
    /// Twice along x.
    pub(super) xx: &'a [f32],
    /// Along y, and that along x.
    pub(super) xy: &'a [f32],
    /// Twice along y.
    pub(super) yy: &'a [f32],
}

/// Second derivatives of a map, row by row from the top.
pub(super) struct Bends<'a> {
    blur: Blur<'a>,
    /// The next row.
    y: usize,
    /// Rows of the smoothed map that were made.
    made: usize,
    /// Rows of its derivative along y that were.
    sloped: usize,
    /// The smoothed map; row `y` is at `y % 3`.
    smooth: [Vec<f32>; 3],
    /// Its derivative along y; row `y` is at `y % 3`.
    down: [Vec<f32>; 3],
    /// The derivative along x of one row.
    across: Vec<f32>,
    xx: Vec<f32>,
    xy: Vec<f32>,
    yy: Vec<f32>,
}

impl<'a> Bends<'a> {
    pub(super) fn of(map: &'a EdgeMap) -> Self {
        let row = || vec![0.0; map.width()];
        Self {
            blur: Blur::new(map, TRIANGLE),
            y: 0,
            made: 0,
            sloped: 0,
            smooth: [row(), row(), row()],
            down: [row(), row(), row()],
            across: row(),
            xx: row(),
            xy: row(),
            yy: row(),
        }
    }

    /// Derivatives of the next row.
    pub(super) fn next_row(&mut self) -> Second<'_> {
        let (y, height) = (self.y, self.blur.map.height());
        self.y += 1;
        while self.sloped < (y + 2).min(height) {
            let slope = self.sloped;
            while self.made < (slope + 2).min(height) {
                self.blur.row(self.made, &mut self.smooth[self.made % 3]);
                self.made += 1;
            }
            along_column(&self.smooth, slope, height, &mut self.down[slope % 3]);
            self.sloped += 1;
        }
        along_row(&self.smooth[y % 3], &mut self.across);
        along_row(&self.across, &mut self.xx);
        along_row(&self.down[y % 3], &mut self.xy);
        along_column(&self.down, y, height, &mut self.yy);
        Second { xx: &self.xx, xy: &self.xy, yy: &self.yy }
    }
}

/// The map, smoothed by a triangle along rows and along columns: of radius 1, `[1 2 1] / 4`.
pub(super) fn blurred(map: &EdgeMap, radius: usize) -> EdgeMap {
    let width = map.width();
    let mut smooth = EdgeMap::new(map.size(), vec![0.0; map.data().len()]);
    let mut blur = Blur::new(map, radius);
    for (y, row) in smooth.data_mut().chunks_mut(width.max(1)).enumerate() {
        blur.row(y, row);
    }
    smooth
}

/// Smooths rows by a triangle along both axes.
struct Blur<'a> {
    map: &'a EdgeMap,
    radius: usize,
    weights: Vec<f32>,
    /// A row that was smoothed along columns, with what is mirrored at either end.
    padded: Vec<f32>,
}

impl<'a> Blur<'a> {
    fn new(map: &'a EdgeMap, radius: usize) -> Self {
        let area = (radius + 1) * (radius + 1);
        let weight = |at: usize| (radius + 1 - at.abs_diff(radius)) as f32 / area as f32;
        let weights = (0..=2 * radius).map(weight).collect();
        Self { map, radius, weights, padded: vec![0.0; map.width() + 2 * radius] }
    }

    /// Row `y` of the smoothed map.
    fn row(&mut self, y: usize, sums: &mut [f32]) {
        let Self { map, radius, weights, padded } = self;
        let (radius, width) = (*radius, map.width());
        let column = &mut padded[radius..][..width];
        column.fill(0.0);
        for (k, weight) in weights.iter().enumerate() {
            let row = map.row(mirrored(y as isize + k as isize - radius as isize, map.height()));
            for (sum, pixel) in column.iter_mut().zip(row) {
                *sum += weight * pixel;
            }
        }
        for far in 1..=radius as isize {
            let (left, right) = (mirrored(-far, width), mirrored(width as isize - 1 + far, width));
            padded[radius - far as usize] = padded[radius + left];
            padded[radius + width - 1 + far as usize] = padded[radius + right];
        }
        sums.fill(0.0);
        for (k, weight) in weights.iter().enumerate() {
            for (sum, pixel) in sums.iter_mut().zip(&padded[k..]) {
                *sum += weight * pixel;
            }
        }
    }
}

/// Position `at` of a line of `size` pixels that goes on as its mirror image: -1 is 0, `size` is `size - 1`.
fn mirrored(at: isize, size: usize) -> usize {
    let at = at.rem_euclid(2 * size as isize) as usize;
    at.min(2 * size - 1 - at)
}

/// The derivative of a row along x: half the difference of the neighbours, or at the ends that of the pixel and its only one.
fn along_row(row: &[f32], slopes: &mut [f32]) {
    let width = row.len();
    if width < 2 {
        return slopes.fill(0.0);
    }
    slopes[0] = row[1] - row[0];
    slopes[width - 1] = row[width - 1] - row[width - 2];
    for (slope, around) in slopes[1..].iter_mut().zip(row.windows(3)) {
        *slope = (around[2] - around[0]) * 0.5;
    }
}

/// The derivative along y of row `y` of an image of `height` rows, of which row `y` is at `y % 3`.
fn along_column(rows: &[Vec<f32>; 3], y: usize, height: usize, slopes: &mut [f32]) {
    if height < 2 {
        return slopes.fill(0.0);
    }
    let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
    let scale = if below - above == 2 { 0.5 } else { 1.0 };
    for (slope, (above, below)) in slopes.iter_mut().zip(rows[above % 3].iter().zip(&rows[below % 3])) {
        *slope = (below - above) * scale;
    }
}
