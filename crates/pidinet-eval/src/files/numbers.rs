//! Typed numbers out of files: ten types, both byte orders, and widening from one type to another
//! (MATLAB stores an array in the smallest type that holds its values).

/// Elements of a numeric array, in the type of its class.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are named after their types")]
pub enum Numbers {
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    I64(Vec<i64>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Evaluates `$body` with `$v` bound to the vector inside.
macro_rules! each {
    ($numbers:expr, $v:ident => $body:expr) => {
        match $numbers {
            Numbers::I8($v) => $body,
            Numbers::U8($v) => $body,
            Numbers::I16($v) => $body,
            Numbers::U16($v) => $body,
            Numbers::I32($v) => $body,
            Numbers::U32($v) => $body,
            Numbers::I64($v) => $body,
            Numbers::U64($v) => $body,
            Numbers::F32($v) => $body,
            Numbers::F64($v) => $body,
        }
    };
}

impl Numbers {
    /// Number of elements.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers kept column by column, `rows` in each, row by row.
    pub(crate) fn row_major(&self, rows: usize) -> Self {
        match self {
            Self::I8(v) => Self::I8(row_major(v, rows)),
            Self::U8(v) => Self::U8(row_major(v, rows)),
            Self::I16(v) => Self::I16(row_major(v, rows)),
            Self::U16(v) => Self::U16(row_major(v, rows)),
            Self::I32(v) => Self::I32(row_major(v, rows)),
            Self::U32(v) => Self::U32(row_major(v, rows)),
            Self::I64(v) => Self::I64(row_major(v, rows)),
            Self::U64(v) => Self::U64(row_major(v, rows)),
            Self::F32(v) => Self::F32(row_major(v, rows)),
            Self::F64(v) => Self::F64(row_major(v, rows)),
        }
    }

    /// MATLAB's name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::I8(_) => "int8",
            Self::U8(_) => "uint8",
            Self::I16(_) => "int16",
            Self::U16(_) => "uint16",
            Self::I32(_) => "int32",
            Self::U32(_) => "uint32",
            Self::I64(_) => "int64",
            Self::U64(_) => "uint64",
            Self::F32(_) => "single",
            Self::F64(_) => "double",
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

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// A type of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F16,
    F32,
    F64,
}

impl Storage {
    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

/// Decodes `bytes`, whole elements kept as `stored`, to numbers of type `wanted`.
///
/// `None` if a value does not fit that type: out of its range, or a fraction where integers are wanted.
pub(crate) fn decode_as(wanted: Storage, stored: Storage, order: Order, bytes: &[u8]) -> Option<Numbers> {
    Some(match wanted {
        Storage::I8 => Numbers::I8(decode(stored, order, bytes)?),
        Storage::U8 => Numbers::U8(decode(stored, order, bytes)?),
        Storage::I16 => Numbers::I16(decode(stored, order, bytes)?),
        Storage::U16 => Numbers::U16(decode(stored, order, bytes)?),
        Storage::I32 => Numbers::I32(decode(stored, order, bytes)?),
        Storage::U32 => Numbers::U32(decode(stored, order, bytes)?),
        Storage::I64 => Numbers::I64(decode(stored, order, bytes)?),
        Storage::U64 => Numbers::U64(decode(stored, order, bytes)?),
        Storage::F16 | Storage::F32 => Numbers::F32(decode(stored, order, bytes)?),
        Storage::F64 => Numbers::F64(decode(stored, order, bytes)?),
    })
}

/// A type that elements are decoded to. `None`: the value does not fit the type.
pub(crate) trait Number: Sized {
    fn from_integer(value: i128) -> Option<Self>;
    fn from_float(value: f64) -> Option<Self>;
}

macro_rules! integer {
    ($($t:ty)*) => {$(
        impl Number for $t {
            #[inline]
            fn from_integer(value: i128) -> Option<Self> {
                Self::try_from(value).ok()
            }
            fn from_float(_: f64) -> Option<Self> {
                None
            }
        }
    )*};
}
integer!(i8 u8 i16 u16 i32 u32 i64 u64);

impl Number for f64 {
    fn from_integer(value: i128) -> Option<Self> {
        Some(value as Self)
    }
    fn from_float(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl Number for f32 {
    fn from_integer(value: i128) -> Option<Self> {
        Some(value as Self)
    }
    fn from_float(value: f64) -> Option<Self> {
        Some(value as Self)
    }
}

/// Decodes elements; `bytes` holds whole ones. `None` as in [`decode_as`].
pub(crate) fn decode<T: Number>(stored: Storage, order: Order, bytes: &[u8]) -> Option<Vec<T>> {
    macro_rules! elements {
        ($s:ty, $convert:expr) => {{
            let (elements, _) = bytes.as_chunks::<{ size_of::<$s>() }>();
            let value = |&element: &[u8; size_of::<$s>()]| match order {
                Order::Little => <$s>::from_le_bytes(element),
                Order::Big => <$s>::from_be_bytes(element),
            };
            elements.iter().map(|element| $convert(value(element).into())).collect::<Option<Vec<T>>>()
        }};
    }
    match stored {
        Storage::I8 => elements!(i8, T::from_integer),
        Storage::U8 => elements!(u8, T::from_integer),
        Storage::I16 => elements!(i16, T::from_integer),
        Storage::U16 => elements!(u16, T::from_integer),
        Storage::I32 => elements!(i32, T::from_integer),
        Storage::U32 => elements!(u32, T::from_integer),
        Storage::I64 => elements!(i64, T::from_integer),
        Storage::U64 => elements!(u64, T::from_integer),
        Storage::F16 => elements!(u16, |bits: u16| T::from_float(from_f16(bits))),
        Storage::F32 => elements!(f32, T::from_float),
        Storage::F64 => elements!(f64, T::from_float),
    }
}

/// An IEEE 754 binary16 number: 1 sign, 5 exponent, 10 fraction bits.
fn from_f16(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}
