//! The reference for recognition: a Bi-PiDiNet computed as plainly as possible, against which the engine is
//! tested.
//!
//! Sums of real convolutions are f64, in the order and rounded to f32 where `docs/numerics.md` says. Pixel
//! differences are taken literally, signs are multiplied as numbers, and borders are checked pixel by pixel.
//! Batch norms are not applied in place but carried along as a factor and a term for each channel until a map
//! is needed, since two in a row are merged before rounding.

use std::ops::Range;

use crate::arch::Kind;
use crate::arch::recognition::sum::{Norm, Sum};
use crate::arch::recognition::{BinaryConv, BuildRecognition, RealConv, RecognitionOutputs, bi_pidinet};
use crate::reference::edges::Map;
use crate::weights::RecognitionModel;

/// A map whose batch norms are still to be applied.
pub type Value = Sum<Map>;

impl Value {
    /// The map itself, rounded to f32 after each operation: scaled terms first, in their order, then
    /// the offset, then terms that are not scaled.
    pub fn map(&self) -> Map {
        let [channels, height, width] = self.terms[0].0.shape();
        let plane = height * width;
        let mut sum: Option<Vec<f32>> = None;
        let mut add = |values: &mut dyn Iterator<Item = f32>| match &mut sum {
            Some(sum) => sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
            None => sum = Some(values.collect()),
        };
        let scaled = self.terms.iter().filter_map(|(map, scale)| Some((map, scale.as_ref()?)));
        for (map, scale) in scaled {
            let values = map.data.iter().enumerate();
            add(&mut values.map(|(at, &x)| scale[at / plane] as f32 * x as f32));
        }
        if let Some(offset) = &self.offset {
            add(&mut (0..channels * plane).map(|at| offset[at / plane] as f32));
        }
        for (map, _) in self.terms.iter().filter(|(_, scale)| scale.is_none()) {
            add(&mut map.data.iter().map(|&x| x as f32));
        }
        let sum = sum.expect("a value has a term");
        Map::new([channels, height, width], sum.into_iter().map(f64::from).collect())
    }
}

/// Computes a network.
///
/// ```
/// use pidinet::arch::recognition::RecognitionArch;
/// use pidinet::reference::edges::Map;
/// use pidinet::reference::recognition::RecognitionReference;
/// use pidinet::weights::RecognitionModel;
///
/// let model = RecognitionModel::random(RecognitionArch::small(10), 1);
/// let outputs = RecognitionReference::run(&model, &Map::zeros([3, 32, 32]));
/// assert_eq!(outputs.logits.shape(), [10, 1, 1]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RecognitionReference<'a> {
    model: &'a RecognitionModel,
}

impl<'a> RecognitionReference<'a> {
    /// Bi-PiDiNet on an image `[3, h, w]` of f32 numbers that is ready for the network.
    ///
    /// # Panics
    ///
    /// If the image has no pixel, or the weights are not those of the architecture, which
    /// [`RecognitionModel::new`] rules out.
    pub fn run(model: &'a RecognitionModel, image: &Map) -> RecognitionOutputs<Map> {
        let outputs = bi_pidinet(&model.arch, &mut Self { model }, &Value::from(image.clone()));
        RecognitionOutputs {
            stem: outputs.stem.map(),
            stages: outputs.stages.iter().map(Value::map).collect(),
            features: outputs.features.map(),
            logits: outputs.logits.map(),
        }
    }

    fn parameter(&self, name: &str, suffix: &str) -> &[f32] {
        &self.model.weights[&format!("{name}.{suffix}")].data
    }
}

/// The value of a pixel, if the map has it.
fn pixel(map: &Map, c: usize, y: usize, x: usize, (dy, dx): (isize, isize)) -> Option<f64> {
    let (y, x) = (y.checked_add_signed(dy)?, x.checked_add_signed(dx)?);
    (y < map.height && x < map.width).then(|| map.row(c, y)[x])
}

/// A map whose values are `value(c, y, x)`.
fn map_of(shape: [usize; 3], mut value: impl FnMut(usize, usize, usize) -> f64) -> Map {
    let mut map = Map::zeros(shape);
    for c in 0..shape[0] {
        for y in 0..shape[1] {
            for x in 0..shape[2] {
                map.row_mut(c, y)[x] = value(c, y, x);
            }
        }
    }
    map
}

fn sign(x: f64) -> f64 {
    if x < 0.0 { -1.0 } else { 1.0 }
}

