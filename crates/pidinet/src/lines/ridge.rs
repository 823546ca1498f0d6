//! Where the crest of an edge lies between pixels, and how strong it is.

use crate::EdgeMap;

/// The crest of an edge near a pixel.
#[derive(Clone, Copy)]
pub(super) struct Crest {
    /// Where it is, from the centre of the pixel, along x and y.
    pub(super) off: [f32; 2],
    /// The probability of the pixel, smoothed.
    pub(super) strength: f32,
}

impl Crest {
    /// The crest near pixel `(x, y)`.
    ///
    /// The map, smoothed by `[1 2 1] / 4`, is taken as a quadratic function around the pixel (least squares over 3 × 3
    /// pixels). Across the edge, along the eigenvector of its Hessian with the most negative eigenvalue, the crest is where
    /// the derivative is 0 (Steger, "An Unbiased Detector of Curvilinear Structures", PAMI 20(2) 1998). Where the map is
    /// flat it is the centre of the pixel.
    pub(super) fn near(map: &EdgeMap, x: usize, y: usize) -> Self {
        let rows: [[f32; 3]; 3] = smoothed(map, x, y);
        let strength = rows[1][1];
        let column = |i: usize| rows[0][i] + rows[1][i] + rows[2][i];
        let row = |i: usize| rows[i][0] + rows[i][1] + rows[i][2];
        let (dx, dy) = ((column(2) - column(0)) / 6.0, (row(2) - row(0)) / 6.0);
        let xx = (column(0) - 2.0 * column(1) + column(2)) / 3.0;
        let yy = (row(0) - 2.0 * row(1) + row(2)) / 3.0;
        let xy = (rows[0][0] - rows[0][2] - rows[2][0] + rows[2][2]) / 4.0;

        // The most negative eigenvalue, and its vector.
        let (mean, half) = ((xx + yy) / 2.0, (xx - yy) / 2.0);
        let bend = mean - (half * half + xy * xy).sqrt();
        if bend > FLAT {
            return Self { off: [0.0; 2], strength };
        }
        let across = if half <= 0.0 { [bend - yy, xy] } else { [xy, bend - xx] };
        let square = across[0] * across[0] + across[1] * across[1];
        let far = -(dx * across[0] + dy * across[1]) / (bend * square);
        // Where the map bends alike in all directions, or is not a number.
        Self { strength, off: if far.is_finite() { across.map(|axis| far * axis) } else { [0.0; 2] } }
    }

    /// The position of the crest of pixel `(x, y)`, from the corner of the image, so that the pixel's centre is at
    /// `(x + 0.5, y + 0.5)`. It is at most [`FARTHEST`] pixels from there.
    pub(super) fn place(&self, x: usize, y: usize) -> [f32; 2] {
        let length = self.off[0].hypot(self.off[1]);
        let share = if length > FARTHEST { FARTHEST / length } else { 1.0 };
        [x as f32 + 0.5 + share * self.off[0], y as f32 + 0.5 + share * self.off[1]]
    }
}

/// How far from a pixel its crest may be.
const FARTHEST: f32 = 0.75;
/// What bends less than this is flat.
const FLAT: f32 = -1e-3;

/// 3 × 3 pixels around one, smoothed by `[1 2 1] / 4` both ways. Outside the image its border goes on.
fn smoothed(map: &EdgeMap, x: usize, y: usize) -> [[f32; 3]; 3] {
    let clamp = |at: usize, step: usize, size: usize| (at + step).saturating_sub(2).min(size - 1);
    let columns: [usize; 5] = std::array::from_fn(|i| clamp(x, i, map.width()));
    let across: [[f32; 3]; 5] = std::array::from_fn(|i| {
        let row = map.row(clamp(y, i, map.height()));
        std::array::from_fn(|i| (row[columns[i]] + 2.0 * row[columns[i + 1]] + row[columns[i + 2]]) / 4.0)
    });
    std::array::from_fn(|i| {
        std::array::from_fn(|j| (across[i][j] + 2.0 * across[i + 1][j] + across[i + 2][j]) / 4.0)
    })
}
