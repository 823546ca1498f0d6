//! Fast correlations with three weights: `M` neighbouring outputs from `M + 2` products instead of `3 M`.
//!
//! ```text
//! y[j] = g[0] d[j] + g[1] d[j + 1] + g[2] d[j + 2],  j = 0..M
//!      = output(m)[j]                                  where m[k] = (KERNEL g)[k] * input(d)[k]
//! ```
//!
//! These are the Toom-Cook or Winograd algorithms (S. Winograd, Arithmetic Complexity of Computations, 1980)
//! with the points 0, 1, -1, 2, -2 and infinity, as many of them as there are products. Inputs and outputs
//! are transformed by a few additions. With larger `M` these, and rounding errors, grow faster than the
//! savings, so `M` ends at 4.

use crate::lanes::floats::Lanes;

/// One of these schemes: `M` outputs from `K = M + 2` products.
pub(super) trait Scheme<const M: usize, const K: usize> {
    /// Turns the three weights into factors of the `K` products.
    const KERNEL: [[f64; 3]; K];

    /// The other factors, from the inputs of `M` outputs.
    fn input<L: Lanes>(lanes: L, d: [L::F32; K]) -> [L::F32; K];

    /// The outputs, from the products.
    fn output<L: Lanes>(lanes: L, m: [L::F32; K]) -> [L::F32; M];
}

/// One output: three products, nothing saved.
pub(super) struct One;

impl Scheme<1, 3> for One {
    const KERNEL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    #[inline(always)]
    fn input<L: Lanes>(_: L, d: [L::F32; 3]) -> [L::F32; 3] {
        d
    }

    #[inline(always)]
    fn output<L: Lanes>(lanes: L, [a, b, c]: [L::F32; 3]) -> [L::F32; 1] {
        [lanes.add(lanes.add(a, b), c)]
    }
}

/// Two outputs from four products.
pub(super) struct Two;

impl Scheme<2, 4> for Two {
    const KERNEL: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

    #[inline(always)]
    fn input<L: Lanes>(lanes: L, [a, b, c, d]: [L::F32; 4]) -> [L::F32; 4] {
        [lanes.sub(a, c), lanes.add(b, c), lanes.sub(c, b), lanes.sub(d, b)]
    }

    #[inline(always)]
    fn output<L: Lanes>(lanes: L, [a, b, c, d]: [L::F32; 4]) -> [L::F32; 2] {
        [lanes.add(a, lanes.add(b, c)), lanes.add(lanes.sub(b, c), d)]
    }
}

/// Three outputs from five products.
pub(super) struct Three;

impl Scheme<3, 5> for Three {
    const KERNEL: [[f64; 3]; 5] = [
        [0.5, 0.0, 0.0],
        [-0.5, -0.5, -0.5],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 6.0, 1.0 / 3.0, 2.0 / 3.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn input<L: Lanes>(lanes: L, [a, b, c, d, e]: [L::F32; 5]) -> [L::F32; 5] {
        let (two, minus_three) = (lanes.splat(2.0), lanes.splat(-3.0));
        let db = lanes.sub(d, b);
        [
            lanes.mul_add(two, lanes.sub(a, c), db),
            lanes.sub(lanes.sub(d, c), lanes.add(b, b)),
            lanes.mul_add(minus_three, c, lanes.mul_add(two, b, d)),
            db,
            lanes.sub(lanes.sub(e, c), lanes.add(db, db)),
        ]
    }

    #[inline(always)]
    fn output<L: Lanes>(lanes: L, [a, b, c, d, e]: [L::F32; 5]) -> [L::F32; 3] {
        let bc = lanes.add(b, c);
        [
            lanes.add(lanes.add(a, bc), d),
            lanes.mul_add(lanes.splat(2.0), d, lanes.sub(b, c)),
            lanes.mul_add(lanes.splat(4.0), d, lanes.add(bc, e)),
        ]
    }
}

/// Four outputs from six products.
pub(super) struct Four;

impl Scheme<4, 6> for Four {
    const KERNEL: [[f64; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn input<L: Lanes>(lanes: L, [a, b, c, d, e, f]: [L::F32; 6]) -> [L::F32; 6] {
        let (two, minus_two) = (lanes.splat(2.0), lanes.splat(-2.0));
        let (four, minus_four, minus_five) = (lanes.splat(4.0), lanes.splat(-4.0), lanes.splat(-5.0));
        let even = lanes.mul_add(minus_four, c, e);
        let odd = lanes.mul_add(minus_four, b, d);
        let (ec, db) = (lanes.sub(e, c), lanes.sub(d, b));
        [
            lanes.mul_add(four, a, lanes.mul_add(minus_five, c, e)),
            lanes.add(even, odd),
            lanes.sub(even, odd),
            lanes.mul_add(two, db, ec),
            lanes.mul_add(minus_two, db, ec),
            lanes.mul_add(four, b, lanes.mul_add(minus_five, d, f)),
        ]
    }

    #[inline(always)]
    fn output<L: Lanes>(lanes: L, [a, b, c, d, e, f]: [L::F32; 6]) -> [L::F32; 4] {
        let (two, four, eight) = (lanes.splat(2.0), lanes.splat(4.0), lanes.splat(8.0));
        let (bc, de) = (lanes.add(b, c), lanes.add(d, e));
        let (b_c, d_e) = (lanes.sub(b, c), lanes.sub(d, e));
        [
            lanes.add(lanes.add(a, bc), de),
            lanes.mul_add(two, d_e, b_c),
            lanes.mul_add(four, de, bc),
            lanes.add(lanes.mul_add(eight, d_e, b_c), f),
        ]
    }
}
