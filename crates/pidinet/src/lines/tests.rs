//! Lines of shapes whose positions are known.

mod faithful;
mod simple;
mod waves;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::skeleton::Skeleton;
use super::straight::distance;
use super::*;
use crate::{EdgeMap, Size};

/// A map with a soft ridge along the points at distance 0.
fn ridge(width: usize, height: usize, distance: impl Fn([f32; 2]) -> f32) -> EdgeMap {
    let centre = |i: usize| [(i % width) as f32 + 0.5, (i / width) as f32 + 0.5];
    let value = |i| 0.9 * (-(distance(centre(i)) / 1.3).powi(2)).exp();
    EdgeMap::new(Size { height, width }, (0..width * height).map(value).collect())
}

/// The distance to the nearest of straight pieces.
fn to_pieces<'a>(pieces: &'a [[[f32; 2]; 2]]) -> impl Fn([f32; 2]) -> f32 + Copy + 'a {
    move |at| pieces.iter().map(|[from, to]| distance(at, *from, *to)).fold(f32::INFINITY, f32::min)
}

fn trace(map: &EdgeMap) -> Lines {
    Lines::trace(map, &TraceOptions::default())
}

/// The straight pieces of a closed polygon.
fn closed(corners: &[[f32; 2]]) -> Vec<[[f32; 2]; 2]> {
    (0..corners.len()).map(|at| [corners[at], corners[(at + 1) % corners.len()]]).collect()
}

#[test]
fn a_straight_ridge_is_one_line_of_two_points() {
    let pieces = [[[10.3, 12.2], [90.7, 55.9]]];
    let lines = trace(&ridge(100, 80, to_pieces(&pieces))).simplified(0.5);
    let [line] = &lines.lines[..] else { panic!("{} lines", lines.lines.len()) };
    assert_eq!(line.points.len(), 2);
    assert!(line.points.iter().all(|&at| to_pieces(&pieces)(at) <= 0.25), "{:?}", line.points);
    assert!((line.length() - 91.5).abs() < 2.0, "{}", line.length());
    assert!(line.mean_strength() > 0.6);
}

#[test]
fn a_circle_is_one_closed_path_of_few_curves() {
    let off = |at: [f32; 2]| ((at[0] - 64.2).hypot(at[1] - 63.7) - 50.0).abs();
    let lines = trace(&ridge(128, 128, off));
    let [line] = &lines.lines[..] else { panic!("{} lines", lines.lines.len()) };
    assert!(line.closed && line.points.iter().all(|&at| off(at) <= 0.3));
    let curve = line.curve(0.3, 60.0);
    assert!(curve.closed && curve.cubics.len() <= 8, "{} cubics", curve.cubics.len());
    assert_eq!(curve.end(), curve.start);
    assert!(curve.points(0.05).iter().all(|&at| off(at) <= 0.4));
    assert!(line.simplified(0.5).points.iter().all(|&at| off(at) <= 0.3));
}

#[test]
fn a_square_keeps_four_sharp_corners_at_any_angle() {
    for degrees in [0.0f32, 5.0, 22.0, 45.0, 77.0] {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let corners = [[-30.0, -30.0], [30.0, -30.0], [30.0, 30.0], [-30.0, 30.0]]
            .map(|[x, y]: [f32; 2]| [60.2 + cos * x - sin * y, 60.4 + sin * x + cos * y]);
        let lines = trace(&ridge(120, 120, to_pieces(&closed(&corners))));
        let [line] = &lines.lines[..] else { panic!("{} lines at {degrees}", lines.lines.len()) };
        let square = line.simplified(0.5);
        assert!(square.closed && square.points.len() == 4, "{:?}", square.points);
        let curve = line.curve(0.5, 60.0);
        assert_eq!(curve.cubics.len(), 4, "at {degrees}");
        for corner in corners {
            let near = |at: &[f32; 2]| (at[0] - corner[0]).hypot(at[1] - corner[1]) <= 0.5;
            assert!(square.points.iter().any(near), "{corner:?} at {degrees}: {:?}", square.points);
            assert!(curve.cubics.iter().any(|cubic| near(&cubic[2])), "{corner:?} at {degrees}");
        }
    }
}

