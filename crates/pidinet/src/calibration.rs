//! The ranges of a network's activations, which int8 needs: whole numbers from 0 to 255 have to reach from zero to the
//! greatest activation of a channel.
//!
//! Ranges are measured on a handful of pictures and recorded in the model file. They are no limit: where a picture leaves
//! them, the engine computes that part of the block in `f32`.

use std::collections::BTreeMap;

use crate::Size;
use crate::arch::survey::Survey;
use crate::arch::{Arch, Conv};
use crate::edges::detector::Padded;
use crate::edges::engine::{Engine, EngineOptions};
use crate::edges::plan::Keep;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::weights::Model;
use crate::weights::mix::mixed;

/// The longest side of a picture that is measured; greater ones are shrunk to it. The maps that are looked at take 1.5 KB for
/// each pixel with the full network.
const LONGEST_SIDE: usize = 640;

/// How far whole numbers reach, in multiples of the greatest value that was measured: the next picture has greater ones,
/// and computing in `f32` where they are takes time.
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
/// use pidinet::{EdgeDetector, DetectorOptions};
///
/// let mut model = Model::random(Arch::tiny(), 1);
/// let pixels: Vec<u8> = (0..40 * 30).map(|i| (i * i % 251) as u8).collect();
/// let picture = Image::from_u8(&pixels, &PixelLayout::packed(40, 30, PixelFormat::Grey))?;
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
    /// Runs the network in `f32` on pictures and takes the greatest values. Some dozens like those that are to come are
    /// enough.
    ///
    /// # Errors
    ///
    /// [`Error::NoPictures`] if there are none, else those of [`EdgeDetector::new`](crate::EdgeDetector::new).
    pub fn measure(model: &Model, pictures: impl IntoIterator<Item = Image>) -> Result<Self> {
        let engine = Engine::new(model, Keep::Activations, &EngineOptions::default())?;
        let mut ranges: BTreeMap<String, Vec<f32>> =
            blocks(&model.arch).into_iter().map(|(name, channels)| (name, vec![0.0; channels])).collect();
        let mut is_empty = true;
        for picture in pictures {
            is_empty = false;
            let picture = picture.fitted(LONGEST_SIDE);
            let input = Padded { image: &picture, preset: model.info.preset };
            let maps = engine.run(&input, input.size()).maps;
            for (name, map) in engine.kept_blocks().zip(&maps) {
                let Some(ranges) = ranges.get_mut(name) else { continue };
                let pixels = map.shape[1] * map.shape[2];
                for (range, channel) in ranges.iter_mut().zip(map.data.chunks_exact(pixels)) {
                    *range = channel.iter().fold(*range, |range, value| range.max(*value));
                }
            }
        }
        if is_empty {
            return Err(Error::NoPictures);
        }
        ranges.values_mut().flatten().for_each(|range| *range = shortened(*range));
        Ok(Self(ranges))
    }

    /// Ranges `(1 − t) a + t b` of the blocks that both have, none below 0.
    pub(crate) fn mix(a: &Self, b: &Self, t: f64) -> Self {
        let range = |(a, b): (&f32, &f32)| shortened(mixed(*a, *b, t).max(0.0));
        let block = |(name, a): (&String, &Vec<f32>)| {
            Some((name.clone(), a.iter().zip(b.0.get(name)?).map(range).collect()))
        };
        Self(a.0.iter().filter_map(block).collect())
    }

    /// What the metadata of a file say: JSON, an array of numbers for each block. `None` if it is not that of a network
    /// like this, or a number is not one from zero on.
    pub(crate) fn from_json(json: &str, arch: &Arch) -> Option<Self> {
        let calibration = Self(serde_json::from_str(json).ok()?);
        calibration.fits(arch).then_some(calibration)
    }

    /// What [`Self::from_json`] reads.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of numbers is JSON")
    }

    /// Whether it has a finite number from zero on for each channel of each block of this network.
    pub(crate) fn fits(&self, arch: &Arch) -> bool {
        let channels = |(name, ranges): (&String, &Vec<f32>)| (name.clone(), ranges.len());
        let is_range = |range: &f32| range.is_finite() && *range >= 0.0;
        self.0.iter().map(channels).eq(blocks(arch)) && self.0.values().flatten().all(is_range)
    }

    /// What a whole number stands for in each channel of a block; `None` if the block cannot multiply int8.
    ///
    /// Channels with hardly any range share that of others: their steps would be too small to divide by.
    pub(crate) fn steps(&self, block: &str) -> Option<Vec<f32>> {
        let ranges = self.0.get(block)?;
        let greatest = ranges.iter().fold(0.0f32, |greatest, range| greatest.max(*range));
        let least = if greatest > 0.0 { 1e-3 * greatest } else { 1.0 };
        // 254 and not 255, which stands for all that is greater, too.
        Some(ranges.iter().map(|range| RESERVE * range.max(least) / 254.0).collect())
    }
}

/// A range to four digits: more would only make files larger.
fn shortened(range: f32) -> f32 {
    format!("{range:.3e}").parse().expect("a number that was written is read")
}

/// The blocks that can multiply int8 and their channels: those without projection, which would multiply activations of
/// either sign, too.
fn blocks(arch: &Arch) -> BTreeMap<String, usize> {
    let survey = Survey::of(arch, Size::square(8));
    let convs: BTreeMap<_, _> = survey.convs().collect();
    let is_block = |(name, conv): (&&str, &&Conv)| {
        let block = name.strip_suffix(".conv1")?;
        let is_block = block.starts_with("block") && !convs.contains_key(&*format!("{block}.shortcut"));
        is_block.then(|| (block.to_owned(), conv.outputs))
    };
    convs.iter().filter_map(is_block).collect()
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
