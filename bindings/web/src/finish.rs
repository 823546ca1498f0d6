//! What is done to a map after the network, in the order of `pidinet detect`.

use pidinet::EdgeMap;
use pidinet::post::{self, Mask, Style, Suppression};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::problem::Problem;

/// Thinner, binary or stylised edges.
#[wasm_bindgen]
#[derive(Clone, Copy, Debug, Default)]
pub struct Finish {
    thin: Thin,
    threshold: Option<f32>,
    low: Option<f32>,
    style: Style,
    invert: Polarity,
}

/// How thin edges are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Thin {
    /// As they are.
    #[default]
    None,
    /// Their crests, by non-maximum suppression, with what the network thinks of them.
    Crest,
    /// Lines one pixel wide.
    Pixel,
}

/// What is bright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Polarity {
    /// Edges, on black.
    #[default]
    BrightEdges,
    /// What is not an edge.
    DarkEdges,
}

#[wasm_bindgen]
impl Finish {
    /// - `thin`: `"none"`, `"crest"` or `"pixel"`
    /// - `threshold`: probability from which a pixel is an edge, and nothing between edge and none
    /// - `low`: with it, also pixels of at least this probability that are connected to one of `threshold`
    /// - `style`: `"soft"`, `"safe"` or `"scribble"`
    /// - `invert`: dark edges on white
    ///
    /// # Errors
    ///
    /// [`Problem`] for what is none of these, as `Error` in JavaScript.
    #[wasm_bindgen(constructor)]
    pub fn from_js(
        thin: &str,
        threshold: Option<f32>,
        low: Option<f32>,
        style: &str,
        invert: bool,
    ) -> Result<Finish, wasm_bindgen::JsError> {
        let mut finish = Self::new(thin, threshold, low, style)?;
        if invert {
            finish.invert = Polarity::DarkEdges;
        }
        Ok(finish)
    }
}

impl Finish {
    /// Everything but the polarity, which stays bright edges on black.
    ///
    /// # Errors
    ///
    /// [`Problem`] for an unknown name, or a number that is no probability.
    pub fn new(thin: &str, threshold: Option<f32>, low: Option<f32>, style: &str) -> Result<Self, Problem> {
        let thin = match thin {
            "none" => Thin::None,
            "crest" => Thin::Crest,
            "pixel" => Thin::Pixel,
            found => return Err(Problem::Thin { found: found.to_owned() }),
        };
        let style = style.parse()?;
        for (what, value) in [("threshold", threshold), ("low", low)] {
            if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
                return Err(Problem::Number { what, found: value.into(), expected: "a number from 0 to 1" });
            }
        }
        Ok(Self { thin, threshold, low, style, invert: Polarity::default() })
    }

    /// Whether it leaves maps as they are.
    pub(crate) fn is_nothing(&self) -> bool {
        let Self { thin, threshold, low: _, style, invert } = *self;
        thin == Thin::None && threshold.is_none() && style == Style::Soft && invert == Polarity::BrightEdges
    }

    pub(crate) fn apply(&self, mut edges: EdgeMap) -> EdgeMap {
        if self.thin != Thin::None {
            edges = post::suppress(&edges, &Suppression::RCF);
        }
        let mask = match (self.threshold, self.low) {
            (Some(high), Some(low)) => Some(post::hysteresis(&edges, low.min(high), high)),
            (Some(at), None) => Some(Mask::at_least(&edges, at)),
            (None, _) => (self.thin == Thin::Pixel).then(|| Mask::at_least(&edges, f32::MIN_POSITIVE)),
        };
        if let Some(mut mask) = mask {
            if self.thin == Thin::Pixel {
                post::thin(&mut mask);
            }
            if self.threshold.is_some() {
                edges = EdgeMap::from(&mask);
            } else {
                post::keep(&mut edges, &mask);
            }
        }
        edges = self.style.apply(edges);
        if self.invert == Polarity::DarkEdges {
            post::invert(&mut edges);
        }
        edges
    }
}
