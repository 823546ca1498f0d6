//! What the fuzzing targets do with their input; it is here so that files that once failed are tested too.

use std::sync::LazyLock;

use pidinet::arch::Arch;
use pidinet::weights::{Model, OpenOptions, RecognitionModel, RecognitionStorage};

use crate::checkpoint::Checkpoint;

/// A PyTorch checkpoint; or, if `bytes` is not a zip archive, the pickle of one. A damaged pickle inside an
/// archive would fail its checksum and never be parsed.
pub(crate) fn pth(bytes: &[u8]) {
    static TENSORS: LazyLock<Checkpoint> = LazyLock::new(|| Checkpoint::of(&seed()));
    if bytes.starts_with(b"PK") {
        check(bytes);
    } else {
        check(&TENSORS.write_with(bytes));
    }
}

/// A safetensors file; or, if `bytes` begins with `{`, its header and, after a zero byte, its tensors.
pub(crate) fn safetensors(bytes: &[u8]) {
    if !bytes.starts_with(b"{") {
        return check(bytes);
    }
    let end = bytes.iter().position(|&byte| byte == 0);
    let (header, tensors) = bytes.split_at(end.unwrap_or(bytes.len()));
    let length = (header.len() as u64).to_le_bytes();
    check(&[&length, header, tensors.get(1..).unwrap_or_default()].concat());
}

/// The model whose files fuzzing begins with: as small as possible with all parts.
pub(crate) fn seed() -> Model {
    Model::random(Arch { width: 1, cdcm: Some(1), ..Arch::full() }, 1)
}

/// Either an error, or a model that can be written and read again.
fn check(file: &[u8]) {
    let options = OpenOptions {
        file_bytes: 1 << 20,
        header_bytes: 1 << 16,
        tensors: 256,
        weight_bytes: 1 << 20,
        channels: 64,
        zip_entries: 256,
        unpacked_bytes: 1 << 20,
        pickle_bytes: 1 << 16,
        ..OpenOptions::default()
    };
    if let Ok(model) = RecognitionModel::read(file, &options) {
        let bytes = model.to_bytes(RecognitionStorage::default()).expect("what was read is sound");
        let again =
            RecognitionModel::read(&bytes, &OpenOptions::default()).expect("what was written can be read");
        assert_eq!(again, model);
    }
    let Ok(model) = Model::read(file, &options) else { return };
    let bytes = model.to_bytes().expect("what was read is sound");
    let again = Model::read(&bytes, &OpenOptions::default()).expect("what was written can be read");
    assert_eq!(again, model);
}