/// Lines that meet in exactly one point, which is where they should.
fn meet(lines: &Lines, count: usize, place: [f32; 2]) {
    assert_eq!(lines.lines.len(), count);
    let ends = lines.lines.iter().map(|line| [line.points[0], line.points[line.points.len() - 1]]);
    let ends: Vec<[[f32; 2]; 2]> = ends.collect();
    let shared = ends[0].iter().find(|&&at| ends[1].contains(&at)).expect("a point that is shared");
    assert!(ends.iter().all(|ends| ends.contains(shared)), "{ends:?}");
    assert!((shared[0] - place[0]).hypot(shared[1] - place[1]) <= 0.5, "{shared:?}");
}

#[test]
fn lines_that_meet_share_a_point() {
    let t = [[[10.0, 20.0], [90.0, 20.0]], [[50.0, 20.0], [50.0, 80.0]]];
    meet(&trace(&ridge(100, 100, to_pieces(&t))), 3, [50.0, 20.0]);
    let x = [[[10.0, 10.0], [90.0, 90.0]], [[90.0, 10.0], [10.0, 90.0]]];
    meet(&trace(&ridge(100, 100, to_pieces(&x))), 4, [50.0, 50.0]);
    let y = [[[50.0, 50.0], [50.0, 90.0]], [[50.0, 50.0], [15.0, 20.0]], [[50.0, 50.0], [85.0, 20.0]]];
    meet(&trace(&ridge(100, 100, to_pieces(&y))), 3, [50.0, 50.0]);
}

#[test]
fn joined_lines_go_straight_on_where_others_end() {
    let t = [[[10.0, 20.0], [90.0, 20.0]], [[50.0, 20.0], [50.0, 80.0]]];
    let x = [[[10.0, 10.0], [90.0, 90.0]], [[90.0, 10.0], [10.0, 90.0]]];
    let y = [[[50.0, 50.0], [50.0, 90.0]], [[50.0, 50.0], [15.0, 20.0]], [[50.0, 50.0], [85.0, 20.0]]];
    let ring: Vec<[f32; 2]> = (0..60)
        .map(|i| (i as f32 * std::f32::consts::TAU / 60.0).sin_cos())
        .map(|(sin, cos)| [50.0 + 30.0 * cos, 50.0 + 30.0 * sin])
        .collect();
    let mut ring = closed(&ring);
    ring.push([[80.0, 50.0], [95.0, 50.0]]);
    for (pieces, apart, joined) in [(&t[..], 3, 2), (&x, 4, 2), (&y, 3, 3), (&ring, 2, 2)] {
        let lines = trace(&ridge(100, 100, to_pieces(pieces)));
        assert_eq!((lines.lines.len(), lines.joined(45.0).lines.len()), (apart, joined));
        for corner in [None, Some(60.0)] {
            let drawing = lines.drawing(&DrawingOptions { corner, ..DrawingOptions::default() });
            assert_eq!(drawing.strokes().count(), joined);
            let all: Vec<Vec<[f32; 2]>> = drawing.strokes().map(|stroke| stroke.points(0.01)).collect();
            // Ends that do not lie on the end of a piece meet a stroke.
            for (number, stroke) in drawing.strokes().enumerate().filter(|(_, stroke)| !stroke.closed()) {
                for &end in [&all[number][0], &all[number][all[number].len() - 1]] {
                    let ends = pieces.iter().flatten();
                    let mut free = ends.filter(|&&at| {
                        pieces.iter().filter(|piece| distance(at, piece[0], piece[1]) < 1.0).count() == 1
                    });
                    let free = free.any(|at| (at[0] - end[0]).hypot(at[1] - end[1]) < 4.0);
                    let others = all.iter().enumerate().filter(|(other, _)| *other != number);
                    let mut pieces = others.flat_map(|(_, points)| points.windows(2));
                    let met = pieces.any(|piece| distance(end, piece[0], piece[1]) < 0.02);
                    assert!(free || met, "{end:?} of {stroke:?}");
                }
            }
        }
    }
}

#[test]
fn an_eight_is_two_loops() {
    let at = |i: usize| {
        let angle = i as f32 / 400.0 * std::f32::consts::TAU;
        [60.3 + 40.0 * angle.cos(), 50.2 + 60.0 * angle.sin() * angle.cos()]
    };
    let pieces: Vec<_> = (0..400).map(|i| [at(i), at(i + 1)]).collect();
    let lines = trace(&ridge(120, 100, to_pieces(&pieces)));
    assert_eq!(lines.lines.len(), 2);
    for line in &lines.lines {
        assert_eq!(line.points.first(), line.points.last());
        assert_eq!(line.points[0], lines.lines[0].points[0]);
    }
    // A pen draws it at once.
    let joined = lines.joined(45.0);
    assert!(joined.lines.len() == 1 && joined.lines[0].closed);
    assert_eq!(joined.point_count(), lines.point_count() - 2);
}

