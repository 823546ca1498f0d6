//! The pixels that make up a pixel of a resized image.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use crate::error::UnknownName;
use crate::size::Size;

/// How values between pixels are interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// `INTER_LINEAR`: the two nearest pixels each way, without antialiasing.
    Linear,
    /// `INTER_CUBIC`: four each way, Keys' kernel with a = -0.75, without antialiasing.
    Cubic,
    /// `INTER_AREA`: the mean of what a pixel covers, to make images smaller. Where a side becomes longer,
    /// OpenCV does not average areas: it takes one pixel, or near the edge of that pixel mixes in the next
    /// one.
    Area,
    /// `INTER_LANCZOS4`: eight each way, to make images larger.
    Lanczos4,
}

impl Interpolation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Cubic, Self::Area, Self::Lanczos4];

    /// Its name: `linear`, `cubic`, `area`, `lanczos4`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Cubic => "cubic",
            Self::Area => "area",
            Self::Lanczos4 => "lanczos4",
        }
    }
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Interpolation {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|interpolation| interpolation.name() == text);
        named.ok_or_else(|| UnknownName::new("an interpolation", text, "linear, cubic, area or lanczos4"))
    }
}

/// The taps of every column and of every row of a result.
pub(super) struct Ways {
    pub(super) interpolation: Interpolation,
    /// The mean of what a pixel covers, rather than an interpolation.
    pub(super) means: bool,
    pub(super) across: Vec<Tap>,
    pub(super) down: Vec<Tap>,
}

impl Ways {
    pub(super) fn new(from: Size, to: Size, interpolation: Interpolation) -> Self {
        let shrinks = from.width >= to.width && from.height >= to.height;
        let taps = |from: usize, to: usize| {
            let tap = |at: usize| match interpolation {
                Interpolation::Area if shrinks => mean(from, to, at),
                Interpolation::Area => share(from, to, at),
                Interpolation::Linear => kernel(from, to, at, |x| [1.0 - x, x]),
                Interpolation::Cubic => kernel(from, to, at, cubic),
                Interpolation::Lanczos4 => kernel(from, to, at, lanczos4),
            };
            (0..to).map(tap).collect()
        };
        let (across, down) = (taps(from.width, to.width), taps(from.height, to.height));
        let means = interpolation == Interpolation::Area && shrinks;
        Self { interpolation, means, across, down }
    }
}

/// The positions of the image that make up one position of the result, with their weights.
pub(super) struct Tap(pub(super) Vec<(usize, f32)>);

/// `2 half` positions around the centre of `at`; positions beyond the border become those at the border.
fn kernel<const N: usize>(from: usize, to: usize, at: usize, weights: impl Fn(f64) -> [f64; N]) -> Tap {
    let centre = (at as f64 + 0.5) * (from as f64 / to as f64) - 0.5;
    let first = centre.floor();
    let position = |tap: usize| {
        let position = first + tap as f64 - (N / 2 - 1) as f64;
        position.clamp(0.0, (from - 1) as f64) as usize
    };
    // The share is a float in OpenCV, which affects how weights for bytes are rounded.
    let weights = weights(f64::from(centre as f32 - first as f32)).into_iter().enumerate();
    Tap(weights.map(|(tap, weight)| (position(tap), weight as f32)).collect())
}

/// Weights of four pixels, `x` right of the second: Keys, "Cubic convolution interpolation for digital image
/// processing", 1981.
fn cubic(x: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    [far(x + 1.0), near(x), near(1.0 - x), far(2.0 - x)]
}

/// Weights of eight pixels, `x` right of the fourth: `sinc(t) sinc(t / 4)`, made to sum to 1.
fn lanczos4(x: f64) -> [f64; 8] {
    let sinc = |t: f64| if t.abs() < 1e-6 { 1.0 } else { (PI * t).sin() / (PI * t) };
    let weights: [f64; 8] = std::array::from_fn(|tap| {
        let distance = x + 3.0 - tap as f64;
        sinc(distance) * sinc(distance / 4.0)
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// The mean of what position `at` covers. Less than a thousandth of a pixel at either end is ignored.
fn mean(from: usize, to: usize, at: usize) -> Tap {
    const LEAST: f64 = 1e-3;
    let scale = from as f64 / to as f64;
    let start = at as f64 * scale;
    let end = start + scale;
    let covered = scale.min(from as f64 - start);
    let last = (end.floor() as usize).min(from - 1);
    let first = (start.ceil() as usize).min(last);
    let mut taps = Vec::new();
    let before = first as f64 - start;
    if before > LEAST {
        taps.push((first - 1, (before / covered) as f32));
    }
    taps.extend((first..last).map(|whole| (whole, (1.0 / covered) as f32)));
    let after = end - last as f64;
    if after > LEAST {
        taps.push((last, (after.min(1.0).min(covered) / covered) as f32));
    }
    Tap(taps)
}

/// What OpenCV does for [`Interpolation::Area`] where a side becomes longer: the pixel that position `at`
/// begins in, and the next one weighted by the share that reaches into it.
fn share(from: usize, to: usize, at: usize) -> Tap {
    let inverse = to as f64 / from as f64;
    let first = (at as f64 * (1.0 / inverse)).floor();
    // A share of almost 1 is 1 as a float, and then 0.
    let share = ((at + 1) as f64 - (first + 1.0) * inverse) as f32;
    let share = if share <= 0.0 { 0.0 } else { share - share.floor() };
    let last = from - 1;
    let first = (first as usize).min(last);
    Tap(vec![(first, 1.0 - share), ((first + 1).min(last), share)])
}
