//! A writer of PyTorch checkpoints, good and bad, byte by byte.

use std::io::{Cursor, Write};

use pidinet::weights::Model;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A pickle under construction: one method for each instruction that `torch.save` writes.
#[derive(Clone)]
pub(crate) struct Pickle(pub(crate) Vec<u8>);

impl Pickle {
    pub(crate) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub(crate) fn op(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.op(b"X").op(&(text.len() as u32).to_le_bytes()).op(text.as_bytes())
    }

    /// As Python writes it: the shortest of BININT1, BININT2, BININT and LONG1.
    pub(crate) fn int(&mut self, int: i64) -> &mut Self {
        if let Ok(int) = u8::try_from(int) {
            self.op(&[b'K', int])
        } else if let Ok(int) = u16::try_from(int) {
            self.op(b"M").op(&int.to_le_bytes())
        } else if let Ok(int) = i32::try_from(int) {
            self.op(b"J").op(&int.to_le_bytes())
        } else {
            self.op(&[0x8a, 8]).op(&int.to_le_bytes())
        }
    }

    pub(crate) fn tuple(&mut self, ints: &[i64]) -> &mut Self {
        self.op(b"(");
        for &int in ints {
            self.int(int);
        }
        self.op(b"t")
    }

    pub(crate) fn global(&mut self, module: &str, name: &str) -> &mut Self {
        self.op(format!("c{module}\n{name}\n").as_bytes())
    }

    pub(crate) fn ordered_dict(&mut self) -> &mut Self {
        self.global("collections", "OrderedDict").op(b")R")
    }

    /// A call of `_rebuild_tensor_v2`.
    pub(crate) fn tensor(&mut self, tensor: &Tensor) -> &mut Self {
        let Tensor { elements, key, len, offset, shape, strides } = tensor;
        self.global("torch._utils", "_rebuild_tensor_v2").op(b"((").text("storage");
        self.global("torch", elements).text(key).text("cpu").int(*len).op(b"tQ");
        self.int(*offset).tuple(shape).tuple(strides).op(b"\x89").ordered_dict().op(b"tR")
    }

    pub(crate) fn stop(&mut self) -> Vec<u8> {
        self.op(b".").0.clone()
    }
}

/// What a pickle says about a tensor.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) elements: &'static str,
    pub(crate) key: String,
    pub(crate) len: i64,
    pub(crate) offset: i64,
    pub(crate) shape: Vec<i64>,
    pub(crate) strides: Vec<i64>,
}

impl Tensor {
    /// A contiguous tensor that fills its storage.
    pub(crate) fn contiguous(key: usize, shape: &[usize]) -> Self {
        let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        let strides = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        let len = shape.iter().product();
        Self { elements: "FloatStorage", key: key.to_string(), len, offset: 0, shape, strides }
    }
}

/// A checkpoint: tensors by name with the bytes of their storages, to change before it is written.
#[derive(Clone)]
pub(crate) struct Checkpoint {
    pub(crate) tensors: Vec<(String, Tensor, Vec<u8>)>,
    /// Key of the tensors, if there is also an epoch; none for tensors alone.
    pub(crate) nested: Option<&'static str>,
    pub(crate) compression: CompressionMethod,
}

impl Checkpoint {
    pub(crate) fn of(model: &Model) -> Self {
        let tensors = model.weights.iter().enumerate().map(|(key, (name, parameter))| {
            let bytes = parameter.data.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.to_owned(), Tensor::contiguous(key, &parameter.shape), bytes)
        });
        Self {
            tensors: tensors.collect(),
            nested: Some("state_dict"),
            compression: CompressionMethod::Stored,
        }
    }

    /// The tensor of this name.
    pub(crate) fn tensor(&mut self, name: &str) -> &mut (String, Tensor, Vec<u8>) {
        self.tensors.iter_mut().find(|(other, ..)| other == name).expect("a tensor of the model")
    }

    pub(crate) fn pickle(&self) -> Vec<u8> {
        let mut pickle = Pickle::new();
        if let Some(key) = self.nested {
            pickle.op(b"}(").text("epoch").int(19).text(key);
        }
        pickle.ordered_dict().op(b"(");
        for (name, tensor, _) in &self.tensors {
            pickle.text(name).tensor(tensor);
        }
        // Attributes of the dictionary, as `state_dict()` has them.
        pickle.op(b"u}").text("_metadata").ordered_dict().op(b"sb");
        if self.nested.is_some() {
            pickle.op(b"u");
        }
        pickle.stop()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        self.write_with(&self.pickle())
    }

    /// With another pickle.
    pub(crate) fn write_with(&self, pickle: &[u8]) -> Vec<u8> {
        let mut entries = vec![("archive/data.pkl".to_owned(), pickle.to_vec())];
        for (_, tensor, bytes) in &self.tensors {
            entries.push((format!("archive/data/{}", tensor.key), bytes.clone()));
        }
        entries.push(("archive/version".to_owned(), b"3\n".to_vec()));
        archive(&entries, self.compression)
    }
}

/// A zip archive.
pub(crate) fn archive(entries: &[(String, Vec<u8>)], compression: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(compression);
    for (name, content) in entries {
        zip.start_file(name.as_str(), options).expect("a new entry");
        zip.write_all(content).expect("memory can be written to");
    }
    zip.finish().expect("memory can be written to").into_inner()
}
