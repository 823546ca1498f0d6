//! Whether a run fits into memory, checked before it begins.

use pidinet::Size;
use pidinet::arch::Arch;
use pidinet::arch::survey::Survey;

use super::config::Config;
use crate::{Error, Result};

/// Maps kept in memory for each map that a step computes: itself, its gradient, and what the gradient needs.
const MAPS: u64 = 3;

/// Bytes of a pixel of a sample: colours and a label.
const SAMPLE: u64 = 24;

/// Batches in memory: those being prepared, and the current one.
const BATCHES: u64 = 3;

/// Refuses crops that need more memory than there is; whole images are not checked.
pub(super) fn check(arch: &Arch, config: &Config) -> Result<()> {
    let side = config.augment.crop;
    if side == 0 {
        return Ok(());
    }
    let needed = needed(arch, side, config.train.batch, rayon::current_num_threads());
    match available() {
        Some(available) if needed > available => {
            Err(Error::Memory { crop: side, batch: config.train.batch, needed, available })
        }
        _ => Ok(()),
    }
}

/// About how many bytes a step takes.
fn needed(arch: &Arch, side: usize, batch: usize, threads: usize) -> u64 {
    let layers = Survey::of(arch, Size::square(side)).layers;
    let maps: u64 = layers.iter().map(|layer| layer.activation_bytes).sum();
    let samples = BATCHES * SAMPLE * (side * side) as u64 * batch as u64;
    MAPS * maps * batch.min(threads) as u64 + samples
}

/// The bytes of memory that this process may use, if the system reports it.
fn available() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let total = read("/proc/meminfo").and_then(|text| total(&text));
    let limit = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    [total, limit].into_iter().flatten().min()
}

/// The bytes of `MemTotal`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_crops_and_threads() {
        let mib = |side, batch, threads| needed(&Arch::tiny(), side, batch, threads) >> 20;
        assert!((100..1000).contains(&mib(320, 1, 1)), "{}", mib(320, 1, 1));
        assert!(mib(4096, 4, 2) > 150 * mib(320, 4, 2));
        assert!(mib(320, 4, 2) > 19 * mib(320, 4, 1) / 10 && mib(320, 4, 8) < 5 * mib(320, 4, 1));
    }

    #[test]
    fn the_system_says_how_much_there_is() {
        assert_eq!(total("MemTotal:       16315404 kB\nMemFree: 1 kB\n"), Some(16_315_404 * 1024));
        assert_eq!(total("nothing"), None);
    }
}
