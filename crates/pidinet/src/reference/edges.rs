//! The reference for edges: the network in plain f64 loops.
//!
//! Written to be obviously right, not fast. Pixel differences are taken literally, from pairs of pixels,
//! so that this also tests the folding that everything else relies on.

use crate::arch::{Build, Conv, Kind, Outputs, pidinet};
use crate::weights::{Form, Model};

/// Planes of numbers, `[c, h, w]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Number of planes, c.
    pub channels: usize,
    /// Rows, h.
    pub height: usize,
    /// Columns, w.
    pub width: usize,
    /// All pixels, plane by plane, row by row.
    pub data: Vec<f64>,
}

impl Map {
    /// A map from its pixels, plane by plane, row by row.
    ///
    /// # Panics
    ///
    /// If `data` does not hold `c * h * w` numbers.
    pub fn new([channels, height, width]: [usize; 3], data: Vec<f64>) -> Self {
        assert_eq!(data.len(), channels * height * width, "[{channels}, {height}, {width}] has another size");
        Self { channels, height, width, data }
    }

    /// A map of zeros, `[c, h, w]`.
    pub fn zeros(shape: [usize; 3]) -> Self {
        Self::new(shape, vec![0.0; shape.iter().product()])
    }

    /// `[c, h, w]`.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Row `y` of plane `c`.
    pub fn row(&self, c: usize, y: usize) -> &[f64] {
        &self.data[(c * self.height + y) * self.width..][..self.width]
    }

    /// Row `y` of plane `c`, to change.
    pub fn row_mut(&mut self, c: usize, y: usize) -> &mut [f64] {
        &mut self.data[(c * self.height + y) * self.width..][..self.width]
    }

    /// The same with a border of zeros, `margin` pixels wide.
    fn padded(&self, margin: usize) -> Self {
        let shape = [self.channels, self.height + 2 * margin, self.width + 2 * margin];
        let mut padded = Self::zeros(shape);
        for c in 0..self.channels {
            for y in 0..self.height {
                padded.row_mut(c, y + margin)[margin..][..self.width].copy_from_slice(self.row(c, y));
            }
        }
        padded
    }

    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { data: self.data.iter().map(|&x| f(x)).collect(), ..*self }
    }

    fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        assert_eq!(self.shape(), other.shape());
        Self { data: self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect(), ..*self }
    }
}

/// Computes a network in f64.
///
/// ```
/// use pidinet::arch::Arch;
/// use pidinet::reference::edges::{Map, Reference};
/// use pidinet::weights::Model;
///
/// let model = Model::random(Arch::tiny().light(), 1);
/// let edges = Reference::run(&model, &Map::zeros([3, 8, 12])).fused;
/// assert_eq!(edges.shape(), [1, 8, 12]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    model: &'a Model,
}

impl<'a> Reference<'a> {
    /// An interpreter with the weights of a model, raw or folded.
    pub fn new(model: &'a Model) -> Self {
        Self { model }
    }

    /// PiDiNet on an image `[3, h, w]` that is ready for the network.
    ///
    /// # Panics
    ///
    /// If h or w is less than 8, or the weights are not those of the architecture, which [`Model::new`]
    /// rules out.
    pub fn run(model: &'a Model, image: &Map) -> Outputs<Map> {
        let [_, height, width] = image.shape();
        assert!(height >= 8 && width >= 8, "{width}x{height} leaves no pixel to the last stage");
        pidinet(&model.arch, &mut Self::new(model), image)
    }

    fn parameter(&self, name: &str) -> Vec<f64> {
        self.model.weights[name].data.iter().copied().map(f64::from).collect()
    }
}

