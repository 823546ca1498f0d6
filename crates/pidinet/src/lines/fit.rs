//! Cubic Béziers through points by least squares, after Schneider, "An Algorithm for Automatically Fitting Digitized Curves"
//! (Graphics Gems, 1990), but with directions that the fit finds: those of a few points would need one and a half times as
//! many curves.

use super::reach::farthest_that;

type Point = [f32; 2];

/// A cubic Bézier curve: its ends, and the control points between them.
pub(super) type Cubic = [Point; 4];

/// Few cubics that stay within `tolerance` of the points, smooth where they follow one another. With `round` the points come
/// back to their first and are smooth there, too.
///
/// From the first point on, each cubic goes as far as the tolerance allows, ends in the direction that is best for it, and is
/// cut at the point before its last: there, points on both sides give the direction.
pub(super) fn fit(points: &[Point], tolerance: f32, round: bool) -> Vec<Cubic> {
    let last = points.len() - 1;
    let mut cubics = Vec::new();
    let reach = REACH.min(last);
    let way_round = unit(minus(points[reach], points[last - reach])).filter(|_| round);
    let way_back = way_round.map(|way| scaled(way, -1.0));
    let (mut first, mut begin) = (0, End { place: points[0], way: way_round });
    while first < last {
        let fits = |at: usize| {
            let end = End { place: points[at], way: way_back.filter(|_| at == last) };
            fit_one(&points[first..=at], [begin, end], tolerance)
        };
        // A straight piece to the next point always does.
        let end = farthest_that(first + 1, last, |end| fits(end).is_some());
        let Some((cubic, shares)) = fits(end) else { break };
        if end == last {
            cubics.push(cubic);
            break;
        }
        let knot = (end - 1).max(first + 1);
        let [head, tail] = cut(&cubic, shares[knot - first]);
        cubics.push(head);
        let [place, onward, ..] = tail;
        let back = minus(place, head[2]);
        let way = if length(back) > length(minus(onward, place)) { back } else { minus(onward, place) };
        (first, begin) = (knot, End { place, way: unit(way) });
    }
    cubics
}

/// Points over which the direction is taken in which a round curve begins.
const REACH: usize = 4;
/// How often the positions on a curve that belong to the points are improved.
const ROUNDS: usize = 8;

/// Where a cubic begins or ends.
#[derive(Clone, Copy)]
struct End {
    place: Point,
    /// The direction, of length 1, in which the cubic leaves it; none if any will do.
    way: Option<Point>,
}

/// One cubic, and the shares of it that belong to the points; none if it is too far off.
fn fit_one(points: &[Point], ends: [End; 2], tolerance: f32) -> Option<(Cubic, Vec<f32>)> {
    let mut shares = chords(points);
    if points.len() == 2 {
        let [first, last] = ends;
        let third = scaled(minus(last.place, first.place), 1.0 / 3.0);
        let handle = |way: Option<Point>, straight| way.map_or(straight, |way| scaled(way, length(straight)));
        let [head, tail] = [handle(first.way, third), handle(last.way, scaled(third, -1.0))];
        return Some(([first.place, plus(first.place, head), plus(last.place, tail), last.place], shares));
    }
    for round in 0.. {
        let cubic = least_squares(points, &shares, ends);
        let error = farthest(points, &shares, &cubic);
        if error <= tolerance {
            return Some((cubic, shares));
        }
        if round == ROUNDS || error > 9.0 * tolerance {
            return None;
        }
        shares.iter_mut().zip(points).for_each(|(share, &point)| *share = nearer(&cubic, point, *share));
    }
    unreachable!("the loop returns")
}

