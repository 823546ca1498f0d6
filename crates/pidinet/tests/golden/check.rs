//! What the golden tests share: maps by name, and how near they must come.

use std::collections::BTreeMap;

use pidinet::arch::Outputs;
use pidinet::arch::reference::Map;

/// Maps by the names in golden files: `x` the input, `x0` .. `x4` after the stem and the four stages, `e1` .. `e4`
/// and `fused` the answers.
pub(crate) type Maps = BTreeMap<String, Map>;

/// A map from numbers of shape `[1, c, h, w]` or `[h, w]`.
pub(crate) fn map(shape: &[usize], data: impl IntoIterator<Item = f32>) -> Map {
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

/// How far from the golden maps others may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Of `x0` .. `x4`, as a fraction of the largest value in the map.
    pub(crate) stages: f64,
    /// Of `e1` .. `e4` and `fused`, which are in `[0, 1]`.
    pub(crate) answers: f64,
}

/// Checks every map of `want` but the input, of which there is one at least.
pub(crate) fn assert_close(what: &str, got: &Maps, want: &Maps, bounds: Bounds) {
    let wanted: Vec<_> = want.iter().filter(|(name, _)| *name != "x").collect();
    assert!(!wanted.is_empty(), "{what}: nothing to compare with");
    for (name, want) in wanted {
        let got = &got[name];
        assert_eq!(got.shape(), want.shape(), "{what}: {name}");
        let (bound, scale) = match name.starts_with('x') {
            true => (bounds.stages, largest(want.data.iter().copied())),
            false => (bounds.answers, 1.0),
        };
        let error = largest(got.data.iter().zip(&want.data).map(|(got, want)| got - want));
        assert!(error <= bound * scale, "{what}: {name} is off by {error:e}, with values up to {scale:e}");
    }
}

/// The largest of some numbers without their signs; NaN if there is one.
fn largest(numbers: impl IntoIterator<Item = f64>) -> f64 {
    numbers
        .into_iter()
        .map(f64::abs)
        .fold(0.0, |largest, number| if number <= largest { largest } else { number })
}
