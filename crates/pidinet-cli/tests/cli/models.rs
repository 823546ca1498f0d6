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
fn a_model_is_calibrated_with_pictures() {
    let sandbox = Sandbox::new().with(&["photos/a.png", "photos/b.png"]);
    let calibration = |name: &str| open(&sandbox, name).calibration;
    assert_eq!(calibration("model.safetensors"), None);
    sandbox.run("convert model.safetensors both.safetensors --calibrate photos").code(0);
    assert_ne!(calibration("both.safetensors"), None);
    sandbox.run("convert both.safetensors half.safetensors --float16 --folded").code(0);
    assert_eq!(calibration("half.safetensors"), calibration("both.safetensors"));
    assert!(sandbox.run("inspect half.safetensors").code(0).stdout().contains("calibrated"));

    std::fs::create_dir(sandbox.path("none")).unwrap();
    let ran = sandbox.run("convert model.safetensors out.safetensors --calibrate none").code(1);
    assert!(ran.stderr().contains("no images in folder none"), "{}", ran.stderr());
    sandbox.write("photos/c.png", b"not a picture");
    let ran = sandbox.run("convert model.safetensors out.safetensors --calibrate photos").code(1);
    assert!(ran.stderr().contains("c.png"), "{}", ran.stderr());
    assert!(!sandbox.files().contains(&"out.safetensors".to_owned()));
}

/// A folder of the same name does not hide a model.
#[test]
fn models_that_come_with_the_program_have_names() {
    let sandbox = Sandbox::new().with(&["tiny/a.png"]);
    sandbox.run("convert tiny copy.safetensors").code(0);
    assert_eq!(open(&sandbox, "copy.safetensors").info.name, "tiny");
    let facts = sandbox.run("inspect tiny").code(0).stdout();
    assert!(facts.lines().next().unwrap().split_whitespace().eq(["name", "tiny"]), "{facts}");
    sandbox.run("detect -m tiny tiny/a.png").code(0);
    let report = sandbox.run("bench -m tiny --size 16x16 --runs 1 --json").code(0).stdout();
    assert!(report.contains("\"model\":\"tiny\""), "{report}");
}

#[test]
fn an_onnx_file_is_written_as_asked() {
    let sandbox = Sandbox::new();
    sandbox.run("convert model.safetensors free.onnx").code(0);
    sandbox.run("convert model.safetensors FIXED.ONNX --size 64x48 --input rgb --side-outputs").code(0);
    let has = |name: &str, what: &str| {
        let bytes = std::fs::read(sandbox.path(name)).unwrap();
        bytes.windows(what.len()).any(|window| window == what.as_bytes())
    };
    for (what, free, fixed) in
        [("block4_4.conv2.weight", true, true), ("side4", false, true), ("Gather", false, false)]
    {
        assert_eq!((has("free.onnx", what), has("FIXED.ONNX", what)), (free, fixed), "{what}");
    }
    assert!(has("free.onnx", "normalised") && has("FIXED.ONNX", "from 0 to 255"));
}

#[test]
fn what_convert_cannot_write_is_told_before_anything_is_done() {
    let sandbox = Sandbox::new();
    for (arguments, message) in [
        ("out.pth", "out.pth: expected OUT to end in .safetensors or .onnx"),
        ("out", "out: expected OUT to end in .safetensors or .onnx"),
        ("out.onnx --float16", "--float16 does not apply to out.onnx"),
        ("out.onnx --calibrate .", "--calibrate does not apply to out.onnx"),
        ("out.safetensors --size 64x64", "--size does not apply to out.safetensors"),
        ("out.safetensors --side-outputs", "--side-outputs does not apply to out.safetensors"),
    ] {
        let ran = sandbox.run(&format!("convert model.safetensors {arguments}")).code(2);
        assert!(ran.stderr().contains(message), "{}", ran.stderr());
    }
    let ran = sandbox.run("convert model.safetensors out.onnx --size 64x7").code(1);
    assert!(ran.stderr().contains("64x7: expected sides of at least 8"), "{}", ran.stderr());
    let ran = sandbox.run("convert model.safetensors none/out.onnx").code(1);
    assert!(ran.stderr().contains("cannot write none/out.onnx"), "{}", ran.stderr());
    assert!(sandbox.files().is_empty(), "{:?}", sandbox.files());
}

#[test]
fn a_file_that_is_no_model_is_an_error_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("text.pth", b"not a model");
    let ran = sandbox.run("convert text.pth out.safetensors").code(1);
    assert!(ran.stderr().contains("text.pth"), "{}", ran.stderr());
    let ran = sandbox.run("convert none.pth out.safetensors").code(2);
    assert!(
        ran.stderr().contains("there is no file and no built-in model named none.pth"),
        "{}",
        ran.stderr()
    );
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
    let sandbox = sandbox.with(&["a.png"]);
    let ran = sandbox.run("bench MODEL --image a.png --runs 1").code(0);
    assert!(ran.stdout().contains("33x20"), "{}", ran.stdout());
    sandbox.run("bench MODEL --image a.png --size 40x24").code(2);
    let ran = sandbox.run("bench -m bi-pidinet-s --image a.png").code(2);
    assert!(ran.stderr().contains("--image applies to edge models only"), "{}", ran.stderr());
    let ran = sandbox.run("bench MODEL --isa abacus").code(2);
    assert!(ran.stderr().contains("abacus"), "{}", ran.stderr());
}
