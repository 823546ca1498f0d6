//! The content of a file, read back with a few lines of code; `tests/onnx.rs` runs it in ONNX Runtime.

use super::*;
use crate::arch::Arch;
use crate::arch::survey::Survey;
use crate::weights::Model;

/// The fields of a message: numbers, and the bytes of integers or of what has a length.
struct Fields<'a>(Vec<(u64, Field<'a>)>);

enum Field<'a> {
    Int(u64),
    Bytes(&'a [u8]),
}

impl<'a> Fields<'a> {
    fn read(mut bytes: &'a [u8]) -> Self {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
            let (number, rest) = bytes.split_at(end + 1);
            *bytes = rest;
            number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
        }
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let value = varint(&mut bytes);
            let field = match key & 7 {
                0 => Field::Int(value),
                2 => {
                    let (field, rest) = bytes.split_at(value as usize);
                    bytes = rest;
                    Field::Bytes(field)
                }
                wire => panic!("wire type {wire}"),
            };
            fields.push((key >> 3, field));
        }
        Self(fields)
    }

    fn bytes(&self, number: u64) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter_map(move |(field, value)| match value {
            Field::Bytes(bytes) if *field == number => Some(*bytes),
            _ => None,
        })
    }

    fn texts(&self, number: u64) -> Vec<&'a str> {
        self.bytes(number).map(|bytes| std::str::from_utf8(bytes).unwrap()).collect()
    }

    fn messages(&self, number: u64) -> Vec<Fields<'a>> {
        self.bytes(number).map(Fields::read).collect()
    }

    fn ints(&self, number: u64) -> Vec<u64> {
        let int = |(field, value): &(u64, Field<'_>)| match value {
            Field::Int(int) if *field == number => Some(*int),
            _ => None,
        };
        self.0.iter().filter_map(int).collect()
    }
}

#[test]
fn every_folded_parameter_is_there_under_its_name() {
    for arch in [Arch::tiny(), Arch { theta: 0.4, ..Arch::tiny().light() }] {
        let model = Model::random(arch.clone(), 4);
        let bytes = to_bytes(&model, &Options::default()).unwrap();
        assert_eq!(bytes, to_bytes(&model.folded(), &Options::default()).unwrap());
        let graph = &Fields::read(&bytes).messages(7)[0];
        let constants = graph.messages(5);
        let folded = model.folded();
        let parameters = Survey::parameters_of(&arch);
        assert_eq!(constants.len(), parameters.len(), "nothing but the parameters is constant");
        for (constant, parameter) in constants.iter().zip(parameters) {
            assert_eq!(constant.texts(8), [&parameter.name]);
            let shape: Vec<usize> = constant.ints(1).into_iter().map(|side| side as usize).collect();
            assert_eq!(shape, parameter.folded);
            let numbers: Vec<u8> =
                folded.weights[&parameter.name].data.iter().flat_map(|x| x.to_le_bytes()).collect();
            assert_eq!(constant.bytes(9).next().unwrap(), numbers, "{}", parameter.name);
        }
    }
}

#[test]
fn nodes_read_what_is_there_and_are_read() {
    for maps in [Maps::Fused, Maps::All] {
        for (size, input) in [(None, Input::Rgb), (Some(Size { height: 9, width: 8 }), Input::Normalised)] {
            let bytes = to_bytes(&Model::random(Arch::tiny(), 1), &Options { size, input, maps }).unwrap();
            let graph = &Fields::read(&bytes).messages(7)[0];
            let names = |number| -> Vec<&str> {
                graph.messages(number).iter().map(|info| info.texts(1)[0]).collect()
            };
            assert_eq!(names(11), ["image"]);
            let outputs = match maps {
                Maps::Fused => vec!["edges"],
                Maps::All => vec!["edges", "side1", "side2", "side3", "side4"],
            };
            assert_eq!(names(12), outputs);
            let mut there: Vec<&str> =
                graph.messages(5).iter().map(|constant| constant.texts(8)[0]).collect();
            there.extend(["image", ""]);
            let mut read = outputs;
            for node in graph.messages(1) {
                let inputs = node.texts(1);
                assert!(inputs.iter().all(|input| there.contains(input)), "{inputs:?}");
                read.extend(inputs);
                let [output] = node.texts(2)[..] else { panic!("one output") };
                assert!(!there.contains(&output), "{output} is written twice");
                there.push(output);
            }
            let unread: Vec<_> = there.iter().filter(|name| !read.contains(name)).collect();
            assert!(unread.iter().all(|name| name.is_empty()), "{unread:?}");
        }
    }
}

#[test]
fn a_file_says_what_it_is() {
    let mut model = Model::random(Arch::tiny(), 1);
    model.info.licence = "MIT".to_owned();
    model.info.training_data = "drawings".to_owned();
    model.info.preset = Preset::Controlnet;
    let options = Options { input: Input::Rgb, ..Options::default() };
    let bytes = to_bytes(&model, &options).unwrap();
    let file = Fields::read(&bytes);
    assert_eq!(file.ints(1), [8], "version of the file format");
    assert_eq!(file.messages(8)[0].ints(2), [17], "opset");
    assert_eq!(file.texts(2), ["pidinet"]);
    let doc = file.texts(6)[0];
    for part in ["finds the edges", "from 0 to 255", "Licence: MIT.", "Trained on: drawings."] {
        assert!(doc.contains(part), "no `{part}` in {doc}");
    }
    let properties: Vec<_> = file.messages(14).iter().map(|p| (p.texts(1)[0], p.texts(2)[0])).collect();
    for expected in [
        ("pidinet.name", "random-1"),
        ("pidinet.licence", "MIT"),
        ("pidinet.training_data", "drawings"),
        ("pidinet.preset", "controlnet"),
        ("pidinet.form", "folded"),
        ("pidinet.onnx.input", "rgb"),
    ] {
        assert!(properties.contains(&expected), "no {expected:?} in {properties:?}");
    }
}

#[test]
fn sizes_that_the_network_cannot_take_are_refused() {
    let model = Model::random(Arch::tiny().light(), 1);
    let options = Options { size: Some(Size { height: 7, width: 100 }), ..Options::default() };
    let error = to_bytes(&model, &options).unwrap_err().to_string();
    assert_eq!(error, "an ONNX graph for images of 100x7: expected sides of at least 8");
}
