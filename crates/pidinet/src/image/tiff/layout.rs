//! What the tags of a TIFF page say about its pixels, checked; unsupported kinds are refused by name.

use super::directory::{Directory, Order};
use super::problem::Problem;

/// The number type of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Float,
}

/// What samples mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Colour {
    /// One sample; `inverted` if 0 is white.
    Grey {
        inverted: bool,
    },
    Rgb,
    /// An index into red, green and blue of 16 bits.
    Palette([Vec<u16>; 3]),
    Cmyk,
    /// Luma and two colour differences, the latter once for each block of columns and rows.
    YCbCr {
        block: [usize; 2],
        weights: [f32; 3],
        black_white: [f32; 6],
    },
}

/// Opacity among the samples of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alpha {
    None,
    /// The colours are not multiplied by it.
    Straight,
    /// The colours are already multiplied by it.
    Associated,
}

/// How the bytes of a chunk are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Lzw,
    Deflate,
    PackBits,
    Zstd,
    Jpeg,
    Fax4,
}

/// A page.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Samples of a pixel, including those that are ignored.
    pub(super) samples: usize,
    pub(super) bits: usize,
    pub(super) kind: Kind,
    pub(super) colour: Colour,
    pub(super) alpha: Alpha,
    /// Index of the opacity sample, if there is one.
    pub(super) alpha_at: usize,
    pub(super) packing: Packing,
    /// 1 none, 2 differences, 3 differences of the bytes of floats.
    pub(super) predictor: u64,
    /// Whether each sample has chunks of its own.
    pub(super) planes: bool,
    /// Whether the bits of each byte are in reverse order.
    pub(super) mirrored: bool,
    /// Columns and rows of a chunk.
    pub(super) chunk: [usize; 2],
    pub(super) offsets: Vec<u64>,
    pub(super) lengths: Vec<u64>,
    pub(super) orientation: u8,
    /// The value that stands for no data, if the file gives one.
    pub(super) no_data: Option<f64>,
    /// Tables that all JPEG chunks share.
    pub(super) tables: Vec<u8>,
}

