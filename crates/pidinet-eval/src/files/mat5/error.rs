//! Limits of the reader, and its errors.

/// How much memory a file may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file, and again bytes of everything inflated and decoded from it.
    pub bytes: usize,
    /// Total number of arrays, cells, structs and fields.
    pub values: usize,
    /// Cells and structs nested in each other.
    pub depth: usize,
}

impl Default for Limits {
    /// 256 MiB, a hundred thousand values, 16 levels: a hundred times what ground truth needs.
    fn default() -> Self {
        Self { bytes: 256 << 20, values: 100_000, depth: 16 }
    }
}

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatError {
    /// Neither version 5 nor another version known by name.
    #[error("not a MATLAB version 5 file: expected the byte order mark `IM` or `MI` at byte 126")]
    NotMat,

    /// A version 7.3 file, which is HDF5 inside.
    #[error(
        "a MATLAB 7.3 (HDF5) file, which is not supported: save it as version 7, with save('FILE.mat', '-v7') in MATLAB, or with \
         scipy.io.savemat in Python"
    )]
    Hdf5,

    /// The file ends too early.
    #[error("{what} needs {needed} bytes, but {left} are left: the file is cut short or damaged")]
    Short {
        /// What was being read.
        what: &'static str,
        /// Bytes expected.
        needed: usize,
        /// Bytes there.
        left: usize,
    },

    /// Something contradicts the format.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid {
        /// What was being read.
        what: &'static str,
        /// What the format says.
        expected: String,
        /// What is there.
        found: String,
    },

    /// A limit of [`Limits`] is exceeded.
    #[error("the file needs more than the limit of {limit} {what}")]
    Limit {
        /// Which limit.
        what: &'static str,
        /// Its value.
        limit: usize,
    },

    /// A compressed element does not inflate.
    #[error("a compressed variable is damaged")]
    Inflate(#[source] std::io::Error),
}
