//! Model files that are damaged, or made to do damage: always an error that says why, never a panic, an
//! endless loop, a large allocation, or any code executed.

#[path = "hostile_models/checkpoint.rs"]
mod checkpoint;
#[path = "hostile_models/safetensors.rs"]
mod safetensors;
#[path = "hostile_models/target.rs"]
mod target;

use checkpoint::{Checkpoint, Pickle, Tensor, archive};
use pidinet::Error;
use pidinet::arch::recognition::{RecognitionArch, Stage};
use pidinet::arch::{Arch, Kinds};
use pidinet::weights::{
    BinaryStorage, Form, Model, ModelError, OpenOptions, RecognitionModel, RecognitionStorage,
};
use zip::CompressionMethod;

/// A model of a few kilobytes with every part that a model can have.
fn small() -> Model {
    Model::random(Arch { width: 2, cdcm: Some(3), ..Arch::full() }, 1)
}

fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    Model::read(bytes, &OpenOptions::default())
}

/// What is wrong with `bytes`, causes included.
fn refused(bytes: &[u8]) -> String {
    refused_with(bytes, &OpenOptions::default())
}

fn refused_with(bytes: &[u8], options: &OpenOptions) -> String {
    let Err(error) = Model::read(bytes, options) else { panic!("a bad file was read") };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

#[track_caller]
fn assert_says(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "`{text}` does not say `{part}`");
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn flip_a_bit(&mut self, bytes: &mut [u8]) {
        let at = self.below(bytes.len());
        bytes[at] ^= 1 << self.below(8);
    }
}

// What must open

#[test]
fn checkpoints_open_however_they_are_nested() {
    let model = small();
    for nested in [None, Some("state_dict"), Some("model_state_dict"), Some("model")] {
        for prefix in ["", "module."] {
            for compression in [CompressionMethod::Stored, CompressionMethod::Deflated] {
                let mut checkpoint = Checkpoint { nested, compression, ..Checkpoint::of(&model) };
                for (name, ..) in &mut checkpoint.tensors {
                    name.insert_str(0, prefix);
                }
                let read = read(&checkpoint.write()).unwrap();
                assert_eq!((read.arch, read.form), (model.arch.clone(), Form::Raw));
                assert_eq!(read.weights, model.weights);
            }
        }
    }
}

#[test]
fn converted_checkpoints_are_folded_and_keep_their_radial_layers() {
    for (name, found) in [("carv4", "carv4"), ("rrrv4", "rrrv4"), ("r-v15", "r-v15"), ("r16", "r16")] {
        let kinds = Kinds::named(name).unwrap();
        let model = Model::random(Arch { kinds, ..small().arch }, 2).folded();
        let read = read(&Checkpoint::of(&model).write()).unwrap();
        assert_eq!(read.form, Form::Folded);
        assert_eq!(read.arch.kinds.to_string(), found);
        assert_eq!(read.weights, model.weights);
    }
    let kinds: Kinds = "rd,cv,cv,rd,ad,ad,ad,ad,cd,cd,cd,cd,cv,cv,cv,rd".parse().unwrap();
    let model = Model::random(Arch { kinds, ..small().arch }, 2).folded();
    let read = read(&Checkpoint::of(&model).write()).unwrap();
    assert_eq!(read.arch.kinds.to_string(), "rd,cv,cv,rd,cv,cv,cv,cv,cv,cv,cv,cv,cv,cv,cv,rd");
    assert_eq!(read.weights, model.weights);
}

#[test]
fn tensors_are_read_by_their_strides() {
    let model = small();
    let mut checkpoint = Checkpoint::of(&model);
    // A transposed 1×1 layer behind three unused numbers.
    let name = "dilations.1.conv1.weight";
    let (_, tensor, bytes) = checkpoint.tensor(name);
    let [rows, columns] = [tensor.shape[0], tensor.shape[1]];
    let data = &model.weights[name].data;
    let mut transposed = vec![f32::NAN; 3];
    for column in 0..columns {
        transposed.extend((0..rows).map(|row| data[(row * columns + column) as usize]));
    }
    *bytes = transposed.iter().flat_map(|value| value.to_le_bytes()).collect();
    (tensor.len, tensor.offset) = (3 + rows * columns, 3);
    tensor.strides = vec![1, rows, 1, 1];
    assert_eq!(read(&checkpoint.write()).unwrap().weights, model.weights);
}

