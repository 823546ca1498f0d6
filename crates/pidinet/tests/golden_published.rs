//! The published weights against the output of the published PyTorch code.
//!
//! The weights are not ours to share: these tests look for them in `../shared`, beside the workspace, and
//! pass with a note if it is missing.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use npyz::{DType, NpyFile};
use pidinet::DetectorOptions;
use pidinet::calibration::Calibration;
use pidinet::edges::Precision;
use pidinet::image::{Image, ImageLimits};
use pidinet::reference::edges::Reference;
use pidinet::weights::{Model, OpenOptions};
use zip::ZipArchive;

#[path = "golden/check.rs"]
mod check;
use check::{Maps, NOISE, answers, assert_close, engine_maps, image, machines, map_of, named};

const MODELS: [&str; 7] = ["baseline", "pidinet", "pidinet-l", "small", "small-l", "tiny", "tiny-l"];

#[expect(clippy::print_stdout, reason = "a test has no other way to say that it was skipped")]
fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if !folder.join("golden").is_dir() {
        println!("skipped: no published weights and maps in {}", folder.display());
        return None;
    }
    Some(folder)
}

fn open(shared: &Path, name: &str) -> Model {
    let file = match name {
        "baseline" | "pidinet" | "pidinet-l" => format!("table5_{name}.pth"),
        smaller => format!("table5_pidinet-{smaller}.pth"),
    };
    let path = shared.join("data/pidinet-official/weights").join(file);
    let config = if name == "baseline" { "baseline" } else { "carv4" };
    let options = OpenOptions { kinds: Some(config.parse().unwrap()), ..Default::default() };
    Model::open(path, &options).unwrap()
}

/// Names of the inputs on which a model was run.
fn inputs(shared: &Path, model: &str) -> Vec<String> {
    let files = fs::read_dir(shared.join("golden")).unwrap();
    let files = files.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let mut inputs: Vec<_> = files
        .filter_map(|file| Some(file.strip_suffix(".npz")?.strip_prefix(&format!("{model}__"))?.to_owned()))
        .collect();
    inputs.sort();
    inputs
}

/// The maps of a model for an input; those of 8 bits as numbers up to 255.
fn read_maps(shared: &Path, model: &str, input: &str) -> Maps {
    let path = shared.join(format!("golden/{model}__{input}.npz"));
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let members = 0..archive.len();
    let read = |index| {
        let mut bytes = Vec::new();
        let mut member = archive.by_index(index).unwrap();
        member.read_to_end(&mut bytes).unwrap();
        let array = NpyFile::new(&bytes[..]).unwrap();
        let shape: Vec<usize> = array.shape().iter().map(|&side| side as usize).collect();
        let numbers = match array.dtype() {
            DType::Plain(kind) if kind.to_string() == "|u1" => {
                array.into_vec::<u8>().unwrap().into_iter().map(f32::from).collect()
            }
            _ => array.into_vec::<f32>().unwrap(),
        };
        (member.name().unwrap().strip_suffix(".npy").unwrap().to_owned(), map_of(&shape, numbers))
    };
    members.map(read).collect()
}

/// Inputs that are stored ready for the network, together with all its maps.
fn ready(shared: &Path, model: &str) -> Vec<(String, Maps)> {
    let ready = inputs(shared, model).into_iter().filter(|input| input.starts_with("rand"));
    let ready: Vec<_> = ready.map(|input| (input.clone(), read_maps(shared, model, &input))).collect();
    assert_eq!(ready.len(), 4, "{model}");
    assert!(ready.iter().all(|(_, maps)| maps.len() == 11), "{model}");
    ready
}

#[test]
fn the_reference_is_what_the_published_code_gave() {
    let Some(shared) = shared() else { return };
    for name in MODELS {
        let model = open(&shared, name);
        for (input, maps) in ready(&shared, name) {
            let got = named(Reference::run(&model, &maps["x"]));
            assert_close(&format!("{name} {input}"), &got, &maps, NOISE);
        }
    }
}

#[test]
fn the_engine_is_what_the_published_code_gave() {
    let Some(shared) = shared() else { return };
    for name in MODELS {
        let model = open(&shared, name);
        for (input, maps) in ready(&shared, name) {
            for options in machines(&[1, 3]) {
                let what = format!("{name} {input} {options:?}");
                let every = engine_maps(&model, &options, &maps["x"]);
                assert_eq!(every.len(), 10);
                assert_close(&what, &every, &maps, NOISE);
                if let Some(image) = image(&maps["x"]) {
                    assert_close(&what, &answers(&model, &options, &image), &maps, NOISE);
                }
            }
        }
    }
}

/// One picture for every model, and one whose published 8-bit map is there too.
#[test]
fn pictures_have_the_edges_that_the_published_code_found() {
    let Some(shared) = shared() else { return };
    let mut published_maps = 0;
    for name in MODELS {
        let model = open(&shared, name);
        let inputs = inputs(&shared, name);
        assert!(inputs.iter().any(|input| input == "100007"), "{name}");
        for input in inputs.into_iter().filter(|input| !input.starts_with("rand")) {
            let maps = read_maps(&shared, name, &input);
            published_maps += usize::from(maps.contains_key("published_map_u8"));
            let picture = shared.join(format!("golden/inputs/{input}.png"));
            let picture = Image::open(picture, &ImageLimits::default()).unwrap();
            for options in machines(&[2]) {
                let options = DetectorOptions { sides: maps.contains_key("e1"), ..options };
                let what = format!("{name} {input} {options:?}");
                let got = answers(&model, &options, &picture);
                assert_close(&what, &got, &maps, NOISE);
                if let Some(published) = maps.get("published_map_u8") {
                    let pairs = got["fused"].data.iter().zip(&published.data);
                    let differ = pairs.filter(|(edge, level)| (255.0 * **edge).floor() != **level).count();
                    assert!(differ <= 5, "{what}: {differ} pixels differ from the published 8-bit map");
                }
            }
        }
    }
    assert_eq!(published_maps, 1);
}

/// Only products use bf16, so the maps are closer than those of networks that compute in bf16 throughout;
/// int8 is calibrated with other pictures.
#[test]
fn pictures_have_nearly_these_edges_in_lower_precision() {
    let Some(shared) = shared() else { return };
    let open_image = |path: &str| Image::open(shared.join(path), &ImageLimits::default()).unwrap();
    let picture = open_image("golden/inputs/100007.png");
    let others = ["100075", "118035", "135069", "22093"]
        .map(|id| open_image(&format!("data/BSDS500/images/train/{id}.jpg")));
    for name in MODELS {
        let mut model = open(&shared, name);
        model.calibration = Some(Calibration::measure(&model, others.clone()).unwrap());
        let maps = read_maps(&shared, name, "100007");
        for (precision, bounds) in [(Precision::Bf16, (0.0015, 0.05)), (Precision::Int8, (0.01, 0.3))] {
            let options = DetectorOptions { precision, ..DetectorOptions::default() };
            let got = answers(&model, &options, &picture);
            let (got, want) = (&got["fused"].data, &maps["fused"].data);
            let errors: Vec<f64> = got.iter().zip(want).map(|(got, want)| (got - want).abs()).collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let greatest = errors.iter().fold(0.0f64, |greatest, error| greatest.max(*error));
            assert!(
                mean < bounds.0 && greatest < bounds.1,
                "{name}, {precision}: {mean} off on average, {greatest} at most"
            );
        }
    }
}
