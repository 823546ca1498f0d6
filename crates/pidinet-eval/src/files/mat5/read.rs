//! The reader: a cursor over bytes, a budget, and one function for each thing the format nests.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::error::{Limits, MatError};
use super::value::{Array, MatFile, Record, Value};
use crate::files::numbers::{Number, Numbers, Order, Storage, decode, decode_as};

const HEADER: usize = 128;
const MI_INT8: u32 = 1;
const MI_INT32: u32 = 5;
const MI_UINT32: u32 = 6;
const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;
const MI_UTF8: u32 = 16;
const MI_UTF16: u32 = 17;
const MI_UTF32: u32 = 18;

impl MatFile {
    /// Reads a file that is already in memory.
    ///
    /// # Errors
    ///
    /// [`MatError`] if it is not a whole version 5 file or costs more than `limits`.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, MatError> {
        file(bytes, limits)
    }
}

/// A whole file.
fn file(bytes: &[u8], limits: &Limits) -> Result<MatFile, MatError> {
    if bytes.len() > limits.bytes {
        return Err(MatError::Limit { what: "bytes", limit: limits.bytes });
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Err(MatError::Hdf5);
    }
    let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(MatError::NotMat)?;
    let order = match &header[126..] {
        b"IM" => Order::Little,
        b"MI" => Order::Big,
        _ => return Err(MatError::NotMat),
    };
    let version = match order {
        Order::Little => u16::from_le_bytes([header[124], header[125]]),
        Order::Big => u16::from_be_bytes([header[124], header[125]]),
    };
    match version {
        0x0100 => {}
        0x0200 => return Err(MatError::Hdf5),
        other => return Err(invalid("the version", "0x0100", format!("{other:#06x}"))),
    }

    let mut budget = Budget { limits, bytes: limits.bytes, values: limits.values };
    let mut variables = Vec::new();
    let mut cursor = Cursor { bytes: body, order };
    while !cursor.bytes.is_empty() {
        let element = cursor.element("a variable")?;
        match element.code {
            MI_COMPRESSED => {
                let inflated = budget.inflate(element.bytes)?;
                let mut inside = Cursor { bytes: &inflated, order };
                variables.push(inside.named_matrix(&mut budget)?);
                if !inside.bytes.is_empty() {
                    let found = format!("{} bytes more", inside.bytes.len());
                    return Err(invalid("a compressed variable", "one array", found));
                }
            }
            MI_MATRIX => variables.push(matrix(element.bytes, order, 0, &mut budget)?),
            other => return Err(invalid("a variable", "an array or a compressed one", type_name(other))),
        }
    }
    Ok(MatFile { variables })
}

/// What is left of the limits.
struct Budget<'a> {
    limits: &'a Limits,
    bytes: usize,
    values: usize,
}

impl Budget<'_> {
    fn take_bytes(&mut self, bytes: usize) -> Result<(), MatError> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or(MatError::Limit { what: "bytes", limit: self.limits.bytes })?;
        Ok(())
    }

    fn take_values(&mut self, values: usize) -> Result<(), MatError> {
        let left = self.values.checked_sub(values);
        self.values = left.ok_or(MatError::Limit { what: "values", limit: self.limits.values })?;
        Ok(())
    }

    fn inflate(&mut self, bytes: &[u8]) -> Result<Vec<u8>, MatError> {
        let mut inflated = Vec::new();
        let one_too_many = self.bytes as u64 + 1;
        ZlibDecoder::new(bytes).take(one_too_many).read_to_end(&mut inflated).map_err(MatError::Inflate)?;
        self.take_bytes(inflated.len())?;
        Ok(inflated)
    }
}

/// One element: its type and its bytes, without padding.
struct Element<'a> {
    code: u32,
    bytes: &'a [u8],
}

