//! Models that come with the library, trained by this project.
//!
//! The published weights are for research only and are not among them; users convert their own copies.

use crate::weights::BiModel;

/// A model file in the program itself, for [`Model::read`](crate::weights::Model::read).
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name in options.
    pub name: &'static str,
    /// The file.
    pub bytes: &'static [u8],
}

impl Embedded {
    /// Whether it is a model for recognition, for [`BiModel::read`](crate::weights::BiModel::read) instead.
    pub fn recognises(&self) -> bool {
        BiModel::is_one(self.bytes)
    }
}

/// All embedded models, of edges and for recognition. `models/README.md` says how they were made and how good they are.
pub const ALL: &[Embedded] = &[
    Embedded { name: "tiny", bytes: include_bytes!("../models/tiny.safetensors") },
    Embedded { name: "bi-pidinet-s", bytes: include_bytes!("../models/bi-pidinet-s.safetensors") },
];

/// The model to find edges with where none is asked for.
pub const DEFAULT: &Embedded = &ALL[0];

/// The embedded model of this name.
pub fn named(name: &str) -> Option<&'static Embedded> {
    ALL.iter().find(|model| model.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::weights::{Model, ModelLimits, OpenOptions};

    #[test]
    fn embedded_models_open_and_say_where_they_come_from() {
        for embedded in ALL {
            let info = if embedded.recognises() {
                BiModel::read(embedded.bytes, &ModelLimits::default()).unwrap().info
            } else {
                Model::read(embedded.bytes, &OpenOptions::default()).unwrap().info
            };
            assert_eq!(info.name, embedded.name);
            assert!(!info.licence.is_empty() && !info.training_data.is_empty());
        }
        let default = Model::read(DEFAULT.bytes, &OpenOptions::default()).unwrap();
        assert_eq!(default.arch, Arch::tiny());
        assert!(default.calibration.is_some());
    }

    #[test]
    fn the_default_model_sees_the_border_of_a_disc_and_little_else() {
        use crate::image::{Image, PixelFormat, PixelLayout};
        use crate::{EdgeDetector, Options};
        let side = 96i32;
        let radius = |x: i32, y: i32| f64::from((x - 48).pow(2) + (y - 48).pow(2)).sqrt();
        let grey = |index: i32| if radius(index % side, index / side) < 28.0 { 220 } else { 60 };
        let pixels: Vec<u8> = (0..side * side).map(grey).collect();
        let image = Image::from_u8(&pixels, &PixelLayout::packed(96, 96, PixelFormat::Grey)).unwrap();
        let model = Model::read(DEFAULT.bytes, &OpenOptions::default()).unwrap();
        let edges = EdgeDetector::new(&model, &Options::default()).unwrap().detect(&image).unwrap().edges;
        let mean = |near: fn(f64) -> bool| {
            let pixels = (0..side * side).filter(|&index| near(radius(index % side, index / side)));
            let values: Vec<f32> = pixels.map(|index| edges.data()[index as usize]).collect();
            values.iter().sum::<f32>() / values.len() as f32
        };
        let (on, off) = (mean(|r| (r - 28.0).abs() < 1.0), mean(|r| !(16.0..40.0).contains(&r)));
        assert!(on > 0.5 && off < 0.1, "{on} on the edge, {off} away from it");
    }
}
