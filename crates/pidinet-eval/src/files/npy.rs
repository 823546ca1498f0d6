//! NumPy's `.npy` files: one array of plain numbers. Nothing is executed, objects are refused.
//!
//! The format is NEP 1: a magic, a version, and a Python dictionary with three keys. Files may be hostile: npyz 0.9
//! reserves as much memory as a header asks for, panics where sizes overflow, and takes exponential time for nested
//! brackets.

use crate::files::numbers::{Numbers, Order, Storage, decode_as};

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Npy {
    /// Sizes, outermost first.
    pub(crate) shape: Vec<usize>,
    /// Whether the first index runs fastest instead of the last.
    pub(crate) columns_first: bool,
    /// Whether the type is `bool` (its numbers are 0 and 1 of `u8` then).
    pub(crate) logical: bool,
    /// The elements.
    pub(crate) numbers: Numbers,
}

/// Reads a file in memory; the error describes what was found instead.
pub(crate) fn parse(bytes: &[u8]) -> Result<Npy, String> {
    let not_npy = || "no NumPy array".to_string();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(not_npy)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(not_npy()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or("a file that is cut short")?;
    let header = std::str::from_utf8(header).map_err(|_| not_npy())?;
    let unreadable = || format!("the header `{}`", header.trim());

    let (order, storage, logical) = dtype(value(header, "descr").ok_or_else(unreadable)?)?;
    let columns_first = match value(header, "fortran_order").ok_or_else(unreadable)? {
        flag if flag.starts_with("True") => true,
        flag if flag.starts_with("False") => false,
        _ => return Err(unreadable()),
    };
    let shape = shape(value(header, "shape").ok_or_else(unreadable)?).ok_or_else(unreadable)?;

    let size = shape.iter().try_fold(storage.size(), |n, &d| n.checked_mul(d));
    if size != Some(data.len()) {
        return Err(format!("{} bytes for an array {shape:?}", data.len()));
    }
    let numbers = decode_as(storage, storage, order, data).expect("a type holds its own values");
    Ok(Npy { shape, columns_first, logical, numbers })
}

/// What follows `'key':` in the dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn dtype(value: &str) -> Result<(Order, Storage, bool), String> {
    let quoted = value.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map(|(name, _)| name);
    let Some(name) = quoted else { return Err("an array of structs".into()) };
    let order = if name.starts_with('>') { Order::Big } else { Order::Little };
    let storage = match name.trim_start_matches(['<', '>', '|', '=']) {
        "b1" | "u1" => Storage::U8,
        "i1" => Storage::I8,
        "u2" => Storage::U16,
        "i2" => Storage::I16,
        "u4" => Storage::U32,
        "i4" => Storage::I32,
        "u8" => Storage::U64,
        "i8" => Storage::I64,
        "f2" => Storage::F16,
        "f4" => Storage::F32,
        "f8" => Storage::F64,
        _ => return Err(format!("an array of type `{name}`")),
    };
    Ok((order, storage, name.ends_with("b1")))
}

fn shape(value: &str) -> Option<Vec<usize>> {
    let (inside, _) = value.strip_prefix('(')?.split_once(')')?;
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(',').map(|size| size.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `numpy.save` writes it, checked against NumPy 2.
    pub(super) fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn a_plain_array_is_read() {
        let data: Vec<u8> = [0.0_f32, 0.5, 1.0].iter().flat_map(|x| x.to_be_bytes()).collect();
        let bytes = npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 3), }      \n", &data);
        let expected = Npy {
            shape: vec![1, 3],
            columns_first: false,
            logical: false,
            numbers: Numbers::F32(vec![0.0, 0.5, 1.0]),
        };
        assert_eq!(parse(&bytes), Ok(expected));
    }

    #[test]
    fn whatever_else_is_refused_by_name() {
        let header = |descr: &str, shape: &str| {
            npy(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), &[0; 8])
        };
        for (bytes, found) in [
            (header("'|O'", "(1,)"), "type `|O`"),
            (header("'<c8'", "(1,)"), "type `<c8`"),
            (header("[('a', '<f4')]", "(2,)"), "structs"),
            (header("'<f4'", "(3,)"), "8 bytes for an array [3]"),
            (header("'<f4'", "(18446744073709551615, 2)"), "8 bytes"),
            (header("'<f4'", "(-1,)"), "the header"),
            (npy("{}", &[]), "the header"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "cut short"),
            (b"PK\x03\x04".to_vec(), "no NumPy array"),
        ] {
            let message = parse(&bytes).unwrap_err();
            assert!(message.contains(found), "{message}");
        }
        assert!(parse(&header("'<f8'", "(1,)")).is_ok());
        assert!(parse(&header("'<f8'", "()")).is_ok());
    }
}
