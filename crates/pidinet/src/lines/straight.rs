//! Straight lines through points, and where they meet.

/// A straight line: a point, and a direction of length 1.
pub(super) struct Straight {
    point: [f32; 2],
    along: [f32; 2],
}

impl Straight {
    /// The line with the least sum of squared distances to at least three points.
    pub(super) fn through(points: &[[f32; 2]]) -> Option<Self> {
        if points.len() < 3 {
            return None;
        }
        let count = points.len() as f32;
        let mean = [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / count);
        let sum = |term: fn([f32; 2]) -> f32| {
            points.iter().map(|p| term([p[0] - mean[0], p[1] - mean[1]])).sum::<f32>()
        };
        let (xx, xy, yy) = (sum(|d| d[0] * d[0]), sum(|d| d[0] * d[1]), sum(|d| d[1] * d[1]));
        let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
        Some(Self { point: mean, along: [angle.cos(), angle.sin()] })
    }
}

impl Straight {
    /// The point of the line nearest to another.
    pub(super) fn foot(&self, point: [f32; 2]) -> [f32; 2] {
        let [x, y] = self.along;
        let far = (point[0] - self.point[0]) * x + (point[1] - self.point[1]) * y;
        [self.point[0] + far * x, self.point[1] + far * y]
    }
}

/// Where two straight lines meet, unless they are nearly parallel.
pub(super) fn meeting(a: &Straight, b: &Straight) -> Option<[f32; 2]> {
    let cross = a.along[0] * b.along[1] - a.along[1] * b.along[0];
    if cross.abs() < PARALLEL {
        return None;
    }
    let (dx, dy) = (b.point[0] - a.point[0], b.point[1] - a.point[1]);
    let far = (dx * b.along[1] - dy * b.along[0]) / cross;
    Some([a.point[0] + far * a.along[0], a.point[1] + far * a.along[1]])
}

/// The point with the least sum of squared distances to straight lines, unless they are nearly parallel.
pub(super) fn common(lines: &[Straight]) -> Option<[f32; 2]> {
    // Normal equations of the distances along the normals.
    let (mut xx, mut xy, mut yy, mut x, mut y) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for Straight { point, along } in lines {
        let normal = [-along[1], along[0]];
        let offset = normal[0] * point[0] + normal[1] * point[1];
        xx += normal[0] * normal[0];
        xy += normal[0] * normal[1];
        yy += normal[1] * normal[1];
        x += normal[0] * offset;
        y += normal[1] * offset;
    }
    let determinant = xx * yy - xy * xy;
    (determinant > PARALLEL * PARALLEL)
        .then(|| [(x * yy - y * xy) / determinant, (y * xx - x * xy) / determinant])
}

/// Sine of the angle, about 17°, below which two lines count as parallel.
const PARALLEL: f32 = 0.3;

/// The distance of a point to the straight piece between two others.
pub(super) fn distance(point: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let foot = foot(point, from, to);
    let (dx, dy) = (point[0] - foot[0], point[1] - foot[1]);
    (dx * dx + dy * dy).sqrt()
}

/// The point nearest to another on the straight piece between two.
pub(super) fn foot(point: [f32; 2], from: [f32; 2], to: [f32; 2]) -> [f32; 2] {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let (px, py) = (point[0] - from[0], point[1] - from[1]);
    let square = dx * dx + dy * dy;
    let share = if square > 0.0 { ((px * dx + py * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
    [from[0] + share * dx, from[1] + share * dy]
}
