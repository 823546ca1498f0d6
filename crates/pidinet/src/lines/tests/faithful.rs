//! How near drawn lines are to the skeleton that they are of, and the other way round.

use std::path::Path;

use proptest::strategy::{Strategy, ValueTree};

use super::{ridges, to_pieces};
use crate::EdgeMap;
use crate::lines::trace::traced;
use crate::lines::{DrawingOptions, Lines, TraceOptions};

/// Pixels and points that were compared, and how many are at most a pixel from what they belong to: as lines are drawn one
/// pixel wide, their middle is half a pixel farther away.
#[derive(Clone, Copy, Debug, Default)]
struct Faith {
    /// Pixels of the skeleton, without what was pruned.
    pixels: usize,
    near_pixels: usize,
    /// Points on strokes, a quarter of a pixel apart.
    points: usize,
    near_points: usize,
    /// Of lines before they became strokes, and of strokes.
    lines: usize,
    strokes: usize,
    /// Points of polylines, or ends of curves.
    stroke_points: usize,
}

impl Faith {
    fn of(map: &EdgeMap, options: &DrawingOptions) -> Self {
        let trace = TraceOptions::default();
        let Some((skeleton, graph)) = traced(map, &trace) else { return Self::default() };
        let of_nodes = (0..graph.nodes.len() as u32).filter(|&node| graph.degree(node) > 0);
        let of_nodes = of_nodes.flat_map(|node| graph.nodes[node as usize].pixels.clone());
        let of_paths = graph.paths.iter().flatten().flat_map(|path| path.pixels.clone());
        let centre = |at: u32| {
            let (x, y) = skeleton.position(at as usize);
            [x as f32 + 0.5, y as f32 + 0.5]
        };
        let pixels: Vec<[f32; 2]> = of_nodes.chain(of_paths).map(centre).collect();
        let lines = Lines::trace(map, &trace);
        let drawing = lines.drawing(options);
        let mut points = Vec::new();
        for stroke in drawing.strokes() {
            let mut drawn = stroke.points(0.02);
            if stroke.closed() {
                drawn.push(drawn[0]);
            }
            for piece in drawn.windows(2) {
                let length: f32 = (piece[1][0] - piece[0][0]).hypot(piece[1][1] - piece[0][1]);
                let steps = (4.0 * length).ceil().max(1.0);
                points.extend((0..=steps as usize).map(|step| {
                    let share = step as f32 / steps;
                    [0, 1].map(|axis| piece[0][axis] + share * (piece[1][axis] - piece[0][axis]))
                }));
            }
        }
        let (on_pixels, on_points) = (Near::to(&pixels), Near::to(&points));
        Self {
            pixels: pixels.len(),
            near_pixels: pixels.iter().filter(|&&at| on_points.has(at, NEAR)).count(),
            points: points.len(),
            near_points: points.iter().filter(|&&at| on_pixels.has(at, NEAR)).count(),
            lines: lines.lines.len(),
            strokes: drawing.strokes().count(),
            stroke_points: drawing.points(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            pixels: self.pixels + other.pixels,
            near_pixels: self.near_pixels + other.near_pixels,
            points: self.points + other.points,
            near_points: self.near_points + other.near_points,
            lines: self.lines + other.lines,
            strokes: self.strokes + other.strokes,
            stroke_points: self.stroke_points + other.stroke_points,
        }
    }

    /// Shares of pixels near a stroke, and of points near a pixel.
    fn shares(&self) -> (f64, f64) {
        let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
        (share(self.near_pixels, self.pixels), share(self.near_points, self.points))
    }
}

/// A pixel, and half the width of a line.
const NEAR: f32 = 1.5;

/// Points by the pixel that they lie in.
struct Near(std::collections::HashMap<(i32, i32), Vec<[f32; 2]>>);

impl Near {
    fn to(points: &[[f32; 2]]) -> Self {
        let mut cells = std::collections::HashMap::<_, Vec<_>>::new();
        for &[x, y] in points {
            cells.entry((x.floor() as i32, y.floor() as i32)).or_default().push([x, y]);
        }
        Self(cells)
    }

    /// Whether one is at most `far` away, which is below 2.
    fn has(&self, [x, y]: [f32; 2], far: f32) -> bool {
        let (column, row) = (x.floor() as i32, y.floor() as i32);
        (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (column + dx, row + dy))).any(|cell| {
            let here = self.0.get(&cell).into_iter().flatten();
            here.into_iter().any(|at| (at[0] - x).hypot(at[1] - y) <= far)
        })
    }
}

/// Curves, and polylines.
fn both() -> [DrawingOptions; 2] {
    let curves = DrawingOptions::default();
    [curves, DrawingOptions { corner: None, ..curves }]
}

#[test]
fn strokes_are_near_their_skeleton_and_it_is_near_them() {
    for options in both() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let maps = (0..60).map(|_| ridges().new_tree(&mut runner).unwrap().current());
        let faith = maps.map(|map| Faith::of(&map, &options)).fold(Faith::default(), Faith::plus);
        let (pixels, points) = faith.shares();
        assert!(pixels >= 0.99 && points >= 0.995, "{pixels} {points} {faith:?}");
    }
    // The figures would show it if lines were elsewhere.
    let here = [[[10.0, 20.0], [90.0, 30.0]]];
    let map = super::ridge(100, 60, to_pieces(&here));
    assert_eq!(Faith::of(&map, &DrawingOptions::default()).shares(), (1.0, 1.0));
    let far = Near::to(&[[10.5, 20.5]]);
    assert!(far.has([11.4, 20.5], 1.0) && !far.has([11.6, 20.5], 1.0));
}

/// The first test images of BSDS500 as the network that comes with the library sees them.
#[cfg(all(feature = "images", feature = "model-tiny", feature = "model-tiny-edges"))]
fn photographs(count: usize, detail: f64) -> Option<Vec<EdgeMap>> {
    use crate::image::{Image, ImageLimits};

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/BSDS500/images/test");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jpg"));
    files.sort();
    let model = crate::models::pair("tiny").ok()?.at(detail).ok()?;
    let detector = crate::EdgeDetector::new(&model, &crate::DetectorOptions::default()).ok()?;
    let map = |file: &std::path::PathBuf| {
        let image = Image::open(file, &ImageLimits::default()).unwrap();
        detector.detect(&image).unwrap().edges
    };
    Some(files.iter().take(count).map(map).collect())
}

#[test]
#[cfg(all(feature = "images", feature = "model-tiny", feature = "model-tiny-edges"))]
fn lines_of_photographs_are_near_their_skeletons() {
    for detail in [0.0, 0.5] {
        let Some(maps) = photographs(10, detail) else {
            return eprintln!("skipped: ../shared/data/BSDS500 is not there");
        };
        for options in both() {
            let all: Vec<Faith> = maps.iter().map(|map| Faith::of(map, &options)).collect();
            let faith = all.iter().copied().fold(Faith::default(), Faith::plus);
            let (pixels, points) = faith.shares();
            let fewer: Vec<String> = all
                .iter()
                .map(|f| format!("{:.1}", f.pixels as f64 / f.stroke_points.max(1) as f64))
                .collect();
            eprintln!("detail {detail}: {pixels:.4} {points:.4} {faith:?} fewer {}", fewer.join(" "));
            assert!(pixels >= 0.99 && points >= 0.995, "{pixels} {points} {faith:?}");
            // Curves have fewer points than polylines.
            let least = if options.corner.is_some() { 10 } else { 6 };
            assert!(least * faith.stroke_points <= faith.pixels, "{faith:?}");
        }
    }
}
