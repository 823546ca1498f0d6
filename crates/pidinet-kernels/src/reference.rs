//! The same operations as plain loops over `f64`, on whole maps: what the kernels are tested against.
//!
//! Written only to be obviously right. Borders are checked for, not padded; nothing is shared with the
//! kernels.

/// A map `[channels, height, width]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The values, row-major.
    pub data: Vec<f64>,
}

impl Map {
    /// A map whose values are `value(c, y, x)`.
    pub fn from_fn(
        [channels, height, width]: [usize; 3],
        mut value: impl FnMut(usize, usize, usize) -> f64,
    ) -> Map {
        let mut data = Vec::with_capacity(channels * height * width);
        for c in 0..channels {
            for y in 0..height {
                for x in 0..width {
                    data.push(value(c, y, x));
                }
            }
        }
        Map { channels, height, width, data }
    }

    /// The map's shape.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// A value; 0 outside the map.
    pub fn at(&self, c: usize, y: isize, x: isize) -> f64 {
        let inside = (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x);
        if inside { self.data[(c * self.height + y as usize) * self.width + x as usize] } else { 0.0 }
    }

    /// The map with `f` applied to every value.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Map {
        Map { data: self.data.iter().map(|&value| f(value)).collect(), ..*self }
    }
}

/// A map and the offset at which a convolution reads it.
#[derive(Clone, Copy, Debug)]
pub struct Tap<'a> {
    /// The map.
    pub map: &'a Map,
    /// Rows below the output's.
    pub dy: isize,
    /// Columns right of the output's.
    pub dx: isize,
}

/// The offsets `(dy, dx)` of a square window, row by row.
pub fn window(size: usize, dilation: usize) -> Vec<(isize, isize)> {
    let offset = |i: usize| (i as isize - size as isize / 2) * dilation as isize;
    (0..size * size).map(|tap| (offset(tap / size), offset(tap % size))).collect()
}

/// A dense convolution with weights `[outputs, tap, input]` and biases `[outputs]`.
pub fn dense(taps: &[Tap<'_>], weights: &[f64], bias: &[f64]) -> Map {
    let [_, height, width] = taps[0].map.shape();
    let inputs: usize = taps.iter().map(|tap| tap.map.channels).sum();
    Map::from_fn([bias.len(), height, width], |o, y, x| {
        let mut sum = bias[o];
        let mut k = o * inputs;
        for tap in taps {
            for i in 0..tap.map.channels {
                sum += weights[k] * tap.map.at(i, y as isize + tap.dy, x as isize + tap.dx);
                k += 1;
            }
        }
        sum
    })
}

/// A depthwise convolution with weights `[channels, tap]` and one offset `(dy, dx)` for each tap.
pub fn depthwise(src: &Map, weights: &[f64], offsets: &[(isize, isize)]) -> Map {
    Map::from_fn(src.shape(), |c, y, x| {
        let mut sum = 0.0;
        for (tap, (dy, dx)) in offsets.iter().enumerate() {
            sum += weights[c * offsets.len() + tap] * src.at(c, y as isize + dy, x as isize + dx);
        }
        sum
    })
}

/// `a + b`.
pub fn add(a: &Map, b: &Map) -> Map {
    assert_eq!(a.shape(), b.shape());
    Map { data: a.data.iter().zip(&b.data).map(|(a, b)| a + b).collect(), ..*a }
}

/// `max(x, 0)`.
pub fn relu(src: &Map) -> Map {
    src.map(|x| x.max(0.0))
}

/// `1 / (1 + exp(-x))`.
pub fn sigmoid(src: &Map) -> Map {
    src.map(|x| 1.0 / (1.0 + (-x).exp()))
}

/// Every channel of `src` times the only one of `gate`, plus `bias`.
pub fn gate(src: &Map, gate: &Map, bias: f64) -> Map {
    let [_, height, width] = src.shape();
    Map::from_fn([src.channels, height, width], |c, y, x| {
        src.at(c, y as isize, x as isize) * gate.at(0, y as isize, x as isize) + bias
    })
}

/// Maxima of 2x2 windows with stride 2, the last row and column of odd maps left out.
pub fn max_pool(src: &Map) -> Map {
    Map::from_fn([src.channels, src.height / 2, src.width / 2], |c, y, x| {
        let (y, x) = (2 * y as isize, 2 * x as isize);
        let upper = src.at(c, y, x).max(src.at(c, y, x + 1));
        upper.max(src.at(c, y + 1, x)).max(src.at(c, y + 1, x + 1))
    })
}

/// Bilinear resizing with half-pixel centres (`align_corners=False`). Positions are computed in `f32`, as
/// PyTorch does for `f32` maps: that is part of the definition, not an approximation.
pub fn resize(src: &Map, height: usize, width: usize) -> Map {
    let place = |i: usize, input: usize, output: usize| -> (isize, isize, f64) {
        let last = input as isize - 1;
        let scale = input as f32 / output as f32;
        let position = ((i as f32 + 0.5) * scale - 0.5).max(0.0);
        let first = (position.floor() as isize).min(last);
        (first, (first + 1).min(last), f64::from(position) - first as f64)
    };
    Map::from_fn([src.channels, height, width], |c, y, x| {
        let (top, bottom, v) = place(y, src.height, height);
        let (left, right, h) = place(x, src.width, width);
        let upper = src.at(c, top, left) * (1.0 - h) + src.at(c, top, right) * h;
        let lower = src.at(c, bottom, left) * (1.0 - h) + src.at(c, bottom, right) * h;
        upper * (1.0 - v) + lower * v
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_row_by_row_and_zero_outside() {
        let src = Map::from_fn([1, 2, 2], |_, y, x| (1 + 2 * y + x) as f64); // 1 2 / 3 4
        let place = |(dy, dx)| Tap { map: &src, dy, dx };
        let taps: Vec<Tap<'_>> = window(3, 1).into_iter().map(place).collect();
        let weights: Vec<f64> = (0..9).map(|k| 10f64.powi(k)).collect();
        // Digit k of the result is what tap k saw.
        let want = [430_210_000.0, 43_021_000.0, 430_210.0, 43_021.0];
        assert_eq!(dense(&taps, &weights, &[0.0]).data, want);
    }

    #[test]
    fn resizing_matches_pytorch() {
        // torch.nn.functional.interpolate(torch.tensor([[[1., 2., 4.]]]), 7, mode="linear")
        let src = Map::from_fn([1, 1, 3], |_, _, x| [1.0, 2.0, 4.0][x]);
        let want = [1.0, 1.142_857_1, 1.571_428_5, 2.0, 2.857_142_9, 3.714_285_9, 4.0];
        for (got, want) in resize(&src, 1, 7).data.iter().zip(want) {
            assert!((got - want).abs() < 3e-7, "{got} is not {want}");
        }
    }
}
