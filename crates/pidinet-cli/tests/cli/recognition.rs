//! `classify`, `embed`, `eval recognition`, `verify pairs`, and how the other commands treat recognition
//! models.

use std::path::Path;

use pidinet::arch::Kind;
use pidinet::arch::recognition::RecognitionArch;
use pidinet::image::{Image, ImageLimits};
use pidinet::weights::{RecognitionInput, RecognitionModel, RecognitionStorage};
use pidinet::{Classifier, ClassifierOptions};

use crate::sandbox::Sandbox;

const LABELS: [&str; 7] = ["ape", "bee", "cat", "dog", "eel", "fox", "gnu"];

/// A folder with `bi.safetensors`: random weights, since the program does the same however good they are.
fn sandbox() -> (Sandbox, Classifier) {
    let sandbox = Sandbox::new();
    let mut arch = RecognitionArch {
        width: 8,
        ..RecognitionArch::small(LABELS.len()).with_differences(Kind::Central, 0.5)
    };
    arch.stages.truncate(2);
    let mut model = RecognitionModel::random(arch, 5);
    model.labels = LABELS.map(String::from).into();
    model.input = RecognitionInput { size: 16, resize: 16, ..RecognitionInput::CIFAR };
    model.save(sandbox.path("bi.safetensors"), RecognitionStorage::default()).unwrap();
    (sandbox, Classifier::new(&model, &ClassifierOptions::default()).unwrap())
}

fn image(path: &Path) -> Image {
    Image::open(path, &ImageLimits::default()).unwrap()
}

#[test]
fn images_are_classified() {
    let (sandbox, classifier) = sandbox();
    let sandbox = sandbox.with(&["a.png", "b.png"]);
    let found = classifier.classify(&image(&sandbox.path("a.png")));
    let ran = sandbox.run("classify a.png b.png -m bi.safetensors -k 2").code(0);
    let line = ran.stdout().lines().next().unwrap().to_owned();
    assert!(line.starts_with(&format!("a.png: {} ", LABELS[found.class()])), "{line}");

    sandbox.write("no.png", b"no image");
    let ran = sandbox.run("classify no.png a.png -m bi.safetensors -k 3 --json").code(1);
    let lines: Vec<serde_json::Value> =
        ran.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["error"].as_str().unwrap().contains("no.png"));
    let classes = lines[1]["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 3);
    assert_eq!(classes[0]["class"], found.class());
    assert_eq!(classes[0]["label"], LABELS[found.class()]);
    let ran = sandbox.run("classify a.png -m model.safetensors").code(2);
    assert!(ran.stderr().contains("needs a Bi-PiDiNet"), "{}", ran.stderr());
    let ran = sandbox.run("detect a.png -m bi.safetensors").code(2);
    assert!(ran.stderr().contains("bi.safetensors is a recognition model"), "{}", ran.stderr());
}

#[test]
fn other_models_are_named_as_such() {
    let (sandbox, _) = sandbox();
    let sandbox = sandbox.with(&["a.png", "tiny/a.png", "photos/a.png"]);
    sandbox.write("p", b"2\t1\nA\t1\t2\nA\t1\tB\t1\nB\t1\t2\nA\t2\tB\t2\n");
    for command in [
        "classify a.png",
        "embed a.png -o a.npy",
        "eval recognition --data photos",
        "verify pairs --pairs p --data .",
    ] {
        for (model, message) in [
            ("tiny", "tiny is an edge model; recognition needs a Bi-PiDiNet"),
            ("photos", "photos is a folder, and there is no built-in model of that name"),
            ("nowhere", "there is no file and no built-in model named nowhere"),
        ] {
            let ran = sandbox.run(&format!("{command} -m {model}")).code(2);
            assert!(ran.stderr().contains(message), "{command}: {}", ran.stderr());
        }
    }
}

#[test]
fn the_embedded_model_has_a_name() {
    let (sandbox, _) = sandbox();
    let sandbox = sandbox.with(&["a.png"]);
    let ran = sandbox.run("classify a.png -m bi-pidinet-s -k 10").code(0);
    for class in ["airplane", "cat", "truck"] {
        assert!(ran.stdout().contains(class), "{}", ran.stdout());
    }
}

#[test]
fn feature_vectors_are_written() {
    let (sandbox, classifier) = sandbox();
    let sandbox = sandbox.with(&["in/a.png", "in/b.png", "in/c.png"]);
    let ran = sandbox.run("embed in -m bi.safetensors -o out.npy").code(0);
    assert_eq!(ran.stdout().lines().count(), 3);
    let bytes = std::fs::read(sandbox.path("out.npy")).unwrap();
    let header = String::from_utf8_lossy(&bytes[..128]).into_owned();
    assert!(header.contains("(3, 16, )"), "{header}");
    let second: Vec<f32> = bytes[bytes.len() - 3 * 64..][64..128]
        .chunks(4)
        .map(|x| f32::from_le_bytes(x.try_into().unwrap()))
        .collect();
    assert_eq!(second, classifier.embed(&image(&sandbox.path("in/b.png"))));
    sandbox.run("embed in -m bi.safetensors -o out.txt").code(2);
}

