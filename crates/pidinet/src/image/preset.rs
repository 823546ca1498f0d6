//! Presets: the two ways of turning pixel values into network input.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::UnknownName;

/// How pixel values become network input.
///
/// The weights of a model expect one of the two; the other gives visibly worse edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Red, green, blue in `[0, 1]`, minus [`Preset::MEAN`], divided by [`Preset::STD`]: how the published
    /// models were trained.
    #[default]
    Imagenet,
    /// Blue, green, red in `[0, 1]` and nothing else: what the annotator of ControlNet feeds the same
    /// weights.
    Controlnet,
}

impl Preset {
    /// Both presets.
    pub const ALL: [Self; 2] = [Self::Imagenet, Self::Controlnet];

    /// Mean of red, green and blue over ImageNet, as `torchvision` documents it.
    pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];

    /// Standard deviation of red, green and blue over ImageNet, as `torchvision` documents it.
    pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

    /// Its name in options and model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imagenet => "imagenet",
            Self::Controlnet => "controlnet",
        }
    }

    /// Which of red, green, blue (0, 1, 2) is input channel `channel`.
    pub fn colour(self, channel: usize) -> usize {
        match self {
            Self::Imagenet => channel,
            Self::Controlnet => 2 - channel,
        }
    }

    /// Input channel `channel` for a value in `[0, 1]`, every operation rounded to `f32` as PyTorch's
    /// `ToTensor` and `Normalize` do.
    pub fn normalise(self, channel: usize, value: f32) -> f32 {
        match self {
            Self::Imagenet => (value - Self::MEAN[channel]) / Self::STD[channel],
            Self::Controlnet => value,
        }
    }

    /// [`Preset::normalise`] of all 8-bit values: `[channel][value]`.
    pub(crate) fn table(self) -> &'static [[f32; 256]; 3] {
        static TABLES: LazyLock<[[[f32; 256]; 3]; 2]> = LazyLock::new(|| {
            Preset::ALL.map(|preset| {
                std::array::from_fn(|channel| {
                    std::array::from_fn(|value| preset.normalise(channel, value as f32 / 255.0))
                })
            })
        });
        &TABLES[self as usize]
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == text)
            .ok_or_else(|| UnknownName::new("an input preset", text, "imagenet or controlnet"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values printed by PyTorch: `(torch.tensor(v) / 255 - mean) / std` in float32.
    #[test]
    fn values_are_those_of_pytorch() {
        let table = Preset::Imagenet.table();
        assert_eq!(table[0][0], -2.117_904);
        assert_eq!(table[1][0], -2.035_714_1);
        assert_eq!(table[2][0], -1.804_444_4);
        assert_eq!(table[0][128], 0.074_064_63);
        assert_eq!(table[1][128], 0.205_182_2);
        assert_eq!(table[2][255], 2.64);
        assert_eq!(Preset::Controlnet.table()[0][51], 0.2);
    }

    #[test]
    fn names_are_read_back() {
        for preset in Preset::ALL {
            assert_eq!(preset.to_string().parse(), Ok(preset));
        }
        assert!("Imagenet ".parse::<Preset>().is_err());
    }
}
