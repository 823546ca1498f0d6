//! Bi-PiDiNet: recognition with convolutions of one bit, said once.
//!
//! [`bi_pidinet`] is the only definition of these networks, generic over [`BuildRecognition`] as
//! [`pidinet`](super::pidinet) is over [`Build`](super::Build). The two share no operation but the sum of two
//! maps, so the two traits are apart: who draws edges need not know of bits. What exactly each operation
//! computes, and in which precision, is in `docs/numerics.md`.

use std::ops::Range;

use super::Kind;

pub mod sum;
pub mod survey;

/// Rows down and columns right of a pixel.
pub type Offset = (isize, isize);

/// The eight neighbours of a pixel, row by row.
pub const NEIGHBOURS: [Offset; 8] = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)];

/// What is added to a variance before the square root in batch norm.
pub const NORM_EPSILON: f64 = 1e-5;

/// One stage: blocks of equal size, the first of which halves the map in all stages but the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Blocks, each one binary convolution beside one shortcut.
    pub blocks: usize,
    /// Which differences the Bi-PDC branch takes; none with [`Kind::Vanilla`].
    pub difference: Kind,
    /// Share ρ in `[0, 1]` of the input channels that goes to the Bi-PDC branch; the rest goes to an
    /// ordinary binary convolution.
    pub rho: f32,
}

impl Stage {
    /// A stage of `blocks` blocks of ordinary binary convolutions.
    pub fn plain(blocks: usize) -> Self {
        Self { blocks, difference: Kind::Central, rho: 0.0 }
    }

    /// Of `inputs` channels, how many go to the Bi-PDC branch: ⌊ρ · inputs⌋.
    pub fn difference_channels(&self, inputs: usize) -> usize {
        /// Shares such as 0.7 are a little less than what they stand for.
        const SLACK: f64 = 1e-4;
        match self.difference {
            Kind::Vanilla => 0,
            _ => ((f64::from(self.rho) * inputs as f64 + SLACK) as usize).min(inputs),
        }
    }
}

/// How an image becomes the first map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stem {
    /// A 3×3 convolution, for pictures as small as those of CIFAR.
    Cifar,
    /// A 7×7 convolution of stride 2 and max-pooling, as in ResNet: a quarter of each side is left.
    Imagenet,
    /// Two 3×3 convolutions of stride 2, the first to 3/8 of the channels: a quarter of each side is left, for
    /// less than half of the operations.
    Light,
}

impl Stem {
    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar => "cifar",
            Self::Imagenet => "imagenet",
            Self::Light => "light",
        }
    }

    /// The stem of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Cifar, Self::Imagenet, Self::Light].into_iter().find(|stem| stem.name() == name)
    }
}

/// How a map gets past a block that halves it and doubles its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shortcut {
    /// Average pooling, a real 1×1 convolution and batch norm.
    Projected,
    /// Average pooling, and all channels twice: nothing to multiply, nothing to learn.
    Pooled,
}

impl Shortcut {
    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Projected => "projected",
            Self::Pooled => "pooled",
        }
    }

    /// The shortcut of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Projected, Self::Pooled].into_iter().find(|shortcut| shortcut.name() == name)
    }
}

/// All that distinguishes one Bi-PiDiNet from another, but for its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognitionArch {
    /// Channels of the first stage; every other stage has twice those of the one before.
    pub width: usize,
    /// The stages.
    pub stages: Vec<Stage>,
    /// What comes before them.
    pub stem: Stem,
    /// What passes by the blocks that halve a map.
    pub shortcut: Shortcut,
    /// Classes to tell apart.
    pub classes: usize,
}

impl RecognitionArch {
    /// `bi-pidinet-18`, the layout of ResNet-18: 64 to 512 channels, four stages of four blocks.
    pub fn eighteen(stem: Stem, classes: usize) -> Self {
        Self { width: 64, stages: vec![Stage::plain(4); 4], stem, shortcut: Shortcut::Projected, classes }
    }

    /// `bi-pidinet-s` for small pictures: 24 to 192 channels, four stages of two blocks.
    ///
    /// 35 M multiply-adds on 32×32 pixels. Training with latent float weights costs three times that, 0.2
    /// GFLOP an image, so that 100 GFLOP/s see CIFAR-10 about seventy times in two hours. For that budget
    /// it is wide rather than deep: binary sums of few inputs have few values, and what is lost in one
    /// convolution passes by in the shortcut, whose capacity is the width.
    pub fn small(classes: usize) -> Self {
        Self { width: 24, stages: vec![Stage::plain(2); 4], ..Self::eighteen(Stem::Cifar, classes) }
    }

    /// The same with the share `rho` of each block's inputs as pixel differences of this kind.
    #[must_use]
    pub fn with_differences(mut self, difference: Kind, rho: f32) -> Self {
        for stage in &mut self.stages {
            (stage.difference, stage.rho) = (difference, rho);
        }
        self
    }

