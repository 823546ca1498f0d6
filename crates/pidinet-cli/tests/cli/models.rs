//! `convert`, `inspect` and `bench`.

use pidinet::weights::{Model, OpenOptions};

use crate::sandbox::Sandbox;

fn open(sandbox: &Sandbox, name: &str) -> Model {
    Model::open(sandbox.path(name), &OpenOptions::default()).unwrap()
}

#[test]
fn a_converted_model_is_the_same_model() {
    let sandbox = Sandbox::new();
    let before = open(&sandbox, "model.safetensors");
    sandbox.run("convert model.safetensors copy.safetensors").code(0);
    assert_eq!(open(&sandbox, "copy.safetensors").weights, before.weights);
    sandbox.run("convert --folded model.safetensors folded.safetensors").code(0);
    assert_eq!(open(&sandbox, "folded.safetensors").weights, before.folded().weights);
    sandbox.run("convert --preset controlnet model.safetensors c.safetensors").code(0);
    assert_eq!(open(&sandbox, "c.safetensors").info.preset, pidinet::image::Preset::Controlnet);
    sandbox.run("convert --float16 model.safetensors half.safetensors").code(0);
    let size = |name: &str| std::fs::metadata(sandbox.path(name)).unwrap().len();
    assert!(size("half.safetensors") * 10 < size("copy.safetensors") * 6);
}

#[test]
fn a_file_that_is_no_model_is_an_error_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("text.pth", b"not a model");
    let ran = sandbox.run("convert text.pth out.safetensors").code(1);
    assert!(ran.stderr().contains("text.pth"), "{}", ran.stderr());
    let ran = sandbox.run("convert none.pth out.safetensors").code(1);
    assert!(ran.stderr().contains("cannot read none.pth"), "{}", ran.stderr());
    let ran = sandbox.run("convert model.safetensors ./model.safetensors").code(2);
    assert!(ran.stderr().contains("overwritten"), "{}", ran.stderr());
    assert_eq!(sandbox.files(), ["text.pth"]);
}

#[test]
fn a_table_says_what_a_model_is() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run("inspect model.safetensors --size 33x20").code(0);
    insta::assert_snapshot!("inspect", ran.stdout());
}

#[test]
fn a_benchmark_reports_what_it_ran() {
    let sandbox = Sandbox::new();
    let ran =
        sandbox.run("bench MODEL --size 40x24 --runs 3 --threads 1 --isa portable --json --layers").code(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout()).unwrap();
    for (name, want) in [("width", 40), ("height", 24), ("runs", 3), ("threads", 1)] {
        assert_eq!(report[name], want, "{name}");
    }
    assert_eq!(report["isa"], "portable");
    let (median, min) = (report["median_ms"].as_f64().unwrap(), report["min_ms"].as_f64().unwrap());
    assert!(0.0 < min && min <= median);
    let layers = report["layers"].as_array().unwrap();
    assert!(layers.iter().any(|layer| layer["name"].as_str().unwrap().contains("block4_4")));
    let ran = sandbox.run("bench MODEL --size 40x24 --runs 2").code(0);
    assert!(ran.stdout().contains("40x24") && ran.stdout().lines().count() == 1, "{}", ran.stdout());
    let ran = sandbox.run("bench MODEL --isa abacus").code(1);
    assert!(ran.stderr().contains("abacus"), "{}", ran.stderr());
}
