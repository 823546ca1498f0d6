//! Instruction sets: which this CPU has, which to use, and the one way into them.
//!
//! All `unsafe` code of the project is in the files below this one: calling an intrinsic takes a
//! token that only `detect` creates, and slices are checked before their pointers are used.
//!
//! For web pages, which should be small, `cargo xtask web` sets `pidinet_slim`: then only the best instruction set
//! is compiled.

mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod cpuid;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(target_arch = "x86_64")]
pub(crate) use cpuid::second_level_kib;

use crate::lanes::bits::{BitKernel, BitLanes};
use crate::lanes::floats::{Kernel, Lanes};
#[cfg(any(feature = "emulation", target_arch = "x86_64"))]
use crate::lanes::words::PackedLanes;
use crate::lanes::words::{Format, PackedKernel};
use std::fmt;

/// An instruction set this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    #[cfg(not(pidinet_slim))]
    Portable(portable::Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    AvxVnni(avx2::Avx2<avx2::Vnni>),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    #[cfg(all(
        target_arch = "wasm32",
        target_feature = "simd128",
        not(all(pidinet_slim, target_feature = "relaxed-simd"))
    ))]
    Simd128(simd128::Simd128),
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    Relaxed(simd128::Relaxed),
}

/// Every name that [`Isa::named`] knows, whatever this program was built for.
const NAMES: [&str; 7] = ["portable", "avx2", "avxvnni", "avx512", "neon", "simd128", "relaxed"];

