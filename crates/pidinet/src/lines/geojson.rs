//! GeoJSON (RFC 7946), in pixels or on a map.

use std::fmt::Write;

use super::svg::number;
use super::{Drawing, WorldFile};

/// A drawing as a collection of line strings, with the properties `strength`, `length` (in units of the coordinates), `closed`
/// and `layer`.
///
/// With a world file positions are those of its coordinate system, which GeoJSON cannot name unless it is WGS 84; without, they are
/// pixels with y down, and the member `pidinet:coordinates` says so. Curves become straight pieces within `tolerance` pixels.
pub fn geojson(drawing: &Drawing, world: Option<&WorldFile>, tolerance: f32, precision: usize) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = collection(&mut text, drawing, world, tolerance, precision);
    text
}

fn collection(
    text: &mut String,
    drawing: &Drawing,
    world: Option<&WorldFile>,
    tolerance: f32,
    precision: usize,
) -> std::fmt::Result {
    write!(text, r#"{{"type":"FeatureCollection","#)?;
    if world.is_none() {
        let Drawing { width, height, .. } = drawing;
        write!(text, r#""pidinet:coordinates":"pixels of an image of {width}x{height}, y down","#)?;
    }
    write!(text, r#""features":["#)?;
    let mut comma = "";
    for layer in &drawing.layers {
        for stroke in &layer.strokes {
            let place = |[x, y]: [f32; 2]| {
                let pixel = [f64::from(x), f64::from(y)];
                world.map_or(pixel, |world| world.place(pixel))
            };
            let mut points: Vec<[f64; 2]> = stroke.points(tolerance).into_iter().map(place).collect();
            if stroke.closed() {
                points.extend(points.first().copied());
            }
            let length: f64 = points.windows(2).map(|p| (p[1][0] - p[0][0]).hypot(p[1][1] - p[0][1])).sum();
            writeln!(text, "{comma}")?;
            write!(
                text,
                r#"{{"type":"Feature","properties":{{"strength":{},"length":{},"closed":{},"layer":"{}"}},"#,
                number(f64::from(stroke.strength()), 4),
                number(length, precision),
                stroke.closed(),
                layer.name,
            )?;
            write!(text, r#""geometry":{{"type":"LineString","coordinates":["#)?;
            for (index, point) in points.iter().enumerate() {
                let [x, y] = point.map(|at| number(at, precision));
                write!(text, "{}[{x},{y}]", if index == 0 { "" } else { "," })?;
            }
            write!(text, "]}}}}")?;
            comma = ",";
        }
    }
    writeln!(text, "\n]}}")
}
