//! Why a model could not be used.

use std::fmt;

/// Why a model could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file needs more than is allowed.
    #[error(
        "the model exceeds the limit `{limit}`: {found}, where {allowed} are allowed; raise \
         `OpenOptions::{limit}` if you trust the file"
    )]
    Limit {
        /// Which of the limits of [`OpenOptions`](crate::weights::OpenOptions).
        limit: &'static str,
        /// Its value.
        allowed: u64,
        /// What the file needs, or says it needs; at least one more than the limit.
        found: u64,
    },

    /// Neither kind of file.
    #[error(
        "this is not a model: expected a PyTorch checkpoint (a zip archive) or a safetensors file, found {bytes} \
         bytes that begin with `{begin}`"
    )]
    Unknown {
        /// How long the file is.
        bytes: usize,
        /// How it begins, escaped.
        begin: String,
    },

    /// A PyTorch checkpoint, in a build that does not read them.
    #[error(
        "this is a PyTorch checkpoint, or another zip archive, and this program was built without the feature `pytorch`"
    )]
    WithoutPytorch,

    /// A checkpoint from PyTorch before 1.6, or one saved in its format.
    #[error(
        "this checkpoint is in PyTorch's legacy format, which is not a zip archive; save it again with \
         `torch.save(torch.load(\"old.pth\", map_location=\"cpu\"), \"new.pth\")` in PyTorch 1.6 or later"
    )]
    Legacy,

    /// A TorchScript program.
    #[error(
        "this is a TorchScript program, not a checkpoint; save its weights with \
         `torch.save(torch.jit.load(\"program.pt\", map_location=\"cpu\").state_dict(), \"weights.pth\")`"
    )]
    TorchScript,

    /// The zip archive cannot be read.
    #[error("the zip archive is damaged")]
    Zip {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// An entry of the zip archive is not as required.
    #[error("`{}` in the zip archive {problem}", Shown(entry))]
    Entry {
        /// Its name.
        entry: String,
        /// What is wrong.
        problem: String,
    },

    /// The pickle asks for something other than a plain tensor or container.
    #[error(
        "the checkpoint needs `{}` at byte {at} of its pickle, which is refused: only tensors, numbers, texts, \
         lists, tuples and dictionaries are read, and nothing is run; save the `state_dict()` alone",
        Shown(name)
    )]
    Global {
        /// The Python name.
        name: String,
        /// Where in the pickle.
        at: usize,
    },

    /// The pickle has an instruction that no checkpoint needs.
    #[error(
        "the pickle has the instruction {name} at byte {at}, which is refused: checkpoints of plain tensors \
         do not need it"
    )]
    Opcode {
        /// Its name, or its number if it has none.
        name: String,
        /// Where in the pickle.
        at: usize,
    },

    /// The pickle is damaged.
    #[error("the pickle is damaged at byte {at}: {problem}")]
    Pickle {
        /// Where in the pickle.
        at: usize,
        /// What is wrong.
        problem: String,
    },

    /// The pickle is of something else.
    #[error(
        "the checkpoint is {found}, expected a dictionary of tensors: save the `state_dict()` of the network"
    )]
    NoStateDict {
        /// What it is.
        found: &'static str,
    },

    /// The safetensors file is damaged.
    #[error("the safetensors file is damaged")]
    Safetensors {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The metadata says something that cannot be understood.
    #[error("the metadata `{}` is `{}`, expected {expected}", Shown(key), Shown(found))]
    Metadata {
        /// Which.
        key: String,
        /// What it says; empty if it is missing.
        found: String,
        /// What it should say.
        expected: String,
    },

    /// The file is of a later version of the format.
    #[error(
        "the model file is of format version {}, and this program knows version {known}: use a newer program",
        Shown(found)
    )]
    Version {
        /// What the file says.
        found: String,
        /// What this program knows.
        known: u32,
    },

    /// The file disagrees with the caller.
    #[error("the model file has {what} {file}, but {asked} was asked for")]
    Conflict {
        /// What they disagree on.
        what: &'static str,
        /// What the file says.
        file: String,
        /// What the caller says.
        asked: String,
    },

    /// A width is zero.
    #[error("the model has no channels: widths of 0 are not possible")]
    NoChannels,

    /// θ is not a share.
    #[error("theta is {theta}, expected more than 0 and at most 1")]
    Theta {
        /// What was given.
        theta: f32,
    },

    /// The tensors are those of something else.
    #[error(
        "this is not a PiDiNet model: there is no tensor `init_block.weight` among {}",
        some_of(found, "tensors")
    )]
    NotPidinet {
        /// The names of its tensors.
        found: Vec<String>,
    },

    /// A tensor has a shape from which the architecture cannot be read.
    #[error("tensor `{}` is {found:?}, expected {expected}", Shown(tensor))]
    Shape {
        /// Its name.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// What its shape should be.
        expected: String,
    },

    /// The tensors are not those of the architecture.
    #[error(
        "the tensors are not those of the model's architecture{}",
        differences(missing, unexpected, shapes)
    )]
    Mismatch {
        /// Names that the architecture needs and the model lacks.
        missing: Vec<String>,
        /// Names that the model has and the architecture does not use.
        unexpected: Vec<String>,
        /// Tensors with the wrong shape.
        shapes: Vec<ShapeMismatch>,
    },

    /// A tensor does not have as many elements as its shape says.
    #[error("tensor `{}` has {found} numbers, which is not what its shape {shape:?} needs", Shown(tensor))]
    Size {
        /// Its name.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// How many numbers there are.
        found: usize,
    },

    /// A tensor does not hold floating point numbers.
    #[error("tensor `{}` holds {found}, expected float32, float16, bfloat16 or float64", Shown(tensor))]
    Element {
        /// Its name.
        tensor: String,
        /// What it holds.
        found: String,
    },

    /// A tensor cannot be read from the storage that it names.
    #[error("tensor `{}` {problem}", Shown(tensor))]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong.
        problem: String,
    },

    /// A weight is NaN or infinite.
    #[error("tensor `{}` is not finite: {value} at {index:?}", Shown(tensor))]
    NotFinite {
        /// Its name.
        tensor: String,
        /// Position of the first such number.
        index: Vec<usize>,
        /// The number.
        value: f32,
    },

    /// A number is too large for the precision that was asked for.
    #[error("tensor `{}` has {value} at {index:?}, too large for float16", Shown(tensor))]
    TooLarge {
        /// The tensor's name.
        tensor: String,
        /// Position of the first such number.
        index: Vec<usize>,
        /// The number.
        value: f32,
    },

    /// A variance is negative.
    #[error("tensor `{}` has the variance {value} at {index}, expected none below 0", Shown(tensor))]
    Variance {
        /// The tensor's name.
        tensor: String,
        /// Which channel.
        index: usize,
        /// The number.
        value: f32,
    },

    /// Models are to be mixed by something that is not a finite number.
    #[error("cannot mix by {t}: expected a finite number")]
    Share {
        /// What was given.
        t: f64,
    },

    /// Models to be mixed differ in more than their numbers.
    #[error("only models of the same {what} can be mixed: {} and {}", Shown(a), Shown(b))]
    Unlike {
        /// What they differ in.
        what: &'static str,
        /// What the first has.
        a: String,
        /// What the second has.
        b: String,
    },

    /// The number of labels is not that of classes.
    #[error("the model has {labels} labels for {classes} classes")]
    Labels {
        /// How many labels there are.
        labels: usize,
        /// How many classes.
        classes: usize,
    },
}

