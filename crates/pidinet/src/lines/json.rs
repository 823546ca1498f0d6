//! Lines as plain JSON, for programs.

use std::fmt::Write;

use super::svg::number;
use super::{Drawing, Stroke};

/// `{"width", "height", "layers": [{"name", "strokes": [...]}]}`. A stroke is
/// `{"strength", "closed", "points": [[x, y], ...], "strengths": [...]}` or, as a curve,
/// `{"strength", "closed", "start": [x, y], "cubics": [[[x, y], [x, y], [x, y]], ...]}`: two control points and the end of each.
/// Positions are pixels, y down; the centre of the first pixel is `[0.5, 0.5]`.
pub fn json(drawing: &Drawing, precision: usize) -> String {
    let point = |[x, y]: [f32; 2]| {
        format!("[{},{}]", number(f64::from(x), precision), number(f64::from(y), precision))
    };
    let list = |items: Vec<String>| format!("[{}]", items.join(","));
    let stroke = |stroke: &Stroke| {
        let mut text = format!(
            r#"{{"strength":{},"closed":{},"#,
            number(f64::from(stroke.strength()), 4),
            stroke.closed()
        );
        // Writing to a string cannot fail.
        let _ = match stroke {
            Stroke::Polyline(line) => {
                let points = list(line.points.iter().map(|&at| point(at)).collect());
                let strengths =
                    line.strength.iter().map(|&strength| number(f64::from(strength), 4)).collect();
                write!(text, r#""points":{points},"strengths":{}}}"#, list(strengths))
            }
            Stroke::Curve(curve) => {
                let cubics =
                    curve.cubics.iter().map(|cubic| list(cubic.iter().map(|&at| point(at)).collect()));
                write!(text, r#""start":{},"cubics":{}}}"#, point(curve.start), list(cubics.collect()))
            }
        };
        text
    };
    let layers = drawing.layers.iter().map(|layer| {
        let strokes: Vec<String> = layer.strokes.iter().map(stroke).collect();
        format!("{{\"name\":\"{}\",\"strokes\":[\n{}\n]}}", layer.name, strokes.join(",\n"))
    });
    let layers: Vec<String> = layers.collect();
    format!(
        "{{\"width\":{},\"height\":{},\"layers\":[\n{}\n]}}\n",
        drawing.width,
        drawing.height,
        layers.join(",\n")
    )
}
