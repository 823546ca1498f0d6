//! What replaces the gradient of a sign.

use serde::{Deserialize, Serialize};

/// Latent weights, and activations by default, have a gradient within this distance of zero.
pub const CLAMP: f32 = 1.2;

/// `sign(0) = +1`.
#[inline(always)]
pub fn sign(x: f32) -> f32 {
    if x < 0.0 { -1.0 } else { 1.0 }
}

/// What replaces the gradient of an activation's sign (a straight-through estimator).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Straight {
    /// 1 where |x| ≤ 1.2, else 0.
    #[default]
    Clamp,
    /// 2 − 2·|x| where |x| ≤ 1, else 0 (Bi-Real Net).
    Polynomial,
}

impl Straight {
    /// The factor at `x`.
    #[inline(always)]
    pub fn slope(self, x: f32) -> f32 {
        match self {
            Self::Clamp => f32::from(u8::from(x.abs() <= CLAMP)),
            Self::Polynomial => (2.0 - 2.0 * x.abs()).max(0.0),
        }
    }
}

/// What is binary in a network while it trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Nothing: for a teacher of the binary network.
    Real,
    /// Activations: the first of two stages.
    Activations,
    /// Activations and weights.
    #[default]
    Binary,
}

impl Precision {
    /// Whether activations are signs.
    pub fn signs(self) -> bool {
        self != Self::Real
    }

    /// Whether weights are signs.
    pub fn weights(self) -> bool {
        self == Self::Binary
    }
}
