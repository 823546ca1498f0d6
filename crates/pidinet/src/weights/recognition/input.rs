//! How images are prepared for a recognition network.

use crate::arch::recognition::Stem;
use crate::image::Preset;

/// How a model's images are prepared: resized so that the shorter side is [`Self::resize`], cropped to the
/// middle, and red, green and blue from 0 to 1 normalised by subtracting the mean and dividing by the
/// standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecognitionInput {
    /// Rows and columns of the network's input.
    pub size: usize,
    /// The shorter side of the image before the middle is cut out, at least `size`.
    pub resize: usize,
    /// Mean of red, green and blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
}

impl RecognitionInput {
    /// Whole images of 32×32 with the statistics of CIFAR-10's training images.
    pub const CIFAR: Self =
        Self { size: 32, resize: 32, mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616] };

    /// The middle 224×224 of images of 256, with the statistics of ImageNet.
    pub const IMAGENET: Self = Self { size: 224, resize: 256, mean: Preset::MEAN, std: Preset::STD };

    /// The usual input for a stem.
    pub fn for_stem(stem: Stem) -> Self {
        if stem == Stem::Cifar { Self::CIFAR } else { Self::IMAGENET }
    }
}
