//! The network, for every interpreter.

use std::ops::Range;

use super::convs::{BinaryConv, RealConv};
use super::layout::{Block, RecognitionArch, Shortcut, Stem};

/// What a recognition network is built from: one method for each operation, called in the order of
/// computation.
///
/// An interpreter decides what a value is: a shape, a map, a node number, a tensor with gradients.
/// All maps are `[c, h, w]` (or `[n, c, h, w]`, where an interpreter has batches). A stride or pool of 2
/// leaves `⌈h / 2⌉` rows.
pub trait BuildRecognition {
    /// A map, or what stands for one.
    type Value: Clone;

    /// A real convolution of `x`; its parameters are `{name}.weight`.
    fn conv(&mut self, name: &str, conv: &RealConv, x: &Self::Value) -> Self::Value;

    /// A convolution of the signs of `x`, or of its differences, with the signs of `{name}.weight`.
    fn binary_conv(&mut self, name: &str, conv: &BinaryConv, x: &Self::Value) -> Self::Value;

    /// Batch norm: `(x − running_mean) / √(running_var + ε) · weight + bias` for each of `channels` channels,
    /// with [`NORM_EPSILON`](super::NORM_EPSILON) and the parameters `{name}.weight`, `.bias`, `.running_mean`, `.running_var`.
    fn batch_norm(&mut self, name: &str, channels: usize, x: &Self::Value) -> Self::Value;

    /// RSign's shift: `x + bias`, with `{name}.bias` for each of `channels` channels.
    fn shift(&mut self, name: &str, channels: usize, x: &Self::Value) -> Self::Value;

    /// RPReLU: with `t = x + {name}.shift`, `t` where it is not negative, else `{name}.slope · t`, plus
    /// `{name}.bias`; each of the three for each of `channels` channels.
    fn rprelu(&mut self, name: &str, channels: usize, x: &Self::Value) -> Self::Value;

    /// Some of the channels of `x`.
    fn channels(&mut self, x: &Self::Value, channels: Range<usize>) -> Self::Value;

    /// All channels of `x`, followed by the same channels again.
    fn twice(&mut self, x: &Self::Value) -> Self::Value;

    /// `a + b`, of equal shapes.
    fn add(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// Maximum over windows of 3×3, stride 2, the first of which is centred on the first pixel; pixels
    /// outside the map do not count.
    fn max_pool(&mut self, x: &Self::Value) -> Self::Value;

    /// Mean over windows of 2×2, stride 2; where a window reaches past the end of an odd map, the mean over
    /// what is inside.
    fn average_pool(&mut self, x: &Self::Value) -> Self::Value;

    /// Mean over the whole map: `[c, h, w]` to `[c, 1, 1]`.
    fn global_pool(&mut self, x: &Self::Value) -> Self::Value;

    /// `weight · x + bias` for `x` of `[inputs, 1, 1]`, with `{name}.weight` `[outputs, inputs]` and
    /// `{name}.bias` `[outputs]`; the result is `[outputs, 1, 1]`.
    fn linear(&mut self, name: &str, inputs: usize, outputs: usize, x: &Self::Value) -> Self::Value;
}

/// The maps that a Bi-PiDiNet returns.
#[derive(Clone, Debug)]
pub struct RecognitionOutputs<V> {
    /// After the stem: `[C, h, w]`.
    pub stem: V,
    /// After each stage: `[C · 2^stage, …]`.
    pub stages: Vec<V>,
    /// The feature vector: means over the last stage, `[features, 1, 1]`.
    pub features: V,
    /// One number for each class, `[classes, 1, 1]`; the greatest is the answer, their softmax its probability.
    pub logits: V,
}

/// Bi-PiDiNet on an image `[3, h, w]`.
pub fn bi_pidinet<B: BuildRecognition>(
    arch: &RecognitionArch,
    b: &mut B,
    image: &B::Value,
) -> RecognitionOutputs<B::Value> {
    let stem = stem(arch, b, image);
    let mut x = stem.clone();
    let blocks = arch.blocks();
    let stages = (0..arch.stages.len()).map(|stage| {
        for block in blocks.iter().filter(|block| block.stage == stage) {
            x = build(arch, block, b, &x);
        }
        x.clone()
    });
    let stages = stages.collect();
    let features = b.global_pool(&x);
    let logits = b.linear("classifier", arch.features(), arch.classes, &features);
    RecognitionOutputs { stem, stages, features, logits }
}

fn stem<B: BuildRecognition>(arch: &RecognitionArch, b: &mut B, image: &B::Value) -> B::Value {
    let width = arch.width;
    let normed = |b: &mut B, number: &str, conv: RealConv, x: &B::Value| {
        let y = b.conv(&format!("stem.conv{number}"), &conv, x);
        b.batch_norm(&format!("stem.norm{number}"), conv.outputs, &y)
    };
    match arch.stem {
        Stem::Cifar => normed(b, "", RealConv { inputs: 3, outputs: width, size: 3, stride: 1 }, image),
        Stem::Imagenet => {
            let y = normed(b, "", RealConv { inputs: 3, outputs: width, size: 7, stride: 2 }, image);
            b.max_pool(&y)
        }
        Stem::Light => {
            let middle = (3 * width / 8).max(1);
            let y = normed(b, "1", RealConv { inputs: 3, outputs: middle, size: 3, stride: 2 }, image);
            let y = b.rprelu("stem.activation", middle, &y);
            normed(b, "2", RealConv { inputs: middle, outputs: width, size: 3, stride: 2 }, &y)
        }
    }
}

fn build<B: BuildRecognition>(arch: &RecognitionArch, block: &Block, b: &mut B, x: &B::Value) -> B::Value {
    let y = branches(block, b, x);
    let y = b.batch_norm(&block.named("norm"), block.outputs, &y);
    let shortcut = shortcut(arch, block, b, x);
    let y = b.add(&y, &shortcut);
    b.rprelu(&block.activation(), block.outputs, &y)
}

/// Bi-PDC of the first channels and an ordinary convolution of the others, each with a batch norm of its own
/// if there are both.
fn branches<B: BuildRecognition>(block: &Block, b: &mut B, x: &B::Value) -> B::Value {
    let x = b.shift(&block.named("shift"), block.inputs, x);
    let convolved = block.branches().into_iter().map(|(suffix, conv, channels)| {
        let x = if channels.len() == block.inputs { x.clone() } else { b.channels(&x, channels) };
        (suffix, b.binary_conv(&block.named(suffix), &conv, &x))
    });
    let convolved: Vec<_> = convolved.collect();
    let normed = convolved.into_iter().map(|(suffix, y)| match block.branch_norm(suffix) {
        Some(norm) => b.batch_norm(&norm, block.outputs, &y),
        None => y,
    });
    let normed: Vec<_> = normed.collect();
    normed.into_iter().reduce(|sum, y| b.add(&sum, &y)).expect("a block has input channels")
}

fn shortcut<B: BuildRecognition>(arch: &RecognitionArch, block: &Block, b: &mut B, x: &B::Value) -> B::Value {
    if block.stride == 1 {
        return x.clone();
    }
    let pooled = b.average_pool(x);
    match arch.shortcut {
        Shortcut::Pooled => b.twice(&pooled),
        Shortcut::Projected => {
            let conv = RealConv { inputs: block.inputs, outputs: block.outputs, size: 1, stride: 1 };
            let y = b.conv(&block.named("shortcut"), &conv, &pooled);
            b.batch_norm(&block.named("shortcut_norm"), block.outputs, &y)
        }
    }
}
