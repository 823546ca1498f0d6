//! The bytes of a chunk, unpacked: exactly as many as its pixels have, or an error.

use std::io::Read;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::layout::{Colour, Layout, Packing};
use super::problem::Problem;
use crate::image::jpeg;

/// Unpacks a chunk of `rows` rows of `row` bytes each.
pub(super) fn unpack(
    layout: &Layout,
    mut packed: Vec<u8>,
    row: usize,
    rows: usize,
) -> Result<Vec<u8>, Problem> {
    if layout.mirrored && layout.packing != Packing::Jpeg {
        packed.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    let needed = row * rows;
    let mut bytes = match layout.packing {
        Packing::Plain => packed,
        Packing::Lzw => lzw(&packed, needed)?,
        Packing::Deflate => whole(flate2::read::ZlibDecoder::new(&packed[..]), needed)?,
        Packing::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(&packed[..]);
            whole(decoder.map_err(|error| Problem::Damaged(format!("zstd: {error}")))?, needed)?
        }
        Packing::PackBits => pack_bits(&packed, needed),
        Packing::Fax4 => fax(&packed, layout.chunk[0] as u16, rows)?,
        Packing::Jpeg => return picture(layout, &packed, rows),
    };
    if bytes.len() < needed {
        return Err(Problem::Short);
    }
    bytes.truncate(needed);
    Ok(bytes)
}

/// Up to `needed` bytes of a stream.
fn whole(stream: impl Read, needed: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    match stream.take(needed as u64).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Problem::Short),
        Err(error) => Err(Problem::Damaged(format!("a strip does not decompress: {error}"))),
    }
}

fn lzw(packed: &[u8], needed: usize) -> Result<Vec<u8>, Problem> {
    // Files from before TIFF 5 begin with a 0 bit and store codes from the lowest bit up.
    if let [0, second, ..] = packed
        && second & 1 == 1
    {
        return Err(Problem::kind("LZW compression of the old kind"));
    }
    let codes = weezl::decode::Configuration::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let mut decoder = codes.with_yield_on_full_buffer(true).build();
    // Grows with the actual data, so that a false size costs nothing.
    let mut bytes = Vec::new();
    let mut read = 0;
    while bytes.len() < needed {
        let begin = bytes.len();
        bytes.resize((2 * begin).max(1 << 16).min(needed), 0);
        let step = decoder.decode_bytes(&packed[read..], &mut bytes[begin..]);
        read += step.consumed_in;
        bytes.truncate(begin + step.consumed_out);
        match step.status {
            Ok(weezl::LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(Problem::Damaged(format!("a strip does not decompress: {error}"))),
        }
    }
    Ok(bytes)
}

/// Runs of bytes (TIFF 6.0, section 9).
fn pack_bits(mut packed: &[u8], needed: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < needed
        && let Some((&count, rest)) = packed.split_first()
    {
        packed = rest;
        let count = count as i8;
        if count >= 0 {
            let length = (count as usize + 1).min(packed.len());
            bytes.extend(&packed[..length]);
            packed = &packed[length..];
        } else if count != -128
            && let Some((&byte, rest)) = packed.split_first()
        {
            bytes.extend(std::iter::repeat_n(byte, 1 + usize::from(count.unsigned_abs())));
            packed = rest;
        }
    }
    bytes
}

/// Rows of bits, black is 1, each starting at a byte.
fn fax(packed: &[u8], width: u16, rows: usize) -> Result<Vec<u8>, Problem> {
    let damaged = || Problem::Damaged("a strip is not fax data".into());
    let mut decoder = fax::decoder::Group4Decoder::new(
        packed.iter().map(|&byte| Ok::<_, std::convert::Infallible>(byte)),
        width,
    )
    .map_err(|_| damaged())?;
    let row = usize::from(width).div_ceil(8);
    let mut bytes = Vec::new();
    for _ in 0..rows {
        match decoder.advance() {
            Ok(fax::decoder::DecodeStatus::Incomplete) => {}
            Ok(fax::decoder::DecodeStatus::End) => return Err(Problem::Short),
            Err(_) => return Err(damaged()),
        }
        let begin = bytes.len();
        bytes.resize(begin + row, 0);
        for (x, colour) in fax::decoder::pels(decoder.transition(), width).enumerate() {
            if colour == fax::Color::Black {
                bytes[begin + x / 8] |= 0x80 >> (x % 8);
            }
        }
    }
    Ok(bytes)
}

/// A chunk that is a JPEG picture of its own, except for the tables that all share.
fn picture(layout: &Layout, packed: &[u8], rows: usize) -> Result<Vec<u8>, Problem> {
    let tables = match &layout.tables[..] {
        [0xFF, 0xD8, tables @ .., 0xFF, 0xD9] => tables,
        _ => &[],
    };
    let [0xFF, 0xD8, rest @ ..] = packed else {
        return Err(Problem::Damaged("a strip is not a JPEG".into()));
    };
    let file = [&[0xFF, 0xD8], tables, rest].concat();
    if !jpeg::is_whole(&file[..])? {
        return Err(Problem::Short);
    }
    let damaged = |error| Problem::Damaged(format!("JPEG: {error}"));
    let [columns, _] = layout.chunk;
    let limits = DecoderOptions::default().set_max_width(1 << 16).set_max_height(1 << 16);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&file[..]), limits);
    decoder.decode_headers().map_err(damaged)?;
    let samples = layout.together();
    let (Some(info), Some(inside)) = (decoder.info(), decoder.input_colorspace()) else {
        return Err(Problem::Damaged("a strip is not a JPEG".into()));
    };
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    if usize::from(info.components) != samples
        || width < columns
        || height < rows
        || width > 2 * columns + 64
        || height > 2 * rows + 64
    {
        let found = format!(
            "a JPEG of {width}x{height} with {} samples for {columns}x{rows} with {samples}",
            info.components
        );
        return Err(Problem::Damaged(found));
    }
    // Samples as they are: the tags say whether they are RGB, not the picture's own markers.
    let rgb = matches!(layout.colour, Colour::YCbCr { .. }) && !layout.planes;
    let wanted = if rgb { ColorSpace::RGB } else { inside };
    decoder.set_options(limits.jpeg_set_out_colorspace(wanted));
    let bytes = decoder.decode().map_err(damaged)?;
    if bytes.len() != width * height * samples {
        return Err(Problem::Damaged("a JPEG strip has a different number of samples".into()));
    }
    let rows = bytes.chunks_exact(width * samples).take(rows);
    Ok(rows.flat_map(|row| &row[..columns * samples]).copied().collect())
}
