//! Random numbers of a run: they follow from its seed, so that a resumed run continues identically.

use rand::SeedableRng;
use rand::rngs::ChaCha12Rng;

/// The generator for one purpose and number: independent of all others of the same seed.
pub(crate) fn generator(seed: u64, purpose: u64, number: u64) -> ChaCha12Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&purpose.to_le_bytes());
    key[16..24].copy_from_slice(&number.to_le_bytes());
    ChaCha12Rng::from_seed(key)
}
