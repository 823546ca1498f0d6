//! Non-maximum suppression: keeps the crest of each edge, as the edge benchmarks do before thinning.
//!
//! The method is that of P. Dollár's edge detection toolbox (Dollár and Zitnick, "Structured Forests
//! for Fast Edge Detection", ICCV 2013), which every later evaluation copied, with other constants.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bends::{Bends, Second, blurred};
use crate::{EdgeMap, UnknownName};

/// The constants of the suppression. They change benchmark scores, so say which ones were used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suppression {
    /// Radius of the triangle that smooths the map first; 0 leaves it as it is, 1 is `[1 2 1] / 4`.
    pub smoothing: usize,
    /// How many pixels to look on either side of an edge, across it.
    pub radius: usize,
    /// Width, in pixels, of the frame of the image that fades linearly to 0.
    pub border: usize,
    /// A pixel stays if `margin` times its value is not less than the values across the edge.
    pub margin: f32,
}

impl Suppression {
    /// The script published with HED, which smooths first. It gives PiDiNet's published scores.
    pub const HED: Self = Self { smoothing: 1, ..Self::DOLLAR };
    /// Dollár's toolbox, applied to a map as it is.
    pub const DOLLAR: Self = Self { smoothing: 0, radius: 1, border: 5, margin: 1.01 };
    /// The script published with RCF, for BSDS and Multicue.
    pub const RCF: Self = Self { radius: 2, ..Self::DOLLAR };
    /// The script published with RCF, for NYUD.
    pub const NYUD: Self = Self { radius: 4, ..Self::DOLLAR };
    /// DexiNed.
    pub const DEXINED: Self = Self { margin: 1.03, ..Self::DOLLAR };

    /// The presets and their names.
    pub const PRESETS: [(&str, Self); 5] = [
        ("hed", Self::HED),
        ("dollar", Self::DOLLAR),
        ("rcf", Self::RCF),
        ("nyud", Self::NYUD),
        ("dexined", Self::DEXINED),
    ];
}

/// The name of a preset, or radius, border and margin as `R,S,M`, and then the smoothing if there is one.
impl fmt::Display for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::PRESETS.iter().find(|(_, preset)| preset == self) {
            Some((name, _)) => f.write_str(name),
            None if self.smoothing == 0 => write!(f, "{},{},{}", self.radius, self.border, self.margin),
            None => write!(f, "{},{},{},{}", self.radius, self.border, self.margin, self.smoothing),
        }
    }
}

/// Reads the name of a preset, or radius, border and margin as `R,S,M`, with smoothing first as `R,S,M,T`.
///
/// ```
/// use pidinet::post::Suppression;
///
/// assert_eq!("hed".parse(), Ok(Suppression::HED));
/// assert_eq!("1,5,1.01,1".parse(), Ok(Suppression::HED));
/// assert_eq!("3,0,1.2".parse::<Suppression>()?.radius, 3);
/// # Ok::<(), pidinet::UnknownName>(())
/// ```
impl FromStr for Suppression {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if let Some((_, preset)) = Self::PRESETS.iter().find(|(name, _)| *name == text) {
            return Ok(*preset);
        }
        numbers(text).ok_or_else(|| UnknownName::new("a suppression", text, EXPECTED))
    }
}

/// What can be read as a suppression.
const EXPECTED: &str = "hed, dollar, rcf, nyud, dexined, or R,S,M such as 2,5,1.01";

/// `R,S,M` or `R,S,M,T`.
fn numbers(text: &str) -> Option<Suppression> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let (&[radius, border, margin], smoothing) = fields.split_first_chunk()?;
    let smoothing = match smoothing {
        [] => 0,
        [smoothing] => smoothing.parse().ok().filter(|&radius: &usize| radius <= MOST_PIXELS)?,
        _ => return None,
    };
    let read = Suppression {
        smoothing,
        radius: radius.parse().ok()?,
        border: border.parse().ok()?,
        margin: margin.parse().ok()?,
    };
    let sound = read.radius <= MOST_PIXELS && read.margin.is_finite() && read.margin > 0.0;
    sound.then_some(read)
}

/// Greatest radius that is read: far beyond any use, and safe to compute with.
const MOST_PIXELS: usize = 1000;

