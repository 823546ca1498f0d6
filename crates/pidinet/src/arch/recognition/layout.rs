//! What distinguishes one Bi-PiDiNet from another, and the blocks that follow from it.

use std::ops::Range;

use super::convs::BinaryConv;
use crate::arch::Kind;

/// One stage: blocks of equal size. In every stage except the first, the first block halves the map.
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
        /// A share such as 0.7 is stored as a little less than it stands for.
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
    /// A 3×3 convolution, for small pictures such as CIFAR's.
    Cifar,
    /// A 7×7 convolution of stride 2 and max-pooling, as in ResNet: a quarter of each side is left.
    Imagenet,
    /// Two 3×3 convolutions of stride 2, the first to 3/8 of the channels: a quarter of each side is left, at
    /// less than half the operations.
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

/// The shortcut around a block that halves the map and doubles its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shortcut {
    /// Average pooling, a real 1×1 convolution and batch norm.
    Projected,
    /// Average pooling, and all channels repeated once: nothing to multiply, nothing to learn.
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

/// Everything that distinguishes one Bi-PiDiNet from another, except its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognitionArch {
    /// Channels of the first stage; every other stage has twice those of the one before.
    pub width: usize,
    /// The stages.
    pub stages: Vec<Stage>,
    /// What comes before them.
    pub stem: Stem,
    /// The shortcut around the blocks that halve a map.
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
    /// GFLOP an image, so at 100 GFLOP/s two hours are enough for about seventy epochs of CIFAR-10. For
    /// that budget it is wide rather than deep: binary sums of few inputs take few values, and what one
    /// convolution loses still passes through the shortcut, whose capacity is the width.
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

    /// The same without most of the real arithmetic: a cheap stem for large images, and pooled shortcuts.
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

    /// The blocks in the order of computation.
    pub fn blocks(&self) -> Vec<Block> {
        let of_stage = |(stage, of): (usize, &Stage)| {
            let (difference, of) = (of.difference, *of);
            (1..=of.blocks).map(move |number| {
                let halves = stage > 0 && number == 1;
                let inputs = self.channels(if halves { stage - 1 } else { stage });
                Block {
                    name: format!("block{}_{number}", stage + 1),
                    stage,
                    difference,
                    differences: of.difference_channels(inputs),
                    inputs,
                    outputs: self.channels(stage),
                    stride: if halves { 2 } else { 1 },
                }
            })
        };
        self.stages.iter().enumerate().flat_map(of_stage).collect()
    }
}

/// A block: one binary convolution, in two branches where both have channels, beside one shortcut.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its name, such as `block2_1`; the names of its parameters begin with it.
    pub name: String,
    /// Its stage, from 0.
    pub stage: usize,
    /// Which differences the Bi-PDC branch takes.
    pub difference: Kind,
    /// Input channels of the Bi-PDC branch, the first ones.
    pub differences: usize,
    /// Input channels of both branches.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Distance of neighbouring outputs in pixels of the input: 2 where it halves the map.
    pub stride: usize,
}

impl Block {
    /// The name of its parameters, or of its operation, with this suffix.
    pub fn named(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.name)
    }

    /// The name of the activation that closes it.
    pub fn activation(&self) -> String {
        self.named("activation")
    }

    /// The binary convolutions of its branches, each with its suffix and its input channels.
    pub fn branches(&self) -> Vec<(&'static str, BinaryConv, Range<usize>)> {
        let conv = |kind, channels: &Range<usize>| BinaryConv {
            kind,
            inputs: channels.len(),
            outputs: self.outputs,
            stride: self.stride,
        };
        let (first, others) = (0..self.differences, self.differences..self.inputs);
        [("difference", self.difference, first), ("vanilla", Kind::Vanilla, others)]
            .into_iter()
            .filter(|(.., channels)| !channels.is_empty())
            .map(|(suffix, kind, channels)| (suffix, conv(kind, &channels), channels))
            .collect()
    }

    /// The name of the batch norm after a branch if there are two branches; a single one has only the block's
    /// own.
    pub fn branch_norm(&self, suffix: &str) -> Option<String> {
        let are_two = 0 < self.differences && self.differences < self.inputs;
        are_two.then(|| self.named(&format!("{suffix}_norm")))
    }

    /// The batch norms whose input is a sum of signs, and how many signs it adds.
    pub(crate) fn sums(&self) -> Vec<(String, usize)> {
        let sum = |(suffix, conv, _): (&str, BinaryConv, _)| {
            let norm = self.branch_norm(suffix).unwrap_or_else(|| self.named("norm"));
            (norm, conv.inputs * conv.taps())
        };
        self.branches().into_iter().map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
