//! Whether the chunks of a WebP file are in it: the decoder allocates what a chunk declares, up to 4 GiB,
//! before it reads.

use std::io::{BufRead, Result, Seek, SeekFrom};

/// Bytes of the RIFF header: `RIFF`, the length of what follows, `WEBP`.
const HEADER: u64 = 12;

/// Whether every chunk ends within the file.
pub(super) fn is_whole(file: &mut (impl BufRead + Seek)) -> Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = file.seek(SeekFrom::Start(HEADER))?;
    while at + 8 <= end {
        let (mut name, mut size) = ([0; 4], [0; 4]);
        file.read_exact(&mut name)?;
        file.read_exact(&mut size)?;
        let size = u64::from(u32::from_le_bytes(size));
        at += 8 + size;
        if at > end {
            return Ok(false);
        }
        let padding = at % 2;
        at += padding;
        // From here, so that what is buffered is not read again for each of many small chunks.
        file.seek_relative((size + padding) as i64)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_chunk_that_declares_more_than_there_is_is_found() {
        let file = |declared: u32| {
            let mut bytes = b"RIFF\x1a\0\0\0WEBPEXIF".to_vec();
            bytes.extend(declared.to_le_bytes());
            bytes.extend([0; 6]);
            is_whole(&mut Cursor::new(bytes)).unwrap()
        };
        assert!(file(6) && file(5));
        assert!(!file(7) && !file(u32::MAX));
    }
}
