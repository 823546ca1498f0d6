//! Names unsupported files by their first bytes, so that a message can say what they are and what to do.

/// Bytes that [`name`] looks at.
pub(super) const LOOKED_AT: usize = 512;

/// Kinds by their first bytes, longest first where one is a prefix of another.
const STARTS: [(&[u8], &str); 66] = [
    (b"\0\0\0\x0CJXL ", "JPEG XL image"),
    (b"\xFF\x0A", "JPEG XL image"),
    (b"\0\0\0\x0CjP  ", "JPEG 2000 image"),
    (b"\0\0\0\x0CjP2 ", "JPEG 2000 image"),
    (b"\xFF\x4F\xFF\x51", "JPEG 2000 image"),
    (b"\xFF\xD8\xFF\xF7", "JPEG-LS image"),
    (b"PF4", "PFM image"),
    (b"PF", "PFM image"),
    (b"Pf", "PFM image"),
    (b"8BPS", "Photoshop image (PSD)"),
    (b"\x76\x2F\x31\x01", "OpenEXR image"),
    (b"#?RADIANCE", "Radiance HDR image"),
    (b"#?RGBE", "Radiance HDR image"),
    (b"DDS ", "DDS texture"),
    (b"\xABKTX ", "KTX texture"),
    (b"qoif", "QOI image"),
    (b"farbfeld", "farbfeld image"),
    (b"\0\0\x01\0", "icon (ICO)"),
    (b"\0\0\x02\0", "cursor (CUR)"),
    (b"icns", "icon (ICNS)"),
    (b"gimp xcf", "GIMP image (XCF)"),
    (b"BPG\xFB", "BPG image"),
    (b"FLIF", "FLIF image"),
    (b"\x8AMNG\r\n\x1A\n", "MNG animation"),
    (b"\x8BJNG\r\n\x1A\n", "JNG image"),
    (b"\x01\xDA", "SGI image"),
    (b"\x59\xA6\x6A\x95", "Sun raster image"),
    (b"\x0A\x05\x01", "PCX image"),
    (b"\x0A\x03\x01", "PCX image"),
    (b"/* XPM", "XPM image"),
    (b"#define ", "XBM image"),
    (b"AT&TFORM", "DjVu document"),
    (b"%PDF", "PDF document"),
    (b"%!PS", "PostScript document"),
    (b"\xC5\xD0\xD3\xC6", "PostScript document"),
    (b"<svg", "SVG drawing"),
    (b"\xD7\xCD\xC6\x9A", "Windows metafile"),
    (b"SIMPLE  =", "FITS image"),
    (b"FUJIFILMCCD-RAW", "camera raw image (RAF)"),
    (b"IIRO", "camera raw image (ORF)"),
    (b"IIRS", "camera raw image (ORF)"),
    (b"MMOR", "camera raw image (ORF)"),
    (b"IIU\0", "camera raw image (RW2)"),
    (b"II\x1A\0\0\0HEAPCCDR", "camera raw image (CRW)"),
    (b"\0MRM", "camera raw image (MRW)"),
    (b"FOVb", "camera raw image (X3F)"),
    (b"II\xBC\x01", "JPEG XR image"),
    (b"\x93NUMPY", "NumPy array"),
    (b"MATLAB 5.0", "MATLAB file"),
    (b"MATLAB 7.3", "MATLAB file"),
    (b"\x89HDF\r\n\x1A\n", "HDF5 file"),
    (b"PK\x03\x04", "zip archive"),
    (b"\x1F\x8B", "gzip archive"),
    (b"7z\xBC\xAF\x27\x1C", "7z archive"),
    (b"Rar!", "RAR archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xFD7zXZ", "xz archive"),
    (b"\x1A\x45\xDF\xA3", "Matroska or WebM video"),
    (b"\0\0\x01\xBA", "MPEG video"),
    (b"\0\x05\x16\x07", "macOS companion file"),
    (b"version https://git-lfs", "pointer of Git LFS to a file that was not fetched"),
    (b"<!DOCTYPE html", "web page"),
    (b"<!doctype html", "web page"),
    (b"<html", "web page"),
    (b"{\"", "JSON text"),
    (b"\x7FELF", "program"),
];

