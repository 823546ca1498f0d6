//! Which model: a file, or one that comes with the program.

use std::io::Read;
use std::path::{Path, PathBuf};

use pidinet::arch::Config;
use pidinet::models;
use pidinet::weights::{BiModel, Model, OpenOptions};

use crate::ui::usage;

/// The model to use.
#[derive(clap::Args, Debug)]
pub(crate) struct ModelArgs {
    /// Model file, written by `pidinet convert` or a published .pth checkpoint, or the name of a model
    /// that comes with the program [default: tiny]
    #[arg(short, long, value_name = "FILE|NAME")]
    model: Option<PathBuf>,

    /// Kinds of the layers, for a file that does not say: a published configuration such as carv4, or
    /// sixteen of cv, cd, ad, rd
    #[arg(long, value_name = "NAME")]
    config: Option<Config>,
}

impl ModelArgs {
    /// The file or name that was given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// Reads the model.
    pub(crate) fn open(&self) -> anyhow::Result<Model> {
        let options = OpenOptions { config: self.config, ..OpenOptions::default() };
        let embedded = match &self.model {
            Some(path) if path.exists() => return Ok(Model::open(path, &options)?),
            Some(path) => {
                let name = path.to_str().and_then(models::named);
                name.ok_or_else(|| {
                    let names: Vec<&str> = models::ALL.iter().map(|model| model.name).collect();
                    usage!(
                        "there is no file {}, and no model of that name but {}",
                        path.display(),
                        names.join(", ")
                    )
                })?
            }
            None => models::DEFAULT,
        };
        Ok(Model::read(embedded.bytes, &options)?)
    }
}

/// Whether a file is a model for recognition, rather than of edges.
pub(crate) fn is_binary(path: &Path) -> anyhow::Result<bool> {
    /// The largest model file that is read.
    const LONGEST: u64 = 256 << 20;
    let unreadable = |source| pidinet::Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(BiModel::is_one(&bytes))
}
