//! TIFF files: classic and BigTIFF, strips and tiles, in the depths and compressions that programs write.
//!
//! A sample has the type that the file says, or is an unsigned integer if it says nothing. Unsupported kinds
//! are refused by name rather than guessed at. Sources: TIFF 6.0; Adobe's Technical Notes on compression and
//! floats.

use std::io::{Read, Seek};

use ::image::metadata::Orientation;

use super::limits::{Needs, too_large};
use super::options::ReadOptions;
use super::orient::upright;
use super::pixels::{Image, Pixels};
use crate::{Error, Result};

mod colours;
mod directory;
mod layout;
mod problem;
mod samples;
mod unpack;
mod values;

use colours::{colours, is_8_bit};
use directory::File;
use layout::{Alpha, Colour, Kind, Layout, used};
use problem::Problem;
use samples::Kept;
use values::Values;

/// Reads the first page that is not a thumbnail.
pub(super) fn read(file: impl Read + Seek, options: &ReadOptions) -> Result<Image> {
    let (mut file, at) = File::open(file)?;
    let tags = file.page(at)?;
    let layout = Layout::new(&tags, file.order)?;
    drop(tags);

    let palette = match &layout.colour {
        Colour::Palette(colours) => Some(is_8_bit(colours)),
        _ => None,
    };
    let floats =
        layout.kind == Kind::Float || layout.bits > 16 || (options.range.is_some() && palette.is_none());
    let depth = match palette {
        _ if floats => 4,
        Some(true) => 1,
        Some(false) => 2,
        None => layout.bits.div_ceil(8),
    };
    let size = Needs {
        width: layout.width,
        height: layout.height,
        channels: used(&layout),
        sample: depth,
        copies: 1,
    };
    too_large(&size, &options.limits)?;
    let [columns, rows] = layout.chunk.map(|side| side as u64);
    let chunk = row_bytes(columns, layout.together() as u64, layout.bits).saturating_mul(rows);
    if chunk > options.limits.max_bytes || usize::try_from(chunk).is_err() {
        return Err(Error::TooManyBytes { bytes: chunk, max_bytes: options.limits.max_bytes });
    }

    let orientation = Orientation::from_exif(layout.orientation).unwrap_or(Orientation::NoTransforms);
    let dimensions = (layout.width, layout.height);
    let (pixels, (width, height)) = if floats {
        let (data, size) = upright(floats_of(&mut file, &layout, options)?, dimensions, orientation);
        (Pixels::F32(data), size)
    } else if depth == 1 {
        let (data, size) = upright(integers_of::<u8, _>(&mut file, &layout)?, dimensions, orientation);
        (Pixels::U8(data), size)
    } else {
        let (data, size) = upright(integers_of::<u16, _>(&mut file, &layout)?, dimensions, orientation);
        (Pixels::U16(data), size)
    };
    Image::new(width, height, pixels)
}

/// RGB of 8 or 16 bits.
fn integers_of<S: Kept, F: Read + Seek>(file: &mut File<F>, layout: &Layout) -> Result<Vec<S>, Problem> {
    let order = file.order;
    let mut data = vec![S::from_unit(0.0); layout.width * layout.height * used(layout).max(3)];
    let straight = layout.together() == used(layout);
    rows(file, layout, |row, bytes| {
        if straight {
            let at = row.index(layout, 0).expect("every sample is used");
            let length = layout.together() * row.columns;
            if bytes.len() * 8 == length * layout.bits
                && S::same(layout, order, bytes, &mut data[at..at + length])
            {
                return Ok(());
            }
        }
        S::each(layout, order, bytes, |i, value| {
            if let Some(at) = row.index(layout, i) {
                data[at] = value;
            }
        });
        Ok(())
    })?;
    colours(layout, &mut data);
    Ok(data)
}

/// RGB as floats from 0 to 1.
fn floats_of<F: Read + Seek>(
    file: &mut File<F>,
    layout: &Layout,
    options: &ReadOptions,
) -> Result<Vec<f32>, Problem> {
    let order = file.order;
    let mut data = vec![0.0; layout.width * layout.height * used(layout).max(3)];
    let mut values = Values::new(layout, options.range);
    rows(file, layout, |row, bytes| {
        let mut problem = None;
        samples::numbers(layout, order, bytes, |i, value| {
            let Some(at) = row.index(layout, i).filter(|_| problem.is_none()) else { return };
            match values.unit((row.x + i / layout.together(), row.y), value) {
                Ok(value) => data[at] = value,
                Err(found) => problem = Some(found),
            }
        });
        problem.map_or(Ok(()), Err)
    })?;
    values.check()?;
    data.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    colours(layout, &mut data);
    Ok(data)
}

