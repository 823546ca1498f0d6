//! Safetensors files that lie, and what is read from those that do not.

use pidinet::Size;
use pidinet::arch::{Arch, Kinds};
use pidinet::calibration::Calibration;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::weights::{Model, OpenOptions};

use super::{assert_says, refused, refused_with, small};

/// A safetensors file with this header, and as many bytes of tensors.
fn safetensors(header: &str, bytes: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + bytes, 0);
    file
}

#[test]
fn headers_that_lie_are_errors() {
    for length in [1 << 31, (1 << 31) - 1, 1 << 32, 1 << 63, u64::MAX, (1 << 20) + 1] {
        let mut file = small().to_bytes().unwrap();
        file[..8].copy_from_slice(&u64::to_le_bytes(length));
        assert_says(&refused(&file), &["limit `header_bytes`", &length.to_string(), "1048576 are allowed"]);
    }
    let damaged = "the safetensors file is damaged";
    let tensor = |shape: &str, offsets: &str| {
        format!(r#"{{"init_block.weight":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    for (shape, offsets) in [
        ("[4294967296,4294967296,3,3]", "[0,8]"),
        ("[2147483648,3,3,3]", "[0,8]"),
        ("[2,1]", "[0,4]"),
        ("[2,1]", "[4,12]"),
        ("[2,1]", "[8,0]"),
        ("[2,1]", "[0,18446744073709551615]"),
        ("[-2,1]", "[0,8]"),
        ("[1e3]", "[0,8]"),
        ("null", "[0,8]"),
    ] {
        assert_says(&refused(&safetensors(&tensor(shape, offsets), 8)), &[damaged]);
    }
    let overlapping = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    assert_says(&refused(&safetensors(overlapping, 12)), &[damaged]);
    assert_says(&refused(&safetensors(&tensor("[2]", "[0,8]"), 9)), &[damaged]);
    assert_says(&refused(&safetensors(&"{\"a\":".repeat(100_000), 0)), &[damaged, "recursion"]);
    assert_says(&refused(&safetensors(&format!("{{\"a\":{}", "[".repeat(900_000)), 0)), &[damaged]);
    assert_says(&refused(&safetensors("{\"\u{fe}\": \\ud800}", 0)), &[damaged]);
    assert_says(&refused(&safetensors("{}", 0)), &["not a PiDiNet model", "among no tensors"]);
}

#[test]
fn tensors_of_other_types_are_named() {
    let file = small().to_bytes().unwrap();
    let (header, tensors) = parts(&file);
    let text = header.to_string().replace("\"F32\"", "\"I32\"");
    assert_says(&refused(&safetensors(&text, tensors.len())), &["holds I32, expected float32"]);
}

/// The header of a safetensors file, and its tensors.
pub(crate) fn parts(file: &[u8]) -> (serde_json::Value, &[u8]) {
    let (length, rest) = file.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let (header, tensors) = rest.split_at(length as usize);
    (serde_json::from_slice(header).expect("a header in JSON"), tensors)
}

/// Our file of a small model, with one key of the metadata changed.
fn with_metadata(key: &str, value: &str) -> Vec<u8> {
    let file = small().to_bytes().expect("a sound model");
    let (mut header, tensors) = parts(&file);
    header["__metadata__"][key] = value.into();
    [safetensors(&header.to_string(), 0), tensors.to_vec()].concat()
}

#[test]
fn metadata_that_is_not_understood_is_named() {
    for (key, value, expected) in [
        ("pidinet.format", "one", "expected 1"),
        ("pidinet.format", "0", "expected 1"),
        ("pidinet.architecture", "resnet", "expected pidinet"),
        ("pidinet.width", "-1", "a number of channels"),
        ("pidinet.width", "", "a number of channels"),
        ("pidinet.width", "99999999999999999999", "a number of channels"),
        ("pidinet.config", "cd,cd", "carv4"),
        ("pidinet.cdcm", "0x18", "or none"),
        ("pidinet.csam", "yes", "true or false"),
        ("pidinet.theta", "all", "a number"),
        ("pidinet.form", "cooked", "raw or folded"),
        ("pidinet.preset", "bgr", "imagenet or controlnet"),
        ("pidinet.scores", "[1]", "a JSON object of numbers"),
        ("pidinet.scores", "{ods:1e999}", "a JSON object of numbers"),
        ("pidinet.calibration", "{}", "each block without projection"),
        ("pidinet.calibration", "[[1,2]]", "each block without projection"),
    ] {
        let text = refused(&with_metadata(key, value));
        assert_says(&text, &[&format!("the metadata `{key}` is `{value}`"), expected]);
    }
    assert_says(
        &refused(&with_metadata("pidinet.format", "2")),
        &["version 2", "knows version 1", "newer program"],
    );
    assert_says(&refused(&with_metadata("pidinet.width", "0")), &["no channels"]);
    assert_says(&refused(&with_metadata("pidinet.cdcm", "0")), &["no channels"]);
    assert_says(&refused(&with_metadata("pidinet.width", "4294967296")), &["limit `channels`: 4294967296"]);
    assert_says(&refused(&with_metadata("pidinet.width", "2000")), &["`weight_bytes`"]);
    assert_says(
        &refused(&with_metadata("pidinet.width", "3")),
        &["is [2, 1, 3, 3], expected [3, 1, 3, 3]", "37 more"],
    );
    for theta in ["0", "-1", "1.5", "NaN", "inf"] {
        assert_says(
            &refused(&with_metadata("pidinet.theta", theta)),
            &["theta is", "more than 0 and at most 1"],
        );
    }
}

/// Blocks that are missing, have one channel too many, or an invalid range.
#[test]
fn a_calibration_has_a_range_for_each_channel() {
    let mut model = small();
    let grey = Image::from_u8(
        &[90; 20 * 10],
        &PixelLayout::packed(Size { height: 10, width: 20 }, PixelFormat::Grey),
    )
    .unwrap();
    model.calibration = Some(Calibration::measure(&model, [grey]).unwrap());
    let file = model.to_bytes().unwrap();
    let (header, tensors) = parts(&file);
    let calibration = |change: &dyn Fn(&mut serde_json::Value)| {
        let text = header["__metadata__"]["pidinet.calibration"].as_str().unwrap();
        let mut blocks: serde_json::Value = serde_json::from_str(text).unwrap();
        change(&mut blocks);
        let mut header = header.clone();
        header["__metadata__"]["pidinet.calibration"] = blocks.to_string().into();
        [safetensors(&header.to_string(), 0), tensors.to_vec()].concat()
    };
    let same = calibration(&|_| ());
    assert_eq!(Model::read(&same, &OpenOptions::default()).unwrap().calibration, model.calibration);
    for value in ["-1.0", "1e39", "null", "\"1\"", "[]"] {
        let file = calibration(&|blocks| blocks["block2_2"][1] = serde_json::from_str(value).unwrap());
        assert_says(&refused(&file), &["`pidinet.calibration`", "a number from 0 on"]);
    }
    let file = calibration(&|blocks| blocks["block4_4"].as_array_mut().unwrap().push(1.0.into()));
    assert_says(&refused(&file), &["`pidinet.calibration`"]);
    let file = calibration(&|blocks| blocks["block2_1"] = blocks["block1_1"].clone());
    assert_says(&refused(&file), &["`pidinet.calibration`"]);
}

#[test]
fn what_the_file_says_is_not_overruled() {
    let file = small().to_bytes().unwrap();
    let options = OpenOptions { kinds: Kinds::named("c16"), ..OpenOptions::default() };
    assert_says(&refused_with(&file, &options), &["configuration carv4, but c16 was asked for"]);
    let options = OpenOptions { theta: Some(0.5), ..OpenOptions::default() };
    assert_says(&refused_with(&file, &options), &["theta 1, but 0.5 was asked for"]);
    let same = OpenOptions { kinds: Kinds::named("carv4"), theta: Some(1.0), ..OpenOptions::default() };
    assert!(Model::read(&file, &same).is_ok());
}

/// Published names without our metadata: as with a checkpoint, the architecture is inferred from names and
/// shapes.
#[test]
fn safetensors_without_our_metadata_are_read_like_checkpoints() {
    let model = small();
    let file = model.to_bytes().unwrap();
    let (header, numbers) = parts(&file);
    for (metadata, prefix) in [("null", ""), ("{\"format\":\"pt\"}", "module.")] {
        let tensors = header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__");
        let mut bare: serde_json::Map<String, serde_json::Value> =
            tensors.map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect();
        bare.insert("__metadata__".to_owned(), serde_json::from_str(metadata).unwrap());
        let bare = [safetensors(&serde_json::Value::from(bare).to_string(), 0), numbers.to_vec()].concat();
        let options = OpenOptions { kinds: Kinds::named("a16"), ..OpenOptions::default() };
        let read = Model::read(&bare, &options).unwrap();
        assert_eq!(read.weights, model.weights);
        assert_eq!(read.arch, Arch { kinds: Kinds::named("a16").unwrap(), ..model.arch.clone() });
    }
}