#[test]
fn other_precisions_are_converted() {
    let model = small();
    let name = "conv_reduces.0.conv.weight";
    for (elements, encode) in [
        ("DoubleStorage", (|value: f32| f64::from(value).to_le_bytes().to_vec()) as fn(f32) -> Vec<u8>),
        ("BFloat16Storage", |value| (value.to_bits() >> 16).to_le_bytes()[..2].to_vec()),
        ("HalfStorage", |value| if value < 0.0 { vec![0, 0xb8] } else { vec![0, 0x38] }), // ±0.5
    ] {
        let mut checkpoint = Checkpoint::of(&model);
        let (_, tensor, bytes) = checkpoint.tensor(name);
        *bytes = model.weights[name].data.iter().flat_map(|&value| encode(value)).collect();
        tensor.elements = elements;
        let read = read(&checkpoint.write()).unwrap();
        for (read, value) in read.weights[name].data.iter().zip(&model.weights[name].data) {
            match elements {
                "DoubleStorage" => assert_eq!(read, value),
                "BFloat16Storage" => assert!((read - value).abs() <= value.abs() / 128.0),
                _ => assert_eq!(*read, 0.5f32.copysign(*value)),
            }
        }
    }
}

// Damage

#[test]
fn every_truncation_is_an_error() {
    let model = small();
    for file in [Checkpoint::of(&model).write(), model.to_bytes().unwrap()] {
        for point in 0..200 {
            let length = file.len() * point / 200;
            assert!(read(&file[..length]).is_err(), "{length} of {} bytes", file.len());
        }
        for short in 1..64 {
            assert!(read(&file[..file.len() - short]).is_err(), "all but {short} bytes");
        }
    }
}

#[test]
fn every_truncated_pickle_is_an_error() {
    let checkpoint = Checkpoint::of(&small());
    let pickle = checkpoint.pickle();
    for point in 0..200 {
        let file = checkpoint.write_with(&pickle[..pickle.len() * point / 200]);
        assert_says(&refused(&file), &["the pickle is damaged at byte"]);
    }
}

/// Whatever is flipped, the result is an error or a sound model.
#[test]
fn flipped_bits_never_make_an_unsound_model() {
    let model = small();
    let checkpoint = Checkpoint::of(&model);
    let (stored, pickle, ours) = (checkpoint.write(), checkpoint.pickle(), model.to_bytes().unwrap());
    let header = 8 + u64::from_le_bytes(*ours.first_chunk().unwrap()) as usize;
    let mut random = Random(3);
    for round in 0..4000 {
        let mut files = [stored.clone(), pickle.clone(), ours.clone()];
        for _ in 0..=round % 4 {
            random.flip_a_bit(&mut files[0]);
            random.flip_a_bit(&mut files[1]);
            random.flip_a_bit(&mut files[2][..header]);
        }
        // The archive would notice a damaged pickle, so the pickle is packed again.
        files[1] = checkpoint.write_with(&files[1]);
        for file in files {
            if let Ok(read) = read(&file) {
                Model::new(read.arch, read.form, read.weights, read.info).unwrap();
            }
        }
    }
}

#[test]
fn weights_that_are_not_finite_are_named() {
    for (value, text) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let mut checkpoint = Checkpoint::of(&small());
        let (_, _, bytes) = checkpoint.tensor("block2_1.conv1.weight");
        bytes[4 * 13..4 * 14].copy_from_slice(&value.to_le_bytes());
        let expected = format!("tensor `block2_1.conv1.weight` is not finite: {text} at [1, 0, 1, 1]");
        assert_eq!(refused(&checkpoint.write()), expected);

        let model = small();
        let mut file = model.to_bytes().unwrap();
        let start = file.len() - 4 * model.weights["init_block.weight"].data.len();
        file[start..start + 4].copy_from_slice(&value.to_le_bytes());
        let expected = format!("tensor `init_block.weight` is not finite: {text} at [0, 0, 0, 0]");
        assert_eq!(refused(&file), expected);
    }
}

