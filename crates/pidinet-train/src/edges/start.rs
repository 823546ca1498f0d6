//! Models that a run starts from or learns from.

use std::path::Path;

use pidinet::models;
use pidinet::weights::{Model, OpenOptions};

use crate::{Error, Result};

/// The model in a file, or else the built-in edge model of this name.
///
/// # Errors
///
/// If there is neither, or the file is not an edge model.
pub(crate) fn model(name: &Path) -> Result<Model> {
    let embedded = name.to_str().and_then(models::named).filter(|_| !name.is_file());
    match embedded {
        Some(embedded) => Model::read(embedded.bytes, &OpenOptions::default())
            .map_err(|source| pidinet::Error::Model { path: name.into(), source }.into()),
        None if !name.exists() => {
            let edges = models::ALL.iter().filter(|model| !model.recognises());
            Err(Error::NoModel { name: name.into(), names: edges.map(|model| model.name).collect() })
        }
        None => Ok(Model::open(name, &OpenOptions::default())?),
    }
}