/// The map with everything but the crests of its edges set to 0.
///
/// 1. Where `smoothing` is not 0, the map is smoothed by a triangle of this radius along rows and columns. The image
///    continues beyond its border as its mirror image, border pixels included. What follows sees only this map.
/// 2. Derivatives are taken of the map smoothed again, by a triangle of radius 4, `[1 2 3 4 5 4 3 2 1] / 25`.
///    The direction `(cos O, sin O)` across the edge at a pixel comes from second ones,
///    `O = atan(Oyy · sign(−Oxy) / (Oxx + 1e-5))`. A derivative is half the difference of the two neighbours; at the
///    border, the difference of the pixel and its only neighbour. `Oxx = ∂x ∂x`, `Oxy = ∂x ∂y`, `Oyy = ∂y ∂y`.
/// 3. A pixel of value `e` stays if `margin · e` is not less than any of the values at distances `1..=radius` on both
///    sides, read from the map by bilinear interpolation at positions clamped into the image.
/// 4. Pixel `i` of the `border` outermost, 0 outside, is multiplied by `i / border`, for each of the four sides (of an
///    image smaller than `2 * border`, half its smaller side).
///
/// The angle is never computed: its cosine and sine follow from the two numbers whose ratio is its tangent.
///
/// # Examples
///
/// ```
/// use pidinet::{EdgeMap, Size, post::{Suppression, suppress}};
///
/// // A vertical ridge, three pixels wide.
/// let ridge = |x: usize| match x { 9 | 11 => 0.4, 10 => 0.8, _ => 0.0 };
/// let map = EdgeMap::new(Size::square(21), (0..441).map(|i| ridge(i % 21)).collect());
/// let thin = suppress(&map, &Suppression::DOLLAR);
/// assert_eq!(thin.row(10)[8..13], [0.0, 0.0, 0.8, 0.0, 0.0]);
/// ```
pub fn suppress(map: &EdgeMap, options: &Suppression) -> EdgeMap {
    let width = map.width();
    let mut crests = EdgeMap::new(map.size(), vec![0.0; map.data().len()]);
    each_row(map, options, f32::NEG_INFINITY, |y, row| {
        crests.data_mut()[y * width..][..width].copy_from_slice(row);
    });
    fade(&mut crests, options.border);
    crests
}

/// Gives the rows of a suppressed map, from the top, to `each` with their numbers, without fading its frame. Pixels of less
/// than `least` in the map that is given are passed over: they are 0, too.
pub(crate) fn each_row(
    map: &EdgeMap,
    options: &Suppression,
    least: f32,
    mut each: impl FnMut(usize, &[f32]),
) {
    if map.data().is_empty() {
        return;
    }
    let smoothed = (options.smoothing > 0).then(|| blurred(map, options.smoothing));
    let looked_at = smoothed.as_ref().unwrap_or(map);
    let mut bends = Bends::of(looked_at);
    let mut crests = vec![0.0; map.width()];
    // Where no position that is looked at leaves the image.
    let [inside, inside_rows] =
        [map.width(), map.height()].map(|side| options.radius + 1..side.saturating_sub(options.radius + 2));
    for y in 0..map.height() {
        let Second { xx, xy, yy } = bends.next_row();
        let (given, values) = (map.row(y), looked_at.row(y));
        for (x, crest) in crests.iter_mut().enumerate() {
            let value = values[x];
            *crest = 0.0;
            if value == 0.0 || given[x] < least {
                continue;
            }
            let peak = Peak {
                x: x as f32,
                y: y as f32,
                across: across(xx[x], xy[x], yy[x]),
                bar: value * options.margin,
            };
            let stays = if inside.contains(&x) && inside_rows.contains(&y) {
                peak.stays(options.radius, |x, y| blend(looked_at, x, y))
            } else {
                peak.stays(options.radius, |x, y| interpolated(looked_at, x, y))
            };
            if stays {
                *crest = value;
            }
        }
        each(y, &crests);
    }
}

/// A pixel that may be a crest.
struct Peak {
    x: f32,
    y: f32,
    /// The unit vector across the edge.
    across: (f32, f32),
    /// What no value across the edge may exceed.
    bar: f32,
}

