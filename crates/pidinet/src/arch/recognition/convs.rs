//! The convolutions of a Bi-PiDiNet.

use crate::arch::Kind;

/// Rows down and columns right of a pixel.
pub type Offset = (isize, isize);

/// The eight neighbours of a pixel, row by row.
pub const NEIGHBOURS: [Offset; 8] = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)];

/// A real convolution without bias; the map is padded with `size / 2` zeros on every side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RealConv {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the kernel, odd.
    pub size: usize,
    /// Distance of neighbouring outputs in pixels of the input.
    pub stride: usize,
}

impl RealConv {
    /// Shape of the weights: `[outputs, inputs, size, size]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs, self.size, self.size]
    }
}

/// A convolution of signs with signs: both are +1 or −1, and sign(0) = +1.
///
/// [`Kind::Vanilla`] takes the signs of the 3×3 pixels around each; outside the map the sign is 0. The other
/// kinds are Bi-PDC: eight pixel differences are taken in float, with zeros around the map, and then their
/// signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BinaryConv {
    /// What signs are taken of.
    pub kind: Kind,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Distance of neighbouring outputs in pixels of the input: 1 or 2.
    pub stride: usize,
}

impl BinaryConv {
    /// Signs taken of each input channel for one output: nine pixels, or eight differences.
    pub fn taps(&self) -> usize {
        if self.kind == Kind::Vanilla { 9 } else { 8 }
    }

    /// Shape of the weights: `[outputs, inputs, 3, 3]`, or `[outputs, inputs, 8]` for differences, in the order
    /// of [`NEIGHBOURS`].
    pub fn weight_shape(&self) -> Vec<usize> {
        match self.kind {
            Kind::Vanilla => vec![self.outputs, self.inputs, 3, 3],
            _ => vec![self.outputs, self.inputs, 8],
        }
    }

    /// The pixels of each difference: `d_n(p) = x(p + first) − x(p + second)`.
    ///
    /// # Panics
    ///
    /// If this is an ordinary convolution.
    pub fn pairs(&self) -> [(Offset, Offset); 8] {
        /// For each neighbour, the number of the next one clockwise.
        const NEXT: [usize; 8] = [1, 2, 4, 0, 7, 3, 5, 6];
        std::array::from_fn(|n| {
            let (y, x) = NEIGHBOURS[n];
            match self.kind {
                Kind::Central => ((y, x), (0, 0)),
                Kind::Angular => ((y, x), NEIGHBOURS[NEXT[n]]),
                Kind::Radial => ((2 * y, 2 * x), (y, x)),
                Kind::Vanilla => panic!("an ordinary convolution takes no differences"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(kind: Kind) -> BinaryConv {
        BinaryConv { kind, inputs: 1, outputs: 1, stride: 1 }
    }

    #[test]
    fn differences_are_those_of_the_paper() {
        let central = conv(Kind::Central).pairs();
        assert_eq!(central.map(|(first, _)| first), NEIGHBOURS);
        assert!(central.iter().all(|&(_, second)| second == (0, 0)));
        // Clockwise, each pixel of the ring is the next one exactly once; a step is one pixel.
        let angular = conv(Kind::Angular).pairs();
        let mut seconds = angular.map(|(_, second)| second);
        seconds.sort_unstable();
        assert_eq!(seconds, NEIGHBOURS);
        for ((y, x), (v, u)) in angular {
            assert_eq!((y - v).abs() + (x - u).abs(), 1);
            assert!(y * u - x * v < 0, "({y}, {x}) to ({v}, {u}) is counter-clockwise");
        }
        for ((y, x), (v, u)) in conv(Kind::Radial).pairs() {
            assert_eq!((y, x), (2 * v, 2 * u));
        }
    }
}
