//! Numbers as files store them: little-endian, of one of four precisions.

use crate::half::from_f16;

/// How numbers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Storage {
    /// 32 bits, as used in computation.
    #[default]
    Float32,
    /// 16 bit (IEEE 754 binary16): files of half the size, numbers rounded to 11 significant bits.
    Float16,
}

/// The type of a tensor's elements in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    Bf16,
    F32,
    F64,
}

impl Element {
    /// Bytes of one.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The element that begins at byte `start`, rounded to f32 if it is an f64.
    ///
    /// # Panics
    ///
    /// If `bytes` ends before the element does.
    pub(super) fn get(self, bytes: &[u8], start: usize) -> f32 {
        fn chunk<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
            *bytes[start..].first_chunk().expect("the caller has checked the length")
        }
        match self {
            Self::F16 => from_f16(u16::from_le_bytes(chunk(bytes, start))),
            Self::Bf16 => f32::from_bits(u32::from(u16::from_le_bytes(chunk(bytes, start))) << 16),
            Self::F32 => f32::from_le_bytes(chunk(bytes, start)),
            Self::F64 => f64::from_le_bytes(chunk(bytes, start)) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_precisions_are_read() {
        assert_eq!(Element::Bf16.get(&[0, 0, 0xc0, 0x3f], 2), 1.5);
        assert_eq!(Element::F32.get(&1.1f32.to_le_bytes(), 0), 1.1);
        assert_eq!(Element::F64.get(&1.1f64.to_le_bytes(), 0), 1.1);
    }
}