impl Build for Reference<'_> {
    type Value = Map;

    fn conv(&mut self, name: &str, conv: &Conv, x: &Map) -> Map {
        let weights = self.parameter(&format!("{name}.weight"));
        let mut y = match self.model.form {
            Form::Raw => convolve(conv, &weights, x),
            Form::Folded => convolve_folded(conv, &weights, x),
        };
        if conv.bias {
            let bias = self.parameter(&format!("{name}.bias"));
            let plane = y.height * y.width;
            for (pixels, b) in y.data.chunks_exact_mut(plane).zip(&bias) {
                pixels.iter_mut().for_each(|pixel| *pixel += b);
            }
        }
        y
    }

    fn max_pool(&mut self, x: &Map) -> Map {
        let mut y = Map::zeros([x.channels, x.height / 2, x.width / 2]);
        for c in 0..y.channels {
            for row in 0..y.height {
                let (top, bottom) = (x.row(c, 2 * row), x.row(c, 2 * row + 1));
                for (column, max) in y.row_mut(c, row).iter_mut().enumerate() {
                    let pair = 2 * column..2 * column + 2;
                    *max = top[pair.clone()].iter().chain(&bottom[pair]).copied().fold(f64::MIN, f64::max);
                }
            }
        }
        y
    }

    fn relu(&mut self, x: &Map) -> Map {
        x.map(|x| x.max(0.0))
    }

    fn sigmoid(&mut self, x: &Map) -> Map {
        x.map(|x| 1.0 / (1.0 + (-x).exp()))
    }

    fn add(&mut self, a: &Map, b: &Map) -> Map {
        a.zip(b, |a, b| a + b)
    }

    fn gate(&mut self, x: &Map, gate: &Map) -> Map {
        assert_eq!(gate.channels, 1, "a gate has one channel");
        let wide = Map { channels: x.channels, data: gate.data.repeat(x.channels), ..*gate };
        x.zip(&wide, |x, gate| x * gate)
    }

    fn resize(&mut self, x: &Map, like: &Map) -> Map {
        let (rows, columns) = (samples(x.height, like.height), samples(x.width, like.width));
        let mut y = Map::zeros([x.channels, like.height, like.width]);
        for c in 0..y.channels {
            for (v, &(top, bottom, down)) in rows.iter().enumerate() {
                let (upper, lower) = (x.row(c, top), x.row(c, bottom));
                for (pixel, &(left, right, across)) in y.row_mut(c, v).iter_mut().zip(&columns) {
                    let between = |row: &[f64]| row[left] * (1.0 - across) + row[right] * across;
                    *pixel = between(upper) * (1.0 - down) + between(lower) * down;
                }
            }
        }
        y
    }

    fn concat(&mut self, maps: &[Map]) -> Map {
        let channels = maps.iter().map(|map| map.channels).sum();
        let data = maps.iter().flat_map(|map| &map.data).copied().collect();
        Map::new([channels, maps[0].height, maps[0].width], data)
    }
}

/// For each of `to` pixels, the two of `from` pixels that it lies between and the weight of the
/// second: pixel centres at halves, clamped at the start as PyTorch does with
/// `align_corners=False`.
fn samples(from: usize, to: usize) -> Vec<(usize, usize, f64)> {
    let scale = from as f64 / to as f64;
    let sample = |pixel: usize| {
        let position = ((pixel as f64 + 0.5) * scale - 0.5).max(0.0);
        let before = (position as usize).min(from - 1);
        (before, (before + 1).min(from - 1), position - before as f64)
    };
    (0..to).map(sample).collect()
}

/// Where a tap looks, as rows and columns from the centre, before dilation.
type Offset = (isize, isize);

/// Convolves `x` with raw weights: `y = Σ_k w_k (x_i − θ x_i')` over nine pairs (i, i') of pixels for each of
/// the three difference kinds, and `y = Σ_k w_k x_k` otherwise. No bias.
///
/// # Shapes
///
/// `weights`: [`Conv::weight_shape`], `x`: `[inputs, h, w]`, result: `[outputs, h, w]`.
///
/// # Panics
///
/// If `weights` or `x` do not fit `conv`.
pub fn convolve(conv: &Conv, weights: &[f64], x: &Map) -> Map {
    let pairs: Vec<(Offset, Option<Offset>)> = match conv.kind {
        Kind::Vanilla => square(conv.size).into_iter().map(|tap| (tap, None)).collect(),
        Kind::Central => square(3).into_iter().map(|tap| (tap, Some((0, 0)))).collect(),
        Kind::Angular => square(3).into_iter().map(|tap| (tap, Some(clockwise(tap)))).collect(),
        Kind::Radial => {
            let ring = square(3).into_iter().filter(|&tap| tap != (0, 0));
            let ring = ring.map(|(y, x)| ((2 * y, 2 * x), Some((y, x))));
            // The first weight belongs to the centre, which counts only if θ < 1.
            std::iter::once(((0, 0), Some((0, 0)))).chain(ring).collect()
        }
    };
    convolve_pairs(conv, weights, &pairs, x)
}

