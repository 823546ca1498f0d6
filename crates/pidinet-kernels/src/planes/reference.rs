//! The same sums in plain f64 loops.

use super::frame::Frame;

/// [`Mix`](super::Mix) onto nothing and without bias, pixel by pixel: `[outputs, h, w]`.
pub fn mix(src: &[f32], reads: &[isize], weights: &[f32], frame: Frame) -> Vec<f64> {
    let outputs = weights.len() / reads.len();
    let mut sums = Vec::with_capacity(outputs * frame.height * frame.width);
    for o in 0..outputs {
        for p in (0..frame.height).flat_map(|y| frame.pixels(y)) {
            let term = |(k, &read): (usize, &isize)| {
                f64::from(weights[k * outputs + o]) * f64::from(src[(p as isize + read) as usize])
            };
            sums.push(reads.iter().enumerate().map(term).sum());
        }
    }
    sums
}

/// [`Correlate`](super::Correlate), sum by sum: `[reads, outputs]`.
pub fn correlate(src: &[f32], reads: &[isize], gradient: &[f32], outputs: usize, frame: Frame) -> Vec<f64> {
    let mut sums = Vec::with_capacity(outputs * reads.len());
    for read in reads {
        for o in 0..outputs {
            let term = |p: usize| {
                f64::from(gradient[o * frame.plane() + p]) * f64::from(src[(p as isize + read) as usize])
            };
            sums.push((0..frame.height).flat_map(|y| frame.pixels(y)).map(term).sum());
        }
    }
    sums
}
