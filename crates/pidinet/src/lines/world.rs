//! World files: where the pixels of an image lie on a map.

use std::str::FromStr;

use crate::Size;

/// The six numbers of a world file (Esri): an affine map from pixels to coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorldFile {
    /// Change of `[x, y]` from one column to the next.
    pub column: [f64; 2],
    /// Change of `[x, y]` from one row to the next.
    pub row: [f64; 2],
    /// `[x, y]` of the centre of the upper left pixel.
    pub origin: [f64; 2],
}

impl WorldFile {
    /// The coordinates of a position in pixels; `[0.5, 0.5]` is the centre of the upper left pixel.
    pub fn place(&self, pixel: [f64; 2]) -> [f64; 2] {
        let [x, y] = pixel.map(|at| at - 0.5);
        [0, 1].map(|axis| self.origin[axis] + x * self.column[axis] + y * self.row[axis])
    }

    /// The world file of the image of size `from` after it was resized to `to`.
    #[must_use]
    pub fn resized(&self, from: Size, to: Size) -> Self {
        let scale = |from: usize, to: usize| from as f64 / to.max(1) as f64;
        let (across, down) = (scale(from.width, to.width), scale(from.height, to.height));
        Self {
            column: self.column.map(|step| step * across),
            row: self.row.map(|step| step * down),
            origin: self.place([0.5 * across, 0.5 * down]),
        }
    }
}

/// Reads six numbers, a line each: `A D B E C F`.
impl FromStr for WorldFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<f64> = text
            .split_whitespace()
            .map(|word| {
                word.replace(',', ".").parse::<f64>().map_err(|_| format!("`{word}` is not a number"))
            })
            .collect::<Result<_, _>>()?;
        let &[a, d, b, e, c, f] = numbers.as_slice() else {
            return Err(format!("a world file has 6 numbers, not {}", numbers.len()));
        };
        if let Some(odd) = numbers.iter().find(|number| !number.is_finite()) {
            return Err(format!("{odd} is no finite number"));
        }
        if a * e - b * d == 0.0 {
            return Err("its pixels have no area".to_owned());
        }
        Ok(Self { column: [a, d], row: [b, e], origin: [c, f] })
    }
}