/// The name of an unsupported kind of file, if its first bytes show it.
pub(super) fn name(start: &[u8]) -> Option<String> {
    if start.is_empty() {
        return Some("empty file".into());
    }
    if let Some(brand) = start.get(4..12).and_then(|bytes| bytes.strip_prefix(b"ftyp")) {
        return Some(of_brand(start, brand));
    }
    if matches!(start, [b'R', b'I', b'F', b'F', _, _, _, _, rest @ ..] if !rest.starts_with(b"WEBP")) {
        return Some("video or sound (RIFF)".into());
    }
    // Before cursors, which begin the same way but have a number where TGA has 0.
    if is_targa(start) {
        return Some("TGA image".into());
    }
    if let Some(&(_, name)) = STARTS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(name.into());
    }
    if start.get(128..132) == Some(b"DICM") {
        return Some("DICOM image".into());
    }
    let text = String::from_utf8_lossy(start);
    if text.trim_start_matches('\u{FEFF}').trim_start().starts_with("<?xml") {
        return Some(if text.contains("<svg") { "SVG drawing" } else { "XML text" }.into());
    }
    None
}

/// Files made of boxes name their type by a brand, or by one of the compatible brands.
fn of_brand(start: &[u8], brand: &[u8]) -> String {
    let length = u32::from_be_bytes([start[0], start[1], start[2], start[3]]) as usize;
    let compatible = start.get(16..length.clamp(16, start.len().max(16))).unwrap_or_default();
    let brands: Vec<&[u8]> = std::iter::once(brand).chain(compatible.chunks_exact(4)).collect();
    let any = |names: &[&[u8]]| brands.iter().any(|brand| names.contains(brand));
    if any(&[b"avif", b"avis"]) {
        "AVIF image"
    } else if any(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf"]) {
        "HEIC image"
    } else if any(&[b"crx "]) {
        "camera raw image (CR3)"
    } else if any(&[b"jxl "]) {
        "JPEG XL image"
    } else if any(&[b"jp2 ", b"jpx ", b"jpm "]) {
        "JPEG 2000 image"
    } else {
        "video"
    }
    .into()
}

/// TGA files have no magic number: whether all fields of the header make sense.
fn is_targa(start: &[u8]) -> bool {
    let Some(&[_, map, kind, rest @ ..]) = start.first_chunk::<18>() else { return false };
    let side = |at: usize| u16::from_le_bytes([rest[at - 3], rest[at - 2]]);
    let (first, entries, entry) = (side(3), side(5), rest[4]);
    let (width, height, depth, flags) = (side(12), side(14), rest[13], rest[14]);
    let mapped = match map {
        0 => matches!(kind, 2 | 3 | 10 | 11) && entries == 0 && first == 0,
        1 => matches!(kind, 1 | 9) && entries > 0 && entries <= 256 && matches!(entry, 15 | 16 | 24 | 32),
        _ => false,
    };
    mapped && width > 0 && height > 0 && matches!(depth, 8 | 15 | 16 | 24 | 32) && flags & 0xC0 == 0
}

/// Whether a file is a BMP without its file header, as on clipboards: `.dib` files often are.
pub(super) fn is_dib(start: &[u8]) -> bool {
    let number = |at: usize| u16::from_le_bytes([start[at], start[at + 1]]);
    start.len() >= 40
        && matches!(start[..4], [40 | 52 | 56 | 108 | 124, 0, 0, 0])
        && number(12) == 1
        && matches!(number(14), 1 | 4 | 8 | 16 | 24 | 32)
        && number(4) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named() {
        let targa = [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 24, 0x20, 1, 2, 3];
        let mut dicom = vec![0; 128];
        dicom.extend(b"DICM");
        for (start, want) in [
            (&b""[..], "empty file"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC image"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF image"),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF image"),
            (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", "video"),
            (b"\xFF\x0A\xFA\x1F", "JPEG XL image"),
            (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL image"),
            (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000 image"),
            (b"Pf\n3 2\n-1.0\n", "PFM image"),
            (b"8BPS\0\x01", "Photoshop image (PSD)"),
            (b"<?xml version='1.0'?>\n<svg xmlns=''>", "SVG drawing"),
            (b"RIFF\0\0\0\0AVI ", "video or sound (RIFF)"),
            (&targa, "TGA image"),
            (&dicom, "DICOM image"),
        ] {
            assert_eq!(name(start).as_deref(), Some(want));
        }
        assert_eq!(name(b"hello, world, this is a text"), None);
        assert_eq!(name(&[0; 200]), None);
    }
}
