//! From pixel differences to ordinary weights.
//!
//! A pixel difference convolution multiplies its weights with differences of pixel pairs,
//! `y = Σ w_i (x_i − x_i')`. Sorted by pixel instead of by pair, the same sum is an ordinary convolution
//! with other weights, so inference never takes a difference. Nothing is lost at borders: a pixel of the
//! zero padding counts as 0 in both.
//!
//! With θ below 1 only that share of each `x_i'` is subtracted, which mixes in an ordinary convolution.

use crate::arch::{Conv, Kind};

/// The tap before each tap of a 3×3 window, clockwise; an angular difference subtracts each pixel from the
/// one before. The centre is before itself.
pub const ANGULAR_BEFORE: [usize; 9] = [3, 0, 1, 6, 4, 2, 7, 8, 5];

/// Where the 3×3 weights 1 to 8 of a radial difference go in its 5×5 window: the outer ring, added.
pub const RADIAL_OUTER: [usize; 8] = [0, 2, 4, 10, 14, 20, 22, 24];

/// Where they are subtracted: the inner ring, in the same directions.
pub const RADIAL_INNER: [usize; 8] = [6, 7, 8, 11, 13, 16, 17, 18];

/// Centre of a 3×3 window.
const CENTRE: usize = 4;

/// Centre of a 5×5 window.
const RADIAL_CENTRE: usize = 12;

/// The ordinary weights whose convolution equals the pixel difference convolution `conv` with `weights`.
///
/// Computed in f64 and rounded once, so each folded weight is exact to within the rounding of an f32.
///
/// # Shapes
///
/// `weights`: [`Conv::weight_shape`]; the result: [`Conv::folded_shape`]. Vanilla weights are unchanged.
///
/// # Panics
///
/// If the number of weights does not fit the shape, or a difference is taken over a window other than 3×3.
///
/// # Examples
///
/// ```
/// use pidinet::arch::{Conv, Kind};
/// use pidinet::reparam::fold;
/// let conv = Conv { kind: Kind::Central, ..Conv::dense(1, 1) };
/// let blur = [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0];
/// assert_eq!(fold(&conv, &blur)[4], 4.0 - 16.0); // the centre weight minus the sum of all
/// ```
pub fn fold(conv: &Conv, weights: &[f32]) -> Vec<f32> {
    if conv.kind == Kind::Vanilla {
        return weights.to_vec();
    }
    let wide: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
    fold_f64(conv, &wide).into_iter().map(|weight| weight as f32).collect()
}

/// [`fold`] without the rounding to f32, for references.
///
/// # Panics
///
/// As [`fold`].
pub fn fold_f64(conv: &Conv, weights: &[f64]) -> Vec<f64> {
    let expected: usize = conv.weight_shape().iter().product();
    assert_eq!(weights.len(), expected, "{conv:?} has a different number of weights");
    if conv.kind == Kind::Vanilla {
        return weights.to_vec();
    }
    let (kernels, []) = weights.as_chunks::<9>() else {
        panic!("pixel differences are taken over 3x3 windows, not {0}x{0}", conv.size);
    };
    assert_eq!(conv.size, 3, "pixel differences are taken over 3x3 windows");
    let theta = f64::from(conv.theta);
    match conv.kind {
        Kind::Vanilla => weights.to_vec(),
        Kind::Central => kernels.iter().flat_map(|kernel| central(kernel, theta)).collect(),
        Kind::Angular => kernels.iter().flat_map(|kernel| angular(kernel, theta)).collect(),
        Kind::Radial => kernels.iter().flat_map(|kernel| radial(kernel, theta)).collect(),
    }
}

/// CPDC: everything that was subtracted was the centre.
fn central(kernel: &[f64; 9], theta: f64) -> [f64; 9] {
    let mut folded = *kernel;
    folded[CENTRE] -= theta * kernel.iter().sum::<f64>();
    folded
}

/// APDC: each pixel is added with its own weight and subtracted with that of the pair in which it is second.
fn angular(kernel: &[f64; 9], theta: f64) -> [f64; 9] {
    std::array::from_fn(|tap| kernel[tap] - theta * kernel[ANGULAR_BEFORE[tap]])
}

