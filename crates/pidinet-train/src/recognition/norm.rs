//! Batch norm.

use pidinet::arch::binary::NORM_EPSILON;

use super::stack::Stack;

/// Mean and variance of a channel over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moments {
    /// The mean.
    pub(super) mean: f32,
    /// The mean square distance from it.
    pub(super) variance: f32,
}

impl Moments {
    /// Of the pixels of a plane.
    pub(super) fn of(plane: &[f32], stack: &Stack) -> Self {
        let count = stack.count() as f64;
        let span = &plane[stack.span()];
        let mean = sum(span, |x| x) / count;
        // What lies between pixels is zero, and each of it adds the square of the mean.
        let centre = mean as f32;
        let between = (span.len() as f64 - count) * f64::from(centre * centre);
        let squares = sum(span, |x| (x - centre) * (x - centre)) - between;
        Self { mean: mean as f32, variance: (squares / count).max(0.0) as f32 }
    }

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

    /// From the gradient of the result, `gradient`: adds that of `x` to `dst`, and returns those of weight and
    /// bias.
    pub(super) fn differentiate(
        &self,
        weight: f32,
        x: &[f32],
        gradient: &[f32],
        dst: &mut [f32],
        stack: &Stack,
    ) -> (f32, f32) {
        let (scale, count) = (self.scale(), stack.count() as f64);
        let (x, gradient) = (&x[stack.span()], &gradient[stack.span()]);
        let bias = sum(gradient, |g| g);
        let product = sum_of_products(x, gradient, self.mean) * f64::from(scale);
        let (mean, slope) = ((bias / count) as f32, (product / count) as f32 * scale);
        let factor = weight * scale;
        for ((dst, x), g) in dst[stack.span()].iter_mut().zip(x).zip(gradient) {
            *dst += factor * (g - mean - (x - self.mean) * slope);
        }
        stack.clear(dst);
        (product as f32, bias as f32)
    }
}

/// Sums in a fixed order: sixteen at a time in f32, blocks of them in f64.
pub(super) fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let block = |block: &[f32]| {
        let (vectors, rest) = block.as_chunks::<16>();
        let mut sums = [0.0f32; 16];
        for vector in vectors {
            for (sum, &x) in sums.iter_mut().zip(vector) {
                *sum += f(x);
            }
        }
        let rest: f32 = rest.iter().map(|&x| f(x)).sum();
        f64::from(sums.iter().sum::<f32>() + rest)
    };
    values.chunks(1024).map(block).sum()
}

/// `Σ (x − centre) · y`, summed as by [`sum`].
pub(super) fn sum_of_products(x: &[f32], y: &[f32], centre: f32) -> f64 {
    let block = |(x, y): (&[f32], &[f32])| {
        let ((xs, x), (ys, y)) = (x.as_chunks::<16>(), y.as_chunks::<16>());
        let mut sums = [0.0f32; 16];
        for (x, y) in xs.iter().zip(ys) {
            for i in 0..16 {
                sums[i] += (x[i] - centre) * y[i];
            }
        }
        let rest: f32 = x.iter().zip(y).map(|(x, y)| (x - centre) * y).sum();
        f64::from(sums.iter().sum::<f32>() + rest)
    };
    x.chunks(1024).zip(y.chunks(1024)).map(block).sum()
}
