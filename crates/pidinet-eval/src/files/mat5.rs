//! MATLAB's version 5 files, read strictly: what BSDS500 keeps its truth in.
//!
//! Compressed and plain elements, both byte orders, all real numeric classes, text, cells and
//! structs. Objects, functions, sparse and complex arrays are skipped by name; version 4 and 7.3
//! files are refused by name. Nothing is trusted: sizes, depth and the number of values are limited
//! before anything is allocated, so a hostile file costs an error and never more than [`Limits`].
//!
//! The format is MathWorks' "MAT-File Format" (R2019b), the "Level 5 MAT-File" part.

mod read;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod write;

pub use crate::files::numbers::Numbers;

/// How much a file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file, and again bytes of everything inflated and decoded from it.
    pub bytes: usize,
    /// Arrays, cells, structs and fields in all.
    pub values: usize,
    /// Cells and structs inside each other.
    pub depth: usize,
}

impl Default for Limits {
    /// 256 MiB, a hundred thousand values, 16 levels: a hundred times what a truth file needs.
    fn default() -> Self {
        Self { bytes: 256 << 20, values: 100_000, depth: 16 }
    }
}

/// The variables of a file, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct MatFile {
    /// Names and values.
    pub variables: Vec<(String, Value)>,
}

impl MatFile {
    /// Reads a file that is already in memory.
    ///
    /// # Errors
    ///
    /// [`MatError`] if it is not a whole version 5 file or costs more than `limits`.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, MatError> {
        read::file(bytes, limits)
    }

    /// The variable called `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.variables.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

/// What a variable, a cell or a field holds. Elements are in MATLAB's order: columns first.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Numbers, or truth values kept as 0 and 1.
    Array(Array),
    /// A `char` array, read column by column.
    Text(String),
    /// A cell array.
    Cell(Vec<Value>),
    /// An array of structs; most often of one.
    Struct(Vec<Record>),
    /// Something this reader has no use for, by its class.
    Skipped(&'static str),
}

impl Value {
    /// The structs, if it is an array of them.
    pub fn records(&self) -> Option<&[Record]> {
        match self {
            Self::Struct(records) => Some(records),
            _ => None,
        }
    }
}

/// One struct: its fields in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Names and values.
    pub fields: Vec<(String, Value)>,
}

impl Record {
    /// The field called `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

/// A numeric or logical array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Sizes, rows first; at least two.
    pub dims: Vec<usize>,
    /// Whether MATLAB calls it `logical` (its numbers are `uint8` then).
    pub logical: bool,
    /// The elements, columns first.
    pub numbers: Numbers,
}

impl Array {
    /// Rows and columns, if there are no more than two dimensions.
    pub fn matrix_size(&self) -> Option<(usize, usize)> {
        match self.dims[..] {
            [rows, columns] => Some((rows, columns)),
            _ => None,
        }
    }
}

/// Turns a matrix kept columns first into one kept row by row.
///
/// # Panics
///
/// If `columns_first` does not hold whole columns of `rows` elements.
pub fn row_major<T: Copy>(columns_first: &[T], rows: usize) -> Vec<T> {
    let columns = columns_first.len().checked_div(rows).unwrap_or(0);
    assert_eq!(columns_first.len(), rows * columns, "a matrix has whole columns");
    (0..rows).flat_map(|y| (0..columns).map(move |x| columns_first[x * rows + y])).collect()
}

/// Why bytes are not a file this reader takes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatError {
    /// Neither version 5 nor another version known by name.
    #[error("not a MATLAB version 5 file: expected the byte order mark `IM` or `MI` at byte 126")]
    NotMat,

    /// A version 7.3 file, which is HDF5 inside.
    #[error(
        "a MATLAB 7.3 (HDF5) file, which is not read: save it as version 7, with save('FILE.mat', '-v7') in MATLAB, or with \
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
