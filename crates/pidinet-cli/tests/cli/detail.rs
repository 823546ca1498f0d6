//! `--detail`, `mix` and `models`.

use pidinet::arch::Arch;
use pidinet::onnx;
use pidinet::weights::{Model, OpenOptions};
use serde_json::Value;

use crate::sandbox::Sandbox;

/// A folder with `model.safetensors` and a partner for it, `edges.safetensors`.
fn sandbox() -> (Sandbox, [Model; 2]) {
    let sandbox = Sandbox::new().with(&["a.png"]);
    Model::random(Arch::tiny().light(), 2).save(sandbox.path("edges.safetensors")).unwrap();
    let models = ["model.safetensors", "edges.safetensors"].map(|name| open(&sandbox, name));
    (sandbox, models)
}

fn open(sandbox: &Sandbox, name: &str) -> Model {
    Model::open(sandbox.path(name), &OpenOptions::default()).unwrap()
}

/// The metadata of a file, as one text.
fn metadata(sandbox: &Sandbox, name: &str) -> Value {
    let bytes = std::fs::read(sandbox.path(name)).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header["__metadata__"].clone()
}

#[test]
fn a_mixture_is_written_and_says_what_it_is_of() {
    let (sandbox, [a, b]) = sandbox();
    sandbox.run("mix model.safetensors edges.safetensors -t .5 -o half.safetensors").code(0);
    let half = open(&sandbox, "half.safetensors");
    assert_eq!(half.weights, Model::mix(&a, &b, 0.5).unwrap().weights);
    let origin: Value = serde_json::from_str(&half.info.extra["pidinet.mixed_from"]).unwrap();
    assert_eq!((&origin["t"], &origin["a"]["name"]), (&0.5.into(), &"random-1".into()));
    assert_eq!(origin["b"]["name"], "random-2");
    assert!(origin["a"]["sha256"].as_str().is_some_and(|digest| digest.len() == 64));
    assert_ne!(origin["a"]["sha256"], origin["b"]["sha256"]);

    // Any number, and from any folder, since no folder is recorded.
    std::fs::create_dir(sandbox.path("models")).unwrap();
    std::fs::copy(sandbox.path("edges.safetensors"), sandbox.path("models/b.safetensors")).unwrap();
    for t in ["-0.3", "0", "1", "1.6"] {
        let ran =
            format!("mix model.safetensors models/b.safetensors -t {t} -o models/out.safetensors --float16");
        sandbox.run(&ran).code(0);
        let metadata = metadata(&sandbox, "models/out.safetensors").to_string();
        assert!(!metadata.contains('/') && !metadata.contains("models"), "{metadata}");
        let mut wanted = Model::mix(&a, &b, t.parse().unwrap()).unwrap();
        wanted.save_as(sandbox.path("wanted.safetensors"), pidinet::weights::Storage::Float16).unwrap();
        wanted = open(&sandbox, "wanted.safetensors");
        assert_eq!(open(&sandbox, "models/out.safetensors").weights, wanted.weights, "{t}");
    }
    assert!(sandbox.run("inspect half.safetensors").code(0).stdout().contains("mixed_from"));
}

