//! Safetensors files: a JSON header, then the tensors one after the other.

use std::collections::{BTreeMap, HashMap};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::archive::{Archive, position, without_prefix};
use super::element::{Element, Storage};
use super::options::{self, OpenOptions};
use super::parameters::Parameter;
use crate::error::ModelError;
use crate::half::to_f16;

/// A file whose header has been read and checked.
pub(super) struct Safetensors<'a> {
    metadata: HashMap<String, String>,
    tensors: BTreeMap<String, TensorView<'a>>,
}

impl<'a> Safetensors<'a> {
    /// Reads the header, and checks that the tensors fill the file without gap or overlap.
    pub(super) fn open(bytes: &'a [u8], limits: &OpenOptions) -> Result<Self, ModelError> {
        let damaged = |source| ModelError::Safetensors { source: Box::new(source) };
        if let Some(&length) = bytes.first_chunk() {
            options::check("header_bytes", limits.header_bytes, u64::from_le_bytes(length))?;
        }
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?.tensors();
        // Without its feature `std`, that crate uses a map type of its own.
        let metadata = header.metadata().iter().flatten();
        let metadata = metadata.map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Self { metadata, tensors: without_prefix(tensors) })
    }

    /// The bytes of the tensor of this name, if its elements are bytes.
    pub(super) fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.tensors.get(name).filter(|tensor| tensor.dtype() == Dtype::U8).map(TensorView::data)
    }

    /// What the header says besides the tensors.
    pub(super) fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }
}

impl Archive for Safetensors<'_> {
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect()
    }

    fn read(&mut self, name: &str) -> Result<Vec<f32>, ModelError> {
        let tensor = &self.tensors[name];
        let element = match tensor.dtype() {
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            other => {
                return Err(ModelError::Element { tensor: name.to_owned(), found: other.to_string() });
            }
        };
        let (bytes, size) = (tensor.data(), element.size());
        Ok((0..bytes.len() / size).map(|index| element.get(bytes, index * size)).collect())
    }
}

/// A tensor to write.
pub(super) struct Tensor {
    /// Its type, as the format names it.
    dtype: &'static str,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    /// A tensor of bytes.
    pub(super) fn bytes(shape: Vec<usize>, bytes: Vec<u8>) -> Self {
        Self { dtype: "U8", shape, bytes }
    }

    /// A parameter stored in this way.
    pub(super) fn numbers(name: &str, parameter: &Parameter, storage: Storage) -> Result<Self, ModelError> {
        let dtype = match storage {
            Storage::Float32 => "F32",
            Storage::Float16 => "F16",
        };
        Ok(Self { dtype, shape: parameter.shape.clone(), bytes: encoded(name, parameter, storage)? })
    }
}

/// A safetensors file. Tensors and metadata are in the order of their names, so that equal models make equal
/// files, which the writer of the `safetensors` crate does not promise.
pub(super) fn assemble(metadata: BTreeMap<String, String>, tensors: &BTreeMap<String, Tensor>) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), serde_json::json!(metadata));
    let mut end = 0;
    for (name, Tensor { dtype, shape, bytes }) in tensors {
        let start = end;
        end += bytes.len();
        let info = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] });
        header.insert(name.clone(), info);
    }
    let mut header = serde_json::to_vec(&header).expect("texts and numbers are JSON");
    // The format wants tensors aligned to eight bytes; the header is padded with spaces.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    tensors.values().for_each(|tensor| file.extend(&tensor.bytes));
    file
}

/// The numbers of one tensor, little-endian.
fn encoded(
    name: &str,
    Parameter { shape, data }: &Parameter,
    storage: Storage,
) -> Result<Vec<u8>, ModelError> {
    if storage == Storage::Float32 {
        return Ok(data.iter().flat_map(|value| value.to_le_bytes()).collect());
    }
    let halves: Vec<u16> = data.iter().map(|&value| to_f16(value)).collect();
    const INFINITE: u16 = 0x7c00;
    if let Some(at) = halves.iter().position(|half| half & INFINITE == INFINITE) {
        let (tensor, index, value) = (name.to_owned(), position(shape, at), data[at]);
        return Err(ModelError::TooLarge { tensor, index, value });
    }
    Ok(halves.into_iter().flat_map(u16::to_le_bytes).collect())
}
