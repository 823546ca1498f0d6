//! Recognition models whose files lie: each gives an error that says why, and none costs more than its
//! limits.

use pidinet::arch::Kind;
use pidinet::arch::recognition::RecognitionArch;
use pidinet::weights::{BinaryStorage, ModelError, OpenOptions, RecognitionModel, RecognitionStorage};

fn small(binary: BinaryStorage) -> Vec<u8> {
    let mut arch =
        RecognitionArch { width: 5, ..RecognitionArch::small(2).with_differences(Kind::Central, 0.5) };
    arch.stages.truncate(2);
    let mut model = RecognitionModel::random(arch, 1);
    model.labels = vec!["a".to_owned(), "b".to_owned()];
    model.to_bytes(RecognitionStorage { binary, ..RecognitionStorage::default() }).expect("a sound model")
}

fn refused(bytes: &[u8]) -> String {
    let error = RecognitionModel::read(bytes, &OpenOptions::default()).expect_err("a file that lies");
    match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The file with another header.
fn with_header(file: &[u8], change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    let (length, rest) = file.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize;
    let mut header = serde_json::from_slice(&rest[..length]).expect("a JSON header");
    change(&mut header);
    let header = serde_json::to_vec(&header).expect("JSON");
    let mut changed = (header.len() as u64).to_le_bytes().to_vec();
    changed.extend(header);
    changed.extend(&rest[length..]);
    changed
}

fn with_metadata(key: &str, value: &str) -> Vec<u8> {
    with_header(&small(BinaryStorage::Latent), |header| {
        header["__metadata__"][format!("pidinet.{key}")] = value.into();
    })
}

#[test]
fn metadata_that_make_no_network_are_named() {
    for (key, value) in [
        ("architecture", "pidinet"),
        ("architecture", ""),
        ("format", "0"),
        ("width", "-1"),
        ("width", "1e3"),
        ("stages", ""),
        ("stages", "4"),
        ("stages", "4:cd"),
        ("stages", "4:xx:0"),
        ("stages", "4:cd:0:1"),
        ("stages", "4:cd:NaN"),
        ("stages", "4:cd:2"),
        ("stages", "0:cd:0"),
        ("stages", "2000:cd:0"),
        ("stages", "1:cd:0,1:cd:0,1:cd:0,1:cd:0,1:cd:0,1:cd:0,1:cd:0,1:cd:0,1:cd:0"),
        ("stem", "large"),
        ("shortcut", "none"),
        ("classes", "0"),
        ("classes", "99999999999"),
        ("form", "raw"),
        ("input", "0"),
        ("input", "99999999999999999999"),
        ("input", "20000"),
        ("resize", "31"),
        ("mean", "1,2"),
        ("mean", "1,2,inf"),
        ("std", "1,0,1"),
        ("std", "1,NaN,1"),
        ("labels", "a,b"),
        ("labels", "[1,2]"),
        ("scores", "[]"),
    ] {
        let message = refused(&with_metadata(key, value));
        assert!(message.contains(&format!("pidinet.{key}")), "{key} = {value}: {message}");
    }
    assert!(refused(&with_metadata("format", "2")).contains("version 2"));
    assert!(refused(&with_metadata("width", "0")).contains("no channels"));
    assert!(refused(&with_metadata("labels", "[\"a\"]")).contains("1 labels for 2 classes"));
    assert!(
        refused(&with_metadata("width", "6")).contains("`block1_1.activation.bias` is [5], expected [6]")
    );
}

#[test]
fn networks_that_are_too_large_exceed_a_limit_before_they_are_made() {
    for (key, value) in [("width", "4000"), ("stages", "1:cd:0,1000:cd:0"), ("classes", "1000000")] {
        let error = RecognitionModel::read(&with_metadata(key, value), &OpenOptions::default())
            .expect_err("too large");
        let is_refused = matches!(error, ModelError::Limit { .. } | ModelError::Mismatch { .. });
        assert!(is_refused, "{key} = {value}: {error}");
    }
    let wide = with_header(&with_metadata("width", "2048"), |header| {
        header["__metadata__"]["pidinet.stages"] = "9:cd:0,9:cd:0,9:cd:0,9:cd:0".into();
    });
    assert!(refused(&wide).contains("weight_bytes"), "{}", refused(&wide));
    let limits = OpenOptions { file_bytes: 100, ..OpenOptions::default() };
    let error = RecognitionModel::read(&small(BinaryStorage::Latent), &limits).expect_err("too large a file");
    assert!(error.to_string().contains("file_bytes"));
}

#[test]
fn bits_must_be_bits() {
    let packed = small(BinaryStorage::Bits);
    // The tensors of a file are in the order of their names; 8 · 2 signs of an output fill two bytes exactly, 9 · 3 leave
    // five bits of the fourth.
    let header_end = 8 + u64::from_le_bytes(packed[..8].try_into().expect("eight bytes")) as usize;
    let start = |name: &str| {
        let header: serde_json::Value =
            serde_json::from_slice(&packed[8..header_end]).expect("a JSON header");
        header_end + header[name]["data_offsets"][0].as_u64().expect("an offset") as usize
    };
    let mut spare = packed.clone();
    spare[start("block1_1.vanilla.weight") + 3] |= 0x80;
    let message = refused(&spare);
    assert!(
        message.contains("block1_1.vanilla.weight") && message.contains("belong to no weight"),
        "{message}"
    );
    let mut any = packed.clone();
    any[start("block1_1.difference.weight")] ^= 0x80;
    assert!(RecognitionModel::read(&any, &OpenOptions::default()).is_ok(), "all bits there are weights");

    let latent = with_header(&packed, |header| header["__metadata__"]["pidinet.form"] = "latent".into());
    assert!(refused(&latent).contains("block1_1.difference.weight"), "{}", refused(&latent));
    let other = with_header(&packed, |header| header["block1_1.vanilla.weight"]["dtype"] = "I8".into());
    assert!(refused(&other).contains("should hold bits"), "{}", refused(&other));
    let real = with_header(&small(BinaryStorage::Latent), |header| {
        let tensor = &mut header["classifier.weight"];
        tensor["dtype"] = "I32".into();
    });
    assert!(refused(&real).contains("holds I32"), "{}", refused(&real));
}

#[test]
fn no_cut_or_changed_file_is_more_than_an_error() {
    for binary in [BinaryStorage::Latent, BinaryStorage::Bits] {
        let file = small(binary);
        for end in (0..file.len()).step_by(37) {
            refused(&file[..end]);
        }
        let mut state = 1u64;
        let header = 8 + u64::from_le_bytes(file[..8].try_into().expect("eight bytes"));
        for _ in 0..3000 {
            let mut changed = file.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) % header;
                changed[at as usize] = (state >> 24) as u8;
            }
            if let Ok(model) = RecognitionModel::read(&changed, &OpenOptions::default()) {
                assert!(model.to_bytes(RecognitionStorage::default()).is_ok(), "what is read can be written");
            }
        }
    }
}
