//! The styles that ControlNet users know from its edge annotators.

use std::fmt;
use std::str::FromStr;

use crate::{EdgeMap, Size, UnknownName};

/// A style of edge map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// The map as it is.
    #[default]
    Soft,
    /// A few grey levels, see [`safe`].
    Safe,
    /// Broad white lines, see [`scribble`].
    Scribble,
}

impl Style {
    /// All styles.
    pub const ALL: [Self; 3] = [Self::Soft, Self::Safe, Self::Scribble];

    /// Its name in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Safe => "safe",
            Self::Scribble => "scribble",
        }
    }

    /// The map in this style.
    #[must_use]
    pub fn apply(self, mut map: EdgeMap) -> EdgeMap {
        match self {
            Self::Soft => map,
            Self::Safe => {
                safe(&mut map);
                map
            }
            Self::Scribble => scribble(&map),
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Style {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|style| style.name() == text)
            .ok_or_else(|| UnknownName::new("a style", text, "soft, safe or scribble"))
    }
}

/// Reduces the map to the values 0, 0.5 and 1, so that none of the photograph's shading shows through:
/// `min(floor(3 v) / 2, 1)`.
pub fn safe(map: &mut EdgeMap) {
    map.data_mut().iter_mut().for_each(|value| *value = ((*value * 3.0).floor() / 2.0).clamp(0.0, 1.0));
}

/// Turns the map into a drawing of broad white lines on black.
///
/// 1. Blur, a Gaussian of sigma 3, 25 taps.
/// 2. Keep a pixel if it is a maximum among itself and its two neighbours along a row, a column or either
///    diagonal, and more than 127 / 255; kept pixels become 1, the others 0.
/// 3. Blur, a Gaussian of sigma 3, 19 taps.
/// 4. A pixel whose value, rounded to 8 bits, is more than 4 becomes 1, the others 0.
///
/// The image continues beyond its border as its mirror image, border pixels not repeated. Taps and borders
/// are those that OpenCV chooses where the annotators leave the choice to it.
#[must_use]
pub fn scribble(map: &EdgeMap) -> EdgeMap {
    let (width, height) = (map.width(), map.height());
    let blurred = gaussian(map, 12);
    let lines = (0..width * height).map(|i| {
        let (x, y) = (i % width, i / width);
        let value = blurred.data()[i];
        f32::from(u8::from(value > 127.0 / 255.0 && is_crest(&blurred, x, y)))
    });
    let mut lines = gaussian(&EdgeMap::new(Size { height, width }, lines.collect()), 9);
    lines
        .data_mut()
        .iter_mut()
        .for_each(|value| *value = f32::from(u8::from((*value * 255.0).round() > 4.0)));
    lines
}

/// Whether a pixel is not less than its two neighbours along one of four directions.
fn is_crest(map: &EdgeMap, x: usize, y: usize) -> bool {
    let value = map.row(y)[x];
    let not_above = |dx: isize, dy: isize| {
        let (Some(x), Some(y)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else { return true };
        x >= map.width() || y >= map.height() || map.row(y)[x] <= value
    };
    [(1, 0), (0, 1), (1, 1), (1, -1)].into_iter().any(|(dx, dy)| not_above(dx, dy) && not_above(-dx, -dy))
}

/// Standard deviation of both blurs of [`scribble`], in pixels.
const SIGMA: f64 = 3.0;

/// The map blurred by a Gaussian of `2 radius + 1` taps.
fn gaussian(map: &EdgeMap, radius: usize) -> EdgeMap {
    let (width, height) = (map.width(), map.height());
    let mut taps: Vec<f64> = (0..=2 * radius)
        .map(|at| (-(at as f64 - radius as f64).powi(2) / (2.0 * SIGMA * SIGMA)).exp())
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);

    let mut result = EdgeMap::new(Size { height, width }, vec![0.0; width * height]);
    let mut column_sums = vec![0f32; width];
    for (y, dst) in result.data_mut().chunks_exact_mut(width.max(1)).enumerate() {
        column_sums.fill(0.0);
        for (k, &tap) in taps.iter().enumerate() {
            let row = map.row(mirrored(y as isize + k as isize - radius as isize, height));
            for (sum, value) in column_sums.iter_mut().zip(row) {
                *sum += tap as f32 * value;
            }
        }
        for (x, dst) in dst.iter_mut().enumerate() {
            let terms = taps.iter().enumerate().map(|(k, &tap)| {
                tap as f32 * column_sums[mirrored(x as isize + k as isize - radius as isize, width)]
            });
            *dst = terms.sum();
        }
    }
    result
}

