//! What a pen draws without being lifted.

use super::{Curve, Line};

/// One line, from where a pen goes down to where it goes up.
#[derive(Clone, Debug, PartialEq)]
pub enum Stroke {
    /// Straight pieces.
    Polyline(Line),
    /// Cubic Béziers.
    Curve(Curve),
}

impl Stroke {
    /// The mean probability along it.
    pub fn strength(&self) -> f32 {
        match self {
            Self::Polyline(line) => line.mean_strength(),
            Self::Curve(curve) => curve.strength,
        }
    }

    /// Whether its end is its beginning.
    pub fn closed(&self) -> bool {
        match self {
            Self::Polyline(line) => line.closed,
            Self::Curve(curve) => curve.closed,
        }
    }

    /// Whether it has no length.
    pub(super) fn is_dot(&self) -> bool {
        match self {
            Self::Polyline(line) => line.is_dot(),
            Self::Curve(curve) => curve.cubics.iter().flatten().all(|&point| point == curve.start),
        }
    }

    /// Points that straight pieces join; curves are cut so that these stay within `tolerance` pixels. Of closed strokes the
    /// first point does not come again.
    pub fn points(&self, tolerance: f32) -> Vec<[f32; 2]> {
        match self {
            Self::Polyline(line) => line.points.clone(),
            Self::Curve(curve) => curve.points(tolerance),
        }
    }
}
