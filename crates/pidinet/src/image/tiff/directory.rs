//! The directory of a TIFF file: tags and their values, classic and BigTIFF, in either byte order.
//!
//! Source: TIFF 6.0, section 2; the BigTIFF design of the libtiff project.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use super::problem::Problem;

/// Most pages that are searched for one that is not a thumbnail.
const MOST_PAGES: usize = 64;

/// Most bytes of values of one tag: room for the offsets of two million strips.
const LONGEST_VALUE: u64 = 16 << 20;

/// A file, and how numbers are stored in it.
pub(super) struct File<F> {
    file: F,
    length: u64,
    pub(super) order: Order,
    big: bool,
}

/// Byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    /// An unsigned number of up to eight bytes.
    pub(super) fn number(self, bytes: &[u8]) -> u64 {
        let digit = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, digit),
            Self::Big => bytes.iter().fold(0, digit),
        }
    }
}

/// The tags of one page.
pub(super) struct Directory {
    tags: BTreeMap<u16, Entry>,
}

struct Entry {
    kind: u16,
    /// `None` if the file ends before them; that matters only if the tag is asked for.
    bytes: Option<Vec<u8>>,
}

impl<F: Read + Seek> File<F> {
    /// Reads the header; returns the file and the offset of its first directory.
    pub(super) fn open(mut file: F) -> Result<(Self, u64), Problem> {
        let length = file.seek(SeekFrom::End(0))?;
        let mut file = Self { file, length, order: Order::Little, big: false };
        let start: [u8; 4] = file.array(0)?;
        file.order = if start[0] == b'M' { Order::Big } else { Order::Little };
        file.big = file.order.u16([start[2], start[3]]) == 43;
        let at = if file.big { file.order.number(&file.bytes(8, 8)?) } else { file.number(4, 4)? };
        Ok((file, at))
    }

    /// The first page that is not a smaller version of another page.
    pub(super) fn page(&mut self, mut at: u64) -> Result<Directory, Problem> {
        let mut first = None;
        for _ in 0..MOST_PAGES {
            let (page, end) = self.directory(at)?;
            if page.number(254, self.order)?.unwrap_or(0) & 1 == 0 {
                return Ok(page);
            }
            first.get_or_insert(page);
            let next = self.number(end, if self.big { 8 } else { 4 })?;
            if next <= at {
                break; // the end, or a circle
            }
            at = next;
        }
        match first {
            Some(page) if page.has(330) => Err(Problem::kind("a thumbnail alone (camera raw)")),
            page => page.ok_or(Problem::Short),
        }
    }

    /// The directory at an offset, and the offset of the next one.
    fn directory(&mut self, at: u64) -> Result<(Directory, u64), Problem> {
        let (count_size, word) = if self.big { (8, 8) } else { (2, 4) };
        let count = self.number(at, count_size)?;
        let size = 4 + 2 * word;
        if count > u64::from(u16::MAX) {
            return Err(Problem::Damaged(format!("a directory of {count} tags")));
        }
        let start = at + count_size;
        let table = self.bytes(start, count * size)?;
        let mut tags = BTreeMap::new();
        for entry in table.chunks_exact(size as usize) {
            let (tag, kind) = (self.order.u16([entry[0], entry[1]]), self.order.u16([entry[2], entry[3]]));
            let word = word as usize;
            let count = self.order.number(&entry[4..4 + word]);
            let inline = &entry[4 + word..];
            let Some(length) = element_size(kind).and_then(|size| count.checked_mul(size)) else { continue };
            let bytes = if length <= word as u64 {
                Some(inline[..length as usize].to_vec())
            } else if length > LONGEST_VALUE {
                None
            } else {
                match self.bytes(self.order.number(inline), length) {
                    Ok(bytes) => Some(bytes),
                    Err(Problem::Short) => None,
                    Err(other) => return Err(other),
                }
            };
            tags.insert(tag, Entry { kind, bytes });
        }
        Ok((Directory { tags }, start + count * size))
    }

    /// Bytes from an offset to the end.
    pub(super) fn left(&self, at: u64) -> u64 {
        self.length.saturating_sub(at)
    }

    /// Bytes of the file.
    pub(super) fn bytes(&mut self, at: u64, count: u64) -> Result<Vec<u8>, Problem> {
        if at.checked_add(count).is_none_or(|end| end > self.length) {
            return Err(Problem::Short);
        }
        let mut bytes = vec![0; usize::try_from(count).map_err(|_| Problem::Short)?];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Problem> {
        Ok(self.bytes(at, N as u64)?.try_into().expect("as many bytes as were asked for"))
    }

    fn number(&mut self, at: u64, size: u64) -> Result<u64, Problem> {
        let order = self.order;
        Ok(order.number(&self.bytes(at, size)?))
    }
}

/// Bytes of one value of a type; `None` for unknown types.
fn element_size(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => return None,
    })
}

impl Directory {
    pub(super) fn has(&self, tag: u16) -> bool {
        self.tags.contains_key(&tag)
    }

    /// Type and bytes of a tag.
    fn entry(&self, tag: u16) -> Result<Option<(u16, &[u8])>, Problem> {
        let Some(Entry { kind, bytes }) = self.tags.get(&tag) else { return Ok(None) };
        bytes.as_ref().map(|bytes| Some((*kind, &bytes[..]))).ok_or(Problem::Short)
    }

    /// All values of a tag of unsigned integers.
    pub(super) fn numbers(&self, tag: u16, order: Order) -> Result<Option<Vec<u64>>, Problem> {
        let Some((kind, bytes)) = self.entry(tag)? else { return Ok(None) };
        let size = match kind {
            1 | 7 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            other => return Err(Problem::Damaged(format!("tag {tag} has values of type {other}"))),
        };
        Ok(Some(bytes.chunks_exact(size).map(|value| order.number(value)).collect()))
    }

    /// The first value of a tag of unsigned integers.
    pub(super) fn number(&self, tag: u16, order: Order) -> Result<Option<u64>, Problem> {
        Ok(self.numbers(tag, order)?.and_then(|values| values.first().copied()))
    }

    /// The values of a tag of fractions.
    pub(super) fn fractions(&self, tag: u16, order: Order) -> Result<Option<Vec<f32>>, Problem> {
        let Some((5, bytes)) = self.entry(tag)? else { return Ok(None) };
        let fraction = |value: &[u8]| {
            let (above, below) = (order.number(&value[..4]), order.number(&value[4..]));
            if below == 0 { 0.0 } else { above as f32 / below as f32 }
        };
        Ok(Some(bytes.chunks_exact(8).map(fraction).collect()))
    }

    /// A text, up to its terminating zero.
    pub(super) fn text(&self, tag: u16) -> Result<Option<String>, Problem> {
        let Some((2, bytes)) = self.entry(tag)? else { return Ok(None) };
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        Ok(Some(String::from_utf8_lossy(&bytes[..end]).trim().to_owned()))
    }

    /// The bytes of a tag of bytes.
    pub(super) fn raw(&self, tag: u16) -> Result<Option<&[u8]>, Problem> {
        Ok(self.entry(tag)?.map(|(_, bytes)| bytes))
    }
}