/// Position `at` of a line of `len` pixels that continues as its mirror image: `… 2 1 0 1 2 …`.
fn mirrored(at: isize, len: usize) -> usize {
    if len == 1 {
        return 0;
    }
    let period = 2 * (len - 1);
    let at = at.unsigned_abs() % period;
    at.min(period - at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_has_three_values() {
        let mut map =
            EdgeMap::new(Size { height: 1, width: 7 }, vec![0.0, 0.33, 0.34, 0.66, 0.67, 0.99, 1.0]);
        safe(&mut map);
        assert_eq!(map.data(), [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn lines_go_on_as_their_mirror_image() {
        let line: Vec<usize> = (-5..8).map(|at| mirrored(at, 4)).collect();
        assert_eq!(line, [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(mirrored(-7, 1), 0);
    }

    #[test]
    fn a_blur_keeps_what_is_flat_and_spreads_a_point_as_a_gaussian() {
        let flat = gaussian(&EdgeMap::new(Size { height: 7, width: 30 }, vec![0.5; 210]), 12);
        assert!(flat.data().iter().all(|value| (value - 0.5).abs() < 1e-6));
        let mut point = vec![0.0; 61 * 61];
        point[30 * 61 + 30] = 1.0;
        let spread = gaussian(&EdgeMap::new(Size::square(61), point), 12);
        // The sum of 25 taps is the integral of the Gaussian except for 3e-5 of it.
        let density = |x: f64, y: f64| (-(x * x + y * y) / 18.0).exp() / (18.0 * std::f64::consts::PI);
        for (x, y) in [(0, 0), (1, 0), (3, 4), (5, 2)] {
            let got = f64::from(spread.row(30 + y)[30 + x]);
            assert!((got - density(x as f64, y as f64)).abs() < 2e-6, "{got} at ({x}, {y})");
        }
        assert_eq!(spread.row(30)[30 + 13], 0.0);
    }

    /// `tools/scribble.py` drew the same ring and line with OpenCV.
    #[test]
    fn scribbles_are_those_of_opencv() {
        const WIDTH: usize = 60;
        let want = [
            "..........###################################...............",
            "..........###################################...............",
            ".........####################################...............",
            "........#####################################...............",
            ".......#######################################..............",
            ".......#######################################..............",
            "......#########################################.............",
            "......#########################################.............",
            "......##########################################............",
            ".....###########################################............",
            ".....############################################...........",
            ".....############################################...........",
            "....##############################################..........",
            "....##############################################..........",
            "...################...#############################.........",
            "...################...#############################.........",
            "...################...##############################........",
            "....################################################........",
            "....#################################################.......",
            ".....################################.###############.......",
            ".....###############################...###############......",
            ".....###############################....##############......",
            "......#############################.....###############.....",
            "......#############################......##############.....",
            "......#############################......###############....",
            ".......###########################........##############....",
            ".......###########################........##############....",
            "........#########################..........##############...",
            ".........#######################...........##############...",
            "...........###################..............##############..",
            "..............#############.................##############..",
            "................#########...................##############..",
            "..................#####.....................##############..",
            "...................###......................###############.",
        ];
        let pixel = |i: usize| {
            let (x, y) = ((i % WIDTH) as f64, (i / WIDTH) as f64);
            let ring = (-((x - 20.0).hypot(y - 15.0) - 10.0).powi(2) / 18.0).exp();
            let line = (-(x - 0.5 * y - 36.0).powi(2) / 12.5).exp();
            (255.0 * ring.max(0.9 * line)).floor() as f32 / 255.0
        };
        let map = EdgeMap::new(
            Size { height: want.len(), width: WIDTH },
            (0..WIDTH * want.len()).map(pixel).collect(),
        );
        let lines = scribble(&map);
        for (y, want) in want.iter().enumerate() {
            let got: String = lines.row(y).iter().map(|&v| if v == 1.0 { '#' } else { '.' }).collect();
            assert_eq!(&got, want, "row {y}");
        }
        assert!(lines.data().iter().all(|&value| value == 0.0 || value == 1.0));
    }

    #[test]
    fn sizes_down_to_one_pixel_work() {
        for (width, height) in [(1, 1), (1, 5), (5, 1), (2, 2)] {
            let lines = scribble(&EdgeMap::new(Size { height, width }, vec![1.0; width * height]));
            assert!(lines.data().iter().all(|&value| value == 1.0));
            let none = scribble(&EdgeMap::new(Size { height, width }, vec![0.4; width * height]));
            assert!(none.data().iter().all(|&value| value == 0.0));
        }
    }
}