#[test]
fn gaps_are_bridged_as_far_as_asked() {
    let with_gap = |gap: f32| {
        let pieces = [[[10.0, 20.5], [40.0, 20.5]], [[40.0 + gap, 20.5], [80.0, 20.5]]];
        // Ridges with hard ends.
        let off = |at: [f32; 2]| {
            let inside = pieces.iter().any(|[from, to]| (from[0]..=to[0]).contains(&at[0]));
            if inside { (at[1] - 20.5).abs() } else { 9.0 }
        };
        ridge(90, 40, off)
    };
    let count = |map: &EdgeMap, max_gap| {
        Lines::trace(map, &TraceOptions { max_gap, ..TraceOptions::default() }).lines.len()
    };
    assert_eq!((count(&with_gap(3.0), 5), count(&with_gap(3.0), 1)), (1, 2));
    assert_eq!((count(&with_gap(8.0), 5), count(&with_gap(8.0), 11)), (2, 1));
}

#[test]
fn spurs_and_short_figures_are_left_out() {
    let pieces = [[[10.0, 20.0], [90.0, 20.0]], [[50.0, 20.0], [50.0, 27.0]], [[20.0, 60.0], [26.0, 60.0]]];
    let map = ridge(100, 80, to_pieces(&pieces));
    let count = |spur, min_length| {
        Lines::trace(&map, &TraceOptions { spur, min_length, ..TraceOptions::default() }).lines.len()
    };
    assert_eq!(count(0, 0), 4);
    assert_eq!(count(12, 0), 2);
    assert_eq!(count(12, 20), 1);
}

#[test]
fn weak_lines_need_a_strong_pixel() {
    let pieces = [[[10.0, 20.0], [90.0, 20.0]]];
    let map = ridge(100, 40, to_pieces(&pieces));
    let high = |high| Lines::trace(&map, &TraceOptions { high, ..TraceOptions::default() }).lines.len();
    assert_eq!((high(0.7), high(0.95)), (1, 0));
}

#[test]
fn odd_maps_have_no_lines_or_plain_ones() {
    for (width, height) in [(0, 0), (0, 5), (1, 1), (1, 50), (50, 1), (3, 5), (64, 64)] {
        for value in [0.0, 0.5, 1.0, f32::NAN] {
            assert!(
                trace(&EdgeMap::new(Size { height, width }, vec![value; width * height])).lines.is_empty()
            );
        }
    }
    let dot = EdgeMap::new(
        Size { height: 50, width: 1 },
        (0..50).map(|i| if (10..40).contains(&i) { 0.9 } else { 0.0 }).collect(),
    );
    let lines = trace(&dot).simplified(0.5);
    assert_eq!((lines.lines.len(), lines.lines[0].points.len()), (1, 2));
    let bar =
        |i: usize| if (20..23).contains(&(i / 100)) && (10..90).contains(&(i % 100)) { 1.0 } else { 0.0 };
    let lines =
        trace(&EdgeMap::new(Size { height: 60, width: 100 }, (0..6000).map(bar).collect())).simplified(0.5);
    let ends = lines.lines[0].points.iter().zip([[10.5, 21.5], [89.5, 21.5]]);
    assert!(ends.clone().all(|(at, end)| (at[0] - end[0]).hypot(at[1] - end[1]) < 0.1), "{lines:?}");
    assert_eq!((lines.lines[0].points.len(), ends.len()), (2, 2));
}

#[test]
fn lines_of_few_points_can_be_drawn() {
    let line = |points: usize, closed| Line {
        points: (0..points).map(|x| [x as f32, 1.0]).collect(),
        strength: vec![0.5; points],
        closed,
    };
    let short = (0..4).flat_map(|points| [line(points, false), line(points, true)]);
    // An end of the first lies within the last.
    let lines = Lines { width: 9, height: 3, lines: short.chain([line(8, false)]).collect() };
    for turn in [0.0, 60.0, 180.0] {
        assert!(lines.joined(turn).lines.len() <= lines.lines.len());
    }
    for corner in [None, Some(60.0)] {
        for join in [false, true] {
            let drawing = lines.drawing(&DrawingOptions { corner, join, ..DrawingOptions::default() });
            let points = drawing.strokes().flat_map(|stroke| stroke.points(0.1)).collect::<Vec<_>>();
            assert!(points.contains(&[7.0, 1.0]), "{points:?}");
            assert!(points.iter().flatten().all(|at| at.is_finite()), "{points:?}");
        }
    }
}