// Not models

#[test]
fn what_is_no_model_is_told_so() {
    assert_says(&refused(b""), &["this is not a model", "found 0 bytes"]);
    assert_says(&refused(b"<!DOCTYPE html>\n"), &["begin with `<!DOCTYPE html>\\n`"]);
    assert_says(&refused(&[0xff; 300]), &["300 bytes"]);
    let legacy = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    assert_says(&refused(legacy), &["legacy format", "torch.save("]);
    let zip = |names: &[&str]| {
        let entries: Vec<_> =
            names.iter().map(|name| (name.to_string(), Pickle::new().op(b"N").stop())).collect();
        archive(&entries, CompressionMethod::Stored)
    };
    assert_says(&refused(&zip(&["photo.jpg"])), &["`data.pkl`", "is missing", "not a PyTorch checkpoint"]);
    assert_says(&refused(&zip(&["a/data.pkl", "b/data.pkl"])), &["more than once"]);
    assert_says(&refused(&zip(&["a/data.pkl", "a/constants.pkl"])), &["TorchScript program"]);
    assert_says(&refused(&zip(&["a/data.pkl", "a/byteorder"])), &["byteorder", "big-endian"]);
    assert_says(&refused(&zip(&["a/data.pkl"])), &["the checkpoint is None", "state_dict()"]);
}

#[test]
fn models_of_other_networks_are_told_so() {
    let mut checkpoint = Checkpoint::of(&small());
    for (name, ..) in &mut checkpoint.tensors {
        *name = name.replace("init_block", "features.0");
    }
    let text = refused(&checkpoint.write());
    assert_says(&text, &["not a PiDiNet model", "`init_block.weight`", "`attentions.0.conv1.bias`", "more"]);
    checkpoint.tensors.clear();
    assert_says(&refused(&checkpoint.write()), &["among no tensors"]);
}

#[test]
fn differences_from_the_architecture_are_listed() {
    let mut checkpoint = Checkpoint::of(&small());
    checkpoint.tensor("classifier.bias").0 = "classifier.offset".to_owned();
    let (_, tensor, bytes) = checkpoint.tensor("block1_1.conv2.weight");
    (*tensor, *bytes) = (Tensor::contiguous(900, &[2, 3, 1, 1]), vec![0; 24]);
    let text = refused(&checkpoint.write());
    assert_says(&text, &["missing: `classifier.bias`", "unexpected: `classifier.offset`"]);
    assert_says(&text, &["`block1_1.conv2.weight` is [2, 3, 1, 1], expected [2, 2, 1, 1]"]);

    let folded = Checkpoint::of(&small().folded()).write();
    let options = OpenOptions { kinds: Kinds::named("r16"), ..OpenOptions::default() };
    assert_says(
        &refused_with(&folded, &options),
        &["`block1_1.conv1.weight` is [2, 1, 3, 3], expected [2, 1, 5, 5]"],
    );
}

#[test]
fn names_in_messages_are_escaped_and_short() {
    let mut checkpoint = Checkpoint::of(&small());
    checkpoint.tensor("classifier.bias").0 = format!("\u{1b}[2J{}", "x".repeat(100_000));
    let text = refused(&checkpoint.write());
    assert_says(&text, &["unexpected: `\\u{1b}[2Jxxx"]);
    assert!(text.len() < 1000, "{} bytes", text.len());
}

// Pickles that would do something

#[test]
fn globals_are_refused_by_name_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    let command = format!("touch {}", witness.display());
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("subprocess", "check_output"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_tensor"),
        ("collections", "OrderedDict.fromkeys"),
        ("numpy.core.multiarray", "scalar"),
    ] {
        let call = Pickle::new().global(module, name).op(b"(").text(&command).op(b"tR").stop();
        let stack = Pickle::new().text(module).text(name).op(b"\x93").text(&command).op(b"\x85R").stop();
        for pickle in [call, stack] {
            let text = refused(&Checkpoint::of(&small()).write_with(&pickle));
            assert_says(&text, &[&format!("`{module}.{name}`"), "refused", "nothing is run"]);
        }
    }
    assert!(!witness.exists(), "something was run");
}

