//! How much second-level cache a core has: what kernels work on at a time is cut to fit it.
//!
//! That is a matter of speed only. Results do not depend on it, so whatever cuts that round differently have a
//! fixed size instead.

use std::sync::OnceLock;

/// What CPUs have at least that are no older than AVX2 or run 64-bit systems, with few exceptions.
const USUAL: usize = 512 << 10;

/// Bytes of second-level cache for each core, found at the first call.
///
/// On x86 the CPU tells; elsewhere Linux does. Of a cache that several cores share, it is a core's part. 512 KiB
/// where nothing is known.
pub fn second_level() -> usize {
    #[cfg(test)]
    if let Some(bytes) = PRETENDED.get() {
        return bytes;
    }
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| found().filter(|&bytes| bytes > 0).unwrap_or(USUAL))
}

/// What the CPU says.
#[cfg(target_arch = "x86_64")]
fn found() -> Option<usize> {
    Some(crate::isa::second_level_kib()? << 10)
}

/// What Linux says of the first CPU.
#[cfg(all(not(target_arch = "x86_64"), any(target_os = "linux", target_os = "android")))]
fn found() -> Option<usize> {
    described(|index, name| {
        std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}")).ok()
    })
}

#[cfg(not(any(target_arch = "x86_64", target_os = "linux", target_os = "android")))]
fn found() -> Option<usize> {
    None
}

/// A core's part of the second-level cache among those that `read` describes as Linux does: the text in a file
/// of a cache's number and this name.
#[cfg(any(test, all(not(target_arch = "x86_64"), any(target_os = "linux", target_os = "android"))))]
fn described(read: impl Fn(usize, &str) -> Option<String>) -> Option<usize> {
    const MOST_CACHES: usize = 8;
    let field = |index, name| Some(read(index, name)?.trim().to_owned());
    let is_second = |index: &usize| field(*index, "level").as_deref() == Some("2");
    let index = (0..MOST_CACHES).find(is_second)?;
    let kib: usize = field(index, "size")?.strip_suffix('K')?.parse().ok()?;
    let cores = field(index, "shared_cpu_list").and_then(|list| count(&list)).unwrap_or(1);
    Some((kib << 10) / cores.max(1))
}

/// How many numbers a list such as `0-3,8` has.
#[cfg(any(test, all(not(target_arch = "x86_64"), any(target_os = "linux", target_os = "android"))))]
fn count(list: &str) -> Option<usize> {
    let len = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        Some(last.checked_sub(first)? + 1)
    };
    list.split(',').map(len).sum()
}

#[cfg(test)]
thread_local! {
    /// What this thread takes for the size of the cache.
    static PRETENDED: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

/// What `run` returns on a machine with so many bytes of second-level cache.
#[cfg(test)]
pub(crate) fn pretend<R>(bytes: usize, run: impl FnOnce() -> R) -> R {
    let before = PRETENDED.replace(Some(bytes));
    let result = run();
    PRETENDED.set(before);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_describes_the_second_level() {
        let caches =
            [["1", "48K", "0"], ["1", "32K", "0"], ["2", "2048K\n", "0-3\n"], ["3", "32768K", "0-7"]];
        let read = |index: usize, name: &str| {
            let at = ["level", "size", "shared_cpu_list"].iter().position(|field| *field == name);
            Some(caches.get(index)?[at.expect("a field")].to_owned())
        };
        assert_eq!(described(read), Some(512 << 10));
        assert_eq!(described(|_, _| None), None);
        assert_eq!(described(|_, name| Some(if name == "level" { "2" } else { "?" }.to_owned())), None);
        assert_eq!([count("0"), count("0-3,8"), count("4-2"), count("")], [Some(1), Some(5), None, None]);
    }

    #[test]
    fn some_cache_is_found() {
        assert!(second_level() >= 1 << 10, "{} bytes", second_level());
    }
}
