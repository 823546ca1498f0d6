//! Whether a PNG file reaches its last chunk, and whether its palette consists of whole colours: the decoder
//! assumes that, and would panic.

use std::io::{BufRead, Result, Seek, SeekFrom};

/// Bytes of the signature, before the first chunk.
const SIGNATURE: u64 = 8;

/// Whether the last chunk, `IEND`, is there.
pub(super) fn is_whole(file: &mut (impl BufRead + Seek)) -> Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = file.seek(SeekFrom::Start(SIGNATURE))?;
    while at + 12 <= end {
        let (mut length, mut name) = ([0; 4], [0; 4]);
        file.read_exact(&mut length)?;
        file.read_exact(&mut name)?;
        let length = u32::from_be_bytes(length);
        at += 12 + u64::from(length);
        if &name == b"IEND" {
            return Ok(at <= end);
        }
        // Relative to the position, so that the buffer is not read again for each of many small chunks.
        file.seek_relative(i64::from(length) + 4)?;
    }
    Ok(false)
}

/// Whether the palette, if there is one before the pixels, has three bytes for each colour.
pub(super) fn has_whole_palette(file: &mut (impl BufRead + Seek)) -> Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = file.seek(SeekFrom::Start(SIGNATURE))?;
    // A chunk is its length, its name, its content and a checksum.
    while at + 8 <= end {
        let (mut length, mut name) = ([0; 4], [0; 4]);
        file.read_exact(&mut length)?;
        file.read_exact(&mut name)?;
        let length = u32::from_be_bytes(length);
        match &name {
            b"PLTE" => return Ok(length.is_multiple_of(3)),
            b"IDAT" => break,
            _ => {
                at += 12 + u64::from(length);
                file.seek_relative(i64::from(length) + 4)?;
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor, Read};

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
    fn many_small_chunks_are_read_once() {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for _ in 0..50_000 {
            bytes.extend(b"\0\0\0\0nONE\0\0\0\0");
        }
        bytes.extend(b"\0\0\0\0IEND\0\0\0\0");
        let read = |scan: &dyn Fn(&mut BufReader<Counted>) -> Result<bool>| {
            let mut file =
                BufReader::with_capacity(1 << 16, Counted { file: Cursor::new(bytes.clone()), read: 0 });
            assert!(scan(&mut file).unwrap());
            file.get_ref().read
        };
        assert!(read(&|file| is_whole(file)) <= 2 * bytes.len());
        assert!(read(&|file| has_whole_palette(file)) <= 2 * bytes.len());
    }

    /// A file that counts how much of it is read.
    struct Counted {
        file: Cursor<Vec<u8>>,
        read: usize,
    }

    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let length = self.file.read(buffer)?;
            self.read += length;
            Ok(length)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> Result<u64> {
            self.file.seek(to)
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