#[test]
fn instructions_are_refused_by_name() {
    for (pickle, name) in [
        (&b"(S'touch /tmp/x'\nios\nsystem\n."[..], "STRING"),
        (b"(ios\nsystem\n.", "INST"),
        (b"(o.", "OBJ"),
        (b"N2.", "DUP"),
        (b"\x82\x01.", "EXT1"),
        (b")\x81.", "NEWOBJ"),
        (b"C\x01a.", "SHORT_BINBYTES"),
        (b"P0\n.", "PERSID"),
        (b"\xfe.", "0xfe"),
    ] {
        let pickle = Pickle::new().op(pickle).0.clone();
        let text = refused(&Checkpoint::of(&small()).write_with(&pickle));
        assert_says(&text, &[&format!("the instruction {name} at byte"), "refused"]);
    }
}

#[test]
fn nonsense_on_the_stack_is_an_error() {
    for (pickle, problem) in [
        (&b"."[..], "needs an object"),
        (b"0", "POP"),
        (b"N(.", "needs an object"),
        (b"t.", "needs a mark"),
        (b"N(s.", "needs an object"),
        (b"}(Nu.", "a key without a value"),
        (b"NNs.", "needs an object"),
        (b"NNNs.", "expected a dictionary, found None"),
        (b"]Ne.", "needs a mark"),
        (b"NNa.", "expected a list, found None"),
        (b"N\x87.", "a tuple of 3"),
        (b"h\x05.", "nothing was remembered as 5"),
        (b"j\xff\xff\xff\xff.", "nothing was remembered as 4294967295"),
        (b"r\xff\xff\xff\xff.", "needs an object"),
        (b"NNR.", "the arguments of a call are a tuple"),
        (b"N)R.", "None is called"),
        (b"NQ.", "named by a tuple"),
        (b")Q.", "0 fields"),
        (b"NN\x93.", "named by texts"),
        (b"ctorch\nFloatStorage\n)R.", "called with 0 arguments"),
        (b"ccollections\nOrderedDict\nN\x85R.", "called with 1 arguments"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR.", "a view of None"),
        (b"ctorch._utils\n_rebuild_parameter\nN\x85R.", "expected a tensor, found None"),
        (b"X\xff\xff\xff\xffabc", "middle of an instruction"),
        (b"X\x02\0\0\0\xff\xfe.", "not UTF-8"),
        (b"cos", "a name without end"),
        (b"\x8a\x09123456789.", "an integer of 9 bytes"),
        (b"\x80\x09.", "protocol 9"),
        (b"NNb.", "expected a dictionary, found None"),
    ] {
        let pickle = Pickle::new().op(pickle).0.clone();
        assert_says(&refused(&Checkpoint::of(&small()).write_with(&pickle)), &[problem]);
    }
}

#[test]
fn objects_may_refer_to_themselves_and_nest_without_end() {
    let checkpoint = Checkpoint::of(&small());
    // A list in itself, and a dictionary that is its own value and key.
    let mut own = Pickle::new();
    let own = own.op(b"]q\0h\0a0").0.clone();
    assert_says(&refused(&checkpoint.write_with(&own)), &["POP"]);
    let list = Pickle::new().op(b"]q\0h\0a").stop();
    assert_says(&refused(&checkpoint.write_with(&list)), &["the checkpoint is a list"]);
    let dict = Pickle::new().op(b"}q\0").text("state_dict").op(b"h\0sh\0h\0s").stop();
    assert_says(&refused(&checkpoint.write_with(&dict)), &["not a PiDiNet model"]);
    // Half a million tuples, each in the next.
    let nested = Pickle::new().op(b")").op(&vec![0x85; 500_000]).stop();
    assert_says(&refused(&checkpoint.write_with(&nested)), &["the checkpoint is a tuple"]);
    let marks = Pickle::new().op(&vec![b'('; 500_000]).op(b"N").stop();
    assert_says(&refused(&checkpoint.write_with(&marks)), &["the checkpoint is None"]);
}

// Tensors that are not where they say

#[test]
fn tensors_must_lie_in_their_storages() {
    let name = "conv_reduces.0.conv.weight"; // [1, 3, 1, 1]
    let change = |change: fn(&mut Tensor)| {
        let mut checkpoint = Checkpoint::of(&small());
        change(&mut checkpoint.tensor(name).1);
        refused(&checkpoint.write())
    };
    let outside = ["conv_reduces.0.conv.weight", "does not fit into its storage of 3 numbers"];
    assert_says(&change(|tensor| tensor.offset = 1), &outside);
    assert_says(&change(|tensor| tensor.offset = i64::MAX), &outside);
    assert_says(&change(|tensor| tensor.strides = vec![1, 2, 1, 1]), &outside);
    assert_says(&change(|tensor| tensor.strides = vec![1, i64::MAX, 1, 1]), &outside);
    assert_says(&change(|tensor| tensor.strides = vec![1, 1]), &["of different lengths"]);
    assert_says(&change(|tensor| tensor.len = 4), &["has 12 bytes, expected 4 numbers of 4"]);
    assert_says(&change(|tensor| tensor.len = 1 << 62), &["has 12 bytes"]);
    assert_says(&change(|tensor| tensor.elements = "DoubleStorage"), &["expected 3 numbers of 8"]);
    assert_says(&change(|tensor| tensor.elements = "LongStorage"), &["holds int64", "float32"]);
    assert_says(&change(|tensor| tensor.key = "k".repeat(33)), &["a storage's name has 33 bytes"]);
    assert_says(&change(|tensor| tensor.shape = vec![1, -3, 1, 1]), &["a size of -3"]);
    assert_says(&change(|tensor| tensor.shape = vec![1; 9]), &["9 axes"]);
    assert_says(&change(|tensor| tensor.shape = vec![1 << 62; 4]), &["expected [1, 3, 1, 1]"]);
    // Thirty-two numbers made from one by strides of 0: small here, but it could be any number.
    let mut checkpoint = Checkpoint::of(&small());
    let (_, tensor, bytes) = checkpoint.tensor("block3_2.conv2.weight");
    (tensor.strides, tensor.len) = (vec![0; 4], 1);
    bytes.truncate(4);
    assert_says(&refused(&checkpoint.write()), &["does not fit into its storage of 1 numbers"]);
}

#[test]
fn a_storage_must_be_in_the_archive() {
    let mut checkpoint = Checkpoint::of(&small());
    let pickle = checkpoint.pickle();
    checkpoint.tensor("init_block.weight").1.key = "elsewhere".to_owned();
    assert_says(&refused(&checkpoint.write_with(&pickle)), &["`archive/data/", "is missing"]);
}

// Limits

#[test]
fn every_limit_is_named_when_exceeded() {
    let model = small();
    let (checkpoint, ours) = (Checkpoint::of(&model).write(), model.to_bytes().unwrap());
    let defaults = OpenOptions::default;
    for (name, file, options) in [
        ("file_bytes", &ours, OpenOptions { file_bytes: ours.len() as u64 - 1, ..defaults() }),
        ("header_bytes", &ours, OpenOptions { header_bytes: 1000, ..defaults() }),
        ("tensors", &ours, OpenOptions { tensors: 82, ..defaults() }),
        ("weight_bytes", &ours, OpenOptions { weight_bytes: 4000, ..defaults() }),
        ("channels", &ours, OpenOptions { channels: 2, ..defaults() }),
        ("file_bytes", &checkpoint, OpenOptions { file_bytes: 1000, ..defaults() }),
        ("tensors", &checkpoint, OpenOptions { tensors: 82, ..defaults() }),
        ("weight_bytes", &checkpoint, OpenOptions { weight_bytes: 4000, ..defaults() }),
        ("channels", &checkpoint, OpenOptions { channels: 1, ..defaults() }),
        ("zip_entries", &checkpoint, OpenOptions { zip_entries: 84, ..defaults() }),
        ("unpacked_bytes", &checkpoint, OpenOptions { unpacked_bytes: 20_000, ..defaults() }),
        ("pickle_bytes", &checkpoint, OpenOptions { pickle_bytes: 5000, ..defaults() }),
    ] {
        assert_says(
            &refused_with(file, &options),
            &[&format!("limit `{name}`"), &format!("OpenOptions::{name}")],
        );
    }
}

#[test]
fn a_huge_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.safetensors");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap(); // sparse: takes no space
    match Model::open(&path, &OpenOptions::default()) {
        Err(Error::Model { source: ModelError::Limit { limit: "file_bytes", found, .. }, .. }) => {
            assert_eq!(found, 1 << 40);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.pth"), folder.path().to_owned()] {
        match Model::open(&path, &OpenOptions::default()) {
            Err(error @ Error::Read { .. }) => assert_says(&error.to_string(), &[path.to_str().unwrap()]),
            other => panic!("{other:?}"),
        }
    }
}

/// The directory of an archive may claim anything.
#[test]
fn archives_that_lie_about_themselves_are_errors() {
    let file = Checkpoint::of(&small()).write();
    let end = file.len() - 22; // the end record, without a comment
    assert_eq!(&file[end..end + 4], b"PK\x05\x06");
    // Numbers of entries, size and offset of the directory.
    for (at, size) in [(8, 2), (10, 2), (12, 4), (16, 4)] {
        for value in [0u32, 1, 0x7fff_ffff, 0xffff_ffff] {
            let mut file = file.clone();
            file[end + at..end + at + size].copy_from_slice(&value.to_le_bytes()[..size]);
            if let Ok(model) = read(&file) {
                assert_eq!(model.weights, small().weights); // what the reader does not need to know
            }
        }
    }
    let twice = {
        let entry = ("archive/data.pkl".to_owned(), Pickle::new().op(b"N").stop());
        let other = ("archive/data.pkm".to_owned(), Pickle::new().op(b"N").stop());
        let mut file = archive(&[entry, other], CompressionMethod::Stored);
        for at in 0..file.len() - 8 {
            if &file[at..at + 8] == b"data.pkm" {
                file[at + 7] = b'l';
            }
        }
        file
    };
    assert_says(&refused(&twice), &["the zip archive is damaged", "same name"]);
}

// Fuzzing

/// Inputs that once made a fuzzing target fail, and those that fuzzing begins with.
#[test]
fn the_fuzzing_targets_take_every_file() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz");
    let mut count = 0;
    for (name, target) in [("pth", target::pth as fn(&[u8])), ("safetensors", target::safetensors)] {
        for part in ["regressions", "seeds"] {
            let Ok(files) = std::fs::read_dir(format!("{folder}/{part}/{name}")) else { continue };
            for file in files {
                target(&std::fs::read(file.unwrap().path()).unwrap());
                count += 1;
            }
        }
    }
    assert!(count > 8, "there are seeds");
}