/// Bytes still to read.
struct Cursor<'a> {
    bytes: &'a [u8],
    order: Order,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], MatError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(MatError::Short { what, needed: count, left: self.bytes.len() });
        };
        self.bytes = rest;
        Ok(taken)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, MatError> {
        let bytes = self.take(what, 4)?;
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        Ok(match self.order {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }

    /// A tag and its data. Up to four bytes may be stored in the tag itself, with their size in the
    /// upper half of the type. Everything except compressed elements is padded to eight bytes
    /// (writers leave out the padding of the last one).
    fn element(&mut self, what: &'static str) -> Result<Element<'a>, MatError> {
        let code = self.u32(what)?;
        let small = (code >> 16) as usize;
        if small > 0 {
            if small > 4 {
                return Err(invalid(what, "a small element of up to 4 bytes", format!("{small}")));
            }
            let bytes = &self.take(what, 4)?[..small];
            return Ok(Element { code: code & 0xffff, bytes });
        }
        let size = self.u32(what)? as usize;
        let bytes = self.take(what, size)?;
        if code != MI_COMPRESSED {
            let padding = size.wrapping_neg() % 8;
            self.bytes = &self.bytes[padding.min(self.bytes.len())..];
        }
        Ok(Element { code, bytes })
    }

    /// An element that has to be of type `code`.
    fn expect(&mut self, what: &'static str, code: u32) -> Result<&'a [u8], MatError> {
        let element = self.element(what)?;
        if element.code != code {
            return Err(invalid(what, type_name(code), type_name(element.code)));
        }
        Ok(element.bytes)
    }

    /// The variable inside a compressed element.
    fn named_matrix(&mut self, budget: &mut Budget<'_>) -> Result<(String, Value), MatError> {
        let bytes = self.expect("a compressed variable", MI_MATRIX)?;
        matrix(bytes, self.order, 0, budget)
    }
}

/// An array element: flags, sizes, name, and what its class puts after them.
fn matrix(
    bytes: &[u8],
    order: Order,
    depth: usize,
    budget: &mut Budget<'_>,
) -> Result<(String, Value), MatError> {
    budget.take_values(1)?;
    if depth > budget.limits.depth {
        return Err(MatError::Limit { what: "levels of nesting", limit: budget.limits.depth });
    }
    if bytes.is_empty() {
        return Ok((String::new(), empty()));
    }
    let mut cursor = Cursor { bytes, order };
    let flags = cursor.expect("the flags of an array", MI_UINT32)?;
    if flags.len() != 8 {
        return Err(invalid("the flags of an array", "8 bytes", flags.len().to_string()));
    }
    let flags = Cursor { bytes: flags, order }.u32("the flags of an array")?;
    let (class, logical, complex) = (flags & 0xff, flags & 0x200 != 0, flags & 0x800 != 0);
    if let Some(skipped) = skipped(class, complex) {
        return Ok((name_after_sizes(&mut cursor).unwrap_or_default(), Value::Skipped(skipped)));
    }

    let dims = sizes(&mut cursor)?;
    let count = dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    let count = count.ok_or(MatError::Limit { what: "bytes", limit: budget.limits.bytes })?;
    let name = name(&mut cursor)?;
    let value = match class {
        1 => Value::Cell(cell(&mut cursor, count, depth, budget)?),
        2 => Value::Struct(records(&mut cursor, count, depth, budget)?),
        4 => Value::Text(text(&mut cursor, count, budget)?),
        _ => {
            let class = numeric_class(class)?;
            let numbers = numbers(&mut cursor, class, count, budget)?;
            Value::Array(Array { dims, logical, numbers })
        }
    };
    Ok((name, value))
}

/// `[]`, as a cell or a field holds it.
fn empty() -> Value {
    Value::Array(Array { dims: vec![0, 0], logical: false, numbers: Numbers::F64(Vec::new()) })
}

/// The classes that are not read.
fn skipped(class: u32, complex: bool) -> Option<&'static str> {
    match class {
        3 => Some("object"),
        5 => Some("sparse"),
        16 => Some("function"),
        17 => Some("opaque"),
        6..=15 if complex => Some("complex"),
        _ => None,
    }
}

/// The `mx` classes 6 to 15.
fn numeric_class(code: u32) -> Result<Storage, MatError> {
    Ok(match code {
        6 => Storage::F64,
        7 => Storage::F32,
        8 => Storage::I8,
        9 => Storage::U8,
        10 => Storage::I16,
        11 => Storage::U16,
        12 => Storage::I32,
        13 => Storage::U32,
        14 => Storage::I64,
        15 => Storage::U64,
        other => return Err(invalid("the class of an array", "1 to 17", other.to_string())),
    })
}

/// The `mi` types that hold numbers.
fn numeric_type(code: u32) -> Option<Storage> {
    Some(match code {
        1 => Storage::I8,
        2 => Storage::U8,
        3 => Storage::I16,
        4 => Storage::U16,
        5 => Storage::I32,
        6 => Storage::U32,
        7 => Storage::F32,
        9 => Storage::F64,
        12 => Storage::I64,
        13 => Storage::U64,
        _ => return None,
    })
}

/// The name of an array that is skipped; an opaque object has no sizes, so there may be none.
fn name_after_sizes(cursor: &mut Cursor<'_>) -> Option<String> {
    sizes(cursor).ok()?;
    name(cursor).ok()
}

fn sizes(cursor: &mut Cursor<'_>) -> Result<Vec<usize>, MatError> {
    let what = "the sizes of an array";
    let bytes = cursor.expect(what, MI_INT32)?;
    // A kilobyte of sizes is more dimensions than MATLAB programs ever use.
    if bytes.len() < 8 || bytes.len() > 1024 || bytes.len() % 4 != 0 {
        return Err(invalid(what, "two or more numbers of 4 bytes", format!("{} bytes", bytes.len())));
    }
    let dims: Vec<i32> = same(Storage::I32, cursor.order, bytes);
    dims.into_iter()
        .map(|d| usize::try_from(d).map_err(|_| invalid(what, "no negative one", d.to_string())))
        .collect()
}

/// Elements decoded to the type they are stored in.
fn same<T: Number>(stored: Storage, order: Order, bytes: &[u8]) -> Vec<T> {
    decode(stored, order, bytes).expect("a type holds its own values")
}

fn name(cursor: &mut Cursor<'_>) -> Result<String, MatError> {
    Ok(String::from_utf8_lossy(cursor.expect("the name of an array", MI_INT8)?).into_owned())
}

fn cell(
    cursor: &mut Cursor<'_>,
    count: usize,
    depth: usize,
    budget: &mut Budget<'_>,
) -> Result<Vec<Value>, MatError> {
    // An element takes eight bytes at least, which bounds what a false size can reserve.
    enough(cursor, "the cells of an array", count)?;
    (0..count).map(|_| nested(cursor, "a cell", depth, budget)).collect()
}

/// Structs are kept element by element, each with all its fields.
fn records(
    cursor: &mut Cursor<'_>,
    count: usize,
    depth: usize,
    budget: &mut Budget<'_>,
) -> Result<Vec<Record>, MatError> {
    let what = "the field names of a struct";
    let width = cursor.expect(what, MI_INT32)?;
    let width = Cursor { bytes: width, order: cursor.order }.u32(what)? as usize;
    let names = cursor.expect(what, MI_INT8)?;
    if width == 0 || !names.len().is_multiple_of(width) {
        let found = format!("{} bytes", names.len());
        return Err(invalid(what, format!("names of {width} bytes each"), found));
    }
    budget.take_values(names.len() / width)?;
    let names: Vec<String> = names.chunks_exact(width).map(field_name).collect();
    if names.is_empty() {
        // Structs without fields cost no bytes in the file, so they may cost none here.
        return Ok(Vec::new());
    }
    enough(cursor, "the fields of a struct", count.saturating_mul(names.len()))?;
    (0..count)
        .map(|_| {
            let fields = names.iter().map(|name| {
                budget.take_bytes(name.len())?;
                Ok((name.clone(), nested(cursor, "a field", depth, budget)?))
            });
            Ok(Record { fields: fields.collect::<Result<_, MatError>>()? })
        })
        .collect()
}

/// A field name ends at its first zero byte.
fn field_name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// An array inside another; its own name is empty.
fn nested(
    cursor: &mut Cursor<'_>,
    what: &'static str,
    depth: usize,
    budget: &mut Budget<'_>,
) -> Result<Value, MatError> {
    let bytes = cursor.expect(what, MI_MATRIX)?;
    Ok(matrix(bytes, cursor.order, depth + 1, budget)?.1)
}

fn enough(cursor: &Cursor<'_>, what: &'static str, count: usize) -> Result<(), MatError> {
    let (needed, left) = (count.saturating_mul(8), cursor.bytes.len());
    if needed > left { Err(MatError::Short { what, needed, left }) } else { Ok(()) }
}

fn text(cursor: &mut Cursor<'_>, count: usize, budget: &mut Budget<'_>) -> Result<String, MatError> {
    let what = "the characters of a text";
    if count == 0 && cursor.bytes.is_empty() {
        return Ok(String::new());
    }
    let element = cursor.element(what)?;
    budget.take_bytes(element.bytes.len().saturating_mul(4))?;
    match element.code {
        MI_INT8 | MI_UTF8 | 2 => Ok(String::from_utf8_lossy(element.bytes).into_owned()),
        MI_UTF16 | 4 => {
            let units: Vec<u16> = same(Storage::U16, cursor.order, element.bytes);
            Ok(String::from_utf16_lossy(&units))
        }
        MI_UTF32 => {
            let codes: Vec<u32> = same(Storage::U32, cursor.order, element.bytes);
            Ok(codes.into_iter().map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        other => Err(invalid(what, "UTF-8, UTF-16 or UTF-32", type_name(other))),
    }
}

fn numbers(
    cursor: &mut Cursor<'_>,
    class: Storage,
    count: usize,
    budget: &mut Budget<'_>,
) -> Result<Numbers, MatError> {
    let what = "the elements of an array";
    let element = cursor.element(what)?;
    let storage =
        numeric_type(element.code).ok_or_else(|| invalid(what, "a numeric type", type_name(element.code)))?;
    if Some(element.bytes.len()) != count.checked_mul(storage.size()) {
        let expected = format!("{count} of {} bytes each", storage.size());
        return Err(invalid(what, expected, format!("{} bytes", element.bytes.len())));
    }
    budget.take_bytes(count.saturating_mul(class.size()))?;
    decode_as(class, storage, cursor.order, element.bytes)
        .ok_or_else(|| invalid(what, format!("values of {class:?}"), format!("others, of {storage:?}")))
}

fn type_name(code: u32) -> String {
    match code {
        MI_INT8 => "int8 (1)".into(),
        MI_INT32 => "int32 (5)".into(),
        MI_UINT32 => "uint32 (6)".into(),
        MI_MATRIX => "an array (14)".into(),
        MI_COMPRESSED => "a compressed array (15)".into(),
        other => format!("type {other}"),
    }
}

fn invalid(what: &'static str, expected: impl Into<String>, found: impl Into<String>) -> MatError {
    MatError::Invalid { what, expected: expected.into(), found: found.into() }
}