#[test]
fn what_cannot_be_mixed_is_told_and_nothing_is_written() {
    let (sandbox, _) = sandbox();
    Model::random(Arch::small().light(), 2).save(sandbox.path("small.safetensors")).unwrap();
    let before = sandbox.files();
    for (arguments, code, message) in [
        (
            "model.safetensors small.safetensors -t .5 -o c.safetensors",
            1,
            "of the same width can be mixed: 20 and 30",
        ),
        ("model.safetensors edges.safetensors -t nan -o c.safetensors", 1, "cannot mix by NaN"),
        (
            "model.safetensors edges.safetensors -t .5 -o c.onnx",
            2,
            "expected the output to end in .safetensors",
        ),
        ("model.safetensors edges.safetensors -t .5 -o ./edges.safetensors", 2, "would be overwritten"),
        ("model.safetensors bi-pidinet-s -t .5 -o c.safetensors", 2, "is a recognition model"),
        ("tinny edges.safetensors -t .5 -o c.safetensors", 2, "did you mean tiny"),
        ("model.safetensors edges.safetensors -t half -o c.safetensors", 2, "half"),
    ] {
        let ran = sandbox.run(&format!("mix {arguments}")).code(code);
        assert!(ran.stderr().contains(message), "{arguments}: {}", ran.stderr());
    }
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_detail_is_the_mixture_of_two_models() {
    let (sandbox, _) = sandbox();
    sandbox.run("mix model.safetensors edges.safetensors -t 0.25 -o quarter.safetensors").code(0);
    let map = |arguments: &str| {
        sandbox.run(&format!("detect a.png {arguments} -o map.npy")).code(0);
        std::fs::read(sandbox.path("map.npy")).unwrap()
    };
    let knob = "MODEL --detail-model edges.safetensors --detail";
    for (detail, same) in [("0", "model"), ("0.25", "quarter"), ("1", "edges")] {
        assert_eq!(map(&format!("{knob} {detail}")), map(&format!("-m {same}.safetensors")), "{detail}");
    }
    assert_ne!(map(&format!("{knob} 0.25")), map("MODEL"));
    // Who says neither model nor detail gets boundaries, see docs/detail.md.
    assert_eq!(map(""), map("--detail 0"));

    let report = sandbox.run(&format!("bench {knob} .25 --size 16x16 --runs 1 --json")).code(0).stdout();
    assert!(report.contains("\"model\":\"random-1+random-2@0.25\""), "{report}");
}

#[test]
fn a_model_is_converted_at_a_detail() {
    let (sandbox, [a, b]) = sandbox();
    let mixture = Model::mix(&a, &b, 0.75).unwrap();
    for output in ["out.safetensors", "out.onnx"] {
        let ran = format!("convert model.safetensors {output} --detail .75 --detail-model edges.safetensors");
        sandbox.run(&ran).code(0);
    }
    assert_eq!(open(&sandbox, "out.safetensors").weights, mixture.weights);
    onnx::save(&mixture, sandbox.path("wanted.onnx"), &onnx::Options::default()).unwrap();
    let bytes = |name: &str| std::fs::read(sandbox.path(name)).unwrap();
    assert_eq!(bytes("out.onnx"), bytes("wanted.onnx"));
    let ran = sandbox
        .run("convert model.safetensors edges.safetensors --detail .75 --detail-model edges.safetensors");
    assert!(ran.code(2).stderr().contains("edges.safetensors would be overwritten"));
}

#[test]
fn a_detail_without_a_partner_is_refused_with_what_to_do() {
    let (sandbox, _) = sandbox();
    for (arguments, message) in [
        ("detect a.png MODEL --detail .5", "pidinet mix"),
        ("detect a.png MODEL --detail .5", "--detail-model"),
        ("bench MODEL --detail .5", "model.safetensors has no partner"),
        ("convert model.safetensors out.onnx --detail .5", "model.safetensors has no partner"),
        ("detect a.png MODEL --detail 1.5 --detail-model edges.safetensors", "from 0 (boundaries) to 1"),
        ("detect a.png MODEL --detail-model edges.safetensors", "--detail <0..1>"),
        ("bench -m bi-pidinet-s --detail .5", "--detail applies to edge models only"),
        ("convert bi-pidinet-s out.safetensors --detail .5", "--detail apply to edge models only"),
    ] {
        let ran = sandbox.run(arguments).code(2);
        assert!(ran.stderr().contains(message), "{arguments}: {}", ran.stderr());
    }
    let ran = sandbox.run("detect a.png -m tiny --detail .5 --detail-model edges.safetensors").code(1);
    assert!(ran.stderr().contains("only models of the same CDCM can be mixed"), "{}", ran.stderr());
}

#[test]
fn models_are_listed_with_what_is_known_of_them() {
    let sandbox = Sandbox::new();
    let text = sandbox.run("models").code(0).stdout();
    let listing: Value = serde_json::from_str(&sandbox.run("models --json").code(0).stdout()).unwrap();
    let models = listing["models"].as_array().unwrap();
    let named = |name: &str| models.iter().find(|model| model["name"] == name).unwrap();
    let (tiny, bi) = (named("tiny"), named("bi-pidinet-s"));
    assert_eq!((&tiny["task"], &tiny["default"]), (&"edges".into(), &true.into()));
    assert_eq!((&bi["task"], &bi["default"]), (&"recognition".into(), &false.into()));
    for (model, embedded) in [(tiny, "tiny"), (bi, "bi-pidinet-s")] {
        let embedded = pidinet::models::named(embedded).unwrap();
        assert_eq!(model["bytes"], embedded.bytes.len());
        assert!(model["sha256"].as_str().unwrap().chars().all(|digit| digit.is_ascii_hexdigit()));
        assert!(text.contains(model["sha256"].as_str().unwrap()), "{text}");
        assert!(!model["training_data"].as_str().unwrap().is_empty());
        assert!(text.contains(model["licence"].as_str().unwrap()), "{text}");
    }
    assert_eq!((&tiny["parameters"], &tiny["binary_parameters"]), (&84_477.into(), &0.into()));
    assert_eq!(bi["binary_parameters"], 663_552);
    assert!(text.contains(", and 663552 of 1 bit"), "{text}");
    assert!(tiny["scores"]["bsds500.test.ods"].as_f64().is_some_and(|ods| ods > 0.7));
    assert!(bi["scores"]["cifar10.test.top1"].as_f64().is_some_and(|top1| top1 > 0.8));
    assert!(text.contains("bsds500.test.ods"), "{text}");
    assert_eq!(listing["pairs"].as_array().unwrap().len(), pidinet::models::pairs().count());
    for pair in pidinet::models::pairs() {
        let partner = pair.partner().unwrap().name;
        assert!(text.contains(&format!("with {partner}: --detail")), "{text}");
        // Built-in pairs can be mixed.
        let detail = format!("bench -m {} --detail .5 --size 16x16 --runs 1 --json", pair.name);
        assert!(sandbox.run(&detail).code(0).stdout().contains("@0.5"));
    }
}

/// The digest of a model is that of its file, as other programs compute it.
#[test]
fn the_digest_of_a_model_is_that_of_its_file() {
    let sandbox = Sandbox::new();
    let listing: Value = serde_json::from_str(&sandbox.run("models --json").code(0).stdout()).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../pidinet/models/tiny.safetensors");
    let Ok(output) = std::process::Command::new("sha256sum").arg(file).output() else {
        eprintln!("skipped: there is no sha256sum");
        return;
    };
    let theirs = String::from_utf8(output.stdout).unwrap();
    let tiny = listing["models"].as_array().unwrap().iter().find(|model| model["name"] == "tiny").unwrap();
    assert_eq!(theirs.split_whitespace().next(), tiny["sha256"].as_str());
}

#[test]
fn a_wrong_name_lists_the_near_ones_everywhere() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    for arguments in [
        "detect a.png -m tinny",
        "bench -m tinny",
        "inspect tinny",
        "convert tinny out.onnx",
        "classify a.png -m tinny",
        "eval edges --images . --gt . -o out -m tinny",
        "mix tinny tiny -t 1 -o out.safetensors",
    ] {
        let ran = sandbox.run(arguments).code(2);
        assert!(ran.stderr().contains("did you mean tiny"), "{arguments}: {}", ran.stderr());
    }
    let ran = sandbox.run("classify a.png -m bi-pidinet").code(2);
    assert!(ran.stderr().contains("did you mean bi-pidinet-s?"), "{}", ran.stderr());
}