#[test]
#[ignore = "writes the files that fuzzing begins with"]
fn seeds_for_fuzzing() {
    let model = target::seed();
    let checkpoint = Checkpoint::of(&model);
    let (ours, pickle) = (model.to_bytes().unwrap(), checkpoint.pickle());
    let (header, tensors) = safetensors::parts(&ours);
    let taken_apart = [header.to_string().as_bytes(), b"\0", tensors].concat();
    let stages = vec![Stage { rho: 0.5, ..Stage::plain(1) }; 2];
    let recognition =
        RecognitionModel::random(RecognitionArch { width: 2, stages, ..RecognitionArch::small(2) }, 1);
    let packed = RecognitionStorage { binary: BinaryStorage::Bits, ..RecognitionStorage::default() };
    for (name, file) in [
        ("pth/archive", checkpoint.write()),
        ("pth/pickle", pickle),
        ("pth/folded", Checkpoint::of(&model.folded()).pickle()),
        ("pth/bare", Checkpoint { nested: None, ..checkpoint }.pickle()),
        ("safetensors/file", ours),
        ("safetensors/header", taken_apart),
        ("safetensors/folded", model.folded().to_bytes().unwrap()),
        ("safetensors/recognition", recognition.to_bytes(RecognitionStorage::default()).unwrap()),
        ("safetensors/packed", recognition.to_bytes(packed).unwrap()),
    ] {
        let path = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds")).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
}