    /// The same without most of what is real: a cheap stem for large images, and pooled shortcuts.
    #[must_use]
    pub fn light(self) -> Self {
        let stem = if self.stem == Stem::Imagenet { Stem::Light } else { self.stem };
        Self { stem, shortcut: Shortcut::Pooled, ..self }
    }

    /// Channels of stage `stage`, from 0.
    pub fn channels(&self, stage: usize) -> usize {
        self.width << stage
    }

    /// Length of the feature vector: channels of the last stage.
    pub fn features(&self) -> usize {
        self.channels(self.stages.len().saturating_sub(1))
    }
}

/// A real convolution without bias; zeros surround the map, `size / 2` wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RealConv {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the kernel, odd.
    pub size: usize,
    /// Distance of neighbouring outputs in pixels of the input.
    pub stride: usize,
}

impl RealConv {
    /// Shape of the weights: `[outputs, inputs, size, size]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs, self.size, self.size]
    }
}

/// A convolution of signs with signs: both are +1 or −1, and sign(0) = +1.
///
/// [`Kind::Vanilla`] takes the signs of the 3×3 pixels around each; outside of the map the sign is 0. The other
/// kinds are Bi-PDC: eight differences of pixels are taken in float, zeros surrounding the map, and
/// then their signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BinaryConv {
    /// What signs are taken of.
    pub kind: Kind,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Distance of neighbouring outputs in pixels of the input: 1 or 2.
    pub stride: usize,
}

impl BinaryConv {
    /// Signs taken of each input channel for one output: nine pixels, or eight differences.
    pub fn taps(&self) -> usize {
        if self.kind == Kind::Vanilla { 9 } else { 8 }
    }

    /// Shape of the weights: `[outputs, inputs, 3, 3]`, or `[outputs, inputs, 8]` for differences, in the order
    /// of [`NEIGHBOURS`].
    pub fn weight_shape(&self) -> Vec<usize> {
        match self.kind {
            Kind::Vanilla => vec![self.outputs, self.inputs, 3, 3],
            _ => vec![self.outputs, self.inputs, 8],
        }
    }

    /// The pixels of each difference: `d_n(p) = x(p + first) − x(p + second)`.
    ///
    /// # Panics
    ///
    /// If this is an ordinary convolution.
    pub fn pairs(&self) -> [(Offset, Offset); 8] {
        /// Of each neighbour, the number of the next one clock-wise.
        const NEXT: [usize; 8] = [1, 2, 4, 0, 7, 3, 5, 6];
        std::array::from_fn(|n| {
            let (y, x) = NEIGHBOURS[n];
            match self.kind {
                Kind::Central => ((y, x), (0, 0)),
                Kind::Angular => ((y, x), NEIGHBOURS[NEXT[n]]),
                Kind::Radial => ((2 * y, 2 * x), (y, x)),
                Kind::Vanilla => panic!("an ordinary convolution takes no differences"),
            }
        })
    }
}

/// What a network for recognition is built of: one method for each operation, called in the order of
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
    /// with [`NORM_EPSILON`] and the parameters `{name}.weight`, `.bias`, `.running_mean`, `.running_var`.
    fn batch_norm(&mut self, name: &str, channels: usize, x: &Self::Value) -> Self::Value;

    /// RSign's shift: `x + bias`, with `{name}.bias` for each of `channels` channels.
    fn shift(&mut self, name: &str, channels: usize, x: &Self::Value) -> Self::Value;

    /// RPReLU: with `t = x + {name}.shift`, `t` where it is not negative, else `{name}.slope · t`, plus
    /// `{name}.bias`; each of the three for each of `channels` channels.
    fn rprelu(&mut self, name: &str, channels: usize, x: &Self::Value) -> Self::Value;

    /// Some of the channels of `x`.
    fn channels(&mut self, x: &Self::Value, channels: Range<usize>) -> Self::Value;

    /// All channels of `x`, and behind them the same again.
    fn twice(&mut self, x: &Self::Value) -> Self::Value;

    /// `a + b`, of equal shapes.
    fn add(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// Maximum over windows of 3×3, stride 2, of which the first is centred on the first pixel; what is
    /// outside of the map does not count.
    fn max_pool(&mut self, x: &Self::Value) -> Self::Value;

    /// Mean over windows of 2×2, stride 2; of a window that reaches past an odd map, over what is inside.
    fn average_pool(&mut self, x: &Self::Value) -> Self::Value;

    /// Mean over the whole map: `[c, h, w]` to `[c, 1, 1]`.
    fn global_pool(&mut self, x: &Self::Value) -> Self::Value;

    /// `weight · x + bias` for `x` of `[inputs, 1, 1]`, with `{name}.weight` `[outputs, inputs]` and
    /// `{name}.bias` `[outputs]`; the result is `[outputs, 1, 1]`.
    fn linear(&mut self, name: &str, inputs: usize, outputs: usize, x: &Self::Value) -> Self::Value;
}