/// A triangle, closed, and an open piece.
fn two_strokes() -> Drawing {
    let line = |points: &[[f32; 2]], strength: f32, closed| {
        Stroke::Polyline(Line { points: points.to_vec(), strength: vec![strength; points.len()], closed })
    };
    let triangle = line(&[[1.0, 1.0], [9.0, 1.004], [5.0, 7.5]], 0.5, true);
    let piece = line(&[[2.5, 8.25], [7.5, 8.25]], 0.9, false);
    let layer = |name: &str, stroke| Layer { name: name.to_owned(), strokes: vec![stroke] };
    Drawing { width: 10, height: 20, layers: vec![layer("weak", triangle), layer("strong", piece)] }
}

#[test]
fn svg_has_the_size_of_the_page_and_layers() {
    let page = Page { stroke: StrokeWidth::ByStrength(2.0), ..Page::with_width(10, 50.0) };
    let text = svg(&two_strokes(), &page);
    assert!(text.contains(r#"width="50mm" height="100mm" viewBox="0 0 10 20""#), "{text}");
    assert!(text.contains(r#"inkscape:groupmode="layer" inkscape:label="weak""#), "{text}");
    assert!(text.contains(r#"<path d="M1,1l8,0 -4,6.5z" stroke-width="1"/>"#), "{text}");
    assert!(text.contains(r#"<path d="M2.5,8.25l5,0" stroke-width="1.8"/>"#), "{text}");
    let page = Page { stroke: StrokeWidth::Fixed(0.75), ..Page::with_dpi(Unit::Inch, 100.0) };
    let text = svg(&two_strokes(), &page);
    assert!(
        text.contains(r#"width="0.1in" height="0.2in""#) && text.contains(r#"stroke-width="0.75">"#),
        "{text}"
    );
}

#[test]
fn steps_of_svg_do_not_add_up_their_rounding() {
    let points: Vec<[f32; 2]> = (0..1000).map(|i| [i as f32 * 0.333, 0.0]).collect();
    let line = Line { strength: vec![1.0; points.len()], points, closed: false };
    let layer = Layer { name: "edges".to_owned(), strokes: vec![Stroke::Polyline(line)] };
    let text = svg(
        &Drawing { width: 400, height: 1, layers: vec![layer] },
        &Page { precision: 1, ..Page::default() },
    );
    let data = text.split("M0,0l").nth(1).and_then(|text| text.split('"').next()).expect("a path");
    let sum: f64 = data.split(' ').map(|step| step.split(',').next().unwrap().parse::<f64>().unwrap()).sum();
    assert!((sum - 332.7).abs() < 1e-6, "{sum}");
}

#[test]
fn dxf_is_in_the_units_of_the_page_with_y_up() {
    let text = dxf(&two_strokes(), &Page::with_width(10, 50.0), 0.1);
    let pairs: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs: Vec<[&str; 2]> = pairs.chunks(2).map(|pair| [pair[0], pair[1]]).collect();
    let after = |name: &str| pairs[pairs.iter().position(|pair| pair[1] == name).unwrap() + 1];
    assert_eq!((after("$ACADVER"), after("$INSUNITS")), (["1", "AC1015"], ["70", "4"]));
    assert_eq!((after("$EXTMAX"), pairs.last()), (["10", "50"], Some(&["0", "EOF"])));
    let first = pairs.iter().position(|pair| pair[1] == "LWPOLYLINE").unwrap();
    let tail = &pairs[first + 4..];
    assert_eq!(tail[0], ["8", "weak"]);
    assert_eq!(tail[2..6], [["90", "3"], ["70", "1"], ["10", "5"], ["20", "95"]]);
    let handles = pairs.iter().filter(|pair| pair[0] == "5").map(|pair| pair[1]);
    let mut handles: Vec<u32> = handles.map(|handle| u32::from_str_radix(handle, 16).unwrap()).collect();
    let count = handles.len();
    handles.sort_unstable();
    handles.dedup();
    assert_eq!(handles.len(), count, "handles are used once");
    let seed = u32::from_str_radix(handles_seed(&pairs), 16).unwrap();
    assert!(handles.iter().filter(|&&handle| handle != seed).all(|&handle| handle < seed));
}

fn handles_seed<'a>(pairs: &[[&'a str; 2]]) -> &'a str {
    pairs[pairs.iter().position(|pair| pair[1] == "$HANDSEED").unwrap() + 1][1]
}

#[test]
fn geojson_closes_rings_and_follows_the_world_file() {
    let text = geojson(&two_strokes(), None, 0.1, 2);
    assert!(text.contains("[[1,1],[9,1],[5,7.5],[1,1]]"), "{text}");
    assert!(text.contains(r#""strength":0.9,"length":5,"closed":false,"layer":"strong""#), "{text}");
    assert!(text.contains("pixels of an image of 10x20, y down"), "{text}");
    let world: WorldFile = "0.5\n0\n0\n-0.25\n1000\n2000\n".parse().unwrap();
    let text = geojson(&two_strokes(), Some(&world), 0.1, 4);
    assert!(text.contains("[[1001,1998.0625],[1003.5,1998.0625]]"), "{text}");
    assert!(!text.contains("pixels"), "{text}");
    for wrong in ["", "1 2 3", "1 0 0 0 0 0", "a b c d e f", "nan 0 0 1 0 0", "1 0 0 1 0 0 0"] {
        assert!(wrong.parse::<WorldFile>().is_err(), "{wrong}");
    }
}

#[test]
fn a_world_file_follows_its_image_to_another_size() {
    let world: WorldFile = "0.5 0.1 0.2 -0.25 1000 2000".parse().unwrap();
    let (from, to) = (Size { width: 4000, height: 3000 }, Size { width: 1000, height: 1500 });
    let small = world.resized(from, to);
    for [x, y] in [[0.5, 0.5], [17.25, 3.0], [1000.0, 1500.0]] {
        let (here, there) = (small.place([x, y]), world.place([4.0 * x, 2.0 * y]));
        assert!((here[0] - there[0]).hypot(here[1] - there[1]) < 1e-9, "{here:?} {there:?}");
    }
    assert_eq!(world.resized(from, from), world);
}

#[test]
fn lines_are_drawn_in_an_order_with_little_travel() {
    let piece =
        |x: f32, y: f32| Line { points: vec![[x, y], [x + 5.0, y]], strength: vec![1.0; 2], closed: false };
    let shuffled = (0..100).map(|i| i * 37 % 100).map(|i| piece((i % 10 * 10) as f32, (i / 10 * 10) as f32));
    let lines = Lines { width: 100, height: 100, lines: shuffled.collect() };
    let sorted = lines.sorted();
    assert!(sorted.travel() < 0.2 * lines.travel(), "{} of {}", sorted.travel(), lines.travel());
    assert_eq!(sorted.lines.len(), 100);
    let drawing = sorted.drawing(&DrawingOptions { layers: 3, corner: None, ..DrawingOptions::default() });
    assert_eq!((drawing.layers.len(), drawing.strokes().count(), drawing.points()), (3, 100, 200));
}

/// Some ridges anywhere.
fn ridges() -> impl Strategy<Value = EdgeMap> {
    let place = || (5.0f32..75.0, 5.0f32..55.0).prop_map(|(x, y)| [x, y]);
    let piece = (place(), place()).prop_map(|(from, to)| [from, to]);
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| ridge(80, 60, to_pieces(&pieces)))
}

/// The share of points of `lines` within `far` pixels of `others`.
fn share_near(lines: &Lines, others: &Lines, far: f32) -> f32 {
    let pieces: Vec<[[f32; 2]; 2]> = others
        .lines
        .iter()
        .flat_map(|line| {
            let sides = if line.closed { line.points.len() } else { line.points.len() - 1 };
            (0..sides).map(|at| [line.points[at], line.points[(at + 1) % line.points.len()]])
        })
        .collect();
    let points: Vec<[f32; 2]> = lines.lines.iter().flat_map(|line| line.points.clone()).collect();
    if points.is_empty() || pieces.is_empty() {
        return if points.is_empty() == pieces.is_empty() { 1.0 } else { 0.0 };
    }
    points.iter().filter(|&&at| to_pieces(&pieces)(at) <= far).count() as f32 / points.len() as f32
}

/// The lines of a map that was made another one, taken back.
fn lines_of(
    map: &EdgeMap,
    pixel: impl Fn(usize) -> f32,
    size: (usize, usize),
    back: impl Fn(&mut [f32; 2]),
) -> Lines {
    let (width, height) = size;
    let mut lines = trace(&EdgeMap::new(Size { height, width }, (0..map.data().len()).map(pixel).collect()));
    lines.lines.iter_mut().flat_map(|line| &mut line.points).for_each(back);
    lines
}

#[test]
fn a_mirrored_or_turned_map_has_mirrored_or_turned_lines() {
    const MAPS: usize = 200;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut shares = [0.0; 4];
    for _ in 0..MAPS {
        let map = ridges().new_tree(&mut runner).unwrap().current();
        let (width, height) = (map.width(), map.height());
        let lines = trace(&map);
        let mirrored = |i: usize| map.row(i / width)[width - 1 - i % width];
        let mirrored = lines_of(&map, mirrored, (width, height), |at| at[0] = width as f32 - at[0]);
        let turned = |i: usize| map.row(i % height)[i / height];
        let turned = lines_of(&map, turned, (height, width), |at| at.swap(0, 1));
        let all = [(&mirrored, &lines), (&lines, &mirrored), (&turned, &lines), (&lines, &turned)];
        shares.iter_mut().zip(all).for_each(|(sum, (a, b))| *sum += share_near(a, b, 0.5));
    }
    assert!(shares.iter().all(|sum| *sum >= 0.98 * MAPS as f32), "{shares:?} of {MAPS}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lines_lie_along_ridges(map in ridges()) {
        let lines = trace(&map);
        let skeleton = Skeleton::of(&map, 0.15, 0.35, TraceOptions::default().max_gap);
        let mut near = (0, 0);
        let drawn = lines.drawn();
        for (at, &strength) in drawn.data().iter().enumerate() {
            let (x, y) = (at % 80, at / 80);
            if strength > 0.0 {
                let here = (y + 1) * skeleton.stride + x + 1;
                let around = super::grid::steps(skeleton.stride).into_iter().chain([0]);
                let by = around.into_iter().any(|step| {
                    skeleton.state[here.wrapping_add_signed(step)] != super::grid::NOTHING
                });
                near = (near.0 + usize::from(by), near.1 + 1);
            }
        }
        prop_assert!(near.0 as f32 >= 0.97 * near.1 as f32, "{near:?}");
    }

    #[test]
    fn any_numbers_are_traced(
        (width, height) in (1usize..24, 1usize..24),
        seed in any::<u64>(),
        levels in 1u64..300,
        tolerance in 0.0f32..3.0,
    ) {
        let value = |i: u64| {
            let mixed = seed.wrapping_add(i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33;
            (mixed % levels) as f32 / (levels - 1).max(1) as f32
        };
        let map = EdgeMap::new(Size { height, width }, (0..(width * height) as u64).map(value).collect());
        let options = TraceOptions { low: 0.01, high: 0.01, min_length: 0, max_gap: 4, spur: 2 };
        let lines = Lines::trace(&map, &options);
        let inside = |at: &[f32; 2]| {
            at.iter().zip([width, height]).all(|(&at, side)| at >= -3.0 && at <= side as f32 + 3.0)
        };
        for line in &lines.lines {
            prop_assert!(line.points.len() > 1 && line.points.len() == line.strength.len());
            prop_assert!(line.points.iter().all(inside) && !line.is_dot(), "{:?}", line.points);
            let simple = line.simplified(tolerance);
            prop_assert!(simple.points.len() <= line.points.len() && simple.points.iter().all(inside));
            let curve = line.curve(tolerance, 60.0);
            prop_assert!(curve.points(0.1).iter().all(|at| at.iter().all(|at| at.is_finite())));
        }
        for corner in [None, Some(60.0)] {
            let drawing = lines.drawing(&DrawingOptions { tolerance, corner, ..DrawingOptions::default() });
            for stroke in drawing.strokes() {
                let points = stroke.points(0.25 * tolerance);
                prop_assert!(points.iter().any(|&point| point != points[0]), "{stroke:?}");
            }
        }
        let sorted = lines.sorted();
        prop_assert_eq!(sorted.lines.len(), lines.lines.len());
        prop_assert!((sorted.point_count(), lines.lines.len()) == (lines.point_count(), sorted.lines.len()));
    }
}
