//! The ranges of a network's activations, which int8 needs: whole numbers from 0 to 255 have to cover
//! everything from zero to the greatest activation of a channel.
//!
//! Ranges are measured on a handful of pictures and recorded in the model file. They are not a limit: where a
//! picture goes beyond them, the engine computes that part of the block in `f32`.

use std::collections::BTreeMap;

use crate::arch::Arch;

/// How far whole numbers reach, in multiples of the greatest value measured: other pictures will have greater
/// values, and computing those in `f32` takes time.
const RESERVE: f32 = 1.25;

/// For each block that can multiply int8, by its name, the greatest value of each channel between its convolutions.
///
/// # Examples
///
/// ```
/// use pidinet::arch::Arch;
/// use pidinet::calibration::Calibration;
/// use pidinet::edges::Precision;
/// use pidinet::image::{Image, PixelFormat, PixelLayout};
/// use pidinet::weights::Model;
/// use pidinet::{DetectorOptions, EdgeDetector, Size};
///
/// let mut model = Model::random(Arch::tiny(), 1);
/// let pixels: Vec<u8> = (0..40 * 30).map(|i| (i * i % 251) as u8).collect();
/// let picture = Image::from_u8(&pixels, &PixelLayout::packed(Size { height: 30, width: 40 }, PixelFormat::Grey))?;
/// model.calibration = Some(Calibration::measure(&model, [picture.clone()])?);
///
/// let options = DetectorOptions { precision: Precision::Int8, ..DetectorOptions::default() };
/// let edges = EdgeDetector::new(&model, &options)?.detect(&picture)?.edges;
/// # assert_eq!(edges.width(), 40);
/// # Ok::<(), pidinet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration(BTreeMap<String, Vec<f32>>);

impl Calibration {
    /// The ranges of blocks that were measured.
    pub(crate) fn of(mut ranges: BTreeMap<String, Vec<f32>>) -> Self {
        ranges.values_mut().flatten().for_each(|range| *range = shortened(*range));
        Self(ranges)
    }

    /// Ranges between those of the blocks that both have, none below 0.
    pub(crate) fn mix(a: &Self, b: &Self, mixed: impl Fn(f32, f32) -> f32) -> Self {
        let range = |(a, b): (&f32, &f32)| shortened(mixed(*a, *b).max(0.0));
        let block = |(name, a): (&String, &Vec<f32>)| {
            Some((name.clone(), a.iter().zip(b.0.get(name)?).map(range).collect()))
        };
        Self(a.0.iter().filter_map(block).collect())
    }

    /// Reads the metadata of a file: JSON, an array of numbers for each block. `None` if it does not fit this
    /// network, or a number is not finite or is negative.
    pub(crate) fn from_json(json: &str, arch: &Arch) -> Option<Self> {
        let calibration = Self(serde_json::from_str(json).ok()?);
        calibration.fits(arch).then_some(calibration)
    }

    /// JSON for [`Self::from_json`].
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of numbers is JSON")
    }

    /// Whether it has a finite number of at least zero for each channel of each block of this network.
    pub(crate) fn fits(&self, arch: &Arch) -> bool {
        let channels = |(name, ranges): (&String, &Vec<f32>)| (name.clone(), ranges.len());
        let is_range = |range: &f32| range.is_finite() && *range >= 0.0;
        self.0.iter().map(channels).eq(blocks(arch)) && self.0.values().flatten().all(is_range)
    }

    /// The value of one step of a whole number in each channel of a block; `None` if the block cannot
    /// multiply int8.
    ///
    /// Channels with hardly any range share that of others: their steps would be too small to divide by.
    pub(crate) fn steps(&self, block: &str) -> Option<Vec<f32>> {
        let ranges = self.0.get(block)?;
        let greatest = ranges.iter().fold(0.0f32, |greatest, range| greatest.max(*range));
        let least = if greatest > 0.0 { 1e-3 * greatest } else { 1.0 };
        // 254 and not 255, which also stands for everything greater.
        Some(ranges.iter().map(|range| RESERVE * range.max(least) / 254.0).collect())
    }
}

/// A range to four digits: more would only make files larger.
fn shortened(range: f32) -> f32 {
    format!("{range:.3e}").parse().expect("a number that was written is read")
}

/// The blocks that can multiply int8 and their channels: those without projection, since a projection also
/// multiplies activations of either sign.
pub(crate) fn blocks(arch: &Arch) -> BTreeMap<String, usize> {
    let plain = arch.blocks().into_iter().filter(|block| !block.is_projected);
    plain.map(|block| (block.name, block.inputs)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_projection_are_calibrated() {
        let names: Vec<String> = blocks(&Arch::tiny()).into_keys().collect();
        let first = ["block1_1", "block1_2", "block1_3"].map(String::from);
        let rest = (2..=4).flat_map(|stage| (2..=4).map(move |block| format!("block{stage}_{block}")));
        assert_eq!(names, first.into_iter().chain(rest).collect::<Vec<_>>());
        assert_eq!(blocks(&Arch::tiny())["block3_2"], 80);
    }
}
