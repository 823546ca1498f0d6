//! How much memory a WebP file will take to decode. The decoder allocates what a chunk declares, up to 4 GiB,
//! before it reads; and for an animation it allocates the whole canvas, although only the first frame is
//! decoded.

use std::io::{BufRead, Read, Result, Seek, SeekFrom};

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
        // Relative to the position, so that the buffer is not read again for each of many small chunks.
        file.seek_relative((size + padding) as i64)?;
    }
    Ok(true)
}

/// Whether a file is an animation.
pub(super) fn is_animated(file: &mut (impl BufRead + Seek)) -> Result<bool> {
    /// Bit of the flags in a `VP8X` chunk.
    const ANIMATION: u8 = 2;
    let mut chunk = Vec::with_capacity(9);
    file.seek(SeekFrom::Start(HEADER))?;
    file.by_ref().take(9).read_to_end(&mut chunk)?;
    Ok(matches!(chunk[..], [b'V', b'P', b'8', b'X', _, _, _, _, flags] if flags & ANIMATION != 0))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::image::{Image, ImageLimits};

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
    /// An animation with frames of one pixel: the first is valid, all others are garbage.
    fn animation(width: u32, height: u32, frames: usize) -> Vec<u8> {
        let chunk = |name: &[u8; 4], content: &[u8]| {
            let size = (content.len() as u32).to_le_bytes();
            [&name[..], &size, content, &[0][..content.len() % 2]].concat()
        };
        let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
        let mut still = Vec::new();
        ::image::codecs::webp::WebPEncoder::new_lossless(&mut still)
            .encode(&[200, 100, 50, 255], 1, 1, ::image::ExtendedColorType::Rgba8)
            .unwrap();
        let pixel = &still[HEADER as usize..];
        // Flags at its end: the frame replaces what is on the canvas, rather than being blended with it.
        let header = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
        let frame = |pixel: &[u8]| chunk(b"ANMF", &[&header, pixel].concat());
        let garbage = frame(&chunk(b"VP8L", &[0x2f, 0xff, 0xff, 0xff]));
        let mut content = b"WEBP".to_vec();
        content.extend(chunk(b"VP8X", &[&[0x12, 0, 0, 0][..], &side(width), &side(height)].concat()));
        content.extend(chunk(b"ANIM", &[0; 6]));
        content.extend(frame(pixel));
        content.extend(garbage.repeat(frames - 1));
        chunk(b"RIFF", &content)
    }

    #[test]
    fn only_the_first_frame_of_an_animation_is_decoded() {
        let bytes = animation(40, 30, 5000);
        assert!(is_animated(&mut Cursor::new(&bytes)).unwrap());
        let image = Image::decode(&bytes, &ImageLimits::default()).unwrap();
        assert_eq!((image.width(), image.height()), (40, 30));
        assert_eq!(image.rgb(0, 0), [200.0, 100.0, 50.0].map(|value| value / 255.0));
    }

    /// Canvas, frame and pixels are in memory together.
    #[test]
    fn the_canvas_of_an_animation_counts_against_the_limit() {
        let bytes = animation(4000, 4000, 2);
        let limits = |max_bytes| ImageLimits { max_pixels: 16_000_000, max_bytes };
        let error = Image::decode(&bytes, &limits(190_000_000)).unwrap_err();
        assert!(matches!(error, crate::Error::TooManyBytes { bytes: 192_000_000, .. }), "{error}");
        assert_eq!(Image::decode(&bytes, &limits(192_000_000)).unwrap().width(), 4000);
        let error = Image::decode(&animation(16_383, 16_000, 2), &ImageLimits::default()).unwrap_err();
        assert!(matches!(error, crate::Error::TooManyPixels { .. }), "{error}");
        let error = Image::decode(&animation(16_383, 15_000, 2), &ImageLimits::default()).unwrap_err();
        assert!(matches!(error, crate::Error::TooManyBytes { .. }), "{error}");
    }
}
