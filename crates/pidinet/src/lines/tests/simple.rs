//! Polylines of few points.

use super::{closed, ridge, to_pieces, trace};
use crate::lines::Lines;
use crate::lines::straight::distance;

#[test]
fn what_ended_within_another_line_ends_on_its_polyline() {
    let ring: Vec<[f32; 2]> = (0..60)
        .map(|i| (i as f32 * std::f32::consts::TAU / 60.0).sin_cos())
        .map(|(sin, cos)| [50.0 + 30.0 * cos, 50.0 + 30.0 * sin])
        .collect();
    let mut pieces = closed(&ring);
    for (sin, cos) in [0.3f32, 1.0, 2.2, 3.5, 4.4, 5.6].map(f32::sin_cos) {
        pieces.push([[50.0 + 30.0 * cos, 50.0 + 30.0 * sin], [50.0 + 46.0 * cos, 50.0 + 46.0 * sin]]);
    }
    let lines = trace(&ridge(100, 100, to_pieces(&pieces))).joined(Lines::STRAIGHT_ON);
    let simple = lines.simplified(1.0);
    let mut rings = simple.lines.iter().filter(|line| line.closed);
    let (Some(ring), None) = (rings.next(), rings.next()) else { panic!("{simple:?}") };
    let sides = closed(&ring.points);
    assert!(sides.len() < 20 && simple.lines.len() == 7, "{simple:?}");
    for spoke in simple.lines.iter().filter(|line| !line.closed) {
        let ends = [spoke.points[0], spoke.points[spoke.points.len() - 1]];
        let far = |at| sides.iter().map(|[from, to]| distance(at, *from, *to)).fold(f32::INFINITY, f32::min);
        assert!(ends.map(far).into_iter().fold(f32::INFINITY, f32::min) < 0.01, "{spoke:?}");
    }
}
