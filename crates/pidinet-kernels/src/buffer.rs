//! Memory for rows and weights that begins at a cache line, so that whole vectors do not straddle two.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, which is also the widest vector.
const LINE: usize = 64;

/// A slice of `f32` that begins at a multiple of 64 bytes. It starts as zeros and does not grow.
#[derive(Debug, Default)]
pub struct Buffer {
    memory: Vec<f32>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Buffer {
        let memory = vec![0.0; len + LINE / size_of::<f32>()];
        let start = memory.as_ptr().align_offset(LINE);
        Buffer { memory, start, len }
    }
}

impl Clone for Buffer {
    /// Another allocation, with its own first line.
    fn clone(&self) -> Buffer {
        let mut clone = Buffer::zeroed(self.len);
        clone.copy_from_slice(self);
        clone
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.start..][..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
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