impl Layout {
    pub(super) fn new(tags: &Directory, order: Order) -> Result<Self, Problem> {
        let number = |tag| tags.number(tag, order);
        let side = |tag, name: &str| match number(tag)? {
            Some(side) => u32::try_from(side).map_err(|_| Problem::Damaged(format!("a {name} of {side}"))),
            None => Err(Problem::Damaged(format!("no {name}"))),
        };
        let (width, height) = (side(256, "width")? as usize, side(257, "height")? as usize);
        if tags.has(50706) {
            return Err(Problem::kind("camera raw pixels (DNG)"));
        }
        let samples = number(277)?.unwrap_or(1) as usize;
        if samples == 0 || samples > usize::from(u16::MAX) {
            return Err(Problem::Damaged(format!("{samples} samples a pixel")));
        }
        let bits = same(tags.numbers(258, order)?.unwrap_or_default(), 1)
            .ok_or_else(|| Problem::kind("samples of several depths"))? as usize;
        let kind = kind(tags, order, bits)?;
        let colour = colour(tags, order, bits)?;
        let (alpha, alpha_at) = alpha(tags, order, samples, colour.samples())?;
        if matches!(colour, Colour::Cmyk | Colour::Palette(_)) && alpha != Alpha::None {
            return Err(Problem::kind(format!("alpha beside {}", colour.name())));
        }
        let packing = packing(number(259)?.unwrap_or(1))?;
        let planes = number(284)?.unwrap_or(1) == 2 && samples > 1;
        let tiles = tags.has(322);
        let (chunk, offsets, lengths) = if tiles {
            let sides = [side(322, "tile width")? as usize, side(323, "tile height")? as usize];
            (sides, tags.numbers(324, order)?, tags.numbers(325, order)?)
        } else {
            let rows = number(278)?.unwrap_or(u64::MAX).min(height as u64).max(1) as usize;
            ([width, rows], tags.numbers(273, order)?, tags.numbers(279, order)?)
        };
        if chunk.contains(&0) {
            return Err(Problem::Damaged("tiles without pixels".into()));
        }
        // Without lengths, which some old writers leave out, a chunk may reach to the end of the file.
        let offsets =
            offsets.ok_or_else(|| Problem::Damaged("it does not say where its pixels are".into()))?;
        let lengths = lengths.unwrap_or_default();
        let layout = Self {
            width,
            height,
            samples,
            bits,
            kind,
            colour,
            alpha,
            alpha_at,
            packing,
            predictor: number(317)?.unwrap_or(1),
            planes,
            mirrored: number(266)? == Some(2),
            chunk,
            offsets,
            lengths,
            orientation: number(274)?.unwrap_or(1).try_into().unwrap_or(1),
            no_data: tags.text(42113)?.and_then(|text| text.parse().ok()),
            tables: tags.raw(347)?.unwrap_or_default().to_vec(),
        };
        layout.check()?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), Problem> {
        let Self { bits, kind, packing, .. } = *self;
        let subsampled = matches!(self.colour, Colour::YCbCr { block, .. } if block != [1, 1]);
        let known = match (&self.colour, kind) {
            (Colour::Palette(_), Kind::Unsigned) => bits <= 8,
            (Colour::Cmyk | Colour::YCbCr { .. }, Kind::Float) | (Colour::Palette(_), _) => false,
            (Colour::Cmyk, _) => matches!(bits, 8 | 16),
            (Colour::YCbCr { .. }, _) => bits == 8,
            (_, Kind::Float) => matches!(bits, 16 | 32 | 64),
            (_, Kind::Unsigned) => bits <= 16 || matches!(bits, 24 | 32 | 64),
        };
        if !known || bits == 0 {
            let of = if kind == Kind::Float { "floats" } else { "unsigned samples" };
            return Err(Problem::kind(format!("{of} of {bits} bits in {}", self.colour.name())));
        }
        match packing {
            Packing::Jpeg if bits != 8 || kind != Kind::Unsigned => {
                return Err(Problem::kind(format!("JPEG compression of samples of {bits} bits")));
            }
            Packing::Fax4 if bits != 1 || self.samples != 1 || self.chunk[0] > usize::from(u16::MAX) => {
                return Err(Problem::kind("fax compression of anything but one bit a pixel"));
            }
            _ => {}
        }
        if subsampled && (self.planes || self.samples != 3) && packing != Packing::Jpeg {
            return Err(Problem::kind("subsampled colours in planes, or with alpha"));
        }
        let fits = match self.predictor {
            1 => true,
            2 => matches!(bits, 8 | 16 | 32 | 64) && !subsampled,
            3 => kind == Kind::Float,
            _ => false,
        };
        // JPEG and fax decoders use no predictor, whatever the tag says.
        if !fits && !matches!(packing, Packing::Jpeg | Packing::Fax4) {
            return Err(Problem::kind(format!("predictor {} on {bits} bits", self.predictor)));
        }
        Ok(())
    }

    /// Chunks from left to right and from top to bottom.
    pub(super) fn chunks(&self) -> [usize; 2] {
        [self.width.div_ceil(self.chunk[0]), self.height.div_ceil(self.chunk[1])]
    }

    /// Samples of a pixel that lie together.
    pub(super) fn together(&self) -> usize {
        if self.planes { 1 } else { self.samples }
    }
}

impl Colour {
    /// Samples that make the colour.
    pub(super) fn samples(&self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr { .. } => 3,
            Self::Cmyk => 4,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Grey { .. } => "grey",
            Self::Rgb => "RGB",
            Self::Palette(_) => "a palette",
            Self::Cmyk => "CMYK",
            Self::YCbCr { .. } => "YCbCr",
        }
    }
}

/// The value that all share, or `default` if there are none.
fn same(values: Vec<u64>, default: u64) -> Option<u64> {
    let first = values.first().copied().unwrap_or(default);
    values.iter().all(|&value| value == first).then_some(first)
}

/// The kind of number; if the file does not say, an unsigned integer (TIFF 6.0, SampleFormat), whatever the
/// depth.
fn kind(tags: &Directory, order: Order, bits: usize) -> Result<Kind, Problem> {
    match same(tags.numbers(339, order)?.unwrap_or_default(), 1) {
        Some(1 | 4) => Ok(Kind::Unsigned),
        Some(3) => Ok(Kind::Float),
        Some(2) => Err(Problem::kind(format!("signed integers of {bits} bits"))),
        Some(5 | 6) => Err(Problem::kind("complex numbers")),
        Some(other) => Err(Problem::Damaged(format!("sample format {other}"))),
        None => Err(Problem::kind("samples of several kinds")),
    }
}

