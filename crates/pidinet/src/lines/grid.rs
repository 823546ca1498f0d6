//! Pixels in states, with a frame of background around them.

/// Background.
pub(super) const NOTHING: u8 = 0;
/// Connects crests; no crest itself.
pub(super) const LINK: u8 = 1;
/// A crest: no smaller than its neighbours across the edge.
pub(super) const CREST: u8 = 2;

/// Steps to the eight neighbours: east first, counter-clockwise.
pub(super) fn steps(stride: usize) -> [isize; 8] {
    let s = stride as isize;
    [1, 1 - s, -s, -1 - s, -1, s - 1, s, s + 1]
}

/// The pixels whose state is something, in order.
pub(super) fn pixels(state: &[u8]) -> impl Iterator<Item = usize> + '_ {
    const CHUNK: usize = 64;
    let chunks = state.chunks(CHUNK).enumerate();
    // Most of an image is nothing; a whole chunk of it is seen at once.
    let chunks = chunks.filter(|(_, chunk)| chunk.iter().fold(NOTHING, |all, state| all | state) != NOTHING);
    chunks.flat_map(|(number, chunk)| {
        let here = chunk.iter().enumerate().filter(|(_, state)| **state != NOTHING);
        here.map(move |(at, _)| number * CHUNK + at)
    })
}

/// The eight neighbours of a pixel as bits, east first, counter-clockwise.
#[inline]
pub(super) fn ring(state: &[u8], stride: usize, at: usize) -> u8 {
    let row = |first: usize| {
        let [left, middle, right] = state[first..][..3] else { unreachable!("three pixels") };
        [left, middle, right].map(|state| u8::from(state != NOTHING))
    };
    let (above, here, below) = (row(at - stride - 1), row(at - 1), row(at + stride - 1));
    let upper = here[2] | above[2] << 1 | above[1] << 2 | above[0] << 3;
    upper | here[0] << 4 | below[0] << 5 | below[1] << 6 | below[2] << 7
}
