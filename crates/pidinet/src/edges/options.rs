//! How to look for edges.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use pidinet_kernels::isa::Isa;
use pidinet_kernels::lanes::words::Format;

use crate::error::UnknownName;
use crate::image::Preset;

/// How to look for edges.
#[derive(Clone, Debug)]
pub struct DetectorOptions {
    /// Threads; all cores by default. The result does not depend on their number.
    pub threads: Option<NonZeroUsize>,
    /// Instruction set by name (`portable`, `avx2`, `avxvnni`, `avx512`, `neon`, `simd128`, `relaxed`); by default
    /// the one in the environment variable `PIDINET_ISA`, else the best that this CPU has.
    pub isa: Option<Isa>,
    /// In what numbers the network computes; `f32` where this CPU, or the instruction set, has no fast arithmetic of
    /// the precision asked for ([`EdgeDetector::precision`](super::EdgeDetector::precision)).
    pub precision: Precision,
    /// Rows that go through the network at a time. The result does not depend on it.
    pub strip: Strip,
    /// Whether to return the four side maps as well.
    pub sides: bool,
    /// The image is scaled by each of these, and the maps are averaged; one scale of 1 by default.
    pub scales: Vec<f32>,
    /// How pixels are presented to the network; by default as the model says.
    pub preset: Option<Preset>,
}

impl Default for DetectorOptions {
    fn default() -> Self {
        Self {
            threads: None,
            isa: None,
            precision: Precision::F32,
            strip: Strip::Auto,
            sides: false,
            scales: vec![1.0],
            preset: None,
        }
    }
}

/// How many rows of the image go through the network at a time.
///
/// The result is always the same; memory grows with the height of a strip, and small strips keep maps
/// in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strip {
    /// Chosen from the number of threads.
    #[default]
    Auto,
    /// The whole image at once.
    Whole,
    /// This many rows.
    Rows(NonZeroUsize),
}

/// In what numbers the network computes.
///
/// In all of them, the sums along the shortcuts, the depthwise convolutions and the last steps are `f32`. The
/// lower ones are used where most of the arithmetic is: in the 1x1 convolutions of the blocks and in the
/// dilated convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `f32` throughout.
    #[default]
    F32,
    /// Products of bf16, 8 bits of precision, added up in `f32`. It needs AVX-512 BF16 (Cooper Lake, Sapphire
    /// Rapids, Zen 4 and later); other CPUs compute in `f32`, which is faster there.
    Bf16,
    /// Products of int8 with exact sums in the blocks without projection, and elsewhere of bf16, or of `f32` on
    /// CPUs without AVX-512 BF16. The model has to be [calibrated](crate::calibration); where a picture goes
    /// beyond the calibrated ranges, that part of a block is computed in `f32`. It needs AVX2, and is fastest
    /// with AVX-512 VNNI (Cascade Lake, Ice Lake, Zen 4 and later) or AVX-VNNI (Alder Lake and later); other
    /// CPUs compute in `f32`, and so does AVX-512 without VNNI.
    Int8,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::Int8];

    /// Its name: `f32`, `bf16`, `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// The format of packed values that makes it fast, if it packs any.
    pub(super) fn format(self) -> Option<Format> {
        match self {
            Self::F32 => None,
            Self::Bf16 => Some(Format::Bf16),
            Self::Int8 => Some(Format::Int8),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = UnknownName;

    /// Reads [`Precision::name`].
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|precision| precision.name() == text);
        named.ok_or_else(|| UnknownName::new("a precision", text, "f32, bf16 or int8"))
    }
}