/// Convolves `x` with folded weights, [`Conv::folded_shape`]: an ordinary convolution. No bias.
///
/// # Panics
///
/// If `weights` or `x` do not fit `conv`.
pub fn convolve_folded(conv: &Conv, weights: &[f64], x: &Map) -> Map {
    let [.., size] = conv.folded_shape();
    let taps: Vec<_> = square(size).into_iter().map(|tap| (tap, None)).collect();
    convolve_pairs(conv, weights, &taps, x)
}

/// `y = Σ_k w_k (x_i − θ x_i')`, zero outside the map; a tap without a partner multiplies its own pixel only.
fn convolve_pairs(conv: &Conv, weights: &[f64], pairs: &[(Offset, Option<Offset>)], x: &Map) -> Map {
    let (inputs, outputs) = (conv.inputs / conv.groups, conv.outputs / conv.groups);
    assert_eq!(x.channels, conv.inputs, "channels of the map");
    assert_eq!(weights.len(), conv.outputs * inputs * pairs.len(), "weights of {conv:?}");

    let theta = f64::from(conv.theta);
    let margin = 2 * conv.dilation;
    let padded = x.padded(margin);
    let source = |c: usize, y: usize, offset: Offset| {
        let shifted = |at: usize, by: isize| (at + margin).wrapping_add_signed(by * conv.dilation as isize);
        &padded.row(c, shifted(y, offset.0))[shifted(0, offset.1)..][..x.width]
    };

    let mut result = Map::zeros([conv.outputs, x.height, x.width]);
    for (output, kernels) in weights.chunks_exact(inputs * pairs.len()).enumerate() {
        for (input, kernel) in kernels.chunks_exact(pairs.len()).enumerate() {
            let channel = output / outputs * inputs + input;
            for y in 0..x.height {
                let row = result.row_mut(output, y);
                for (&weight, &(tap, partner)) in kernel.iter().zip(pairs) {
                    let pixels = row.iter_mut().zip(source(channel, y, tap));
                    match partner {
                        None => pixels.for_each(|(sum, a)| *sum += weight * a),
                        Some(partner) => pixels
                            .zip(source(channel, y, partner))
                            .for_each(|((sum, a), b)| *sum += weight * (a - theta * b)),
                    }
                }
            }
        }
    }
    result
}

/// The taps of a `size`×`size` kernel, row by row.
fn square(size: usize) -> Vec<Offset> {
    let reach = size as isize / 2;
    (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (y, x))).collect()
}