/// The maps that a Bi-PiDiNet gives.
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
    let mut inputs = arch.width;
    let stages: Vec<_> = (0..arch.stages.len())
        .map(|stage| {
            for number in 1..=arch.stages[stage].blocks {
                let name = format!("block{}_{number}", stage + 1);
                let block = Block {
                    stage: &arch.stages[stage],
                    inputs,
                    outputs: arch.channels(stage),
                    stride: if stage > 0 && number == 1 { 2 } else { 1 },
                    shortcut: arch.shortcut,
                };
                x = block.build(b, &name, &x);
                inputs = block.outputs;
            }
            x.clone()
        })
        .collect();
    let features = b.global_pool(&x);
    let logits = b.linear("classifier", inputs, arch.classes, &features);
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

/// One binary convolution, in two branches where both have channels, beside one shortcut.
struct Block<'a> {
    stage: &'a Stage,
    inputs: usize,
    outputs: usize,
    stride: usize,
    shortcut: Shortcut,
}

impl Block<'_> {
    fn build<B: BuildRecognition>(&self, b: &mut B, name: &str, x: &B::Value) -> B::Value {
        let y = self.branches(b, name, x);
        let y = b.batch_norm(&format!("{name}.norm"), self.outputs, &y);
        let shortcut = self.shortcut(b, name, x);
        let y = b.add(&y, &shortcut);
        b.rprelu(&format!("{name}.activation"), self.outputs, &y)
    }

    /// Bi-PDC of the first channels and an ordinary convolution of the others. Two branches have a batch
    /// norm each before they are added; one alone has none but that of the block.
    fn branches<B: BuildRecognition>(&self, b: &mut B, name: &str, x: &B::Value) -> B::Value {
        let x = b.shift(&format!("{name}.shift"), self.inputs, x);
        let differences = self.stage.difference_channels(self.inputs);
        let branch = |b: &mut B, branch: &str, kind: Kind, channels: Range<usize>| {
            let conv =
                BinaryConv { kind, inputs: channels.len(), outputs: self.outputs, stride: self.stride };
            let x = if channels.len() == self.inputs { x.clone() } else { b.channels(&x, channels) };
            b.binary_conv(&format!("{name}.{branch}"), &conv, &x)
        };
        if differences == 0 {
            return branch(b, "vanilla", Kind::Vanilla, 0..self.inputs);
        }
        let d = branch(b, "difference", self.stage.difference, 0..differences);
        if differences == self.inputs {
            return d;
        }
        let v = branch(b, "vanilla", Kind::Vanilla, differences..self.inputs);
        let d = b.batch_norm(&format!("{name}.difference_norm"), self.outputs, &d);
        let v = b.batch_norm(&format!("{name}.vanilla_norm"), self.outputs, &v);
        b.add(&d, &v)
    }

    fn shortcut<B: BuildRecognition>(&self, b: &mut B, name: &str, x: &B::Value) -> B::Value {
        if self.stride == 1 {
            return x.clone();
        }
        let pooled = b.average_pool(x);
        match self.shortcut {
            Shortcut::Pooled => b.twice(&pooled),
            Shortcut::Projected => {
                let conv = RealConv { inputs: self.inputs, outputs: self.outputs, size: 1, stride: 1 };
                let y = b.conv(&format!("{name}.shortcut"), &conv, &pooled);
                b.batch_norm(&format!("{name}.shortcut_norm"), self.outputs, &y)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(kind: Kind) -> BinaryConv {
        BinaryConv { kind, inputs: 1, outputs: 1, stride: 1 }
    }

    #[test]
    fn differences_are_those_of_the_paper() {
        let central = conv(Kind::Central).pairs();
        assert_eq!(central.map(|(first, _)| first), NEIGHBOURS);
        assert!(central.iter().all(|&(_, second)| second == (0, 0)));
        // Clock-wise, each pixel of the ring is once the next one; a step is one pixel.
        let angular = conv(Kind::Angular).pairs();
        let mut seconds = angular.map(|(_, second)| second);
        seconds.sort_unstable();
        assert_eq!(seconds, NEIGHBOURS);
        for ((y, x), (v, u)) in angular {
            assert_eq!((y - v).abs() + (x - u).abs(), 1);
            assert!(y * u - x * v < 0, "({y}, {x}) to ({v}, {u}) is counter-clockwise");
        }
        for ((y, x), (v, u)) in conv(Kind::Radial).pairs() {
            assert_eq!((y, x), (2 * v, 2 * u));
        }
    }

    #[test]
    fn the_share_of_differences_is_rounded_down() {
        let stage = |rho| Stage { rho, ..Stage::plain(1) };
        assert_eq!(stage(0.2).difference_channels(64), 12);
        assert_eq!(stage(0.7).difference_channels(10), 7);
        assert_eq!(stage(1.0).difference_channels(24), 24);
        assert_eq!(stage(0.0).difference_channels(24), 0);
        assert_eq!(Stage { difference: Kind::Vanilla, ..stage(1.0) }.difference_channels(24), 0);
    }
}