/// A tensor whose shape is not the one its architecture needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeMismatch {
    /// Its name.
    pub tensor: String,
    /// Its shape.
    pub found: Vec<usize>,
    /// What its shape should be.
    pub expected: Vec<usize>,
}

/// How many names a message lists.
const LISTED: usize = 4;

/// A text from a file, safe to print: escaped, and not longer than a line.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 100;
        for character in self.0.chars().take(LONGEST) {
            write!(f, "{}", character.escape_debug())?;
        }
        if self.0.chars().nth(LONGEST).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// The first few names, and how many more there are.
fn some_of(names: &[String], what: &str) -> String {
    let some: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{}`", Shown(name))).collect();
    match (names.len(), names.len().saturating_sub(LISTED)) {
        (0, _) => format!("no {what}"),
        (_, 0) => some.join(", "),
        (_, more) => format!("{} and {more} more", some.join(", ")),
    }
}

/// All differences between a model and its architecture.
fn differences(missing: &[String], unexpected: &[String], shapes: &[ShapeMismatch]) -> String {
    let mut text = String::new();
    for (what, names) in [("missing", missing), ("unexpected", unexpected)] {
        if !names.is_empty() {
            text += &format!("; {what}: {}", some_of(names, "tensors"));
        }
    }
    for ShapeMismatch { tensor, found, expected } in shapes.iter().take(LISTED) {
        text += &format!("; `{}` is {found:?}, expected {expected:?}", Shown(tensor));
    }
    match shapes.len().saturating_sub(LISTED) {
        0 => text,
        more => text + &format!("; {more} more have another shape"),
    }
}