/// Rounded to f32.
fn rounded(x: f64) -> f64 {
    f64::from(x as f32)
}

/// `[c, ⌈h / stride⌉, ⌈w / stride⌉]`.
fn strided(channels: usize, map: &Map, stride: usize) -> [usize; 3] {
    [channels, map.height.div_ceil(stride), map.width.div_ceil(stride)]
}

/// The sums of a convolution of signs, `[outputs, ⌈h / stride⌉, ⌈w / stride⌉]`: whole numbers.
///
/// # Shapes
///
/// `weights`: [`BinaryConv::weight_shape`], `x`: `[inputs, h, w]`.
///
/// # Panics
///
/// If `weights` or `x` do not fit `conv`.
pub fn convolve_signs(conv: &BinaryConv, weights: &[f32], x: &Map) -> Map {
    assert_eq!(x.channels, conv.inputs, "channels of the map");
    assert_eq!(weights.len(), conv.outputs * conv.inputs * conv.taps(), "weights of {conv:?}");
    // What the sign is taken of, for each input, tap and output pixel; nothing outside the map.
    let value = |c: usize, tap: usize, y: usize, column: usize| match conv.kind {
        Kind::Vanilla => pixel(x, c, y, column, (tap as isize / 3 - 1, tap as isize % 3 - 1)),
        _ => {
            let (first, second) = conv.pairs()[tap];
            let at = |offset| pixel(x, c, y, column, offset).unwrap_or(0.0);
            Some(at(first) - at(second))
        }
    };
    let [_, height, width] = strided(conv.outputs, x, conv.stride);
    let mut signs = Vec::with_capacity(conv.inputs * conv.taps() * height * width);
    for c in 0..conv.inputs {
        for tap in 0..conv.taps() {
            for (y, column) in (0..height * width).map(|at| (at / width, at % width)) {
                signs.push(value(c, tap, y * conv.stride, column * conv.stride).map_or(0.0, sign));
            }
        }
    }
    let plane = height * width;
    let mut result = Map::zeros([conv.outputs, height, width]);
    for (sums, weights) in
        result.data.chunks_exact_mut(plane).zip(weights.chunks_exact(conv.inputs * conv.taps()))
    {
        for (signs, &weight) in signs.chunks_exact(plane).zip(weights) {
            let weight = sign(f64::from(weight));
            sums.iter_mut().zip(signs).for_each(|(sum, sign)| *sum += weight * sign);
        }
    }
    result
}

