//! Edge maps drawn again from their lines, to be scored: what is lost where a map becomes lines.
//!
//! Writes a map for each of a folder, lines one pixel wide and as strong as they are there: OUT/points of joined lines
//! with every point, OUT/curves of smooth curves and OUT/polylines, both of tolerance 0.5 as `pidinet lines` draws
//! them, and OUT/strokes of curves that are as strong everywhere as their lines are on average.
//!
//! ```sh
//! pidinet detect BSDS500/images/test -o maps/ --format npy
//! cargo run --release -p pidinet-eval --example draw_lines -- maps out 0.02 0.02 0
//! pidinet eval edges --pred out/curves --gt BSDS500/groundTruth/test -o results --nms 0,5,1
//! ```

use std::path::Path;

use pidinet::lines::{DrawingOptions, Line, Lines, Stroke, TraceOptions};
use pidinet::save::SaveOptions;
use pidinet_eval::files::predictions;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [maps, out, low, high, spur] = &arguments[..] else {
        return Err("expected MAPS OUT LOW HIGH SPUR".into());
    };
    let spur: usize = spur.parse()?;
    let options = TraceOptions {
        low: low.parse()?,
        high: high.parse()?,
        spur,
        min_length: spur,
        ..TraceOptions::default()
    };
    let drawing = DrawingOptions::default();
    for entry in std::fs::read_dir(maps)? {
        let path = entry?.path();
        let lines = Lines::trace(&predictions::open(&path)?, &options).joined(Lines::STRAIGHT_ON);
        let drawn =
            |of: &dyn Fn(&Line) -> Line| Lines { lines: lines.lines.iter().map(of).collect(), ..lines };
        let curve = |line: &Line| {
            Stroke::Curve(line.curve(drawing.tolerance, drawing.corner.unwrap_or(180.0))).points(FLAT)
        };
        let all = [
            ("points", drawn(&Line::clone)),
            ("curves", drawn(&|line| along(curve(line), line))),
            ("polylines", drawn(&|line| line.simplified(drawing.tolerance))),
            ("strokes", drawn(&|line| even(curve(line), line))),
        ];
        for (name, lines) in all {
            let folder = Path::new(out).join(name);
            std::fs::create_dir_all(&folder)?;
            let file = folder.join(path.file_stem().unwrap_or_default()).with_extension("npy");
            lines.drawn().save(file, &SaveOptions::default())?;
        }
    }
    Ok(())
}

/// How far straight pieces may be from the curve that they stand for, in pixels.
const FLAT: f32 = 0.02;

/// Points as strong as the nearest point of a line.
fn along(points: Vec<[f32; 2]>, line: &Line) -> Line {
    let far = |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let nearest = |at: &[f32; 2]| {
        let points = line.points.iter().zip(&line.strength);
        points.min_by(|a, b| far(a.0, at).total_cmp(&far(b.0, at))).map_or(0.0, |(_, &strength)| strength)
    };
    Line { strength: points.iter().map(nearest).collect(), points, closed: line.closed }
}

/// Points that are all as strong as a line is on average.
fn even(points: Vec<[f32; 2]>, line: &Line) -> Line {
    Line { strength: vec![line.mean_strength(); points.len()], points, closed: line.closed }
}
