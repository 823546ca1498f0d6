//! What can go wrong, as one sentence.

use pidinet::weights::ModelError;

/// Why there is no map.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The library says no.
    #[error("{}", sentence(.0))]
    Library(#[from] pidinet::Error),

    /// A name is none of those there are.
    #[error(transparent)]
    Name(#[from] pidinet::UnknownName),

    /// The other end of the knob is not there.
    #[error("a detail of {detail} takes the model of every edge, which was not given")]
    NoEdges {
        /// What was asked for.
        detail: f64,
    },

    /// There is no such way to make edges thin.
    #[error("unknown `thin` {found:?}: expected \"none\", \"crest\" or \"pixel\"")]
    Thin {
        /// What was asked for.
        found: String,
    },

    /// A number is none of those that make sense.
    #[error("{what} is {found}: expected {expected}")]
    Number {
        /// Which number.
        what: &'static str,
        /// What it was.
        found: f64,
        /// What it can be.
        expected: &'static str,
    },

    /// A map and its size do not fit.
    #[error("a map of {width}x{height} has not {found} values")]
    Values {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Values given.
        found: usize,
    },
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        Self::Library(error.into())
    }
}

/// An error with all its causes, as JavaScript knows no chain of them.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