#[test]
fn recognised_images_are_counted() {
    let (sandbox, classifier) = sandbox();
    let names = ["ape/1.png", "ape/2.png", "cat/1.png", "gnu/1.png"].map(|name| format!("data/test/{name}"));
    for (number, name) in names.iter().enumerate() {
        sandbox.photo(Path::new(name), 20 + 3 * number, 30);
    }
    let right = names.iter().filter(|name| {
        let class = classifier.classify(&image(&sandbox.path(name))).class();
        name.contains(LABELS[class])
    });
    let right = right.count();
    let ran =
        sandbox.run("eval recognition -m bi.safetensors --data data --split test --json -o out").code(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_eq!(report["images"], 4);
    assert_eq!(report["top1"], right as f64 / 4.0);
    assert!(report["top5"].as_f64() >= report["top1"].as_f64());
    let csv = std::fs::read_to_string(sandbox.path("out/confusion.csv")).unwrap();
    assert_eq!(csv.lines().next(), Some("true\\found,ape,bee,cat,dog,eel,fox,gnu"));
    assert!(image(&sandbox.path("out/confusion.png")).width() > 300);

    sandbox.photo(Path::new("data/test/hen/1.png"), 20, 20);
    let ran = sandbox.run("eval recognition -m bi.safetensors --data data --split test").code(2);
    assert!(ran.stderr().contains("hen"), "{}", ran.stderr());
    let ran = sandbox.run("eval recognition -m bi.safetensors --data data --split val").code(1);
    assert!(ran.stderr().contains("val/CLASS"), "{}", ran.stderr());
}

#[test]
fn faces_are_verified() {
    let (sandbox, _) = sandbox();
    for (number, name) in ["A", "B"].into_iter().enumerate() {
        for image in 1..=2 {
            sandbox.photo(Path::new(&format!("lfw/{name}/{name}_000{image}.jpg")), 20 + 9 * number, 24);
        }
    }
    sandbox.write("pairs.txt", b"2\t1\nA\t1\t2\nA\t1\tB\t1\nB\t1\t2\nA\t2\tB\t2\n");
    let ran = sandbox
        .run("verify pairs -m bi.safetensors --pairs pairs.txt --data lfw --json --roc roc.png")
        .code(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout()).unwrap();
    // The two photographs of a name are the same, and those of different names are not.
    assert_eq!((report["accuracy"].as_f64(), report["area"].as_f64()), (Some(1.0), Some(1.0)), "{report}");
    assert_eq!((report["pairs"].as_u64(), report["standard_error"].as_f64()), (Some(4), Some(0.0)));
    assert!(image(&sandbox.path("roc.png")).width() > 500);

    // Videos: folders of frames.
    for (name, width) in [("A/0", 20), ("A/1", 20), ("B/0", 29), ("B/1", 29)] {
        for frame in 0..2 {
            sandbox.photo(Path::new(&format!("ytf/{name}/{frame}.jpg")), width + frame, 24);
        }
    }
    sandbox.write("splits.txt", b"fold, pair, first, second, same\n1, 1, A/0, A/1, 1\n1, 2, A/0, B/0, 0\n2, 1, B/0, B/1, 1\n2, 2, A/1, B/1, 0\n");
    let ran = sandbox.run("verify pairs -m bi.safetensors --pairs splits.txt --data ytf").code(0);
    assert!(ran.stdout().starts_with("4 pairs in 2 folds: 100.00 % ± 0.00 %"), "{}", ran.stdout());
    let ran = sandbox.run("verify pairs -m bi.safetensors --pairs splits.txt --data lfw").code(1);
    assert!(ran.stderr().contains("lfw"), "{}", ran.stderr());
}

#[test]
fn packed_models_are_small_and_the_same() {
    let (sandbox, _) = sandbox();
    let sandbox = sandbox.with(&["a.png"]);
    sandbox.run("convert --packed bi.safetensors packed.safetensors").code(0);
    sandbox.run("convert packed.safetensors again.safetensors").code(0);
    let size = |name: &str| std::fs::metadata(sandbox.path(name)).unwrap().len();
    assert!(size("packed.safetensors") * 2 < size("again.safetensors"));
    let found = |model: &str| sandbox.run(&format!("classify a.png -k 7 -m {model}")).code(0).stdout();
    assert_eq!(found("packed.safetensors"), found("bi.safetensors"));
    assert_eq!(found("again.safetensors"), found("bi.safetensors"));
    sandbox.run("convert --packed model.safetensors x.safetensors").code(2);
    sandbox.run("convert --folded bi.safetensors x.safetensors").code(2);
    sandbox.run("convert bi.safetensors x.onnx").code(2);
    let ran = sandbox.run("inspect packed.safetensors").code(0);
    insta::assert_snapshot!("inspect-binary", ran.stdout());
}
