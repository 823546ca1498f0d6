//! Edge maps as JavaScript sees them.

use pidinet::lines::{DrawingOptions, Lines, Page, StrokeWidth, TraceOptions, svg};
use pidinet::{EdgeMap, Size};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::finish::Finish;
use crate::problem::Problem;

/// Probabilities that pixels are edges, row by row.
#[wasm_bindgen]
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub(crate) edges: EdgeMap,
}

#[wasm_bindgen]
impl Map {
    /// A map of values in `[0, 1]`, row by row.
    ///
    /// # Errors
    ///
    /// An `Error` if there are more or fewer values than the size says, or one is not in `[0, 1]`.
    #[wasm_bindgen(constructor)]
    pub fn from_js(values: Vec<f32>, width: usize, height: usize) -> Result<Map, JsError> {
        Ok(Self::new(values, Size { height, width })?)
    }

    /// A map of bytes, 255 for a probability of 1.
    ///
    /// # Errors
    ///
    /// An `Error` if there are more or fewer bytes than the size says.
    #[wasm_bindgen(js_name = fromBytes)]
    pub fn from_bytes(bytes: &[u8], width: usize, height: usize) -> Result<Map, JsError> {
        let values = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        Ok(Self::new(values, Size { height, width })?)
    }

    /// Columns.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.edges.width()
    }

    /// Rows.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> usize {
        self.edges.height()
    }

    /// The map in 8 bits, `floor(255 p)`.
    pub fn bytes(&self) -> Vec<u8> {
        self.edges.to_u8()
    }

    /// The probabilities.
    pub fn floats(&self) -> Vec<f32> {
        self.edges.data().to_vec()
    }

    /// The map thinner, binary or in a style.
    #[must_use]
    pub fn finished(&self, finish: &Finish) -> Map {
        Self { edges: finish.apply(self.edges.clone()) }
    }

    /// The lines along the crests of the map as SVG: smooth curves.
    ///
    /// - `low`, `high`: least probability of a line's pixels, and of its strongest one
    /// - `tolerance`: how far a curve may be from its line, in pixels
    /// - `stroke`: width of strokes in pixels, in proportion to strength if negative
    ///
    /// # Errors
    ///
    /// An `Error` for numbers that make no sense.
    pub fn svg(&self, low: f32, high: f32, tolerance: f32, stroke: f32) -> Result<String, JsError> {
        Ok(self.drawn(low, high, tolerance, stroke)?)
    }
}

impl Map {
    /// A map of values in `[0, 1]`, row by row.
    ///
    /// # Errors
    ///
    /// [`Problem`] if there are more or fewer values than the size says, or one is not in `[0, 1]`.
    pub fn new(values: Vec<f32>, size: Size) -> Result<Self, Problem> {
        let Size { height, width } = size;
        if height.checked_mul(width) != Some(values.len()) || values.is_empty() {
            return Err(Problem::Values { width, height, found: values.len() });
        }
        if let Some(&value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            let expected = "a probability from 0 to 1";
            return Err(Problem::Number { what: "a value of the map", found: value.into(), expected });
        }
        Ok(Self { edges: EdgeMap::new(size, values) })
    }

    fn drawn(&self, low: f32, high: f32, tolerance: f32, stroke: f32) -> Result<String, Problem> {
        for (what, value) in [("low", low), ("high", high)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Problem::Number { what, found: value.into(), expected: "a number from 0 to 1" });
            }
        }
        for (what, value) in [("tolerance", tolerance), ("stroke", stroke.abs())] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Problem::Number { what, found: value.into(), expected: "a number of pixels" });
            }
        }
        let trace = TraceOptions { low, high: high.max(low), ..TraceOptions::default() };
        let drawing = DrawingOptions { tolerance, ..DrawingOptions::default() };
        let width = if stroke < 0.0 { StrokeWidth::ByStrength(-stroke) } else { StrokeWidth::Fixed(stroke) };
        let page = Page { stroke: width, ..Page::default() };
        Ok(svg(&Lines::trace(&self.edges, &trace).drawing(&drawing), &page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ridge() -> Map {
        let value = |x| match x {
            10 => 0.9,
            9 | 11 => 0.6,
            8 | 12 => 0.3,
            _ => 0.0,
        };
        Map::new((0..441).map(|i| value(i % 21)).collect(), Size::square(21)).unwrap()
    }

    /// The columns of the middle row with values above 0.
    fn row(map: &Map) -> Vec<(usize, f32)> {
        map.edges.row(10).iter().copied().enumerate().filter(|(_, value)| *value > 0.0).collect()
    }

    #[test]
    fn maps_are_finished_as_pidinet_detect_does() {
        let after = |thin, threshold, low, style| {
            row(&ridge().finished(&Finish::new(thin, threshold, low, style).unwrap()))
        };
        assert_eq!(after("none", None, None, "soft"), row(&ridge()));
        assert_eq!(after("crest", None, None, "soft"), [(10, 0.9)]);
        assert_eq!(after("pixel", None, None, "soft"), [(10, 0.9)]);
        assert_eq!(after("none", Some(0.6), None, "soft"), [(9, 1.0), (10, 1.0), (11, 1.0)]);
        assert_eq!(after("pixel", Some(0.6), None, "soft"), [(10, 1.0)]);
        assert_eq!(after("none", Some(0.9), Some(0.3), "soft"), [8, 9, 10, 11, 12].map(|x| (x, 1.0)));
        assert_eq!(after("none", None, None, "safe"), [(9, 0.5), (10, 1.0), (11, 0.5)]);
    }

    #[test]
    fn names_and_numbers_that_are_none_are_refused_with_what_was_expected() {
        let message =
            |thin, threshold, style| Finish::new(thin, threshold, None, style).unwrap_err().to_string();
        assert!(message("fat", None, "soft").contains("\"none\", \"crest\" or \"pixel\""));
        assert!(message("none", Some(1.5), "soft").contains("threshold is 1.5"));
        assert!(message("none", None, "hard").contains("soft, safe or scribble"));
        let map = |values: &[f32]| Map::new(values.to_vec(), Size { height: 1, width: 2 });
        assert!(map(&[0.0]).unwrap_err().to_string().contains("2x1 has not 1 values"));
        assert!(map(&[0.0, f32::NAN]).is_err());
        assert!(Map::new(Vec::new(), Size { height: 0, width: 0 }).is_err());
    }

    #[test]
    fn a_ridge_is_drawn_as_one_stroke() {
        let text = ridge().drawn(0.15, 0.35, 0.5, 1.0).unwrap();
        assert!(text.starts_with("<?xml") && text.matches("<path").count() == 1, "{text}");
        assert!(ridge().drawn(0.15, 0.35, 0.0, 1.0).is_err());
    }
}
