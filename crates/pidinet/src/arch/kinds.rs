//! Kinds of pixel difference convolutions, and which layer has which.

use std::fmt;
use std::str::FromStr;

use crate::error::UnknownName;

/// A kind of pixel difference convolution (PDC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `cv`: an ordinary convolution.
    Vanilla,
    /// `cd`, CPDC: each of the neighbours minus the centre.
    Central,
    /// `ad`, APDC: each neighbour minus the next one around the centre, clockwise.
    Angular,
    /// `rd`, RPDC: eight pixels of an outer ring minus the inner ones in the same direction.
    Radial,
}

impl Kind {
    /// Its two letters in configurations.
    pub fn letters(self) -> &'static str {
        match self {
            Self::Vanilla => "cv",
            Self::Central => "cd",
            Self::Angular => "ad",
            Self::Radial => "rd",
        }
    }

    /// Side of the folded kernel: 5 for [`Kind::Radial`], 3 for the others.
    pub fn folded_size(self) -> usize {
        if self == Self::Radial { 5 } else { 3 }
    }
}

/// Number of pixel difference convolutions in PiDiNet: the stem and 15 blocks.
pub const LAYERS: usize = 16;

/// The kinds of the sixteen layers, the stem first.
///
/// Reads and prints either a published name (`carv4`, `baseline`, `c-v15`, …) or the sixteen kinds
/// themselves, as in `cd,ad,rd,cv,cd,…`.
///
/// ```
/// use pidinet::arch::{Kinds, Kind};
/// let kinds: Kinds = "carv4".parse()?;
/// assert_eq!(kinds.layers()[2], Kind::Radial);
/// assert_eq!(kinds, "cd,ad,rd,cv,cd,ad,rd,cv,cd,ad,rd,cv,cd,ad,rd,cv".parse()?);
/// assert_eq!(kinds.to_string(), "carv4");
/// # Ok::<(), pidinet::UnknownName>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kinds([Kind; LAYERS]);

impl Kinds {
    /// The published configurations.
    pub const NAMES: [&'static str; 14] = [
        "baseline", "c-v15", "a-v15", "r-v15", "cvvv4", "avvv4", "rvvv4", "cccv4", "aaav4", "rrrv4", "c16",
        "a16", "r16", "carv4",
    ];

    /// A configuration from its kinds, the stem first.
    pub fn new(kinds: [Kind; LAYERS]) -> Self {
        Self(kinds)
    }

    /// The kinds, the stem first.
    pub fn layers(&self) -> &[Kind; LAYERS] {
        &self.0
    }

    /// The published configuration of this name.
    pub fn named(name: &str) -> Option<Self> {
        use Kind::{Angular as A, Central as C, Radial as R, Vanilla as V};
        let four = |group: [Kind; 4]| std::array::from_fn(|layer| group[layer % 4]);
        let first = |kind| std::array::from_fn(|layer| if layer == 0 { kind } else { V });
        Some(Self(match name {
            "baseline" => [V; LAYERS],
            "c-v15" => first(C),
            "a-v15" => first(A),
            "r-v15" => first(R),
            "cvvv4" => four([C, V, V, V]),
            "avvv4" => four([A, V, V, V]),
            "rvvv4" => four([R, V, V, V]),
            "cccv4" => four([C, C, C, V]),
            "aaav4" => four([A, A, A, V]),
            "rrrv4" => four([R, R, R, V]),
            "c16" => [C; LAYERS],
            "a16" => [A; LAYERS],
            "r16" => [R; LAYERS],
            "carv4" => four([C, A, R, V]),
            _ => return None,
        }))
    }
}

impl Default for Kinds {
    /// `carv4`.
    fn default() -> Self {
        Self::named("carv4").expect("carv4 is a published configuration")
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|name| Self::named(name).as_ref() == Some(self)) {
            Some(name) => f.write_str(name),
            None => f.write_str(&self.0.map(Kind::letters).join(",")),
        }
    }
}

impl FromStr for Kinds {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let kind = |letters: &str| match letters.trim() {
            "cv" => Some(Kind::Vanilla),
            "cd" => Some(Kind::Central),
            "ad" => Some(Kind::Angular),
            "rd" => Some(Kind::Radial),
            _ => None,
        };
        Self::named(text)
            .or_else(|| {
                let kinds: Vec<Kind> = text.split(',').map(kind).collect::<Option<_>>()?;
                Some(Self(kinds.try_into().ok()?))
            })
            .ok_or_else(|| {
                let names = Self::NAMES.join(", ");
                let expected = format!("one of {names}, or sixteen of cv, cd, ad, rd separated by commas");
                UnknownName::new("a configuration", text, expected)
            })
    }
}