impl Isa {
    /// The instruction sets of this CPU, the best last; `portable` is always there, but in slim builds for web pages.
    pub fn available() -> Vec<Isa> {
        let levels = [
            #[cfg(not(pidinet_slim))]
            Some(Level::Portable(portable::Portable(()))),
            #[cfg(target_arch = "x86_64")]
            avx2::Avx2::detect().map(Level::Avx2),
            #[cfg(target_arch = "x86_64")]
            avx2::Avx2::detect().and_then(avx2::Avx2::vnni).map(Level::AvxVnni),
            #[cfg(target_arch = "x86_64")]
            avx512::Avx512::detect().map(Level::Avx512),
            #[cfg(target_arch = "aarch64")]
            neon::Neon::detect().map(Level::Neon),
            #[cfg(all(
                target_arch = "wasm32",
                target_feature = "simd128",
                not(all(pidinet_slim, target_feature = "relaxed-simd"))
            ))]
            simd128::Simd128::detect().map(Level::Simd128),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            simd128::Relaxed::detect_relaxed().map(Level::Relaxed),
        ];
        levels.into_iter().flatten().map(Isa).collect()
    }

    /// The best of them.
    pub fn best() -> Isa {
        *Isa::available().last().expect("there is at least one instruction set")
    }

    /// The instruction set called `portable`, `avx2`, `avxvnni`, `avx512`, `neon`, `simd128` or `relaxed`.
    ///
    /// # Errors
    ///
    /// [`IsaError`] when there is none of that name, or this CPU does not have it.
    pub fn named(name: &str) -> Result<Isa, IsaError> {
        let available = Isa::available();
        if let Some(&isa) = available.iter().find(|isa| isa.name() == name) {
            return Ok(isa);
        }
        let name = name.to_owned();
        let available = available.into_iter().map(Isa::name).collect();
        Err(if NAMES.contains(&name.as_str()) {
            IsaError::Missing { name, available }
        } else {
            IsaError::Unknown { name, available }
        })
    }

    /// The instruction set named by the environment variable `PIDINET_ISA`; the best one if it is not set.
    ///
    /// # Errors
    ///
    /// As [`Isa::named`].
    pub fn from_env() -> Result<Isa, IsaError> {
        match std::env::var_os("PIDINET_ISA") {
            Some(name) => Isa::named(&name.to_string_lossy()),
            None => Ok(Isa::best()),
        }
    }

    /// Its name, as [`Isa::named`] takes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(not(pidinet_slim))]
            Level::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni(_) => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => "neon",
            #[cfg(all(
                target_arch = "wasm32",
                target_feature = "simd128",
                not(all(pidinet_slim, target_feature = "relaxed-simd"))
            ))]
            Level::Simd128(_) => "simd128",
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Level::Relaxed(_) => "relaxed",
        }
    }

    /// Runs `kernel` with this instruction set.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(not(pidinet_slim))]
            Level::Portable(lanes) => lanes.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(lanes) => lanes.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni(lanes) => lanes.base().enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(lanes) => lanes.enter(kernel),
            #[cfg(target_arch = "aarch64")]
            Level::Neon(lanes) => lanes.enter(kernel),
            #[cfg(all(
                target_arch = "wasm32",
                target_feature = "simd128",
                not(all(pidinet_slim, target_feature = "relaxed-simd"))
            ))]
            Level::Simd128(lanes) => lanes.enter(kernel),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Level::Relaxed(lanes) => lanes.enter(kernel),
        }
    }

    /// Runs a kernel of binary networks with this instruction set, or with the next lower one if this one
    /// cannot count bits.
    pub fn run_bits<K: BitKernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(not(pidinet_slim))]
            Level::Portable(lanes) => lanes.enter_bits(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(lanes) => lanes.enter_bits(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni(lanes) => lanes.base().enter_bits(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => match (avx512::Avx512Bits::detect(), avx2::Avx2::detect()) {
                (Some(lanes), _) => lanes.enter_bits(kernel),
                (None, Some(lanes)) => lanes.enter_bits(kernel),
                (None, None) => portable::Portable(()).enter_bits(kernel),
            },
            #[cfg(target_arch = "aarch64")]
            Level::Neon(lanes) => lanes.enter_bits(kernel),
            #[cfg(all(
                target_arch = "wasm32",
                target_feature = "simd128",
                not(all(pidinet_slim, target_feature = "relaxed-simd"))
            ))]
            Level::Simd128(lanes) => lanes.enter_bits(kernel),
            // Bits are counted, and sums of f64 rounded, as without it.
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Level::Relaxed(_) => match simd128::Simd128::detect() {
                Some(lanes) => lanes.enter_bits(kernel),
                None => portable::Portable(()).enter_bits(kernel),
            },
        }
    }

    /// Whether this instruction set makes packed words worthwhile: whether it multiplies several channels at
    /// once.
    pub fn packs(self, format: Format) -> bool {
        match (self.0, format) {
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2(_) | Level::AvxVnni(_), Format::Int8 | Format::Int16) => true,
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512(lanes), Format::Bf16) => lanes.bf16().is_some(),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512(lanes), Format::Int8) => lanes.vnni().is_some(),
            _ => false,
        }
    }

    /// Runs a kernel on packed words with this instruction set, or with portable code if it does not
    /// [`pack`](Self::packs): the result is the same.
    ///
    /// # Panics
    ///
    /// If it does not, and the feature `emulation` is off.
    pub fn run_packed<K: PackedKernel>(self, format: Format, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        match (self.0, format) {
            (Level::Avx2(lanes), Format::Int8) => return lanes.enter_packed(kernel),
            (Level::AvxVnni(lanes), Format::Int8) => return lanes.enter_packed(kernel),
            (Level::Avx2(lanes), Format::Int16) => return lanes.int16().enter_packed(kernel),
            (Level::AvxVnni(lanes), Format::Int16) => return lanes.base().int16().enter_packed(kernel),
            (Level::Avx512(lanes), Format::Bf16) => {
                if let Some(lanes) = lanes.bf16() {
                    return lanes.enter_packed(kernel);
                }
            }
            (Level::Avx512(lanes), Format::Int8) => {
                if let Some(lanes) = lanes.vnni() {
                    return lanes.enter_packed(kernel);
                }
            }
            _ => {}
        }
        #[cfg(not(feature = "emulation"))]
        {
            let _ = kernel;
            panic!("{self} does not multiply words of {format:?}, and there is no emulation")
        }
        #[cfg(feature = "emulation")]
        match format {
            Format::Bf16 => portable::Portable(portable::Bf16).enter_packed(kernel),
            Format::Int8 => portable::Portable(portable::Int8).enter_packed(kernel),
            Format::Int16 => portable::Portable(portable::Int16).enter_packed(kernel),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why an instruction set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsaError {
    /// No instruction set has this name.
    Unknown {
        /// The name asked for.
        name: String,
        /// The names available.
        available: Vec<&'static str>,
    },
    /// This CPU, or this build of the program, does not have it.
    Missing {
        /// The name asked for.
        name: String,
        /// The names available.
        available: Vec<&'static str>,
    },
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let available = match self {
            IsaError::Unknown { name, available } => {
                write!(f, "unknown instruction set `{name}`")?;
                available
            }
            IsaError::Missing { name, available } => {
                write!(f, "this CPU lacks the instruction set `{name}`")?;
                available
            }
        };
        write!(f, "; available: {}", available.join(", "))
    }
}

impl std::error::Error for IsaError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_is_found_by_its_name() {
        for isa in Isa::available() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
            assert!(NAMES.contains(&isa.name()));
        }
        assert!(Isa::available().contains(&Isa::best()));
    }

    #[test]
    fn errors_tell_an_unknown_name_from_a_missing_set() {
        let unknown = Isa::named("sse9").expect_err("no such set");
        assert!(matches!(unknown, IsaError::Unknown { .. }));
        assert!(unknown.to_string().contains("`sse9`") && unknown.to_string().contains("portable"));
        let foreign = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
        let missing = Isa::named(foreign).expect_err("another architecture's");
        assert!(matches!(missing, IsaError::Missing { .. }));
        assert!(missing.to_string().starts_with("this CPU lacks"));
    }
}