/// A row of a chunk.
struct Row {
    x: usize,
    y: usize,
    /// The columns within the picture.
    columns: usize,
    /// Which sample the chunk holds, if each has chunks of its own.
    plane: usize,
}

impl Row {
    /// The index of sample `i` of the row among all samples that are kept.
    fn index(&self, layout: &Layout, i: usize) -> Option<usize> {
        let together = layout.together();
        let (column, sample) = if together == 1 { (i, self.plane) } else { (i / together, i % together) };
        let colours = layout.colour.samples();
        let slot = match sample {
            _ if column >= self.columns => return None,
            sample if sample < colours => sample,
            sample if layout.alpha != Alpha::None && sample == layout.alpha_at => colours,
            _ => return None,
        };
        Some((self.y * layout.width + self.x + column) * used(layout) + slot)
    }
}

/// Bytes that a chunk may have besides those of its pixels, such as tables.
const LONGEST_OVERHEAD: u64 = 1 << 18;

/// Bytes of a row.
fn row_bytes(columns: u64, samples: u64, bits: usize) -> u64 {
    columns.saturating_mul(samples).saturating_mul(bits as u64).div_ceil(8)
}

/// Unpacks all chunks, and passes on the bytes of their rows.
fn rows<F: Read + Seek>(
    file: &mut File<F>,
    layout: &Layout,
    mut take: impl FnMut(&Row, &[u8]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let [across, down] = layout.chunks();
    let planes = if layout.planes { layout.samples } else { 1 };
    let chunks = across * down * planes;
    if layout.offsets.len() < chunks || (!layout.lengths.is_empty() && layout.lengths.len() < chunks) {
        return Err(Problem::Damaged(format!("{} strips or tiles of {chunks}", layout.offsets.len())));
    }
    let block = match layout.colour {
        Colour::YCbCr { block, .. } if layout.packing != layout::Packing::Jpeg && !layout.planes => block,
        _ => [1, 1],
    };
    let [columns, tall] = layout.chunk;
    for chunk in 0..chunks {
        let (plane, place) = (chunk / (across * down), chunk % (across * down));
        let (x, y) = (place % across * columns, place / across * tall);
        let kept =
            layout.colour.samples() > plane || (layout.alpha != Alpha::None && layout.alpha_at == plane);
        if layout.planes && !kept {
            continue;
        }
        // Tiles are whole, even where they reach beyond the picture; the last strip is not.
        let strip = columns == layout.width && across == 1;
        let there = tall.min(layout.height - y);
        let stored = if strip { there } else { tall };
        let units = [columns.div_ceil(block[0]), stored.div_ceil(block[1])];
        let samples = if block == [1, 1] { layout.together() } else { block[0] * block[1] + 2 };
        let row = row_bytes(units[0] as u64, samples as u64, layout.bits) as usize;
        let there_at_most = file.left(layout.offsets[chunk]);
        let length = layout.lengths.get(chunk).copied().unwrap_or(there_at_most);
        // No packed chunk is longer than this; without the limit, a file in which every chunk claims the
        // whole file would take forever.
        let length = length.min((row * units[1]) as u64 * 4 + LONGEST_OVERHEAD);
        let packed = file.bytes(layout.offsets[chunk], length)?;
        let bytes = unpack::unpack(layout, packed, row, units[1])?;
        let (mut bytes, row) = if block == [1, 1] {
            (bytes, row)
        } else {
            (spread(&bytes, block, [columns, stored]), 3 * columns)
        };
        for (k, bytes) in bytes.chunks_exact_mut(row).take(there).enumerate() {
            if layout.packing != layout::Packing::Jpeg {
                samples::undo_predictor(layout, file.order, bytes);
            }
            let inside = columns.min(layout.width - x);
            let used = row_bytes(inside as u64, layout.together() as u64, layout.bits) as usize;
            take(&Row { x, y: y + k, columns: inside, plane }, &bytes[..used])?;
        }
    }
    Ok(())
}

/// Spreads blocks of luma with two colour differences each into pixels of three samples.
fn spread(blocks: &[u8], [across, down]: [usize; 2], [columns, rows]: [usize; 2]) -> Vec<u8> {
    let size = across * down + 2;
    let wide = columns.div_ceil(across);
    let mut pixels = vec![0; 3 * columns * rows];
    for (i, pixel) in pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (i % columns, i / columns);
        let block = &blocks[(y / down * wide + x / across) * size..][..size];
        let [.., blue, red] = block else { unreachable!("a block has two differences") };
        pixel.copy_from_slice(&[block[y % down * across + x % across], *blue, *red]);
    }
    pixels
}
