//! What the golden tests share: maps by name, and how close they must be.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use pidinet::arch::Outputs;
use pidinet::edges::trace;
use pidinet::edges::{self, Input};
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::reference::edges::Map;
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap, Size};
use pidinet_kernels::isa::Isa;

/// Maps by the names in golden files: `x` the input, `x0` .. `x4` after the stem and the four stages, `e1` .. `e4`
/// and `fused` the answers.
pub(crate) type Maps = BTreeMap<String, Map>;

/// A map from numbers of shape `[1, c, h, w]` or `[h, w]`.
pub(crate) fn map_of(shape: &[usize], data: impl IntoIterator<Item = f32>) -> Map {
    let data = data.into_iter().map(f64::from).collect();
    match *shape {
        [1, channels, height, width] => Map::new([channels, height, width], data),
        [height, width] => Map::new([1, height, width], data),
        _ => panic!("{shape:?} is not the shape of a map"),
    }
}

/// The maps of a network by their names.
pub(crate) fn named(outputs: Outputs<Map>) -> Maps {
    let Outputs { stem, stages, sides, fused } = outputs;
    let [x1, x2, x3, x4] = stages;
    let [e1, e2, e3, e4] = sides;
    let names = ["x0", "x1", "x2", "x3", "x4", "e1", "e2", "e3", "e4", "fused"];
    let maps = [stem, x1, x2, x3, x4, e1, e2, e3, e4, fused];
    names.into_iter().map(str::to_owned).zip(maps).collect()
}

/// The default options with each instruction set of this machine and each of these numbers of threads.
pub(crate) fn machines(threads: &[usize]) -> impl Iterator<Item = DetectorOptions> {
    let machine = |isa: Isa, threads| DetectorOptions {
        threads: NonZeroUsize::new(threads),
        isa: Some(isa),
        ..DetectorOptions::default()
    };
    Isa::available()
        .into_iter()
        .flat_map(move |isa| threads.iter().map(move |&threads| machine(isa, threads)))
}

/// Every map that the engine computes from an input.
pub(crate) fn engine_maps(model: &Model, options: &DetectorOptions, x: &Map) -> Maps {
    let outputs = trace(model, options, &Planes(x), Size { height: x.height, width: x.width }).unwrap();
    let wide = |map: edges::Map| Map::new(map.shape, map.data.into_iter().map(f64::from).collect());
    named(Outputs {
        stem: wide(outputs.stem),
        stages: outputs.stages.map(wide),
        sides: outputs.sides.map(wide),
        fused: wide(outputs.fused),
    })
}

/// An input that is ready for the network.
struct Planes<'a>(&'a Map);

impl Input for Planes<'_> {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        for (c, row) in channels.into_iter().enumerate() {
            row.iter_mut().zip(self.0.row(c, y)).for_each(|(to, &from)| *to = from as f32);
        }
    }
}

/// The maps of a detector for an image, with or without side maps; the plan of the network is different with
/// them.
pub(crate) fn answers(model: &Model, options: &DetectorOptions, image: &Image) -> Maps {
    let found = EdgeDetector::new(model, options).unwrap().detect(image).unwrap();
    let map = |map: &EdgeMap| map_of(&[map.height(), map.width()], map.data().iter().copied());
    let sides = found.sides.iter().flatten().zip(1..).map(|(side, number)| (format!("e{number}"), map(side)));
    sides.chain([("fused".to_owned(), map(&found.edges))]).collect()
}

/// The image that the `imagenet` preset turns into this input, unless it would be darker than black or
/// lighter than white.
pub(crate) fn image(x: &Map) -> Option<Image> {
    const MEAN: [f64; 3] = [0.485, 0.456, 0.406];
    const DEVIATION: [f64; 3] = [0.229, 0.224, 0.225];
    let mut pixels = Vec::new();
    for y in 0..x.height {
        for column in 0..x.width {
            pixels.extend((0..3).map(|c| (x.row(c, y)[column] * DEVIATION[c] + MEAN[c]) as f32));
        }
    }
    Image::from_f32(
        &pixels,
        &PixelLayout::packed(Size { height: x.height, width: x.width }, PixelFormat::Rgb),
    )
    .ok()
}

/// How far from the golden maps others may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Of `x0` .. `x4`, as a fraction of the largest value in the map.
    pub(crate) stages: f64,
    /// Of `e1` .. `e4` and `fused`, which are in `[0, 1]`.
    pub(crate) answers: f64,
}

/// What float32 noise allows: from the published models in f64, the published code's answers differ by up to 2.3e-5,
/// the engine's by 2.0e-5.
pub(crate) const NOISE: Bounds = Bounds { stages: 1e-4, answers: 5e-5 };

/// Checks every map that is in both, except the input; there is at least one.
pub(crate) fn assert_close(what: &str, got: &Maps, want: &Maps, bounds: Bounds) {
    let common: Vec<_> = want.iter().filter_map(|(name, want)| Some((name, want, got.get(name)?))).collect();
    assert!(!common.is_empty(), "{what}: nothing to compare");
    for (name, want, got) in common {
        assert_eq!(got.shape(), want.shape(), "{what}: {name}");
        let (bound, scale) = match name.starts_with('x') {
            true => (bounds.stages, largest(want.data.iter().copied())),
            false => (bounds.answers, 1.0),
        };
        let error = largest(got.data.iter().zip(&want.data).map(|(got, want)| got - want));
        assert!(error <= bound * scale, "{what}: {name} is off by {error:e}, with values up to {scale:e}");
    }
}

/// The largest magnitude of some numbers; NaN if there is one.
fn largest(numbers: impl IntoIterator<Item = f64>) -> f64 {
    numbers
        .into_iter()
        .map(f64::abs)
        .fold(0.0, |largest, number| if number <= largest { largest } else { number })
}