/// The next tap of a 3×3 kernel going clockwise around the centre; the centre stays.
fn clockwise((y, x): Offset) -> Offset {
    match (y, x) {
        (0, 0) => (0, 0),
        (-1, x) if x < 1 => (-1, x + 1),
        (y, 1) if y < 1 => (y + 1, 1),
        (1, x) if x > -1 => (1, x - 1),
        (y, x) => (y - 1, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;

    const KINDS: [Kind; 4] = [Kind::Vanilla, Kind::Central, Kind::Angular, Kind::Radial];

    fn one_to_one(kind: Kind, theta: f32) -> Conv {
        Conv { kind, theta, ..Conv::dense(1, 1) }
    }

    /// A map of one plane whose pixels are the squares of 1, 2, 3 and so on, so that all differences are
    /// distinct.
    fn squares(height: usize, width: usize) -> Map {
        Map::new([1, height, width], (1..=height * width).map(|i| (i * i) as f64).collect())
    }

    /// The output of a single weight at the centre of a 5×5 map, which shows the pixels it takes the
    /// difference of.
    fn pair_of(kind: Kind, tap: usize) -> f64 {
        let mut weights = [0.0; 9];
        weights[tap] = 1.0;
        convolve(&one_to_one(kind, 1.0), &weights, &squares(5, 5)).row(0, 2)[2]
    }

    #[test]
    fn central_is_neighbour_minus_centre() {
        for (tap, position) in [6, 7, 8, 11, 12, 13, 16, 17, 18].into_iter().enumerate() {
            assert_eq!(pair_of(Kind::Central, tap), squares(5, 5).data[position] - 169.0, "tap {tap}");
        }
    }

    #[test]
    fn angular_is_tap_minus_the_next_one_clockwise() {
        let map = squares(5, 5).data;
        let next = [(6, 7), (7, 8), (8, 13), (11, 6), (12, 12), (13, 18), (16, 11), (17, 16), (18, 17)];
        for (tap, (position, after)) in next.into_iter().enumerate() {
            assert_eq!(pair_of(Kind::Angular, tap), map[position] - map[after], "tap {tap}");
        }
    }

    #[test]
    fn radial_is_outer_ring_minus_inner_ring() {
        let map = squares(5, 5).data;
        let pairs = [(0, 6), (2, 7), (4, 8), (10, 11), (14, 13), (20, 16), (22, 17), (24, 18)];
        assert_eq!(pair_of(Kind::Radial, 0), 0.0);
        for (tap, (outer, inner)) in pairs.into_iter().enumerate() {
            assert_eq!(pair_of(Kind::Radial, tap + 1), map[outer] - map[inner], "tap {}", tap + 1);
        }
    }

    #[test]
    fn theta_leaves_a_share_of_the_ordinary_convolution() {
        let weights = [0.5, -1.0, 2.0, 0.25, 3.0, -0.5, 1.0, -2.0, 1.5];
        let map = squares(6, 7);
        for kind in KINDS {
            let at = |theta| convolve(&one_to_one(kind, theta), &weights, &map);
            let mixed = at(1.0).zip(&at(0.0), |difference, plain| 0.75 * difference + 0.25 * plain);
            assert_eq!(at(0.75), mixed, "{kind:?}: all numbers are sums of few powers of two");
        }
        let plain = convolve(&one_to_one(Kind::Vanilla, 1.0), &weights, &map);
        for kind in [Kind::Central, Kind::Angular] {
            assert_eq!(convolve(&one_to_one(kind, 0.0), &weights, &map), plain, "{kind:?}");
        }
    }

    #[test]
    fn zeros_surround_the_map() {
        let x = Map::new([1, 1, 2], vec![3.0, 5.0]);
        let ones = [1.0; 9];
        let central = convolve(&one_to_one(Kind::Central, 1.0), &ones, &x);
        assert_eq!(central.data, [8.0 - 9.0 * 3.0, 8.0 - 9.0 * 5.0]);
        let far = Conv { dilation: 11, ..one_to_one(Kind::Vanilla, 1.0) };
        assert_eq!(convolve(&far, &ones, &x), x, "only the centre tap is inside");
    }

    #[test]
    fn depthwise_keeps_channels_apart() {
        let x = Map::new([2, 1, 1], vec![3.0, 5.0]);
        let conv = Conv { groups: 2, ..Conv::pointwise(2, 2) };
        assert_eq!(convolve(&conv, &[2.0, 7.0], &x).data, [6.0, 35.0]);
        assert_eq!(convolve(&Conv::pointwise(2, 1), &[2.0, 7.0], &x).data, [41.0]);
    }

    #[test]
    fn pooling_drops_the_odd_row_and_column() {
        let model = Model::random(Arch::tiny(), 1);
        let mut reference = Reference::new(&model);
        let pooled = reference.max_pool(&squares(3, 5));
        assert_eq!(pooled, Map::new([1, 1, 2], vec![49.0, 81.0]));
        assert_eq!(reference.max_pool(&Map::new([1, 2, 2], vec![-4.0, -3.0, -2.0, -5.0])).data, [-2.0]);
    }

    /// These values are from `torch.nn.functional.interpolate(..., mode="bilinear", align_corners=False)`.
    #[test]
    fn resizing_is_pytorchs() {
        let model = Model::random(Arch::tiny(), 1);
        let mut reference = Reference::new(&model);
        let wider = reference.resize(&Map::new([1, 1, 2], vec![0.0, 1.0]), &Map::zeros([1, 1, 5]));
        let want = [0.0, 0.1, 0.5, 0.9, 1.0];
        for (got, want) in wider.data.iter().zip(want) {
            assert!((got - want).abs() < 1e-15, "{got} is not {want}");
        }
        let taller = reference.resize(&Map::new([1, 2, 1], vec![0.0, 1.0]), &Map::zeros([1, 4, 1]));
        assert_eq!(taller.data, [0.0, 0.25, 0.75, 1.0]);
        let same = squares(3, 4);
        assert_eq!(reference.resize(&same, &same), same);
    }
}
