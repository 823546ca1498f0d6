//! PyTorch checkpoints: a zip archive with a pickle that describes tensors, and their numbers in other
//! entries.
//!
//! A pickle is a program. Here it is only read: `pytorch/pickle.rs` knows dictionaries, lists, tuples, texts,
//! numbers and tensors, and refuses everything else by name.

use std::collections::BTreeMap;

use super::archive::{Archive, without_prefix};
use super::options::OpenOptions;
use crate::error::ModelError;

mod archive;
mod object;
mod opcode;
mod pickle;

use archive::Entries;
use object::{Object, Storage, Tensor};
use pickle::Pickle;

/// Names under which training programs store the parameters, beside the epoch and the optimiser.
const STATE_DICT: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// A checkpoint whose description of the tensors has been read.
pub(super) struct Checkpoint<'a> {
    entries: Entries<'a>,
    tensors: BTreeMap<String, Tensor>,
    /// Content of the storages that have been unpacked.
    storages: BTreeMap<String, Vec<u8>>,
}

impl<'a> Checkpoint<'a> {
    /// Reads the directory of the archive and the pickle, but no tensor.
    pub(super) fn open(bytes: &'a [u8], limits: &OpenOptions) -> Result<Self, ModelError> {
        let mut entries = Entries::open(bytes, limits)?;
        let pickle = entries.read("data.pkl", Some(("pickle_bytes", limits.pickle_bytes)))?;
        let tensors = without_prefix(state_dict(&Pickle::read(&pickle)?)?);
        Ok(Self { entries, tensors, storages: BTreeMap::new() })
    }
}

/// The tensors of the parameters, wherever they are in the checkpoint.
fn state_dict(pickle: &Pickle<'_>) -> Result<Vec<(String, Tensor)>, ModelError> {
    let Object::Dict(checkpoint) = pickle.root() else {
        return Err(ModelError::NoStateDict { found: pickle.root().name() });
    };
    let nested = STATE_DICT.iter().find_map(|key| {
        checkpoint.iter().find_map(|&(name, value)| match (pickle.object(name), pickle.object(value)) {
            (Object::Text(name), Object::Dict(items)) if name == key => Some(items),
            _ => None,
        })
    });
    let mut tensors = BTreeMap::new();
    for &(name, value) in nested.unwrap_or(checkpoint) {
        // Besides tensors there may be an epoch, or buffers of other modules; none of that is needed.
        if let (Object::Text(name), Object::Tensor(tensor)) = (pickle.object(name), pickle.object(value))
            && tensors.insert((*name).to_owned(), (**tensor).clone()).is_some()
        {
            return Err(ModelError::Tensor {
                tensor: (*name).to_owned(),
                problem: "appears twice".to_owned(),
            });
        }
    }
    Ok(tensors.into_iter().collect())
}

impl Archive for Checkpoint<'_> {
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect()
    }

    fn read(&mut self, name: &str) -> Result<Vec<f32>, ModelError> {
        let tensor = &self.tensors[name];
        let Storage { element, key, len } = &tensor.storage;
        let element = element
            .map_err(|found| ModelError::Element { tensor: name.to_owned(), found: found.to_owned() })?;
        tensor.check().map_err(|problem| ModelError::Tensor { tensor: name.to_owned(), problem })?;
        if !self.storages.contains_key(key) {
            let entry = format!("data/{key}");
            let bytes = self.entries.read(&entry, None)?;
            self.storages.insert(key.clone(), bytes);
        }
        let bytes = &self.storages[key];
        if len.checked_mul(element.size() as u64) != Some(bytes.len() as u64) {
            let problem = format!("has {} bytes, expected {len} numbers of {}", bytes.len(), element.size());
            return Err(ModelError::Entry { entry: format!("data/{key}"), problem });
        }
        Ok(tensor.positions().map(|at| element.get(bytes, at * element.size())).collect())
    }
}