/// RPDC: the outer ring minus the inner one. The first weight counts only as the centre of the ordinary
/// convolution that θ leaves.
fn radial(kernel: &[f64; 9], theta: f64) -> [f64; 25] {
    let mut folded = [0.0; 25];
    for (&weight, (&outer, &inner)) in kernel[1..].iter().zip(RADIAL_OUTER.iter().zip(&RADIAL_INNER)) {
        folded[outer] = weight;
        folded[inner] = -theta * weight;
    }
    folded[RADIAL_CENTRE] = (1.0 - theta) * kernel[0];
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A pair of pixels, as (row, column) from the centre in steps of the dilation.
    type Pair = [(isize, isize); 2];

    /// The pairs of a kind in the order of its nine weights, as the papers draw them: written out, not
    /// computed from the tables above. The first weight of a radial difference has no pair.
    fn pairs(kind: Kind) -> [Option<Pair>; 9] {
        const WINDOW: [(isize, isize); 9] =
            [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1), (1, -1), (1, 0), (1, 1)];
        // Clockwise around the centre, as numbers of the window.
        const AROUND: [usize; 8] = [0, 1, 2, 5, 8, 7, 6, 3];
        std::array::from_fn(|tap| match kind {
            Kind::Vanilla => unreachable!("no pairs"),
            Kind::Central => Some([WINDOW[tap], (0, 0)]),
            Kind::Angular => {
                let next = match AROUND.iter().position(|&other| other == tap) {
                    Some(place) => AROUND[(place + 1) % 8],
                    None => tap, // the centre minus itself
                };
                Some([WINDOW[tap], WINDOW[next]])
            }
            Kind::Radial => {
                // Eight directions, row by row; the outer pixel is twice as far as the inner one.
                let direction = *WINDOW.iter().filter(|&&place| place != (0, 0)).nth(tap.checked_sub(1)?)?;
                Some([(2 * direction.0, 2 * direction.1), direction])
            }
        })
    }

    /// A plane with zeros around it.
    #[derive(Clone, Debug)]
    struct Plane {
        height: usize,
        width: usize,
        data: Vec<f64>,
    }

    impl Plane {
        fn at(&self, y: isize, x: isize) -> f64 {
            let inside = |at: isize, size: usize| usize::try_from(at).ok().filter(|&at| at < size);
            match (inside(y, self.height), inside(x, self.width)) {
                (Some(y), Some(x)) => self.data[y * self.width + x],
                _ => 0.0,
            }
        }

        /// All windows with the given stride: `sum` gets a function of (row, column) from the centre.
        fn windows(
            &self,
            stride: usize,
            dilation: isize,
            sum: impl Fn(&dyn Fn(isize, isize) -> f64) -> f64,
        ) -> Vec<f64> {
            let mut out = Vec::new();
            for y in (0..self.height).step_by(stride) {
                for x in (0..self.width).step_by(stride) {
                    out.push(sum(&|dy, dx| self.at(y as isize + dy * dilation, x as isize + dx * dilation)));
                }
            }
            out
        }
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        prop::sample::select(vec![Kind::Vanilla, Kind::Central, Kind::Angular, Kind::Radial])
    }

    fn planes() -> impl Strategy<Value = Plane> {
        (1usize..9, 1usize..9).prop_flat_map(|(height, width)| {
            prop::collection::vec(-1f64..1.0, height * width).prop_map(move |data| Plane {
                height,
                width,
                data,
            })
        })
    }

    proptest! {
        /// Differences taken literally, pair by pair, equal the folded convolution, at borders too.
        #[test]
        fn folding_keeps_the_output(
            kind in kinds(),
            plane in planes(),
            weights in prop::array::uniform9(-1f64..1.0),
            theta in prop_oneof![Just(1.0f32), 0.01f32..1.0],
            stride in 1usize..3,
            dilation in 1isize..3,
        ) {
            let shares = f64::from(theta);
            let literal = plane.windows(stride, dilation, |pixel| {
                if kind == Kind::Vanilla {
                    return (0..9).map(|tap| weights[tap] * pixel(tap as isize / 3 - 1, tap as isize % 3 - 1)).sum();
                }
                let terms = pairs(kind).into_iter().zip(weights).map(|(pair, weight)| match pair {
                    Some([(y, x), (from_y, from_x)]) => weight * (pixel(y, x) - shares * pixel(from_y, from_x)),
                    None => weight * (1.0 - shares) * pixel(0, 0),
                });
                terms.sum()
            });
            let conv = Conv { kind, theta, dilation: dilation as usize, ..Conv::dense(1, 1) };
            let folded = fold_f64(&conv, &weights);
            let size = kind.folded_size() as isize;
            prop_assert_eq!(folded.len() as isize, size * size);
            let ordinary = plane.windows(stride, dilation, |pixel| {
                let tap = |(tap, weight): (usize, &f64)| {
                    weight * pixel(tap as isize / size - size / 2, tap as isize % size - size / 2)
                };
                folded.iter().enumerate().map(tap).sum()
            });
            // Pixels and weights are at most 1. Nine pairs are at most 18 products, the folded centre of a
            // central difference a sum of ten: fewer than 64 roundings of numbers below 18.
            let bound = 64.0 * 18.0 * f64::EPSILON;
            for (literal, ordinary) in literal.iter().zip(&ordinary) {
                prop_assert!((literal - ordinary).abs() <= bound, "{} is not {}", ordinary, literal);
            }
        }

        /// The f32 result is the f64 one, rounded once.
        #[test]
        fn folding_rounds_once(kind in kinds(), weights in prop::array::uniform9(-1f32..1.0), theta in 0.01f32..=1.0) {
            let conv = Conv { kind, theta, ..Conv::dense(1, 1) };
            let exact = fold_f64(&conv, &weights.map(f64::from));
            let rounded: Vec<f32> = exact.into_iter().map(|weight| weight as f32).collect();
            prop_assert_eq!(fold(&conv, &weights), rounded);
        }
    }

    #[test]
    fn every_kernel_of_a_layer_is_folded_alone() {
        for kind in [Kind::Central, Kind::Angular, Kind::Radial] {
            let many = Conv { kind, ..Conv::dense(3, 5) };
            let one = Conv { kind, ..Conv::dense(1, 1) };
            let weights: Vec<f32> = (0..3 * 5 * 9).map(|n| (n as f32 * 0.7).sin()).collect();
            let together = fold(&many, &weights);
            let apart: Vec<f32> = weights.chunks(9).flat_map(|kernel| fold(&one, kernel)).collect();
            assert_eq!(together, apart);
            assert_eq!(together.len(), many.folded_shape().iter().product::<usize>());
        }
    }

    #[test]
    fn folding_keeps_vanilla_weights_of_every_size() {
        let pointwise = Conv::pointwise(2, 3);
        assert_eq!(fold(&pointwise, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }
}
