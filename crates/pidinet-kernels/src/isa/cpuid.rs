//! What x86 CPUs say of themselves, besides their instructions.

use std::arch::x86_64::__cpuid;

/// KiB of a core's second-level cache, if the CPU tells. The leaf is AMD's; Intel fills in this size, too.
pub(crate) fn second_level_kib() -> Option<usize> {
    const HIGHEST: u32 = 0x8000_0000;
    const CACHES: u32 = 0x8000_0006;
    #[allow(unused_unsafe, reason = "newer compilers take it for safe")]
    // SAFETY: every x86-64 CPU has the instruction, and it only fills registers.
    let [highest, caches] = [HIGHEST, CACHES].map(|leaf| unsafe { __cpuid(leaf) });
    (highest.eax >= CACHES).then_some((caches.ecx >> 16) as usize)
}