impl Peak {
    #[inline(always)] // as fast as if each kind of lookup had a loop of its own
    fn stays(&self, radius: usize, value: impl Fn(f32, f32) -> f32) -> bool {
        let Self { x, y, across, bar } = self;
        (1..=radius).all(|distance| {
            let (u, v) = (across.0 * distance as f32, across.1 * distance as f32);
            *bar >= value(x - u, y - v) && *bar >= value(x + u, y + v)
        })
    }
}

/// The unit vector across an edge, up to its sign, from second derivatives.
fn across(xx: f32, xy: f32, yy: f32) -> (f32, f32) {
    let sign = if xy < 0.0 {
        1.0
    } else if xy > 0.0 {
        -1.0
    } else {
        0.0
    };
    let (x, y) = (xx + 1e-5, yy * sign);
    let length = (x * x + y * y).sqrt();
    if length > 0.0 { (x / length, y / length) } else { (1.0, 0.0) }
}

/// The value at a position, which is clamped to the image less a thousandth of a pixel, as in the toolbox.
fn interpolated(map: &EdgeMap, x: f32, y: f32) -> f32 {
    let clamp = |at: f32, size: usize| at.min((size as f64 - 1.001) as f32).max(0.0);
    blend(map, clamp(x, map.width()), clamp(y, map.height()))
}

/// The value at a position in the image, bilinear.
#[inline]
fn blend(map: &EdgeMap, x: f32, y: f32) -> f32 {
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(map.width() - 1), (top + 1).min(map.height() - 1));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let (above, below) = (map.row(top), map.row(bottom));
    above[left] * (1.0 - fx) * (1.0 - fy)
        + above[right] * fx * (1.0 - fy)
        + below[left] * (1.0 - fx) * fy
        + below[right] * fx * fy
}

