//! Whether a PNG file goes to its last chunk, and whether its palette is of whole colours: the decoder takes that for
//! granted, and panics.

use std::io::{BufRead, Result, Seek, SeekFrom};

/// Bytes of the signature, before the first chunk.
const SIGNATURE: u64 = 8;

/// Whether the last chunk, `IEND`, is there.
pub(super) fn is_whole(file: &mut (impl BufRead + Seek)) -> Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = SIGNATURE;
    while at + 12 <= end {
        file.seek(SeekFrom::Start(at))?;
        let (mut length, mut name) = ([0; 4], [0; 4]);
        file.read_exact(&mut length)?;
        file.read_exact(&mut name)?;
        at += 12 + u64::from(u32::from_be_bytes(length));
        if &name == b"IEND" {
            return Ok(at <= end);
        }
    }
    Ok(false)
}

/// Whether the palette, if there is one before the pixels, has three bytes for each colour.
pub(super) fn has_whole_palette(file: &mut (impl BufRead + Seek)) -> Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = SIGNATURE;
    // A chunk is its length, its name, its content and a checksum.
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let (mut length, mut name) = ([0; 4], [0; 4]);
        file.read_exact(&mut length)?;
        file.read_exact(&mut name)?;
        let length = u32::from_be_bytes(length);
        match &name {
            b"PLTE" => return Ok(length.is_multiple_of(3)),
            b"IDAT" => break,
            _ => at += 12 + u64::from(length),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_file_ends_with_its_last_chunk() {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, length) in [(b"IHDR", 13_u32), (b"IEND", 0)] {
            bytes.extend(length.to_be_bytes());
            bytes.extend(name);
            bytes.extend(vec![0; length as usize + 4]);
        }
        assert!(is_whole(&mut Cursor::new(&bytes)).unwrap());
        for length in 0..bytes.len() {
            assert!(!is_whole(&mut Cursor::new(&bytes[..length])).unwrap(), "{length} bytes");
        }
    }

    #[test]
    fn a_palette_with_a_part_of_a_colour_is_found() {
        let file = |chunks: &[(&[u8; 4], u32)]| {
            let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
            for (name, length) in chunks {
                bytes.extend(length.to_be_bytes());
                bytes.extend(*name);
                bytes.extend(vec![0; *length as usize + 4]);
            }
            has_whole_palette(&mut Cursor::new(bytes)).unwrap()
        };
        assert!(file(&[(b"IHDR", 13), (b"PLTE", 18), (b"IDAT", 5)]));
        assert!(!file(&[(b"IHDR", 13), (b"PLTE", 19), (b"IDAT", 5)]));
        assert!(file(&[(b"IHDR", 13), (b"IDAT", 5), (b"PLTE", 19)]));
        assert!(file(&[]));
    }
}
