//! What is written: strokes on layers, and how large a pixel is.

use std::fmt;
use std::str::FromStr;

use super::meet::meet;
use super::{Line, Lines, Stroke};
use crate::error::UnknownName;

/// Lines as they are to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Columns of the image.
    pub width: usize,
    /// Rows of the image.
    pub height: usize,
    /// Layers, the weakest lines first.
    pub layers: Vec<Layer>,
}

/// Strokes of about one strength.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// A name that says which strengths.
    pub name: String,
    /// Its strokes, in the order in which they are drawn.
    pub strokes: Vec<Stroke>,
}

/// How lines become strokes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawingOptions {
    /// How far a stroke may be from its line, in pixels.
    pub tolerance: f32,
    /// Smooth curves with corners where a line turns by more degrees than this; without, polylines.
    pub corner: Option<f32>,
    /// Whether lines that go straight on where several meet are [joined](Lines::joined).
    pub join: bool,
    /// Number of layers, by strength; at least 1.
    pub layers: usize,
    /// Whether lines are [sorted](Lines::sorted), each layer for itself.
    pub sort: bool,
}

impl Default for DrawingOptions {
    fn default() -> Self {
        Self { tolerance: 0.5, corner: Some(60.0), join: true, layers: 1, sort: true }
    }
}

impl Lines {
    /// The lines as strokes. With several layers the range of mean strengths is divided into equal parts.
    pub fn drawing(&self, options: &DrawingOptions) -> Drawing {
        let lines = if options.join { self.joined(Self::STRAIGHT_ON) } else { self.clone() };
        let count = options.layers.max(1);
        let strengths = lines.lines.iter().map(Line::mean_strength);
        let (least, most) = strengths.fold((1.0f32, 0.0f32), |(least, most), s| (least.min(s), most.max(s)));
        let part = |strength: f32| {
            let share = (strength - least) / (most - least).max(f32::MIN_POSITIVE);
            ((share * count as f32) as usize).min(count - 1)
        };
        let border = |part: usize| least + (most - least) * part as f32 / count as f32;
        let mut strokes = Vec::with_capacity(lines.lines.len());
        let mut ends = Vec::with_capacity(count);
        let mut parts = vec![Vec::new(); count];
        lines.lines.into_iter().for_each(|line| parts[part(line.mean_strength())].push(line));
        for here in parts {
            let here = Lines { lines: here, ..*self };
            let here = if options.sort { here.into_sorted() } else { here };
            strokes.extend(here.lines.into_iter().map(|line| {
                let stroke = match options.corner {
                    Some(corner) => Stroke::Curve(line.curve(options.tolerance, corner)),
                    None => Stroke::Polyline(line.simplified(options.tolerance)),
                };
                (line, stroke)
            }));
            ends.push(strokes.len());
        }
        meet(&mut strokes);
        let mut strokes = strokes.into_iter();
        let mut begin = 0;
        let layers = ends.into_iter().enumerate().map(|(number, end)| {
            let name = match count {
                1 => "edges".to_owned(),
                _ => format!("strength {:.2} to {:.2}", border(number), border(number + 1)),
            };
            let here = strokes.by_ref().take(end - begin);
            // Lines, not dots: both ends may have moved to one place.
            let here = here.filter(|(line, stroke)| line.is_dot() || !stroke.is_dot());
            let strokes = here.map(|(_, stroke)| stroke).collect();
            begin = end;
            Layer { name, strokes }
        });
        Drawing { width: self.width, height: self.height, layers: layers.collect() }
    }
}

impl Drawing {
    /// Strokes on all layers.
    pub fn strokes(&self) -> impl Iterator<Item = &Stroke> {
        self.layers.iter().flat_map(|layer| &layer.strokes)
    }

    /// Points of polylines, and ends of curves, of all strokes.
    pub fn points(&self) -> usize {
        let points = |stroke: &Stroke| match stroke {
            Stroke::Polyline(line) => line.points.len(),
            Stroke::Curve(curve) => curve.cubics.len() + usize::from(!curve.closed),
        };
        self.strokes().map(points).sum()
    }
}

/// A unit of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pixels of the image.
    Pixel,
    /// Millimetres.
    Millimetre,
    /// Inches of 25.4 mm.
    Inch,
}

impl Unit {
    const ALL: [(&str, Self); 3] = [("px", Self::Pixel), ("mm", Self::Millimetre), ("in", Self::Inch)];
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::ALL.iter().filter(|(_, unit)| unit == self).try_for_each(|(name, _)| f.write_str(name))
    }
}

/// Reads `px`, `mm` or `in`.
impl FromStr for Unit {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, unit)| *unit).ok_or_else(|| UnknownName::new("a unit", text, "px, mm or in"))
    }
}

/// How a drawing lies on paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Page {
    /// The unit in which sizes are given.
    pub unit: Unit,
    /// Length of a pixel in this unit.
    pub pixel: f64,
    /// Width of strokes in pixels.
    pub stroke: StrokeWidth,
    /// Digits after the point of coordinates.
    pub precision: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { unit: Unit::Pixel, pixel: 1.0, stroke: StrokeWidth::default(), precision: 2 }
    }
}

impl Page {
    /// A page on which an inch has `dpi` pixels.
    pub fn with_dpi(unit: Unit, dpi: f64) -> Self {
        let pixel = match unit {
            Unit::Pixel => 1.0,
            Unit::Millimetre => 25.4 / dpi,
            Unit::Inch => 1.0 / dpi,
        };
        Self { unit, pixel, ..Self::default() }
    }

    /// A page on which an image of `columns` pixels is `millimetres` wide.
    pub fn with_width(columns: usize, millimetres: f64) -> Self {
        Self { unit: Unit::Millimetre, pixel: millimetres / columns.max(1) as f64, ..Self::default() }
    }
}

/// How wide strokes are, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StrokeWidth {
    /// All the same.
    Fixed(f32),
    /// In proportion to strength: this wide where it is 1.
    ByStrength(f32),
}

impl Default for StrokeWidth {
    fn default() -> Self {
        Self::Fixed(1.0)
    }
}

impl StrokeWidth {
    /// The width of a stroke, to a tenth of a pixel.
    pub(super) fn of(self, strength: f32) -> f32 {
        match self {
            Self::Fixed(width) => width,
            Self::ByStrength(width) => ((width * strength * 10.0).round() / 10.0).max(0.1),
        }
    }
}
