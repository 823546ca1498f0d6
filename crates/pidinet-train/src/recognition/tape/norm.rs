//! Batch norm.

use pidinet::arch::recognition::NORM_EPSILON;

use super::stack::Stack;
use super::sums::{sum, sum_of_products};

/// Count, mean, and sum of squared deviations of some pixels of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// The spread of the pixels of a plane.
    pub(super) fn of(plane: &[f32], stack: &Stack) -> Self {
        let count = stack.count() as f64;
        let span = &plane[stack.span()];
        let mean = sum(span, |x| x) / count;
        // Elements between pixels are zero, so each of them adds the square of the mean.
        let centre = mean as f32;
        let between = (span.len() as f64 - count) * f64::from(centre * centre);
        let squares = sum(span, |x| (x - centre) * (x - centre)) - between;
        Self { count, mean, squares: squares.max(0.0) }
    }

    /// The spread of these pixels together with others (Chan, Golub and LeVeque 1979).
    pub(super) fn merge(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let (distance, share) = (other.mean - self.mean, other.count / count);
        Self {
            count,
            mean: self.mean + distance * share,
            squares: self.squares + other.squares + distance * distance * self.count * share,
        }
    }
}

/// Mean and variance of a channel over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moments {
    /// The mean.
    pub(super) mean: f32,
    /// The mean squared deviation.
    pub(super) variance: f32,
}

impl From<Spread> for Moments {
    fn from(Spread { count, mean, squares }: Spread) -> Self {
        Self { mean: mean as f32, variance: (squares / count) as f32 }
    }
}

/// Sums over pixels of the gradient of a batch norm's result, and of its products with the normalised map.
///
/// They are the gradients of the norm's bias and weight.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slopes {
    pub(super) bias: f64,
    pub(super) weight: f64,
}

impl Slopes {
    pub(super) fn merge(self, other: Self) -> Self {
        Self { bias: self.bias + other.bias, weight: self.weight + other.weight }
    }
}

impl Moments {
    /// 1 / √(variance + ε).
    pub(super) fn scale(&self) -> f32 {
        (1.0 / (f64::from(self.variance) + NORM_EPSILON).sqrt()) as f32
    }

    /// `dst = (x − mean) · scale · weight + bias`.
    pub(super) fn normalise(&self, weight: f32, bias: f32, x: &[f32], dst: &mut [f32], stack: &Stack) {
        let factor = self.scale() * weight;
        let offset = bias - self.mean * factor;
        for (dst, x) in dst[stack.span()].iter_mut().zip(&x[stack.span()]) {
            *dst = x * factor + offset;
        }
        stack.clear(dst);
    }

    /// The sums over the pixels of a plane, from the gradient of the result.
    pub(super) fn slopes(&self, x: &[f32], gradient: &[f32], stack: &Stack) -> Slopes {
        let (x, gradient) = (&x[stack.span()], &gradient[stack.span()]);
        let weight = sum_of_products(x, gradient, self.mean) * f64::from(self.scale());
        Slopes { bias: sum(gradient, |g| g), weight }
    }

    /// Adds to `dst` the gradient of `x`, from that of the result and its sums over all `count` pixels of the
    /// batch.
    pub(super) fn differentiate(
        &self,
        weight: f32,
        (slopes, count): (Slopes, f64),
        x: &[f32],
        gradient: &[f32],
        dst: &mut [f32],
        stack: &Stack,
    ) {
        let scale = self.scale();
        let (mean, slope) = ((slopes.bias / count) as f32, (slopes.weight / count) as f32 * scale);
        let factor = weight * scale;
        let pixels = dst[stack.span()].iter_mut().zip(&x[stack.span()]).zip(&gradient[stack.span()]);
        for ((dst, x), g) in pixels {
            *dst += factor * (g - mean - (x - self.mean) * slope);
        }
        stack.clear(dst);
    }
}
