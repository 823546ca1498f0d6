//! Memory for rows and weights that begins at a cache line, so that whole vectors do not straddle two.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, which is also the widest vector.
const LINE: usize = 64;

/// A slice that begins at a multiple of 64 bytes. It starts as zeros and does not grow.
#[derive(Debug, Default)]
pub struct Aligned<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

/// An aligned slice of `f32`.
pub type Buffer = Aligned<f32>;

impl<T: Copy + Default> Aligned<T> {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let memory = vec![T::default(); len + LINE / size_of::<T>()];
        let start = memory.as_ptr().align_offset(LINE);
        Self { memory, start, len }
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    /// Another allocation, with its own first line.
    fn clone(&self) -> Self {
        let mut clone = Self::zeroed(self.len);
        clone.copy_from_slice(self);
        clone
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_and_their_clones_begin_at_a_line() {
        for len in 0..70 {
            let mut buffer = Buffer::zeroed(len);
            buffer.fill(1.5);
            let clone = buffer.clone();
            assert_eq!(buffer.as_ptr().addr() % LINE, 0);
            assert_eq!(clone.as_ptr().addr() % LINE, 0);
            assert_eq!(*clone, vec![1.5; len]);
        }
    }
}
