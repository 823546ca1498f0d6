//! Models that come with the library, trained by this project.
//!
//! Each is behind a feature of this crate, so that a small program can leave it out. The published weights are for research
//! only and are not among them; users convert their own copies.

use crate::error::{Error, Result};
use crate::weights::{Model, OpenOptions, RecognitionModel};

mod near;
mod pair;

pub use near::near;
pub use pair::Pair;

/// A model file inside the program, for [`Model::read`](crate::weights::Model::read).
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name in options.
    pub name: &'static str,
    /// The file.
    pub bytes: &'static [u8],
}

impl Embedded {
    /// Whether it is a model for recognition, for [`RecognitionModel::read`](crate::weights::RecognitionModel::read) instead.
    pub fn recognises(&self) -> bool {
        RecognitionModel::is_one(self.bytes)
    }

    /// The every-edge model that a boundary model can be mixed with: its name is that of the boundary model
    /// with `-edges`.
    pub fn partner(&self) -> Option<&'static Self> {
        partner(ALL, self)
    }
}

/// The embedded model of a file in `models/`.
#[allow(unused_macros, reason = "a small program leaves all models out")]
macro_rules! embedded {
    ($name:literal) => {
        Embedded { name: $name, bytes: include_bytes!(concat!("../models/", $name, ".safetensors")) }
    };
}

/// All embedded models, of edges and for recognition. `models/README.md` says how they were made and how good they are.
pub const ALL: &[Embedded] = &[
    #[cfg(feature = "model-tiny")]
    embedded!("tiny"),
    #[cfg(feature = "model-tiny-edges")]
    embedded!("tiny-edges"),
    #[cfg(feature = "model-small")]
    embedded!("small"),
    #[cfg(feature = "model-small-edges")]
    embedded!("small-edges"),
    #[cfg(feature = "model-full")]
    embedded!("full"),
    #[cfg(feature = "model-full-edges")]
    embedded!("full-edges"),
    #[cfg(feature = "models-recognition")]
    embedded!("bi-pidinet-s"),
];

/// The default model for finding edges; it needs the feature `model-tiny`.
#[cfg(feature = "model-tiny")]
pub const DEFAULT: &Embedded = &ALL[0];

/// The name of the default model for finding edges, whether it is embedded or not.
pub const DEFAULT_NAME: &str = "tiny";

/// The embedded model of this name.
pub fn named(name: &str) -> Option<&'static Embedded> {
    ALL.iter().find(|model| model.name == name)
}

/// The embedded model of edges of this name, read.
///
/// # Errors
///
/// [`Error::UnknownModel`], with similar names, if there is none.
pub fn open(name: &str) -> Result<Model> {
    Ok(Model::read(find(ALL, name)?.bytes, &OpenOptions::default())?)
}

/// The pair of embedded models with this name, which is that of the boundary model: `tiny` for `tiny` and
/// `tiny-edges`.
///
/// # Errors
///
/// [`Error::UnknownModel`], with similar names, if there is no model of this name, and [`Error::NoPartner`]
/// if it is not part of a pair.
pub fn pair(name: &str) -> Result<Pair> {
    pair_among(ALL, name)
}

/// The boundary models that have a partner.
pub fn pairs() -> impl Iterator<Item = &'static Embedded> {
    pairs_among(ALL)
}

