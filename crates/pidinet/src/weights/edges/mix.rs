//! Mixing two models: the straight line through their parameters.
//!
//! A PiDiNet has no batch normalisation, and folding differences is linear. So if one network was trained
//! from the other, every mixture of the two works as well, and nothing but the parameters has to change.

use super::model::Model;
use crate::calibration::Calibration;
use crate::error::ModelError;
use crate::weights::archive;
use crate::weights::info::ModelInfo;
use crate::weights::parameters::Parameter;

impl Model {
    /// The model with the parameters `(1 − t) a + t b`: `a` for 0, `b` for 1, in between for numbers in
    /// between, and extrapolated for all others. Ranges for int8 are mixed in the same way; where they would
    /// be negative they are 0.
    ///
    /// For 0 and 1 it is `a` or `b` itself, with everything known about it. Anything else is a new model
    /// without scores, whose provenance says what it was mixed from.
    ///
    /// # Errors
    ///
    /// [`ModelError::Share`] if `t` is not finite, [`ModelError::Unlike`] if the models differ in anything
    /// but their numbers, [`ModelError::Mismatch`] if they differ in their tensors, and
    /// [`ModelError::NotFinite`] for a parameter that becomes too large.
    ///
    /// # Examples
    ///
    /// ```
    /// use pidinet::arch::Arch;
    /// use pidinet::weights::Model;
    /// let (a, b) = (Model::random(Arch::tiny(), 1), Model::random(Arch::tiny(), 2));
    /// let between = Model::mix(&a, &b, 0.25)?;
    /// let bias = |model: &Model| model.weights["classifier.bias"].data[0];
    /// assert!((bias(&between) - (0.75 * bias(&a) + 0.25 * bias(&b))).abs() < 1e-7);
    /// # Ok::<(), pidinet::Error>(())
    /// ```
    pub fn mix(a: &Self, b: &Self, t: f64) -> Result<Self, ModelError> {
        if !t.is_finite() {
            return Err(ModelError::Share { t });
        }
        check_alike(a, b)?;
        if t == 0.0 || t == 1.0 {
            return Ok(if t == 0.0 { a.clone() } else { b.clone() });
        }
        let parameters = a.weights.iter().zip(b.weights.iter()).map(|((name, a), (_, b))| {
            let data = a.data.iter().zip(&b.data).map(|(&a, &b)| mixed(a, b, t)).collect();
            (name.to_owned(), Parameter { shape: a.shape.clone(), data })
        });
        let ranges = a.calibration.as_ref().zip(b.calibration.as_ref());
        let model = Self {
            arch: a.arch.clone(),
            form: a.form,
            weights: parameters.collect(),
            info: mixed_info(&a.info, &b.info, t),
            calibration: ranges.map(|(a, b)| Calibration::mix(a, b, |a, b| mixed(a, b, t))),
        };
        model.check()?;
        Ok(model)
    }
}

/// `(1 − t) a + t b`, rounded once.
fn mixed(a: f32, b: f32, t: f64) -> f32 {
    ((1.0 - t) * f64::from(a) + t * f64::from(b)) as f32
}

/// Refuses models that are not of the same kind.
fn check_alike(a: &Model, b: &Model) -> Result<(), ModelError> {
    let calibration = |model: &Model| if model.calibration.is_some() { "there" } else { "missing" };
    let cdcm = |model: &Model| model.arch.cdcm.map_or("none".to_owned(), |channels| channels.to_string());
    let facts = [
        ("width", a.arch.width.to_string(), b.arch.width.to_string()),
        ("configuration", a.arch.kinds.to_string(), b.arch.kinds.to_string()),
        ("CDCM", cdcm(a), cdcm(b)),
        ("CSAM", a.arch.csam.to_string(), b.arch.csam.to_string()),
        ("theta", a.arch.theta.to_string(), b.arch.theta.to_string()),
        ("form", a.form.to_string(), b.form.to_string()),
        ("input preset", a.info.preset.to_string(), b.info.preset.to_string()),
        ("calibration for int8", calibration(a).to_owned(), calibration(b).to_owned()),
    ];
    match facts.into_iter().find(|(_, a, b)| a != b) {
        Some((what, a, b)) => Err(ModelError::Unlike { what, a, b }),
        None => archive::check_shapes(&a.weights.shapes(), &b.weights.shapes()),
    }
}

