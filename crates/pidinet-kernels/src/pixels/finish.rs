//! Elementwise operations of binary networks on a row of pixels, `[pixel][channels padded to GROUP]`.
//!
//! Every operation is rounded to f32 by itself and none is fused, because the next sign must be the same on
//! every CPU.

use crate::lanes::floats::{Kernel, Lanes};
use crate::pixels::pack::GROUP;

/// Numbers of each channel, padded with zeros: the padding of a map becomes 0.
pub type Channels<'a> = &'a [f32];

/// `dst = dst * scale + offset`: batch norm.
#[derive(Debug)]
pub struct Affine<'a> {
    /// Factors.
    pub scale: Channels<'a>,
    /// Terms.
    pub offset: Channels<'a>,
    /// The row.
    pub dst: &'a mut [f32],
}

/// `dst = src + bias`: RSign's shift, before differences are taken.
#[derive(Debug)]
pub struct Shift<'a> {
    /// The row to read.
    pub src: &'a [f32],
    /// Terms.
    pub bias: Channels<'a>,
    /// The row to write.
    pub dst: &'a mut [f32],
}

/// RPReLU: `t = x + shift`, then `t` or, if that is negative, `slope * t`; then `bias` is added.
#[derive(Clone, Copy, Debug)]
pub struct Rprelu<'a> {
    /// Added before.
    pub shift: Channels<'a>,
    /// Factors of negative numbers.
    pub slope: Channels<'a>,
    /// Added after.
    pub bias: Channels<'a>,
}

/// `dst = rprelu(dst)`.
#[derive(Debug)]
pub struct Activate<'a> {
    /// The activation.
    pub rprelu: Rprelu<'a>,
    /// The row.
    pub dst: &'a mut [f32],
}

/// Sums of a binary convolution, and their factors.
#[derive(Clone, Copy, Debug)]
pub struct Term<'a> {
    /// A row.
    pub sums: &'a [f32],
    /// Factors.
    pub scale: Channels<'a>,
}

/// The end of a block, where `dst` holds its shortcut: `dst = rprelu(first + second + offset + dst)`, where
/// the first two are scaled sums.
#[derive(Debug)]
pub struct Finish<'a> {
    /// One branch.
    pub first: Term<'a>,
    /// The other, if there are two.
    pub second: Option<Term<'a>>,
    /// Added to their sum.
    pub offset: Channels<'a>,
    /// The activation.
    pub rprelu: Rprelu<'a>,
    /// The row.
    pub dst: &'a mut [f32],
}

/// Checks that a row is whole pixels of padded channels.
#[inline(always)]
fn check(channels: usize, len: usize) {
    assert!(channels > 0 && channels.is_multiple_of(GROUP), "{channels} channels are not padded");
    assert!(len.is_multiple_of(channels), "{len} numbers are not pixels of {channels}");
}

// Every kernel here goes through a row once for each vector of channels, whose parameters then stay in
// registers.

impl Kernel for Affine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { scale, offset, dst } = self;
        let channels = scale.len();
        check(channels, dst.len());
        for c in (0..channels).step_by(L::WIDTH) {
            let (scale, offset) = (lanes.load(&scale[c..]), lanes.load(&offset[c..]));
            for pixel in dst.chunks_exact_mut(channels) {
                let dst = &mut pixel[c..];
                lanes.store(dst, lanes.add(lanes.mul(lanes.load(dst), scale), offset));
            }
        }
    }
}

impl Kernel for Shift<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { src, bias, dst } = self;
        let channels = bias.len();
        check(channels, dst.len());
        for c in (0..channels).step_by(L::WIDTH) {
            let bias = lanes.load(&bias[c..]);
            for (dst, src) in dst.chunks_exact_mut(channels).zip(src.chunks_exact(channels)) {
                lanes.store(&mut dst[c..], lanes.add(lanes.load(&src[c..]), bias));
            }
        }
    }
}

/// The numbers of an RPReLU for a vector of channels.
#[derive(Clone, Copy)]
struct Loaded<L: Lanes> {
    shift: L::F32,
    slope: L::F32,
    bias: L::F32,
}

impl Rprelu<'_> {
    #[inline(always)]
    fn load<L: Lanes>(&self, lanes: L, c: usize) -> Loaded<L> {
        let [shift, slope, bias] =
            [self.shift, self.slope, self.bias].map(|numbers| lanes.load(&numbers[c..]));
        Loaded { shift, slope, bias }
    }
}

impl<L: Lanes> Loaded<L> {
    #[inline(always)]
    fn of(self, lanes: L, x: L::F32) -> L::F32 {
        let t = lanes.add(x, self.shift);
        let t = lanes.select_less(t, lanes.splat(0.0), lanes.mul(self.slope, t), t);
        lanes.add(t, self.bias)
    }
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { rprelu, dst } = self;
        let channels = rprelu.slope.len();
        check(channels, dst.len());
        for c in (0..channels).step_by(L::WIDTH) {
            let rprelu = rprelu.load(lanes, c);
            for pixel in dst.chunks_exact_mut(channels) {
                let dst = &mut pixel[c..];
                lanes.store(dst, rprelu.of(lanes, lanes.load(dst)));
            }
        }
    }
}

impl Kernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { first, second, offset, rprelu, dst } = self;
        let channels = offset.len();
        check(channels, dst.len());
        for c in (0..channels).step_by(L::WIDTH) {
            let (scale, offset) = (lanes.load(&first.scale[c..]), lanes.load(&offset[c..]));
            let rprelu = rprelu.load(lanes, c);
            let pixels = dst.chunks_exact_mut(channels).zip(first.sums.chunks_exact(channels));
            match second {
                None => {
                    for (dst, sums) in pixels {
                        let (dst, sums) = (&mut dst[c..], &sums[c..]);
                        let t = lanes.add(lanes.mul(scale, lanes.load(sums)), offset);
                        lanes.store(dst, rprelu.of(lanes, lanes.add(t, lanes.load(dst))));
                    }
                }
                Some(second) => {
                    let scale2 = lanes.load(&second.scale[c..]);
                    for ((dst, sums), sums2) in pixels.zip(second.sums.chunks_exact(channels)) {
                        let (dst, sums, sums2) = (&mut dst[c..], &sums[c..], &sums2[c..]);
                        let t = lanes.mul(scale, lanes.load(sums));
                        let t = lanes.add(lanes.add(t, lanes.mul(scale2, lanes.load(sums2))), offset);
                        lanes.store(dst, rprelu.of(lanes, lanes.add(t, lanes.load(dst))));
                    }
                }
            }
        }
    }
}
