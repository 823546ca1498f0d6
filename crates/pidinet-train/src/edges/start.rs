//! Models that a run begins with or learns from.

use std::path::Path;

use pidinet::models;
use pidinet::weights::{Model, OpenOptions};

use crate::{Error, Result};

/// The model of a file, or else of the name of a model of edges that comes with the library.
///
/// # Errors
///
/// If there is neither, or the file is not a model of edges.
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
