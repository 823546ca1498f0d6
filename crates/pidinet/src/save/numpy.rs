//! NumPy's `.npy` and `.npz`.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::{EdgeMap, Error, Result};

/// An array of `float32` as a `.npy` file, version 1.0: magic, version, length of the header, the header padded so that the data
/// begin at a multiple of 64, little-endian data in C order.
pub fn npy(shape: &[usize], data: &[f32]) -> Vec<u8> {
    let shape: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let start = (10 + dict.len() + 1).next_multiple_of(64);
    let mut file = Vec::with_capacity(start + 4 * data.len());
    file.extend(b"\x93NUMPY\x01\x00");
    file.extend(((start - 10) as u16).to_le_bytes()); // a shape of three sides is never longer than 64 KiB
    file.extend(dict.as_bytes());
    file.resize(start - 1, b' ');
    file.push(b'\n');
    file.extend(data.iter().flat_map(|value| value.to_le_bytes()));
    file
}

/// Edge maps as a compressed `.npz` archive: `float32` arrays `[height, width]` by name.
///
/// # Errors
///
/// If a value is infinite or not a number, or an array does not fit into such an archive.
pub fn npz(maps: &[(&str, &EdgeMap)]) -> Result<Vec<u8>> {
    maps.iter().try_for_each(|(_, map)| map.check())?;
    let shapes: Vec<_> = maps.iter().map(|(_, map)| [map.height(), map.width()]).collect();
    archive(maps.iter().zip(&shapes).map(|((name, map), shape)| (*name, &shape[..], map.data())))
}

/// Arrays, each with its name and shape, as a compressed archive.
pub(super) fn archive<'a>(
    arrays: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [f32])>,
) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, shape, data) in arrays {
        let file = npy(shape, data);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default()) // the same maps give the same bytes
            .large_file(file.len() > u32::MAX as usize);
        zip.start_file(format!("{name}.npy"), options).map_err(|source| failed(shape, source.into()))?;
        zip.write_all(&file).map_err(|source| failed(shape, source.into()))?;
    }
    Ok(zip.finish().map_err(|source| failed(&[], source.into()))?.into_inner())
}

fn failed(shape: &[usize], source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let side = |at: usize| shape.get(at).copied().unwrap_or_default();
    Error::Encode { format: "npz", width: side(1), height: side(0), source }
}

#[cfg(test)]
mod tests {
    use crate::Size;
    use std::io::Read;

    use npyz::NpyFile;

    use super::*;

    #[test]
    fn another_reader_reads_the_array() {
        let data = [0.0, 0.1, 1e-30, 1.0, f32::MIN_POSITIVE, 0.5];
        let file = npy(&[2, 3], &data);
        assert_eq!((file.len() - 4 * data.len()) % 64, 0);
        let array = NpyFile::new(&file[..]).unwrap();
        assert_eq!(array.shape(), [2, 3]);
        assert_eq!(array.into_vec::<f32>().unwrap(), data);
    }

    #[test]
    fn the_archive_holds_every_map() {
        let maps = [
            ("fused", EdgeMap::new(Size { height: 1, width: 2 }, vec![0.25, 1.0])),
            ("side1", EdgeMap::new(Size::square(1), vec![0.5])),
        ];
        let file = npz(&maps.each_ref().map(|(name, map)| (*name, map))).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
        assert_eq!(archive.len(), 2);
        for (name, map) in maps {
            let mut bytes = Vec::new();
            archive.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(NpyFile::new(&bytes[..]).unwrap().into_vec::<f32>().unwrap(), map.data());
        }
    }
}
