//! Sums of maps, and sums over their pixels.

/// Sums in a fixed order: sixteen at a time in f32, blocks of them in f64.
pub(super) fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let block = |block: &[f32]| {
        let (vectors, rest) = block.as_chunks::<16>();
        let mut sums = [0.0f32; 16];
        for vector in vectors {
            for (sum, &x) in sums.iter_mut().zip(vector) {
                *sum += f(x);
            }
        }
        let rest: f32 = rest.iter().map(|&x| f(x)).sum();
        f64::from(sums.iter().sum::<f32>() + rest)
    };
    values.chunks(1024).map(block).sum()
}

/// `Σ (x − centre) · y`, summed as by [`sum`].
pub(super) fn sum_of_products(x: &[f32], y: &[f32], centre: f32) -> f64 {
    let block = |(x, y): (&[f32], &[f32])| {
        let ((xs, x), (ys, y)) = (x.as_chunks::<16>(), y.as_chunks::<16>());
        let mut sums = [0.0f32; 16];
        for (x, y) in xs.iter().zip(ys) {
            for i in 0..16 {
                sums[i] += (x[i] - centre) * y[i];
            }
        }
        let rest: f32 = x.iter().zip(y).map(|(x, y)| (x - centre) * y).sum();
        f64::from(sums.iter().sum::<f32>() + rest)
    };
    x.chunks(1024).zip(y.chunks(1024)).map(block).sum()
}

/// Adds `term` to `sum`, element by element.
pub(super) fn add(sum: &mut [f32], term: &[f32]) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}
