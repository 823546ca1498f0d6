//! All that a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a safetensors file: parameters, optimiser and average as they are, and in the metadata
//! the position in the run. Random numbers follow from the seed and the position, so they need no more.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pidinet::save::write_atomically;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::optimizer::State;
use crate::{Error, Result};

/// Where a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Position {
    /// Steps done.
    pub step: u64,
    /// Seconds spent training.
    pub seconds: f64,
    /// The learning rate of the last step.
    pub rate: f64,
    /// Sum of the losses since the last epoch ended, and of how many images.
    pub epoch_loss: (f64, u64),
    /// Images that could not be used so far.
    pub failed: u64,
    /// The best score on the validation images, and after how many steps.
    pub best: Option<(f64, u64)>,
}

/// A run that was interrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The configuration, as TOML.
    pub config: String,
    /// Where the run is.
    pub position: Position,
    /// The parameters.
    pub parameters: Vec<f32>,
    /// The optimiser.
    pub state: State,
}

impl Checkpoint {
    /// Writes the checkpoint; one that is there is replaced only when all is written.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let Position { step, seconds, rate, epoch_loss, failed, best } = &self.position;
        // Floats are written as their bits, so that nothing is lost.
        let bits = |value: f64| format!("{:016x}", value.to_bits());
        let metadata: HashMap<String, String> = [
            ("config", self.config.clone()),
            ("step", step.to_string()),
            ("optimizer_step", self.state.step.to_string()),
            ("seconds", bits(*seconds)),
            ("rate", bits(*rate)),
            ("epoch_loss", bits(epoch_loss.0)),
            ("epoch_images", epoch_loss.1.to_string()),
            ("failed", failed.to_string()),
            ("best", best.map_or(String::new(), |(score, step)| format!("{} {step}", bits(score)))),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let State { mean, square, average, .. } = &self.state;
        let tensors =
            [("parameters", &self.parameters), ("mean", mean), ("square", square), ("average", average)];
        let bytes = tensors.map(|(name, values)| {
            (name, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        });
        let views: BTreeMap<&str, TensorView<'_>> = bytes
            .iter()
            .map(|(name, bytes)| {
                let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
                (*name, view.expect("four bytes for each number"))
            })
            .collect();
        let file = safetensors::serialize(views, Some(metadata)).expect("four tensors can be written");
        write_atomically(path, &file)?;
        Ok(())
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not a checkpoint.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
        Self::parse(&bytes).map_err(|found| Error::Checkpoint {
            path: path.into(),
            found,
            expected: "a checkpoint of a training run".to_owned(),
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let tensor = |name: &str| {
            let tensor = file.tensor(name).map_err(|error| error.to_string())?;
            if tensor.dtype() != Dtype::F32 {
                return Err(format!("{name} as {:?}", tensor.dtype()));
            }
            Ok(tensor
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect::<Vec<_>>())
        };
        let metadata = header.metadata().clone().unwrap_or_default();
        let text = |key: &str| metadata.get(key).cloned().ok_or_else(|| format!("no `{key}`"));
        let whole = |key: &str| {
            let text = text(key)?;
            text.parse::<u64>().map_err(|_| format!("`{key}` {text}"))
        };
        let float = |text: &str| {
            u64::from_str_radix(text, 16).map(f64::from_bits).map_err(|_| format!("the number {text}"))
        };
        let best = match text("best")?.split_once(' ') {
            None => None,
            Some((score, step)) => {
                Some((float(score)?, step.parse().map_err(|_| format!("the best step {step}"))?))
            }
        };
        let checkpoint = Self {
            config: text("config")?,
            position: Position {
                step: whole("step")?,
                seconds: float(&text("seconds")?)?,
                rate: float(&text("rate")?)?,
                epoch_loss: (float(&text("epoch_loss")?)?, whole("epoch_images")?),
                failed: whole("failed")?,
                best,
            },
            parameters: tensor("parameters")?,
            state: State {
                step: whole("optimizer_step")?,
                mean: tensor("mean")?,
                square: tensor("square")?,
                average: tensor("average")?,
            },
        };
        let count = checkpoint.parameters.len();
        let State { mean, square, average, .. } = &checkpoint.state;
        if [mean, square, average].iter().any(|values| values.len() != count) {
            return Err("tensors of several lengths".to_owned());
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let parameters = vec![0.1, -2.0, f32::MIN_POSITIVE];
        let mut state = State::new(&parameters);
        state.step = 12;
        state.square[1] = 1.0 / 3.0;
        let position = Position {
            step: 12,
            seconds: 0.1,
            rate: 1e-3,
            epoch_loss: (1.0 / 3.0, 7),
            failed: 1,
            best: Some((0.7, 9)),
        };
        Checkpoint { config: "seed = 1\n".to_owned(), position, parameters, state }
    }

    #[test]
    fn a_checkpoint_comes_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        for best in [None, Some((0.7, 9))] {
            let mut checkpoint = checkpoint();
            checkpoint.position.best = best;
            checkpoint.save(&path).unwrap();
            assert_eq!(Checkpoint::open(&path).unwrap(), checkpoint);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_damaged_checkpoint_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        checkpoint().save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            assert!(Checkpoint::parse(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x20;
            let _ = Checkpoint::parse(&bytes); // an error or other numbers, but no panic
        }
    }
}