/// What is known about a mixture.
fn mixed_info(a: &ModelInfo, b: &ModelInfo, t: f64) -> ModelInfo {
    let both = |a: &String, b: &String, and: &str| match (a.as_str(), b.as_str()) {
        ("", one) | (one, "") => one.to_owned(),
        (one, other) if one == other => one.to_owned(),
        (one, other) => format!("{one}{and}{other}"),
    };
    let extra = a.extra.iter().filter(|(key, text)| b.extra.get(*key) == Some(text));
    ModelInfo {
        name: format!("{}+{}@{t}", a.name, b.name),
        preset: a.preset,
        provenance: format!("parameters (1 - t) A + t B at t = {t}, A = `{}`, B = `{}`", a.name, b.name),
        training_data: both(&a.training_data, &b.training_data, "; "),
        licence: both(&a.licence, &b.licence, " AND "),
        scores: Default::default(),
        extra: extra.map(|(key, text)| (key.clone(), text.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::arch::Arch;
    use crate::image::{Image, PixelFormat, PixelLayout, Preset};

    fn two() -> [Model; 2] {
        let pixels: Vec<u8> = (0..40 * 30).map(|i| (i * i % 251) as u8).collect();
        let picture =
            Image::from_u8(&pixels, &PixelLayout::packed(Size { height: 30, width: 40 }, PixelFormat::Grey))
                .unwrap();
        [1, 2].map(|seed| {
            let mut model = Model::random(Arch::tiny(), seed);
            model.calibration = Some(Calibration::measure(&model, [picture.clone()]).unwrap());
            model.info.scores.insert("ods".to_owned(), 0.5);
            model
        })
    }

    /// Every number of two models.
    fn numbers<'a>(a: &'a Model, b: &'a Model) -> impl Iterator<Item = (f32, f32)> + 'a {
        let pairs = a.weights.iter().zip(b.weights.iter());
        pairs.flat_map(|((_, a), (_, b))| a.data.iter().copied().zip(b.data.iter().copied()))
    }

    #[test]
    fn at_its_ends_a_mixture_is_bit_equal_to_the_models() {
        let [mut a, b] = two();
        a.weights.get_mut("classifier.bias").unwrap().data[0] = -0.0; // 0 + (-0) would lose the sign
        for (t, end) in [(0.0, &a), (-0.0, &a), (1.0, &b)] {
            let mixture = Model::mix(&a, &b, t).unwrap();
            assert_eq!(&mixture, end);
            assert!(numbers(&mixture, end).all(|(x, y)| x.to_bits() == y.to_bits()), "{t}");
        }
    }

    #[test]
    fn mixing_is_linear() {
        let [a, b] = two();
        for t in [-0.3, 0.25, 0.5, 1.6] {
            let mixture = Model::mix(&a, &b, t).unwrap();
            let wanted = numbers(&a, &b).map(|(a, b)| f64::from(a) + t * (f64::from(b) - f64::from(a)));
            for ((got, _), wanted) in numbers(&mixture, &mixture).zip(wanted) {
                // One rounding to f32; those of f64 are far below it.
                let bound = 0.51 * f64::from(f32::EPSILON) * wanted.abs() + 1e-15;
                assert!((f64::from(got) - wanted).abs() <= bound, "{got} for {wanted} at {t}");
            }
        }
        // A mixture of a mixture lies on the same line: halfway from 0.2 to 1 is 0.6.
        let further = Model::mix(&Model::mix(&a, &b, 0.2).unwrap(), &b, 0.5).unwrap();
        for ((got, want), (a, b)) in numbers(&further, &Model::mix(&a, &b, 0.6).unwrap()).zip(numbers(&a, &b))
        {
            // Two roundings against one, of numbers no greater than the ends.
            assert!((got - want).abs() <= 1.5 * f32::EPSILON * (a.abs() + b.abs()), "{got} {want}");
        }
    }

    #[test]
    fn folding_and_mixing_may_change_places() {
        let [a, b] = two();
        let first = Model::mix(&a.folded(), &b.folded(), 0.3).unwrap();
        let last = Model::mix(&a, &b, 0.3).unwrap().folded();
        for (x, y) in numbers(&first, &last) {
            // Sums of nine weights below 1, each rounded.
            assert!((x - y).abs() <= 20.0 * f32::EPSILON, "{x} {y}");
        }
    }

    #[test]
    fn the_calibration_is_mixed_and_never_negative() {
        let [a, b] = two();
        let ranges = |model: &Model| -> Vec<f32> {
            let json = model.metadata().unwrap()["pidinet.calibration"].clone();
            let ranges: std::collections::BTreeMap<String, Vec<f32>> = serde_json::from_str(&json).unwrap();
            ranges.into_values().flatten().collect()
        };
        let ends = [&a, &b].map(ranges);
        let half = ranges(&Model::mix(&a, &b, 0.5).unwrap());
        for ((half, a), b) in half.iter().zip(&ends[0]).zip(&ends[1]) {
            // Ranges are kept to four digits.
            assert!((half - 0.5 * (a + b)).abs() <= 5.1e-4 * half + 1e-12, "{half} between {a} and {b}");
        }
        let beyond = Model::mix(&a, &b, 1e3).unwrap();
        assert!(ranges(&beyond).contains(&0.0));
        assert!(Model::read(&beyond.to_bytes().unwrap(), &Default::default()).is_ok());
    }

    #[test]
    fn a_mixture_says_what_it_is_of_and_has_no_scores() {
        let [mut a, mut b] = two();
        (a.info.licence, b.info.licence) = ("MIT".into(), "CC0-1.0".into());
        (a.info.training_data, b.info.training_data) = ("photographs".into(), "photographs".into());
        a.info.extra.insert("own".into(), "x".into());
        let info = Model::mix(&a, &b, 0.5).unwrap().info;
        assert_eq!(info.name, "random-1+random-2@0.5");
        assert!(info.provenance.contains("t = 0.5, A = `random-1`, B = `random-2`"), "{}", info.provenance);
        assert_eq!((&*info.licence, &*info.training_data), ("MIT AND CC0-1.0", "photographs"));
        assert!(info.scores.is_empty() && info.extra.is_empty());
    }

    #[test]
    fn models_that_do_not_fit_are_refused_by_what_they_differ_in() {
        let [a, b] = two();
        let message = |b: &Model| Model::mix(&a, b, 0.5).unwrap_err().to_string();
        assert!(message(&Model::random(Arch::small(), 1)).contains("the same width can be mixed: 20 and 30"));
        assert!(
            message(&Model::random(Arch::tiny().light(), 1))
                .contains("the same CDCM can be mixed: 8 and none")
        );
        assert!(message(&b.folded()).contains("the same form can be mixed: raw and folded"));
        let mut other = b.clone();
        other.arch.theta = 0.5;
        assert!(message(&other).contains("the same theta can be mixed: 1 and 0.5"));
        let mut other = b.clone();
        other.info.preset = Preset::Controlnet;
        assert!(message(&other).contains("the same input preset can be mixed: imagenet and controlnet"));
        let mut other = b.clone();
        other.calibration = None;
        let text = message(&other);
        assert!(text.contains("the same calibration for int8 can be mixed: there and missing"), "{text}");
    }

    #[test]
    fn tensors_that_do_not_fit_are_named() {
        let [a, b] = two();
        let message = |b: &Model| Model::mix(&a, b, 0.5).unwrap_err().to_string();
        let mut other = b.clone();
        other.weights.get_mut("block2_1.conv2.weight").unwrap().shape = vec![1];
        assert!(message(&other).contains("`block2_1.conv2.weight` is [1]"), "{}", message(&other));
        let mut other = b.clone();
        other.weights.get_mut("block2_1.conv2.weight").unwrap().data.pop();
        assert!(message(&other).contains("`block2_1.conv2.weight`"), "{}", message(&other));
        let mut other = b.clone();
        other.weights.insert("more", Parameter { shape: vec![0], data: Vec::new() });
        assert!(message(&other).contains("`more`"), "{}", message(&other));
        let mut other = b.clone();
        other.weights.get_mut("init_block.weight").unwrap().data[3] = f32::NAN;
        assert!(message(&other).contains("`init_block.weight` is not finite"), "{}", message(&other));
        let text = Model::mix(&a, &b, 1e300).unwrap_err().to_string();
        assert!(text.contains("is not finite"), "{text}");
        for t in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let text = Model::mix(&a, &b, t).unwrap_err().to_string();
            assert!(text.contains(&format!("cannot mix by {t}: expected a finite number")), "{text}");
        }
    }
}
