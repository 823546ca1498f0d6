//! Everything that a run needs to continue as if it had never stopped.
//!
//! A checkpoint is a safetensors file: exact parameters, optimiser state and average, and in the metadata
//! the position in the run. Random numbers follow from the seed and the position, so they need nothing
//! more.
//!
//! A run keeps its newest checkpoint and the one before it, in case the newest is damaged.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use pidinet::save::write_atomically;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::optimizer::State;
use crate::{Error, Result};

/// The position of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Position {
    /// Steps done.
    pub step: u64,
    /// Seconds spent training.
    pub seconds: f64,
    /// The learning rate of the last step.
    pub rate: f64,
    /// Sum of the losses since the last epoch ended, and the number of images in it.
    pub epoch_loss: (f64, u64),
    /// Images that could not be used so far.
    pub failed: u64,
    /// The best score on the validation images, and after how many steps.
    pub best: Option<(f64, u64)>,
    /// Whether the run ended during validation after this step, which then has to be repeated.
    pub unmeasured: bool,
}

/// The file of the newest checkpoint in the folder of a run.
pub(crate) const LAST: &str = "checkpoint.safetensors";

/// The file of the one before.
pub(crate) const BEFORE: &str = "checkpoint-before.safetensors";

/// Most bytes of a checkpoint: enough for a hundred million parameters.
const MOST_BYTES: u64 = 4 << 30;

/// Most steps, images and the like: enough for a step each microsecond over a year, and small enough that
/// products do not wrap.
const MOST_STEPS: u64 = 1 << 45;

/// A checkpoint that was found in the folder of a run.
#[derive(Clone, Debug)]
pub struct Newest {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its file.
    pub path: PathBuf,
    /// Whether it is the last one written, rather than the one before.
    pub is_last: bool,
}

/// A run that was interrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The configuration, as TOML.
    pub config: String,
    /// The position of the run.
    pub position: Position,
    /// The parameters.
    pub parameters: Vec<f32>,
    /// The optimiser.
    pub state: State,
}

