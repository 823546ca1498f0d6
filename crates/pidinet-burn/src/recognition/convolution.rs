//! Convolutions of signs, and real ones whose sums are exact.

use burn_tensor::module::conv2d;
use burn_tensor::ops::{ConvOptions, PadMode};
use burn_tensor::{FloatDType, Tensor};
use pidinet::arch::Kind;
use pidinet::arch::recognition::{BinaryConv, Offset, RealConv};
use pidinet_train::recognition::signs::{CLAMP, Straight};

/// The signs of numbers. When they are differentiated, another function's gradient replaces that of the sign.
pub(super) fn signs<const D: usize>(x: Tensor<D>, straight: Straight) -> Tensor<D> {
    let is_negative = x.clone().detach().lower_elem(0.0);
    let signs = x.clone().detach().ones_like().mask_fill(is_negative, -1.0);
    if !x.device().is_autodiff() {
        return signs;
    }
    let smooth = match straight {
        Straight::Clamp => {
            let is_far = x.clone().detach().abs().greater_elem(CLAMP);
            x.mask_fill(is_far, 0.0)
        }
        Straight::Polynomial => {
            let x = x.clamp(-1.0, 1.0);
            x.clone() * (-x.abs() + 2.0)
        }
    };
    // This adds nothing except the gradient.
    signs + (smooth.clone() - smooth.detach())
}

/// What a binary convolution takes signs of, and the sums of their products with its weights.
pub(super) fn binary(
    conv: &BinaryConv,
    x: Tensor<4>,
    weight: Tensor<1>,
    signs: impl Fn(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let BinaryConv { kind, inputs, outputs, stride } = *conv;
    if kind == Kind::Vanilla {
        return plain(signs(x), weight.reshape([outputs, inputs, 3, 3]), stride);
    }
    let pairs = conv.pairs();
    let far = |(y, x): Offset| y.unsigned_abs().max(x.unsigned_abs());
    let reach = pairs.iter().map(|&(first, second)| far(first).max(far(second))).max().unwrap_or_default();
    let windows = Windows::new(x, reach, stride);
    let differences = pairs.map(|(first, second)| windows.at(first) - windows.at(second));
    let weight = weight.reshape([outputs, inputs, 8]).swap_dims(1, 2).reshape([outputs, 8 * inputs, 1, 1]);
    plain(signs(Tensor::cat(differences.to_vec(), 1)), weight, 1)
}

/// A convolution that adds in whatever order the device chooses.
pub(super) fn plain(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let reach = weight.dims()[3] / 2;
    conv2d(x, weight, None, ConvOptions::new([stride; 2], [reach; 2], [1; 2], 1))
}

/// A real convolution that adds tap by tap, and within each tap input by input; the result stays in `wide`.
pub(super) fn ordered(conv: &RealConv, x: Tensor<4>, weight: Tensor<1>, wide: FloatDType) -> Tensor<4> {
    let RealConv { inputs, outputs, size, stride } = *conv;
    let weight = weight.cast(wide).reshape([outputs, inputs, size * size]);
    let windows = Windows::new(x.cast(wide), size / 2, stride);
    let reach = (size / 2) as isize;
    let mut sum: Option<Tensor<4>> = None;
    for tap in 0..size * size {
        let window = windows.at(((tap / size) as isize - reach, (tap % size) as isize - reach));
        for input in 0..inputs {
            let weight = weight.clone().slice([0..outputs, input..input + 1, tap..tap + 1]);
            let product = window.clone().slice_dim(1, input..input + 1) * weight.reshape([1, outputs, 1, 1]);
            sum = Some(match sum {
                Some(sum) => sum + product,
                None => product,
            });
        }
    }
    sum.expect("a convolution has inputs")
}

/// A map in a frame of zeros, whose windows are `stride` rows and columns apart.
struct Windows {
    framed: Tensor<4>,
    reach: usize,
    stride: usize,
    /// Images, channels, and rows and columns of windows.
    shape: [usize; 4],
}

impl Windows {
    fn new(x: Tensor<4>, reach: usize, stride: usize) -> Self {
        let [images, channels, height, width] = x.dims();
        let shape = [images, channels, height.div_ceil(stride), width.div_ceil(stride)];
        // The rows and columns skipped after the last ones are there too.
        let sides = [(reach, reach + stride); 2];
        Self { framed: x.pad(sides, PadMode::Constant(0.0)), reach, stride, shape }
    }

    /// For the centre of each window, the pixel at this offset.
    fn at(&self, (y, x): Offset) -> Tensor<4> {
        let [images, channels, height, width] = self.shape;
        let stride = self.stride;
        let from = |offset: isize| (self.reach as isize + offset) as usize;
        let (y, x) = (from(y), from(x));
        let part = [0..images, 0..channels, y..y + height * stride, x..x + width * stride];
        let part = self.framed.clone().slice(part);
        if stride == 1 {
            return part;
        }
        let part = part.reshape([images, channels, height, stride, width, stride]);
        part.slice_dim(3, 0..1).slice_dim(5, 0..1).reshape(self.shape)
    }
}
