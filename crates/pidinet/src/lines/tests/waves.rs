//! How many curves lines that bend need, and how these follow one another.

use crate::lines::Line;
use crate::lines::straight::distance;

/// A wave, a point about a pixel, as pixels would have them: up to a quarter of a pixel off, evenly by a fixed sequence.
fn wave(length: usize, height: f32, off: f32) -> Line {
    let point = |x: usize| {
        let noise = (x * 37 % 64) as f32 / 63.0 - 0.5;
        [x as f32, 50.0 + height * (x as f32 * std::f32::consts::TAU / 60.0).sin() + off * noise]
    };
    Line { points: (0..=length).map(point).collect(), strength: vec![1.0; length + 1], closed: false }
}

/// A part of a circle, a point about a pixel, each up to a quarter of a pixel off.
fn arc(radius: f32, length: usize) -> Line {
    let point = |at: usize| {
        let far = radius + 0.5 * ((at * 37 % 64) as f32 / 63.0 - 0.5);
        let (sin, cos) = (at as f32 / radius).sin_cos();
        [20.0 + far * cos, 20.0 + far * sin]
    };
    Line { points: (0..=length).map(point).collect(), strength: vec![1.0; length + 1], closed: false }
}

#[test]
fn short_bends_are_one_curve_each() {
    let (mut bends, mut cubics) = (0, 0);
    for radius in 6..20 {
        for length in [12, 16, 20] {
            bends += 1;
            cubics += arc(radius as f32, length).curve(0.5, 180.0).cubics.len();
        }
    }
    assert!(10 * cubics <= 11 * bends, "{cubics} for {bends} bends");
}

#[test]
fn a_wave_needs_two_curves_a_period_or_fewer() {
    for (height, off) in [(8.0, 0.0), (8.0, 0.5), (15.0, 0.5), (3.0, 0.5)] {
        let line = wave(240, height, off);
        let curve = line.curve(0.5, 60.0);
        assert!(curve.cubics.len() <= 8, "{} cubics at {height} {off}", curve.cubics.len());
        let drawn = curve.points(0.01);
        let far = |at: &[f32; 2]| {
            let pieces = drawn.windows(2).map(|piece| distance(*at, piece[0], piece[1]));
            pieces.fold(f32::INFINITY, f32::min)
        };
        assert!(line.points.iter().all(|at| far(at) <= 0.51));
    }
}

#[test]
fn curves_go_on_in_the_direction_in_which_the_one_before_ends() {
    let curve = wave(600, 10.0, 0.5).curve(0.3, 60.0);
    assert!(curve.cubics.len() > 5);
    for pair in curve.cubics.windows(2) {
        let ([_, before, knot], [after, ..]) = (pair[0], pair[1]);
        let (into, out) =
            ([knot[0] - before[0], knot[1] - before[1]], [after[0] - knot[0], after[1] - knot[1]]);
        let turn = (into[0] * out[1] - into[1] * out[0]).atan2(into[0] * out[0] + into[1] * out[1]);
        assert!(turn.abs() < 0.01, "{} degrees at {knot:?}", turn.to_degrees());
    }
}

#[test]
fn curves_stay_near_the_straight_pieces_between_points_far_apart() {
    let points = vec![[0.0, 0.0], [10.0, 1.0], [40.0, 0.0], [55.0, 9.0], [60.0, 30.0], [90.0, 31.0]];
    let line = Line { strength: vec![1.0; points.len()], points, closed: false };
    for at in line.curve(0.5, 60.0).points(0.01) {
        let pieces = line.points.windows(2);
        let pieces = pieces.map(|piece| distance(at, piece[0], piece[1]));
        let off = pieces.fold(f32::INFINITY, f32::min);
        assert!(off <= 0.6, "{off} at {at:?}");
    }
}
