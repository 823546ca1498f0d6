//! Options that several subcommands share, and how their values are read.

use std::num::NonZeroUsize;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use pidinet::edges::{Precision, Strip};
use pidinet::{Isa, Size};

/// How the network is run.
#[derive(clap::Args, Debug)]
pub(crate) struct EngineArgs {
    /// Number of threads [default: one per core]
    #[arg(short = 'j', long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Instruction set: portable, avx2, avxvnni, avx512, neon or simd128 [default: $PIDINET_ISA, else the
    /// best available]
    #[arg(long, value_name = "NAME", value_parser = Isa::named)]
    pub(crate) isa: Option<Isa>,

    /// Number format of most multiplications. int8 requires a calibrated model (`pidinet convert --calibrate`). Falls
    /// back to f32 on CPUs without AVX-512 BF16 (for bf16) or AVX2 (for int8)
    #[arg(long, value_name = "f32|bf16|int8", default_value = "f32", hide_possible_values = true,
        value_parser = one_of::<Precision>(&["f32", "bf16", "int8"]))]
    pub(crate) precision: Precision,

    /// Image rows processed at a time, to bound memory: auto, off (all of them) or a number. Does not affect the
    /// result
    #[arg(long, alias = "tile", value_name = "auto|off|N", default_value = "auto", value_parser = strip)]
    pub(crate) strip: Strip,
}

fn strip(text: &str) -> Result<Strip, String> {
    match text {
        "auto" => Ok(Strip::Auto),
        "off" => Ok(Strip::Whole),
        rows => match rows.parse() {
            Ok(rows) => Ok(Strip::Rows(rows)),
            _ => Err("expected auto, off or a number of rows".to_owned()),
        },
    }
}

/// Longest side of a [`Size`].
const LONGEST: usize = 1 << 20;

/// Reads a [`Size`].
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=LONGEST).contains(side));
    let sides = || {
        let (width, height) = text.split_once(['x', 'X'])?;
        Some(Size { width: side(width)?, height: side(height)? })
    };
    sides().ok_or_else(|| format!("expected WIDTHxHEIGHT such as 481x321, sides from 1 to {LONGEST}"))
}

/// Reads a number of pixels: `2000000`, `256M`.
pub(crate) fn pixels(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['M', 'm']) {
        Some(digits) => (digits, 1_000_000),
        None => (text, 1),
    };
    let count: Option<u64> = digits.parse().ok().and_then(|count: u64| count.checked_mul(unit));
    count.filter(|&count| count > 0).ok_or_else(|| "expected a number of pixels such as 256M".to_owned())
}

/// Does work with threads, by default one for each core; with fewer, or the caller's alone, if the system
/// allows no more.
pub(crate) fn with_threads<R: Send>(threads: Option<NonZeroUsize>, work: impl FnOnce() -> R + Send) -> R {
    match pidinet::threads::pool(threads) {
        Some(pool) => pool.install(work),
        None => {
            // Otherwise `rayon` would start threads of its own, and panic if it cannot.
            let alone = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
            if let Err(error) = alone {
                log::debug!("threads were started before: {error}");
            }
            work()
        }
    }
}

/// Reads a factor of the image's size.
pub(crate) fn scale(text: &str) -> Result<f32, String> {
    let scale = text.parse().ok().filter(|scale| (0.01..=100.0).contains(scale));
    scale.ok_or_else(|| "expected scales from 0.01 to 100 such as 0.5,1,1.5".to_owned())
}

/// Reads a probability.
pub(crate) fn probability(text: &str) -> Result<f32, String> {
    let value = text.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "expected a probability from 0 to 1".to_owned())
}

/// A parser of one of a few names.
pub(crate) fn one_of<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err: std::fmt::Debug> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).map(|name| name.parse().expect("the names are those of the type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(size("481x321"), Ok(Size { width: 481, height: 321 }));
        for wrong in ["481", "0x3", "3x0", "x", "-1x2", "4x3x2", "1048577x1", "99999999999999999999x1"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pixels_are_read() {
        assert_eq!(pixels("512M"), Ok(512_000_000));
        assert_eq!(pixels("7"), Ok(7));
        for wrong in ["", "M", "0", "-1", "1.5M", "99999999999999M", "1G"] {
            assert!(pixels(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn strips_are_read() {
        assert!(matches!(strip("auto"), Ok(Strip::Auto)));
        assert!(matches!(strip("off"), Ok(Strip::Whole)));
        assert!(matches!(strip("64"), Ok(Strip::Rows(rows)) if rows.get() == 64));
        assert!(strip("0").is_err() && strip("some").is_err());
    }
}
