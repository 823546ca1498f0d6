//! Measuring the ranges of a network's activations.

use std::collections::BTreeMap;

use super::engine::{Engine, EngineOptions};
use super::input::Padded;
use super::plan::Keep;
use crate::calibration::{Calibration, blocks};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::weights::Model;

/// The longest side of a picture that is measured; larger pictures are shrunk to it. With the full network,
/// the maps that are looked at take 1.5 KB for each pixel.
const LONGEST_SIDE: usize = 640;

impl Calibration {
    /// Runs the network in `f32` on pictures and records the greatest values. A few dozen pictures like those
    /// to be processed later are enough.
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
            for (block, map) in model.arch.blocks().iter().zip(&maps) {
                let Some(ranges) = ranges.get_mut(&block.name) else { continue };
                let pixels = map.shape[1] * map.shape[2];
                for (range, channel) in ranges.iter_mut().zip(map.data.chunks_exact(pixels)) {
                    *range = channel.iter().fold(*range, |range, value| range.max(*value));
                }
            }
        }
        if is_empty {
            return Err(Error::NoPictures);
        }
        Ok(Self::of(ranges))
    }
}