fn colour(tags: &Directory, order: Order, bits: usize) -> Result<Colour, Problem> {
    Ok(match tags.number(262, order)? {
        Some(0) => Colour::Grey { inverted: true },
        Some(1) => Colour::Grey { inverted: false },
        Some(2) => Colour::Rgb,
        Some(3) => palette(tags, order, bits)?,
        Some(5) => Colour::Cmyk,
        Some(6) => {
            let block = tags.numbers(530, order)?.unwrap_or_else(|| vec![2, 2]);
            let &[across, down] = &block[..] else {
                return Err(Problem::Damaged("subsampling of other than two numbers".into()));
            };
            if ![1, 2, 4].contains(&across) || ![1, 2, 4].contains(&down) {
                return Err(Problem::Damaged(format!("subsampling of {across} by {down}")));
            }
            let weights = tags.fractions(529, order)?.unwrap_or_default();
            let black_white = tags.fractions(532, order)?.unwrap_or_default();
            Colour::YCbCr {
                block: [across as usize, down as usize],
                weights: weights.try_into().unwrap_or([0.299, 0.587, 0.114]),
                black_white: black_white.try_into().unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]),
            }
        }
        Some(4) => return Err(Problem::kind("a transparency mask")),
        Some(8..=10) => return Err(Problem::kind("colours of the CIE L*a*b* space")),
        Some(32803 | 34892) => return Err(Problem::kind("camera raw pixels")),
        Some(32844 | 32845) => return Err(Problem::kind("logarithmic colours (LogLuv)")),
        Some(other) => return Err(Problem::kind(format!("colours of kind {other}"))),
        None => return Err(Problem::Damaged("it does not say what its samples mean".into())),
    })
}

/// Palettes have all reds, then all greens, then all blues. Old writers left them in 8 bits.
fn palette(tags: &Directory, order: Order, bits: usize) -> Result<Colour, Problem> {
    let values = tags.numbers(320, order)?.unwrap_or_default();
    let colours = 1_usize << bits.min(8);
    if values.len() != 3 * colours {
        return Err(Problem::Damaged(format!("a palette of {} numbers for {bits} bits", values.len())));
    }
    let scale = if values.iter().all(|&value| value < 256) { 257 } else { 1 };
    let channel = |k: usize| {
        let channel = &values[k * colours..(k + 1) * colours];
        channel.iter().map(|&value| (value * scale).min(0xFFFF) as u16).collect()
    };
    Ok(Colour::Palette(std::array::from_fn(channel)))
}

/// What the extra samples beside the colour mean, and which one is opacity.
fn alpha(tags: &Directory, order: Order, samples: usize, colours: usize) -> Result<(Alpha, usize), Problem> {
    let Some(extra) = samples.checked_sub(colours) else {
        return Err(Problem::Damaged(format!("{samples} samples a pixel, its colours have {colours}")));
    };
    let said = tags.numbers(338, order)?;
    let found =
        said.as_ref().and_then(|kinds| kinds.iter().take(extra).position(|kind| matches!(kind, 1 | 2)));
    match (found, &said) {
        (Some(at), Some(kinds)) => {
            Ok((if kinds[at] == 1 { Alpha::Associated } else { Alpha::Straight }, colours + at))
        }
        // If the file does not say, a single extra sample is opacity.
        (_, None) if extra == 1 => Ok((Alpha::Straight, colours)),
        _ if colours == 1 && extra > 1 => Err(Problem::kind(format!("{samples} bands"))),
        _ => Ok((Alpha::None, 0)),
    }
}

fn packing(compression: u64) -> Result<Packing, Problem> {
    Ok(match compression {
        1 => Packing::Plain,
        4 => Packing::Fax4,
        5 => Packing::Lzw,
        7 => Packing::Jpeg,
        8 | 32946 => Packing::Deflate,
        32773 => Packing::PackBits,
        50000 => Packing::Zstd,
        other => {
            let name = match other {
                2 | 3 => "fax compression (group 3)",
                6 => "JPEG compression of the old kind",
                34712 => "JPEG 2000 compression",
                34887 => "LERC compression",
                34925 => "LZMA compression",
                50001 => "WebP compression",
                50002 | 52546 => "JPEG XL compression",
                _ => return Err(Problem::kind(format!("compression {other}"))),
            };
            return Err(Problem::kind(name));
        }
    })
}

/// Samples of a pixel that are kept: its colours, and its opacity.
pub(super) fn used(layout: &Layout) -> usize {
    layout.colour.samples() + usize::from(layout.alpha != Alpha::None)
}
