//! Random networks of every configuration against PyTorch.
//!
//! `tools/golden.py` made the models and the maps in `golden/`, in float64, with `pidinet.torch`, which defines the
//! network independently of this code.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use pidinet::DetectorOptions;
use pidinet::arch::Kinds;
use pidinet::edges::Strip;
use pidinet::reference::edges::Reference;
use pidinet::weights::{Model, OpenOptions};
use safetensors::SafeTensors;

#[path = "golden/check.rs"]
mod check;
use check::{Bounds, Maps, NOISE, answers, assert_close, engine_maps, image, machines, map_of, named};

/// A network with its input and PyTorch's output.
struct Golden {
    name: String,
    model: Model,
    maps: Maps,
}

impl Golden {
    /// All of the committed set.
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder.join("models")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let open = |model: PathBuf| {
            let maps = folder.join("maps").join(model.file_name().unwrap());
            Self {
                name: model.file_stem().unwrap().to_str().unwrap().to_owned(),
                model: Model::open(&model, &OpenOptions::default()).unwrap(),
                maps: read_maps(&maps),
            }
        };
        files.into_iter().map(open).collect()
    }
}

fn read_maps(path: &Path) -> Maps {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.iter().map(|(name, tensor)| {
        let numbers = tensor.data().as_chunks().0.iter().map(|&number| f32::from_le_bytes(number));
        (name.to_owned(), map_of(tensor.shape(), numbers))
    });
    tensors.collect()
}

#[test]
fn the_set_covers_every_configuration_and_option() {
    let all = Golden::all();
    let has = |what: &dyn Fn(&Model) -> bool| all.iter().any(|golden| what(&golden.model));
    for name in Kinds::NAMES {
        assert!(has(&|model| model.arch.kinds.to_string() == name), "{name}");
    }
    assert!(has(&|model| model.arch.kinds.to_string().contains(',')), "sixteen kinds without a name");
    for (cdcm, csam) in [(false, false), (false, true), (true, false), (true, true)] {
        assert!(has(&|model| (model.arch.cdcm.is_some(), model.arch.csam) == (cdcm, csam)), "{cdcm} {csam}");
    }
    for theta in [0.3, 0.7, 1.0] {
        assert!(has(&|model| model.arch.theta == theta), "θ = {theta}");
    }
    let names = ["e1", "e2", "e3", "e4", "fused", "x", "x0", "x1", "x2", "x3", "x4"];
    assert!(all.iter().all(|golden| golden.maps.keys().eq(names)));
}

/// Both compute in f64, so what remains is the rounding of the stored maps: half a unit in the last place of
/// f32, plus a ten-thousandth of that for the noise of f64 sums.
#[test]
fn the_reference_is_what_pytorch_gave() {
    let rounding = f64::from(f32::EPSILON) / 2.0 * 1.0001;
    for Golden { name, model, maps } in Golden::all() {
        let got = named(Reference::run(&model, &maps["x"]));
        assert_close(&name, &got, &maps, Bounds { stages: rounding, answers: rounding });
    }
}

/// A folded weight is a sum of up to nine, each addition rounding by 2⁻²⁴ at most; over sixteen layers that is
/// 16 · 9 · 2⁻²⁴ = 8.6e-6.
#[test]
fn folded_weights_give_the_same_maps() {
    for Golden { name, model, maps } in Golden::all() {
        let got = named(Reference::run(&model.folded(), &maps["x"]));
        assert_close(&name, &got, &maps, Bounds { stages: 1e-5, answers: 1e-5 });
    }
}

#[test]
fn the_engine_is_what_pytorch_gave_on_every_instruction_set() {
    for Golden { name, model, maps } in Golden::all() {
        for options in machines(&[1, 3]) {
            let got = engine_maps(&model, &options, &maps["x"]);
            assert_eq!(got.len(), maps.len() - 1);
            assert_close(&format!("{name} {options:?}"), &got, &maps, NOISE);
        }
    }
}

#[test]
fn the_detector_is_what_pytorch_gave_with_and_without_sides() {
    for Golden { name, model, maps } in Golden::all() {
        let image = image(&maps["x"]).unwrap();
        for options in machines(&[1, 3]) {
            for (sides, count) in [(true, 5), (false, 1)] {
                let options = DetectorOptions { sides, ..options.clone() };
                let got = answers(&model, &options, &image);
                assert_eq!(got.len(), count);
                assert_close(&format!("{name} {options:?}"), &got, &maps, NOISE);
            }
        }
    }
}

#[test]
fn strips_change_nothing() {
    let rows = |rows| Strip::Rows(NonZeroUsize::new(rows).unwrap());
    for Golden { name, model, maps } in Golden::all() {
        for options in machines(&[1, 3]) {
            let with = |strip| engine_maps(&model, &DetectorOptions { strip, ..options.clone() }, &maps["x"]);
            let whole = with(Strip::Whole);
            for strip in [Strip::Auto, rows(1), rows(8), rows(11), rows(24)] {
                assert!(with(strip) == whole, "{name} {strip:?} {options:?}");
            }
        }
    }
}