impl BuildRecognition for RecognitionReference<'_> {
    type Value = Value;

    fn conv(&mut self, name: &str, conv: &RealConv, x: &Value) -> Value {
        let (x, weights) = (x.map(), self.parameter(name, "weight"));
        let (reach, area) = ((conv.size / 2) as isize, conv.size * conv.size);
        let sum = |o: usize, y: usize, column: usize| {
            let mut sum = 0.0;
            for tap in 0..area {
                let offset = ((tap / conv.size) as isize - reach, (tap % conv.size) as isize - reach);
                for c in 0..conv.inputs {
                    let weight = weights[(o * conv.inputs + c) * area + tap];
                    let value = pixel(&x, c, y * conv.stride, column * conv.stride, offset);
                    sum += f64::from(weight) * value.unwrap_or(0.0);
                }
            }
            rounded(sum)
        };
        map_of(strided(conv.outputs, &x, conv.stride), sum).into()
    }

    fn binary_conv(&mut self, name: &str, conv: &BinaryConv, x: &Value) -> Value {
        let sums = convolve_signs(conv, self.parameter(name, "weight"), &x.map());
        Value::branch(sums)
    }

    fn batch_norm(&mut self, name: &str, _: usize, x: &Value) -> Value {
        let values = ["weight", "bias", "running_mean", "running_var"];
        x.normalised(&Norm::new(values.map(|suffix| self.parameter(name, suffix))))
    }

    fn shift(&mut self, name: &str, _: usize, x: &Value) -> Value {
        let bias = self.parameter(name, "bias");
        let mut y = x.map();
        let plane = y.height * y.width;
        let values = y.data.iter_mut().enumerate();
        values.for_each(|(at, x)| *x = f64::from(*x as f32 + bias[at / plane]));
        y.into()
    }

    fn rprelu(&mut self, name: &str, _: usize, x: &Value) -> Value {
        let [shift, slope, bias] = ["shift", "slope", "bias"].map(|suffix| self.parameter(name, suffix));
        let mut y = x.map();
        let plane = y.height * y.width;
        for (at, x) in y.data.iter_mut().enumerate() {
            let c = at / plane;
            let t = *x as f32 + shift[c];
            let t = if t < 0.0 { slope[c] * t } else { t };
            *x = f64::from(t + bias[c]);
        }
        y.into()
    }

    fn channels(&mut self, x: &Value, channels: Range<usize>) -> Value {
        let x = x.map();
        let plane = x.height * x.width;
        let data = x.data[channels.start * plane..channels.end * plane].to_vec();
        Map::new([channels.len(), x.height, x.width], data).into()
    }

    fn twice(&mut self, x: &Value) -> Value {
        let x = x.map();
        Map::new([2 * x.channels, x.height, x.width], x.data.repeat(2)).into()
    }

    fn add(&mut self, a: &Value, b: &Value) -> Value {
        a.plus(b, Value::map)
    }

    fn max_pool(&mut self, x: &Value) -> Value {
        let x = x.map();
        let greatest = |c: usize, y: usize, column: usize| {
            let window = (0..9).map(|tap| (tap / 3 - 1, tap % 3 - 1));
            window.filter_map(|offset| pixel(&x, c, 2 * y, 2 * column, offset)).fold(f64::MIN, f64::max)
        };
        map_of(strided(x.channels, &x, 2), greatest).into()
    }

    fn average_pool(&mut self, x: &Value) -> Value {
        let x = x.map();
        let mean = |c: usize, y: usize, column: usize| {
            let at = |dy, dx| pixel(&x, c, 2 * y, 2 * column, (dy, dx)).map(|x| x as f32);
            let pair = |a: Option<f32>, b: Option<f32>| a.map(|a| b.map_or(a, |b| a + b));
            let sum = pair(pair(at(0, 0), at(0, 1)), pair(at(1, 0), at(1, 1)));
            let count = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)].iter().flatten().count();
            f64::from(sum.unwrap_or_default() * (1.0 / count as f32))
        };
        map_of(strided(x.channels, &x, 2), mean).into()
    }

    fn global_pool(&mut self, x: &Value) -> Value {
        let x = x.map();
        let plane = x.height * x.width;
        let means = x.data.chunks_exact(plane).map(|plane| plane.iter().sum::<f64>() / plane.len() as f64);
        Map::new([x.channels, 1, 1], means.map(rounded).collect()).into()
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize, x: &Value) -> Value {
        let x = x.map();
        let (weights, bias) = (self.parameter(name, "weight"), self.parameter(name, "bias"));
        let rows = weights.chunks_exact(inputs).zip(bias);
        let sums = rows.map(|(row, &bias)| {
            row.iter().zip(&x.data).fold(0.0, |sum, (&w, x)| sum + f64::from(w) * x) + f64::from(bias)
        });
        Map::new([outputs, 1, 1], sums.map(rounded).collect()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(kind: Kind, inputs: usize, stride: usize) -> BinaryConv {
        BinaryConv { kind, inputs, outputs: 1, stride }
    }

    #[test]
    fn signs_outside_of_the_map_are_zero() {
        let x = Map::new([1, 1, 2], vec![-3.0, 0.0]);
        // Only the middle row of each window has pixels: the centre and one neighbour.
        let sums = convolve_signs(&conv(Kind::Vanilla, 1, 1), &[1.0; 9], &x);
        assert_eq!(sums.data, [0.0, 0.0], "−1 and +1, as the sign of 0 is +1");
        let weights = [1.0, 1.0, 1.0, 1.0, -0.5, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(convolve_signs(&conv(Kind::Vanilla, 1, 1), &weights, &x).data, [2.0, -2.0]);
    }

    #[test]
    fn differences_see_zeros_around_the_map() {
        let x = Map::new([1, 1, 2], vec![-3.0, 5.0]);
        // Around −3: seven zeros and 5 are greater. Around 5: seven zeros and −3 are less.
        let sums = convolve_signs(&conv(Kind::Central, 1, 1), &[1.0; 8], &x);
        assert_eq!(sums.data, [8.0, -8.0]);
        let sums = convolve_signs(&conv(Kind::Central, 1, 2), &[1.0; 8], &x);
        assert_eq!(sums.data, [8.0]);
    }
}