/// A cubic as two that meet at share `t`.
fn cut([a, b, c, d]: &Cubic, t: f32) -> [Cubic; 2] {
    let mix = |a: Point, b: Point| plus(scaled(a, 1.0 - t), scaled(b, t));
    let (ab, bc, cd) = (mix(*a, *b), mix(*b, *c), mix(*c, *d));
    let (abc, bcd) = (mix(ab, bc), mix(bc, cd));
    let middle = mix(abc, bcd);
    [[*a, ab, abc, middle], [middle, bcd, cd, *d]]
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

/// The cubic with given ends, and directions there if they are given, that is nearest to points at given shares.
fn least_squares(points: &[Point], shares: &[f32], ends: [End; 2]) -> Cubic {
    let [first, last] = ends.map(|end| end.place);
    let mut normal = Normal::default();
    for (&point, &t) in points.iter().zip(shares) {
        let [b0, b1, b2, b3] = bernstein(t);
        normal.add(b1, b2, minus(point, plus(scaled(first, b0 + b1), scaled(last, b2 + b3))));
    }
    let chord = minus(last, first);
    // A handle has a length that keeps the curve from turning back.
    let range = [0.1 * length(chord), 2.0 * length(chord).max(1.0)];
    let keeps = |handle: &Point| (range[0]..=range[1]).contains(&length(*handle));
    let free = normal.free(ends.map(|end| end.way), range);
    let [head, tail] = match free {
        [head, tail] if keeps(&head) && keeps(&tail) => [head, tail],
        _ => {
            let straight = [chord, scaled(chord, -1.0)].map(|way| unit(way).unwrap_or([1.0, 0.0]));
            let way = |end: usize| ends[end].way.or_else(|| unit(free[end])).unwrap_or(straight[end]);
            normal.along([way(0), way(1)], length(chord), range)
        }
    };
    [first, plus(first, head), plus(last, tail), last]
}

/// Normal equations of the two handles of a cubic: its control points, from the ends next to them.
#[derive(Default)]
struct Normal {
    heads: f32,
    both: f32,
    tails: f32,
    /// Right sides.
    head: Point,
    tail: Point,
}

impl Normal {
    /// Adds a point with the weights of the handles there, and what they have to make up.
    fn add(&mut self, head: f32, tail: f32, rest: Point) {
        self.heads += head * head;
        self.both += head * tail;
        self.tails += tail * tail;
        self.head = plus(self.head, scaled(rest, head));
        self.tail = plus(self.tail, scaled(rest, tail));
    }

    /// Handles of any direction where none is given. They may be of any length, or no numbers; those along a given direction
    /// are in the `range`.
    fn free(&self, ways: [Option<Point>; 2], range: [f32; 2]) -> [Point; 2] {
        let Self { heads, both, tails, head, tail } = *self;
        // With the length of one handle given, the other follows.
        let after = |weights: f32, right: Point, other: Point| {
            scaled(minus(right, scaled(other, both)), 1.0 / weights)
        };
        let along = |way: Point, own: f32, right: Point, weights: f32, other: Point| {
            let far = (dot(way, right) - both / weights * dot(way, other)) / (own - both * both / weights);
            scaled(way, far.clamp(range[0], range[1]))
        };
        match ways {
            [None, None] => {
                let determinant = heads * tails - both * both;
                let solve = |own: Point, other: Point, weight: f32| {
                    scaled(minus(scaled(own, weight), scaled(other, both)), 1.0 / determinant)
                };
                [solve(head, tail, tails), solve(tail, head, heads)]
            }
            [Some(way), None] => {
                let first = along(way, heads, head, tails, tail);
                [first, after(tails, tail, first)]
            }
            [None, Some(way)] => {
                let last = along(way, tails, tail, heads, head);
                [after(heads, head, last), last]
            }
            [Some(_), Some(_)] => [[f32::NAN; 2]; 2],
        }
    }

    /// Handles along given directions, as long as the `range` says: if one has to be changed, the other follows.
    fn along(&self, ways: [Point; 2], chord: f32, [least, most]: [f32; 2]) -> [Point; 2] {
        let (a, b, c) = (self.heads, self.both * dot(ways[0], ways[1]), self.tails);
        let (x, y) = (dot(ways[0], self.head), dot(ways[1], self.tail));
        let determinant = a * c - b * b;
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
        [scaled(ways[0], head), scaled(ways[1], tail)]
    }
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
    dot(a, a).sqrt()
}

/// The direction of a vector, with length 1; none if it has no length, or is not a number.
fn unit(way: Point) -> Option<Point> {
    let far = length(way);
    (far > 0.0 && far.is_finite()).then(|| scaled(way, 1.0 / far))
}