fn find(all: &'static [Embedded], name: &str) -> Result<&'static Embedded> {
    all.iter().find(|model| model.name == name).ok_or_else(|| {
        let all: Vec<&str> = all.iter().map(|model| model.name).collect();
        Error::UnknownModel { name: name.to_owned(), near: near(name, all.iter().copied()), all }
    })
}

fn partner(all: &'static [Embedded], model: &Embedded) -> Option<&'static Embedded> {
    all.iter().find(|other| other.name.strip_suffix("-edges") == Some(model.name))
}

fn pairs_among(all: &'static [Embedded]) -> impl Iterator<Item = &'static Embedded> {
    all.iter().filter(move |model| partner(all, model).is_some())
}

fn pair_among(all: &'static [Embedded], name: &str) -> Result<Pair> {
    let boundaries = find(all, name)?;
    match partner(all, boundaries) {
        Some(edges) => Pair::read(boundaries.bytes, edges.bytes),
        None => {
            let pairs = pairs_among(all).map(|model| model.name).collect();
            Err(Error::NoPartner { name: boundaries.name, pairs })
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "model-tiny", feature = "models-recognition"))]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::weights::{Model, OpenOptions};

    #[test]
    fn embedded_models_open_and_say_where_they_come_from() {
        for embedded in ALL {
            let info = if embedded.recognises() {
                RecognitionModel::read(embedded.bytes, &OpenOptions::default()).unwrap().info
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

    /// Paths on the machine that a model was trained on must not end up in it.
    #[test]
    fn embedded_models_name_no_folder_of_any_machine() {
        for Embedded { name, bytes } in ALL {
            let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
            let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
            for (key, text) in header["__metadata__"].as_object().unwrap() {
                let text = text.as_str().unwrap();
                assert!(!text.contains('/') && !text.contains('\\'), "{name}: {key} is {text}");
            }
        }
    }

    #[test]
    fn a_pair_by_name_gives_the_model_at_a_detail() {
        let [one, other] = pair_of_models();
        let (boundaries, edges) = (one.to_bytes().unwrap().leak(), other.to_bytes().unwrap().leak());
        let bi = RecognitionModel::random(crate::arch::recognition::RecognitionArch::small(3), 1)
            .to_bytes(Default::default())
            .unwrap();
        let all: &'static [Embedded] = vec![
            Embedded { name: "tiny", bytes: boundaries },
            Embedded { name: "bi", bytes: bi.leak() },
            Embedded { name: "tiny-edges", bytes: edges },
            Embedded { name: "lonely", bytes: edges },
        ]
        .leak();
        let pair = pair_among(all, "tiny").unwrap();
        assert_eq!((pair.at(0.0).unwrap(), pair.at(1.0).unwrap()), (one.clone(), other.clone()));
        assert_eq!(pair.at(0.3).unwrap(), Model::mix(&one, &other, 0.3).unwrap());
        assert_eq!((pair.boundaries(), pair.edges()), (&one, &other));
        assert_eq!(pairs_among(all).map(|model| model.name).collect::<Vec<_>>(), ["tiny"]);

        let message = |name: &str| pair_among(all, name).unwrap_err().to_string();
        assert_eq!(message("tinny"), "there is no model `tinny`; did you mean tiny?");
        assert_eq!(message("x"), "there is no model `x`; models: tiny, bi, tiny-edges, lonely");
        assert_eq!(
            message("lonely"),
            "`lonely` is not the first of a pair, so it has no detail to be set; pairs: tiny"
        );
        assert!(message("tiny-edges").contains("not the first of a pair"));
    }

    /// A model and one made from it, as if trained further.
    fn pair_of_models() -> [Model; 2] {
        let boundaries = open(DEFAULT_NAME).unwrap();
        let noise = Model::random(boundaries.arch.clone(), 1);
        let mut edges = boundaries.clone();
        for (name, noise) in noise.weights.iter() {
            let parameter = edges.weights.get_mut(name).unwrap();
            parameter.data.iter_mut().zip(&noise.data).for_each(|(weight, noise)| *weight += 0.1 * noise);
        }
        edges.info.name = "tiny-edges".to_owned();
        [boundaries, edges]
    }

    #[test]
    fn a_name_that_does_not_exist_lists_the_near_ones() {
        let message = |name: &str| open(name).unwrap_err().to_string();
        assert_eq!(message("tinny"), "there is no model `tinny`; did you mean tiny?");
        let unlike = message("unlike");
        assert!(ALL.iter().all(|model| unlike.contains(model.name)), "{unlike}");
    }

    #[test]
    fn the_default_model_sees_the_border_of_a_disc_and_little_else() {
        use crate::image::{Image, PixelFormat, PixelLayout};
        use crate::{DetectorOptions, EdgeDetector, Size};
        let side = 96i32;
        let radius = |x: i32, y: i32| f64::from((x - 48).pow(2) + (y - 48).pow(2)).sqrt();
        let grey = |index: i32| if radius(index % side, index / side) < 28.0 { 220 } else { 60 };
        let pixels: Vec<u8> = (0..side * side).map(grey).collect();
        let image =
            Image::from_u8(&pixels, &PixelLayout::packed(Size::square(96), PixelFormat::Grey)).unwrap();
        let model = Model::read(DEFAULT.bytes, &OpenOptions::default()).unwrap();
        let edges =
            EdgeDetector::new(&model, &DetectorOptions::default()).unwrap().detect(&image).unwrap().edges;
        let mean = |near: fn(f64) -> bool| {
            let pixels = (0..side * side).filter(|&index| near(radius(index % side, index / side)));
            let values: Vec<f32> = pixels.map(|index| edges.data()[index as usize]).collect();
            values.iter().sum::<f32>() / values.len() as f32
        };
        let (on, off) = (mean(|r| (r - 28.0).abs() < 1.0), mean(|r| !(16.0..40.0).contains(&r)));
        assert!(on > 0.5 && off < 0.1, "{on} on the edge, {off} away from it");
    }
}