impl Checkpoint {
    /// Writes the checkpoint; an existing one is replaced only once everything is written.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(write_atomically(path, &self.to_bytes())?)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Position { step, seconds, rate, epoch_loss, failed, best, unmeasured } = &self.position;
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
            ("unmeasured", unmeasured.to_string()),
            ("checksum", format!("{:08x}", self.checksum())),
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
        safetensors::serialize(views, Some(metadata)).expect("four tensors can be written")
    }

    /// A checksum of all numbers.
    fn checksum(&self) -> u32 {
        let State { mean, square, average, .. } = &self.state;
        let mut hasher = crc32fast::Hasher::new();
        for values in [&self.parameters, mean, square, average] {
            let mut bytes = Vec::with_capacity(4 * values.len());
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            hasher.update(&bytes);
        }
        hasher.finalize()
    }

    /// The newest undamaged checkpoint of the run in a folder: the last, or the one before. `None` if there
    /// are no checkpoints.
    ///
    /// # Errors
    ///
    /// If there are checkpoints, but none can be used; the error says what is wrong with the newest.
    pub fn newest(folder: &Path) -> Result<Option<Newest>> {
        let (last, before) = (folder.join(LAST), folder.join(BEFORE));
        let (last_is_there, before_is_there) = (last.exists(), before.exists());
        if !last_is_there && !before_is_there {
            return Ok(None);
        }
        let error = match Self::open(&last) {
            Ok(checkpoint) => return Ok(Some(Newest { checkpoint, path: last, is_last: true })),
            Err(error) => error,
        };
        match Self::open(&before) {
            Ok(checkpoint) => {
                let step = checkpoint.position.step;
                log::warn!("{error}; the checkpoint before it is used, of step {step}");
                Ok(Some(Newest { checkpoint, path: before, is_last: false }))
            }
            Err(_) => Err(error),
        }
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not a checkpoint.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = pidinet::files::read(path, MOST_BYTES)
            .map_err(|source| Error::Read { path: path.into(), source })?;
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
        let flag = |key: &str| match metadata.get(key).map(String::as_str) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(format!("`{key}` {other}")),
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
                unmeasured: flag("unmeasured")?,
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
        checkpoint.check()?;
        // Checkpoints of earlier versions have none.
        if metadata.get("checksum").is_some_and(|sum| *sum != format!("{:08x}", checkpoint.checksum())) {
            return Err("numbers that do not match the checksum".to_owned());
        }
        Ok(checkpoint)
    }

    /// Refuses impossible numbers: they would wrap, or corrupt what is computed from them.
    fn check(&self) -> Result<(), String> {
        let Position { step, seconds, rate, epoch_loss: (loss, images), failed, best, .. } = self.position;
        for (name, count) in [
            ("step", step),
            ("optimizer_step", self.state.step),
            ("epoch_images", images),
            ("failed", failed),
            ("best", best.map_or(0, |(_, step)| step)),
        ] {
            if count > MOST_STEPS {
                return Err(format!("the number {count} as `{name}`"));
            }
        }
        for (name, number) in [
            ("seconds", seconds),
            ("rate", rate),
            ("epoch_loss", loss),
            ("best", best.map_or(0.0, |(score, _)| score)),
        ] {
            if !number.is_finite() || (number < 0.0 && name != "best") {
                return Err(format!("the number {number} as `{name}`"));
            }
        }
        let State { mean, square, average, .. } = &self.state;
        for (name, values) in
            [("parameters", &self.parameters), ("mean", mean), ("square", square), ("average", average)]
        {
            let is_sound = |value: &f32| value.is_finite() && (name != "square" || *value >= 0.0);
            if let Some(value) = values.iter().find(|value| !is_sound(value)) {
                return Err(format!("the number {value} in {name}"));
            }
        }
        Ok(())
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
            unmeasured: false,
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
            checkpoint.position.unmeasured = best.is_none();
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
            let _ = Checkpoint::parse(&bytes); // an error or different numbers, but no panic
        }
    }

    #[test]
    fn numbers_that_no_run_has_are_refused() {
        let refused = |change: &dyn Fn(&mut Checkpoint), name: &str| {
            let mut checkpoint = checkpoint();
            change(&mut checkpoint);
            let error = Checkpoint::parse(&checkpoint.to_bytes()).unwrap_err();
            assert!(error.contains(name), "{error}");
        };
        assert!(Checkpoint::parse(&checkpoint().to_bytes()).is_ok());
        refused(&|checkpoint| checkpoint.position.step = u64::MAX, "step");
        refused(&|checkpoint| checkpoint.state.step = u64::MAX / 3, "optimizer_step");
        refused(&|checkpoint| checkpoint.position.epoch_loss.1 = u64::MAX, "epoch_images");
        refused(&|checkpoint| checkpoint.position.seconds = -1.0, "seconds");
        refused(&|checkpoint| checkpoint.position.rate = f64::NAN, "rate");
        refused(&|checkpoint| checkpoint.position.best = Some((f64::INFINITY, 1)), "best");
        refused(&|checkpoint| checkpoint.parameters[0] = f32::NAN, "parameters");
        refused(&|checkpoint| checkpoint.state.square[0] = -1.0, "square");
    }

    #[test]
    fn a_flipped_bit_is_seen() {
        let bytes = checkpoint().to_bytes();
        for at in bytes.len() - 48..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Checkpoint::parse(&bytes).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_checkpoint_before_is_used_where_the_last_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let newest = || Checkpoint::newest(folder.path());
        assert!(newest().unwrap().is_none());
        let mut checkpoint = checkpoint();
        checkpoint.save(&folder.path().join(BEFORE)).unwrap();
        checkpoint.position.step = 20;
        checkpoint.save(&folder.path().join(LAST)).unwrap();
        let step = |newest: &Newest| (newest.checkpoint.position.step, newest.is_last);
        assert_eq!(step(&newest().unwrap().unwrap()), (20, true));
        std::fs::write(folder.path().join(LAST), "").unwrap();
        assert_eq!(step(&newest().unwrap().unwrap()), (12, false));
        std::fs::remove_file(folder.path().join(LAST)).unwrap();
        assert_eq!(step(&newest().unwrap().unwrap()), (12, false));
        std::fs::write(folder.path().join(BEFORE), "").unwrap();
        assert!(newest().is_err());
    }
}
