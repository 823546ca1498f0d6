//! The parameters of a model.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;

/// The numbers of one parameter.
#[derive(Clone, PartialEq)]
pub struct Parameter {
    /// Its shape, outermost first: `[out, in / groups, kh, kw]` for weights, `[out]` for a bias.
    pub shape: Vec<usize>,
    /// Its numbers, the last axis running fastest.
    pub data: Vec<f32>,
}

impl fmt::Debug for Parameter {
    /// Prints only the shape: the numbers would fill screens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter").field("shape", &self.shape).finish_non_exhaustive()
    }
}

/// The parameters of a model by name (`block2_1.conv1.weight`), in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(BTreeMap<String, Parameter>);

impl Weights {
    /// No parameters yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.0.get(name)
    }

    /// The parameter of this name, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Parameter> {
        self.0.get_mut(name)
    }

    /// Adds a parameter; returns the one that had the same name, if any.
    pub fn insert(&mut self, name: impl Into<String>, parameter: Parameter) -> Option<Parameter> {
        self.0.insert(name.into(), parameter)
    }

    /// All parameters with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.0.iter().map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// How many parameters there are, each a tensor.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.iter().map(|(name, parameter)| (name.to_owned(), parameter.shape.clone())).collect()
    }
}

impl Index<&str> for Weights {
    type Output = Parameter;

    /// # Panics
    ///
    /// If there is no parameter of this name.
    fn index(&self, name: &str) -> &Parameter {
        self.get(name).unwrap_or_else(|| panic!("the model has no parameter `{name}`"))
    }
}

impl FromIterator<(String, Parameter)> for Weights {
    fn from_iter<I: IntoIterator<Item = (String, Parameter)>>(parameters: I) -> Self {
        Self(parameters.into_iter().collect())
    }
}
