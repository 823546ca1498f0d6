//! Whether a JPEG file is complete.
//!
//! JPEG decoders fill missing pixels with grey rather than complain. The edge map would be silently
//! wrong, so the segments are walked to the end-of-image marker first.

use std::io::{self, BufRead, Read};

const END_OF_IMAGE: u8 = 0xD9;

/// Reads a JPEG file to the end of its first image; false if the file ends before that.
///
/// The compressed data after a start of scan needs no case of its own: in it 0xFF is followed by 0 or a
/// restart marker.
pub(super) fn is_whole(mut file: impl BufRead) -> io::Result<bool> {
    while let Some(marker) = next_marker(&mut file)? {
        match marker {
            END_OF_IMAGE => return Ok(true),
            0x01 | 0xD0..=0xD8 => {} // restarts and start of image: markers alone
            _ => {
                if !skip_segment(&mut file)? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(false)
}

/// The byte after the next 0xFF that is neither a stuffed 0 nor another 0xFF.
fn next_marker(file: &mut impl BufRead) -> io::Result<Option<u8>> {
    file.skip_until(0xFF)?;
    loop {
        match next_byte(file)? {
            Some(0xFF) => {}
            Some(0) => {
                file.skip_until(0xFF)?;
            }
            other => return Ok(other),
        }
    }
}

/// Skips a segment by its length, two bytes that count themselves; false if it is not all there.
fn skip_segment(file: &mut impl BufRead) -> io::Result<bool> {
    let (Some(high), Some(low)) = (next_byte(file)?, next_byte(file)?) else { return Ok(false) };
    let rest = u64::from(u16::from_be_bytes([high, low])).saturating_sub(2);
    Ok(io::copy(&mut file.by_ref().take(rest), &mut io::sink())? == rest)
}

fn next_byte(file: &mut impl BufRead) -> io::Result<Option<u8>> {
    let byte = file.fill_buf()?.first().copied();
    file.consume(usize::from(byte.is_some()));
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_marker_is_found_behind_segments_scans_and_thumbnails() {
        let file = [
            &[0xFF, 0xD8][..],                                          // start of image
            &[0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9],                // a segment that holds an image
            &[0xFF, 0xFF, 0xDB, 0, 3, 7],                               // fill byte, then a segment
            &[0xFF, 0xDA, 0, 2, 1, 0xFF, 0, 0xFF, 0xD0, 2, 3, 0xFF, 0], // scan: stuffed zero, restart
            &[0xFF, 0xDA, 0, 2, 9],                                     // another scan
            &[0xFF, 0xD9],
        ]
        .concat();
        assert!(is_whole(&file[..]).unwrap());
        for len in 0..file.len() {
            assert!(!is_whole(&file[..len]).unwrap(), "{len} bytes");
        }
    }
}
