//! What a checkpoint's pickle can hold: plain data, four Python names, and tensors.

use super::super::element::Element;

/// Position of an object in the list of all objects.
pub(super) type Id = usize;

/// Something that a pickle made.
#[derive(Debug)]
pub(super) enum Object<'a> {
    None,
    Bool,
    Int(i64),
    Float,
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Function(Function),
    Storage(Box<Storage>),
    Tensor(Box<Tensor>),
}

/// The names that a pickle may use.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    /// `collections.OrderedDict`, called without arguments.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, …)`
    Tensor,
    /// `torch._utils._rebuild_parameter(tensor, …)`
    Parameter,
    /// `torch.FloatStorage` and the like, which are not called but name an element type.
    Elements(Result<Element, &'static str>),
}

impl Function {
    pub(super) fn named(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_parameter") => Self::Parameter,
            ("torch", "FloatStorage") => Self::Elements(Ok(Element::F32)),
            ("torch", "HalfStorage") => Self::Elements(Ok(Element::F16)),
            ("torch", "BFloat16Storage") => Self::Elements(Ok(Element::Bf16)),
            ("torch", "DoubleStorage") => Self::Elements(Ok(Element::F64)),
            // Counters and masks: not weights, but they may be stored beside them.
            ("torch", "LongStorage") => Self::Elements(Err("int64")),
            ("torch", "IntStorage") => Self::Elements(Err("int32")),
            ("torch", "ShortStorage") => Self::Elements(Err("int16")),
            ("torch", "CharStorage") => Self::Elements(Err("int8")),
            ("torch", "ByteStorage") => Self::Elements(Err("uint8")),
            ("torch", "BoolStorage") => Self::Elements(Err("bool")),
            _ => return None,
        })
    }
}

impl Object<'_> {
    /// What it is, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool => "a truth value",
            Self::Int(_) => "an integer",
            Self::Float => "a number",
            Self::Text(_) => "a text",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Function(_) => "a function",
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// A view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) storage: Storage,
    /// Elements before its first one.
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    /// Elements from one to the next along each axis.
    pub(super) strides: Vec<usize>,
}

/// A run of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage {
    /// Element type, or the name of a type that weights never have.
    pub(super) element: Result<Element, &'static str>,
    /// Its name in the archive.
    pub(super) key: String,
    /// Number of its elements.
    pub(super) len: u64,
}

impl Tensor {
    /// Checks that the whole tensor lies in its storage, and that it has no more elements than the storage.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self { storage, offset, shape, strides } = self;
        if shape.len() != strides.len() {
            return Err(format!("has shape {shape:?} and strides {strides:?} of different lengths"));
        }
        let elements = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64));
        if elements == Some(0) {
            return Ok(());
        }
        let last = shape.iter().zip(strides).try_fold(*offset, |sum, (&n, &stride)| {
            sum.checked_add((n as u64 - 1).checked_mul(stride as u64)?)
        });
        match (elements, last) {
            (Some(elements), Some(last)) if elements <= storage.len && last < storage.len => Ok(()),
            _ => Err(format!(
                "of shape {shape:?}, strides {strides:?} and offset {offset} does not fit into its storage of \
                 {} numbers",
                storage.len
            )),
        }
    }

    /// Where in the storage the elements are, the last axis running fastest. Must have been checked.
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> {
        let count = self.shape.iter().product();
        (0..count).map(|mut at| {
            let axes = self.shape.iter().zip(&self.strides).rev();
            let steps = axes.map(|(&n, &stride)| {
                let step = at % n * stride;
                at /= n;
                step
            });
            self.offset as usize + steps.sum::<usize>()
        })
    }
}