/// Multiplies the frame of the image by a linear ramp.
fn fade(map: &mut EdgeMap, border: usize) {
    let (width, height) = (map.width(), map.height());
    let border = border.min(width / 2).min(height / 2);
    let ramp = |at: usize, size: usize| (at.min(size - 1 - at).min(border) as f32) / border as f32;
    if border == 0 || map.data().is_empty() {
        return;
    }
    let columns: Vec<f32> = (0..width).map(|x| ramp(x, width)).collect();
    for (y, row) in map.data_mut().chunks_mut(width).enumerate() {
        let down = ramp(y, height);
        for (pixel, across) in row.iter_mut().zip(&columns) {
            *pixel *= across * down;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Size;

    /// The definition in f64, with angles, one pixel at a time.
    fn literal(map: &EdgeMap, options: &Suppression) -> Vec<f64> {
        let (width, height) = (map.width() as isize, map.height() as isize);
        let given = |x: isize, y: isize| f64::from(map.row(y as usize)[x as usize]);
        let fold = |at: isize, size: isize| -> isize {
            let mut at = at;
            while !(0..size).contains(&at) {
                at = if at < 0 { -1 - at } else { 2 * size - 1 - at };
            }
            at
        };
        let triangle = |f: &dyn Fn(isize, isize) -> f64, radius: isize, x: isize, y: isize| -> f64 {
            let around = || -radius..=radius;
            let weight = |d: isize| (radius + 1 - d.abs()) as f64 / ((radius + 1) * (radius + 1)) as f64;
            let column = |dx| around().map(move |dy| (dx, dy));
            around()
                .flat_map(column)
                .map(|(dx, dy)| weight(dx) * weight(dy) * f(fold(x + dx, width), fold(y + dy, height)))
                .sum()
        };
        let first: Vec<f64> = (0..width * height)
            .map(|at| triangle(&given, options.smoothing as isize, at % width, at / width))
            .collect();
        let original = |x: isize, y: isize| first[(y * width + x) as usize];
        let smooth = |x: isize, y: isize| triangle(&original, 4, x, y);
        let slope_x = |f: &dyn Fn(isize, isize) -> f64, x: isize, y: isize| {
            let (l, r) = ((x - 1).max(0), (x + 1).min(width - 1));
            if l == r { 0.0 } else { (f(r, y) - f(l, y)) / (r - l) as f64 }
        };
        let slope_y = |f: &dyn Fn(isize, isize) -> f64, x: isize, y: isize| {
            let (t, b) = ((y - 1).max(0), (y + 1).min(height - 1));
            if t == b { 0.0 } else { (f(x, b) - f(x, t)) / (b - t) as f64 }
        };
        let ox = |x: isize, y: isize| slope_x(&smooth, x, y);
        let oy = |x: isize, y: isize| slope_y(&smooth, x, y);
        let bilinear = |x: f64, y: f64| {
            let (x, y) = (x.clamp(0.0, width as f64 - 1.001), y.clamp(0.0, height as f64 - 1.001));
            let (u, v) = (x.floor(), y.floor());
            let (fx, fy) = (x - u, y - v);
            let (u, v) = (u as isize, v as isize);
            original(u, v) * (1.0 - fx) * (1.0 - fy)
                + original(u + 1, v) * fx * (1.0 - fy)
                + original(u, v + 1) * (1.0 - fx) * fy
                + original(u + 1, v + 1) * fx * fy
        };
        let mut kept = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (xx, xy, yy) = (slope_x(&ox, x, y), slope_x(&oy, x, y), slope_y(&oy, x, y));
                let sign = f64::from(i8::from(-xy > 0.0) - i8::from(-xy < 0.0));
                let angle = (yy * sign / (xx + 1e-5)).atan().rem_euclid(std::f64::consts::PI);
                let value = original(x, y);
                let beaten =
                    (-(options.radius as isize)..=options.radius as isize).filter(|&d| d != 0).any(|d| {
                        let d = d as f64;
                        f64::from(options.margin) * value
                            < bilinear(x as f64 + d * angle.cos(), y as f64 + d * angle.sin())
                    });
                let border = options.border as isize;
                let ramp = |at: isize, size: isize| at.min(size - 1 - at).min(border) as f64 / border as f64;
                kept.push(if beaten { 0.0 } else { value * ramp(x, width) * ramp(y, height) });
            }
        }
        kept
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// In f32 the direction is off by about 1e-4 where second derivatives are small, so a comparison may
        /// flip where both sides are nearly equal: at most one pixel in a hundred on noise. All others agree.
        #[test]
        fn suppression_is_the_definition(
            (width, height) in (12usize..40, 12usize..40),
            pixels in proptest::collection::vec(0f32..1.0, 1600),
            (smoothing, radius) in (0usize..3, 1usize..5),
        ) {
            let map = EdgeMap::new(Size { height, width }, pixels[..width * height].to_vec());
            let options = Suppression { smoothing, radius, ..Suppression::DOLLAR };
            let (got, want) = (suppress(&map, &options), literal(&map, &options));
            let differ = got.data().iter().zip(&want).filter(|&(&g, &w)| (f64::from(g) - w).abs() > 1e-6).count();
            prop_assert!(differ * 100 <= width * height, "{differ} of {} pixels differ", width * height);
        }

        #[test]
        fn a_pixel_is_kept_or_lost(
            (width, height) in (1usize..20, 1usize..20),
            pixels in proptest::collection::vec(0f32..1.0, 400),
        ) {
            let map = EdgeMap::new(Size { height, width }, pixels[..width * height].to_vec());
            let kept = suppress(&map, &Suppression { border: 0, ..Suppression::RCF });
            prop_assert!(kept.data().iter().zip(map.data()).all(|(&k, &e)| k == 0.0 || k == e));
        }
    }

    #[test]
    fn names_are_read_as_written() {
        for (name, preset) in Suppression::PRESETS {
            assert_eq!(preset.to_string(), name);
            assert_eq!(name.parse(), Ok(preset));
        }
        for (text, smoothing) in [("3,0,1.25", 0), ("3,0,1.25,2", 2)] {
            let other = Suppression { smoothing, radius: 3, border: 0, margin: 1.25 };
            assert_eq!(other.to_string(), text);
            assert_eq!(text.parse(), Ok(other));
        }
        for wrong in
            ["", "RCF", "1,5", "1,5,1.01,1,1", "99999,5,1.01", "a,5,1", "1,5,nan", "1,-5,1.01", "1,5,0"]
        {
            assert_eq!(wrong.parse::<Suppression>(), Err(UnknownName::new("a suppression", wrong, EXPECTED)));
        }
    }
}
