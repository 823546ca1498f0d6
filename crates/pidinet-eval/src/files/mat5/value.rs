//! The contents of a file.

use crate::files::numbers::Numbers;

/// The variables of a file, in the file's order.
#[derive(Clone, Debug, PartialEq)]
pub struct MatFile {
    /// Names and values.
    pub variables: Vec<(String, Value)>,
}

impl MatFile {
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
    /// An array of a class that is not read, with the name of the class.
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
