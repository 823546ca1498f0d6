//! Whether an existing file was written to its end.

use std::io::{self, Cursor, Read};
use std::path::Path;

use super::format::Format;
use crate::image::{Image, ImageLimits};

/// Whether a file of edges, or of edges on an image, exists and is whole: a power cut or an interrupted copy
/// can leave files that are not.
pub fn is_whole(path: &Path, format: Format) -> bool {
    // Anything but a file, such as a named pipe, holds nothing that could be kept.
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
    is_file && std::fs::read(path).is_ok_and(|bytes| is_whole_content(&bytes, format))
}

fn is_whole_content(bytes: &[u8], format: Format) -> bool {
    match format {
        Format::Npy => is_whole_array(bytes).unwrap_or(false),
        Format::Npz => is_whole_archive(bytes).is_ok(),
        _ => {
            let limits = ImageLimits { max_pixels: u64::MAX, max_bytes: u64::MAX };
            // Decoders may stop before the end.
            let has_end = match format {
                Format::Png | Format::Png16 => bytes.ends_with(b"\0\0\0\0IEND\xAEB`\x82"),
                Format::Jpg => bytes.ends_with(b"\xFF\xD9"),
                Format::Tiff => has_directory(bytes).unwrap_or(false),
                _ => true,
            };
            has_end && Image::decode(bytes, &limits).is_ok()
        }
    }
}

/// Whether the first directory of a TIFF file, as this library writes it, is complete to its last byte.
fn has_directory(bytes: &[u8]) -> Option<bool> {
    let at = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?) as usize;
    let entries = usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    const ENTRY: usize = 12;
    const NEXT: usize = 4; // where the next directory is
    Some(bytes.len() >= at + size_of::<u16>() + ENTRY * entries + NEXT)
}

/// Whether an array has as many bytes as its header says.
fn is_whole_array(bytes: &[u8]) -> Option<bool> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let (_, shape) = std::str::from_utf8(header).ok()?.split_once("'shape': (")?;
    let (shape, _) = shape.split_once(')')?;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let sizes = sizes.map(|size| size.parse().ok()).collect::<Option<Vec<usize>>>()?;
    let bytes = sizes.iter().try_fold(size_of::<f32>(), |bytes, &size| bytes.checked_mul(size))?;
    Some(bytes == data.len())
}

/// Reads all members of an archive, with their checksums.
fn is_whole_archive(bytes: &[u8]) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    for member in 0..archive.len() {
        let member = archive.by_index(member)?;
        // Only as much as the entry claims, so that no memory or time is spent on foreign files.
        let size = member.size();
        io::copy(&mut member.take(size + 1), &mut io::sink())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::save::SaveOptions;
    use crate::{EdgeMap, Size};

    #[test]
    fn only_whole_files_are_whole() {
        let map = EdgeMap::new(Size { height: 7, width: 9 }, (0..63).map(|at| at as f32 / 63.0).collect());
        for format in Format::ALL {
            let file = map.encode(format, &SaveOptions::default()).unwrap();
            assert!(is_whole_content(&file, format), "{format}");
            // The last four bytes of a TIFF file say only that there is no other image.
            let needed = if format == Format::Tiff { file.len() - 4 } else { file.len() };
            for length in 0..needed {
                let is_cut = is_whole_content(&file[..length], format);
                assert!(!is_cut, "{format}: {length} of {} bytes", file.len());
            }
            let lost = [&file[..file.len() / 2], &vec![0; file.len() - file.len() / 2]].concat();
            if !matches!(format, Format::Npy | Format::Bmp | Format::Pgm | Format::Pbm) {
                assert!(!is_whole_content(&lost, format), "{format}: the second half is zeros");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty.png"), "").unwrap();
        assert!(!is_whole(&folder.path().join("empty.png"), Format::Png));
        assert!(!is_whole(&folder.path().join("none.png"), Format::Png));
        assert!(!is_whole(folder.path(), Format::Png));
    }
}
