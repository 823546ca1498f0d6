//! The cross-entropy of many pixels and its gradient.

use crate::lanes::floats::{Kernel, Lanes, WIDEST};
use crate::rows::elementwise::exp_of_magnitude;

/// `Σ weights · H(targets, p)` with `p = 1 / (1 + exp(−logits))` and the cross-entropy
/// `H(t, p) = −t ln p − (1 − t) ln(1 − p)`; its gradient with respect to each logit times `scale`,
/// `scale · weights · (p − targets)`, replaces the logit.
///
/// All have the same length. Errors are a few units in the last place of each term.
///
/// # Panics
///
/// If `targets` or `weights` are shorter than `logits`.
#[derive(Debug)]
pub struct CrossEntropy<'a> {
    /// What is before the sigmoid.
    pub logits: &'a mut [f32],
    /// From 0 to 1.
    pub targets: &'a [f32],
    /// How much each counts.
    pub weights: &'a [f32],
    /// A factor to all gradients.
    pub scale: f32,
}

/// Terms that are added in single precision.
const CHUNK: usize = 1024;

impl Kernel for CrossEntropy<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self, v: L) -> f64 {
        let Self { logits, targets, weights, scale } = self;
        let mut total = 0.0;
        let chunks = targets[..logits.len()].chunks(CHUNK).zip(weights[..logits.len()].chunks(CHUNK));
        for (logits, (targets, weights)) in logits.chunks_mut(CHUNK).zip(chunks) {
            let mut sum = v.splat(0.0);
            for from in (0..logits.len()).step_by(L::WIDTH) {
                let here = from..(from + L::WIDTH).min(logits.len());
                let x = v.load_first(&logits[here.clone()]);
                let target = v.load_first(&targets[here.clone()]);
                let weight = v.load_first(&weights[here.clone()]);
                let (loss, slope) = term(v, x, target);
                sum = v.mul_add(weight, loss, sum);
                v.store_first(&mut logits[here], v.mul(v.splat(scale), v.mul(weight, slope)));
            }
            let mut lanes = [0.0; WIDEST];
            v.store(&mut lanes, sum);
            total += f64::from(lanes.iter().sum::<f32>());
        }
        total
    }
}

/// `H(target, p)` and `p − target`, without large numbers in an exponential: with `t = exp(−|x|)`,
/// `H = max(x, 0) − x · target + ln(1 + t)`.
#[inline(always)]
fn term<L: Lanes>(v: L, x: L::F32, target: L::F32) -> (L::F32, L::F32) {
    let (zero, one) = (v.splat(0.0), v.splat(1.0));
    let t = exp_of_magnitude(v, x);
    let p = v.div(v.select_less(x, zero, t, one), v.add(one, t));
    let loss = v.sub(v.add(v.max(x, zero), ln_1p(v, t)), v.mul(x, target));
    (loss, v.sub(p, target))
}

/// `ln(1 + t)` for `t` in `[0, 1]`: with `u = t / (2 + t)`, at most 1/3, it is `2 artanh u`, here by its series up to
/// `u^15`, whose next term is below `2 u · 3^-16 / 17`.
#[inline(always)]
fn ln_1p<L: Lanes>(v: L, t: L::F32) -> L::F32 {
    const SERIES: [f32; 8] =
        [2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0];
    let u = v.div(t, v.add(v.splat(2.0), t));
    let square = v.mul(u, u);
    let mut sum = v.splat(SERIES[0]);
    for coefficient in &SERIES[1..] {
        sum = v.mul_add(sum, square, v.splat(*coefficient));
    }
    v.mul(u, sum)
}
