//! Cubic Béziers through points by least squares (Schneider, "An Algorithm for Automatically Fitting Digitized Curves",
//! Graphics Gems, 1990).

use super::reach::farthest_that;

type Point = [f32; 2];

/// A cubic Bézier curve: its ends, and the control points between them.
pub(super) type Cubic = [Point; 4];

/// As few cubics as stay within `tolerance` of the points, smooth where they follow one another. With `round` the points come
/// back to their first and are smooth there, too.
pub(super) fn fit(points: &[Point], tolerance: f32, round: bool) -> Vec<Cubic> {
    let last = points.len() - 1;
    let mut cubics = Vec::new();
    if last == 0 {
        return cubics;
    }
    let reach = REACH.min(last);
    let (first_way, last_way) = if round {
        let way = direction(points[last - reach], points[reach]);
        (way, scaled(way, -1.0))
    } else {
        (direction(points[0], points[reach]), direction(points[last], points[last - reach]))
    };
    // From the first point on, each cubic goes as far as the tolerance allows.
    let (mut first, mut way) = (0, first_way);
    while first < last {
        let way_at = |at: usize| {
            let reach = REACH.min(at - first).min(last - at);
            if at == last { last_way } else { direction(points[at + reach], points[at - reach]) }
        };
        let fits = |end: usize| fit_one(&points[first..=end], way, way_at(end), tolerance);
        // A straight piece to the next point always does.
        let end = farthest_that(first + 1, last, |end| fits(end).is_some());
        let cubic = fits(end);
        cubics.extend(cubic);
        (first, way) = (end, scaled(way_at(end), -1.0));
    }
    cubics
}

/// Points over which a direction is taken.
const REACH: usize = 4;
/// How often the positions on a curve that belong to the points are improved.
const ROUNDS: usize = 8;

/// One cubic, unless it is too far off.
fn fit_one(points: &[Point], first_way: Point, last_way: Point, tolerance: f32) -> Option<Cubic> {
    let (first, last) = (points[0], points[points.len() - 1]);
    if points.len() == 2 {
        let third = length(minus(last, first)) / 3.0;
        return Some([
            first,
            plus(first, scaled(first_way, third)),
            plus(last, scaled(last_way, third)),
            last,
        ]);
    }
    let mut shares = chords(points);
    for round in 0.. {
        let cubic = least_squares(points, &shares, first_way, last_way);
        let error = farthest(points, &shares, &cubic);
        if error <= tolerance {
            return Some(cubic);
        }
        if round == ROUNDS || error > 9.0 * tolerance {
            return None;
        }
        shares.iter_mut().zip(points).for_each(|(share, &point)| *share = nearer(&cubic, point, *share));
    }
    unreachable!("the loop returns")
}

/// The share of the length of all chords at each point.
fn chords(points: &[Point]) -> Vec<f32> {
    let mut far = 0.0;
    let mut shares = vec![0.0];
    shares.extend(points.windows(2).map(|pair| {
        far += length(minus(pair[1], pair[0]));
        far
    }));
    shares.iter_mut().for_each(|share| *share /= far.max(f32::MIN_POSITIVE));
    shares
}

/// The cubic with given ends and directions there that is nearest to points at given shares.
fn least_squares(points: &[Point], shares: &[f32], first_way: Point, last_way: Point) -> Cubic {
    let (first, last) = (points[0], points[points.len() - 1]);
    let (mut a, mut b, mut c, mut x, mut y) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (&point, &t) in points.iter().zip(shares) {
        let [b0, b1, b2, b3] = bernstein(t);
        let (one, two) = (scaled(first_way, b1), scaled(last_way, b2));
        let rest = minus(point, plus(scaled(first, b0 + b1), scaled(last, b2 + b3)));
        a += dot(one, one);
        b += dot(one, two);
        c += dot(two, two);
        x += dot(one, rest);
        y += dot(two, rest);
    }
    let chord = length(minus(last, first));
    let determinant = a * c - b * b;
    // A handle has a length that keeps the curve from turning back; if one has to be changed, the other follows.
    let (least, most) = (0.1 * chord, 2.0 * chord.max(1.0));
    let (mut head, mut tail) = ((x * c - y * b) / determinant, (y * a - x * b) / determinant);
    if !(head.is_finite() && tail.is_finite()) {
        (head, tail) = (chord / 3.0, chord / 3.0);
    } else if !(least..=most).contains(&head) {
        head = head.clamp(least, most);
        tail = ((y - head * b) / c).clamp(least, most);
    } else if !(least..=most).contains(&tail) {
        tail = tail.clamp(least, most);
        head = ((x - tail * b) / a).clamp(least, most);
    }
    [first, plus(first, scaled(first_way, head)), plus(last, scaled(last_way, tail)), last]
}

/// The largest distance of a point from where the cubic is at its share.
fn farthest(points: &[Point], shares: &[f32], cubic: &Cubic) -> f32 {
    let errors = points.iter().zip(shares).map(|(&point, &t)| length(minus(at(cubic, t), point)));
    errors.fold(0.0, f32::max)
}

/// A share nearer to the point's foot on the cubic: one step of Newton's method.
fn nearer(cubic: &Cubic, point: Point, t: f32) -> f32 {
    let [p0, p1, p2, p3] = *cubic;
    let (d0, d1, d2) = (minus(p1, p0), minus(p2, p1), minus(p3, p2));
    let u = 1.0 - t;
    let slope = scaled(plus(plus(scaled(d0, u * u), scaled(d1, 2.0 * u * t)), scaled(d2, t * t)), 3.0);
    let bend = scaled(plus(scaled(minus(d1, d0), u), scaled(minus(d2, d1), t)), 6.0);
    let off = minus(at(cubic, t), point);
    let denominator = dot(slope, slope) + dot(off, bend);
    if denominator.abs() < 1e-6 { t } else { (t - dot(off, slope) / denominator).clamp(0.0, 1.0) }
}

/// The point of a cubic at share `t`.
pub(super) fn at(cubic: &Cubic, t: f32) -> Point {
    let weights = bernstein(t);
    [0, 1].map(|axis| (0..4).map(|i| weights[i] * cubic[i][axis]).sum())
}

fn bernstein(t: f32) -> [f32; 4] {
    let u = 1.0 - t;
    [u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t]
}

fn plus(a: Point, b: Point) -> Point {
    [a[0] + b[0], a[1] + b[1]]
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

fn scaled(a: Point, by: f32) -> Point {
    [a[0] * by, a[1] * by]
}

fn dot(a: Point, b: Point) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}

fn length(a: Point) -> f32 {
    a[0].hypot(a[1])
}

/// The direction from one point to another, of length 1; to the right if they are one.
fn direction(from: Point, to: Point) -> Point {
    let way = minus(to, from);
    let far = length(way);
    if far > 0.0 { scaled(way, 1.0 / far) } else { [1.0, 0.0] }
}
