//! `planes::{Mix, Correlate}` against plain f64 loops, on every instruction set and awkward sizes.

use pidinet_kernels::Isa;
use pidinet_kernels::planes::{
    Correlate, CrossEntropy, Depthwise, DepthwiseGradient, Frame, GateGradient, Largest, LargestGradient,
    Mix, Near, Onto, Window, reference,
};

/// Numbers in `[-1, 1)` that look random.
fn numbers(seed: u32) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / 2_147_483_648.0 - 1.0
    }
}

/// Planes with numbers in their pixels and zeros around them.
fn planes(frame: Frame, count: usize, next: &mut impl FnMut() -> f32) -> Vec<f32> {
    let mut planes = vec![0.0; count * frame.plane()];
    for plane in planes.chunks_exact_mut(frame.plane()) {
        for y in 0..frame.height {
            plane[frame.pixels(y)].fill_with(&mut *next);
        }
    }
    planes
}

/// The pixels of planes, without frames.
fn pixels(planes: &[f32], frame: Frame) -> Vec<f32> {
    let rows =
        planes.chunks_exact(frame.plane()).flat_map(|plane| (0..frame.height).map(move |y| (plane, y)));
    rows.flat_map(|(plane, y)| plane[frame.pixels(y)].iter().copied()).collect()
}

/// Where a 3×3 convolution of some channels reads.
fn reads(frame: Frame, inputs: usize, dilation: isize) -> Vec<isize> {
    let taps = [-1, 0, 1].map(|dy| [-1, 0, 1].map(|dx| frame.distance(dy * dilation, dx * dilation)));
    let taps = taps.concat();
    (0..inputs).flat_map(|i| taps.iter().map(move |tap| (i * frame.plane()) as isize + tap)).collect()
}

fn frames() -> impl Iterator<Item = Frame> {
    let sizes = [(1, 1), (3, 2), (2, 15), (5, 16), (4, 17), (3, 33), (7, 64), (2, 131)];
    sizes
        .into_iter()
        .flat_map(|(height, width)| [2, 5].into_iter().map(move |border| Frame { height, width, border }))
}

fn rectified(values: &[f32], rectify: bool) -> Vec<f32> {
    values.iter().map(|&x| if rectify { x.max(0.0) } else { x }).collect()
}

/// Rounding of a sum of `n` products: `n · ε · Σ |a b|`, with room for the value it is added to.
fn assert_close(got: &[f32], want: &[f64], terms: usize, size: f64, what: &str) {
    let bound = (terms + 4) as f64 * f64::from(f32::EPSILON) * size;
    assert_eq!(got.len(), want.len(), "{what}");
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(error <= bound, "{what} at {at}: {got} instead of {want}");
    }
}

#[test]
fn every_instruction_set_mixes_as_the_plain_sum() {
    for frame in frames() {
        for (inputs, outputs) in [(1, 1), (3, 2), (2, 5), (1, 8), (3, 14)] {
            let mut next = numbers((frame.width * 31 + outputs) as u32);
            let src = planes(frame, inputs, &mut next);
            let reads = reads(frame, inputs, 2);
            let weights: Vec<f32> = (0..reads.len() * outputs).map(|_| next()).collect();
            let bias: Vec<f32> = (0..outputs).map(|_| next()).collect();
            let onto = planes(frame, outputs, &mut next);
            let positive = planes(frame, outputs, &mut next);
            for rectify in [false, true] {
                let area = frame.height * frame.width;
                let want: Vec<f64> = reference::mix(&rectified(&src, rectify), &reads, &weights, frame)
                    .into_iter()
                    .enumerate()
                    .zip(pixels(&positive, frame))
                    .zip(pixels(&onto, frame))
                    .map(|(((i, sum), mask), onto)| {
                        let sum = if mask > 0.0 { sum + f64::from(bias[i / area]) } else { 0.0 };
                        sum + f64::from(onto)
                    })
                    .collect();
                for (isa, cut) in
                    Isa::available().into_iter().flat_map(|i| [(i, frame.height), (i, frame.height / 2)])
                {
                    let mut dst = vec![0.0; outputs * frame.plane()];
                    for rows in [0..cut, cut..frame.height] {
                        isa.run(Mix {
                            src: &src,
                            reads: &reads,
                            weights: &weights,
                            bias: Some(&bias),
                            onto: Onto::Planes(&onto),
                            dst: &mut dst,
                            frame,
                            rows,
                            rectify,
                            positive: Some(&positive),
                            near: Near::default(),
                        });
                    }
                    let what = format!("{isa} {frame:?} {inputs} to {outputs}, cut at {cut}");
                    let got = pixels(&dst, frame);
                    assert_close(&got, &want, reads.len(), reads.len() as f64, &what);
                    let zeros = |values: &[f32]| values.iter().filter(|&&value| value == 0.0).count();
                    assert_eq!(
                        zeros(&dst) - zeros(&got),
                        dst.len() - got.len(),
                        "{what}: the frame is not zero"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_there_can_be_added_to() {
    let frame = Frame { height: 3, width: 21, border: 1 };
    let mut next = numbers(3);
    let src = planes(frame, 2, &mut next);
    let (reads, weights) = ([0, frame.plane() as isize], [2.0, -1.0]);
    let mut dst = planes(frame, 1, &mut next);
    let sums = reference::mix(&src, &reads, &weights, frame);
    let want: Vec<f64> =
        pixels(&dst, frame).into_iter().zip(sums).map(|(was, sum)| f64::from(was) + sum).collect();
    Isa::best().run(Mix {
        src: &src,
        reads: &reads,
        weights: &weights,
        bias: None,
        onto: Onto::Itself,
        dst: &mut dst,
        frame,
        rows: 0..frame.height,
        rectify: false,
        positive: None,
        near: Near::default(),
    });
    assert_close(&pixels(&dst, frame), &want, 2, 4.0, "sum");
}

#[test]
fn every_instruction_set_correlates_as_the_plain_sum() {
    for frame in frames() {
        for (inputs, outputs) in [(1, 1), (3, 2), (2, 5), (1, 8), (3, 7)] {
            let mut next = numbers((frame.width * 17 + outputs) as u32);
            let src = planes(frame, inputs, &mut next);
            let gradient = planes(frame, outputs, &mut next);
            let reads = reads(frame, inputs, 2);
            for rectify in [false, true] {
                let want = reference::correlate(&rectified(&src, rectify), &reads, &gradient, outputs, frame);
                for (isa, cut) in
                    Isa::available().into_iter().flat_map(|i| [(i, frame.height), (i, frame.height / 2)])
                {
                    let mut sums = vec![0.0; want.len()];
                    for rows in [0..cut, cut..frame.height] {
                        let (src, reads, gradient, sums) = (&src, &reads, &gradient, &mut sums);
                        isa.run(Correlate { src, reads, gradient, sums, frame, rows, rectify });
                    }
                    let terms = frame.height * frame.width;
                    let what = format!("{isa} {frame:?} {inputs} to {outputs}, cut at {cut}");
                    assert_close(&sums, &want, terms, terms as f64, &what);
                }
            }
        }
    }
}

/// The pixels read by windows with specialised code: all of 3x3 and 5x5, angular and radial.
fn windows() -> [Vec<(isize, isize)>; 4] {
    let square = |half: isize| -> Vec<(isize, isize)> {
        (-half..=half).flat_map(|dy| (-half..=half).map(move |dx| (dy, dx))).collect()
    };
    let angular = square(1).into_iter().filter(|&place| place != (0, 0)).collect();
    let radial = |&(dy, dx): &(isize, isize)| {
        let (dy, dx) = (dy.abs(), dx.abs());
        matches!((dy, dx), (2, 0 | 2) | (0, 1 | 2) | (1, 0 | 1)) && (dy, dx) != (0, 0)
    };
    [square(1), angular, square(2).into_iter().filter(radial).collect(), square(2)]
}

#[test]
fn every_instruction_set_convolves_each_channel_as_the_plain_sum() {
    for frame in frames() {
        for offsets in windows() {
            let window = Window::of(&offsets).expect("there is code for it");
            let mut next = numbers((frame.width * 5 + offsets.len()) as u32);
            let (channels, taps) = (3, offsets.len());
            let src = planes(frame, channels, &mut next);
            let gradient = planes(frame, channels, &mut next);
            let weights: Vec<f32> = (0..channels * taps).map(|_| next()).collect();
            let reads: Vec<isize> = offsets.iter().map(|&(dy, dx)| frame.distance(dy, dx)).collect();
            let plane = |of: &[f32], c: usize| of[c * frame.plane()..(c + 1) * frame.plane()].to_vec();
            // Far enough from both ends for a window that reaches before the first plane.
            let mut want = (Vec::new(), Vec::new());
            for c in 0..channels {
                let kernel = &weights[c * taps..][..taps];
                want.0.extend(reference::mix(&plane(&src, c), &reads, kernel, frame));
                want.1.extend(reference::correlate(&plane(&src, c), &reads, &plane(&gradient, c), 1, frame));
            }
            for isa in Isa::available() {
                let what = format!("{isa} {frame:?} {taps} taps");
                let mut dst = planes(frame, channels, &mut next);
                let strips = || (0..frame.height).step_by(3).map(|y| y..(y + 3).min(frame.height));
                for rows in strips() {
                    isa.run(Depthwise {
                        src: &src,
                        src_plane: frame.plane(),
                        window,
                        weights: &weights,
                        accumulate: false,
                        dst: &mut dst,
                        dst_plane: frame.plane(),
                        frame,
                        rows,
                    });
                }
                assert_close(&pixels(&dst, frame), &want.0, taps, taps as f64, &what);
                let zeros = |values: &[f32]| values.iter().filter(|&&value| value == 0.0).count();
                let outside = dst.len() - pixels(&dst, frame).len();
                assert_eq!(
                    zeros(&dst) - zeros(&pixels(&dst, frame)),
                    outside,
                    "{what}: the frame is not zero"
                );

                isa.run(Depthwise {
                    src: &src,
                    src_plane: frame.plane(),
                    window,
                    weights: &weights,
                    accumulate: true,
                    dst: &mut dst,
                    dst_plane: frame.plane(),
                    frame,
                    rows: 0..frame.height,
                });
                let twice: Vec<f64> = want.0.iter().map(|sum| 2.0 * sum).collect();
                assert_close(&pixels(&dst, frame), &twice, taps, 2.0 * taps as f64, &what);

                let mut sums = vec![0.0; channels * taps];
                let correlate = |sums: &mut [f32], rows| {
                    isa.run(DepthwiseGradient {
                        src: &src,
                        src_plane: frame.plane(),
                        window,
                        gradient: &gradient,
                        gradient_plane: frame.plane(),
                        sums,
                        frame,
                        rows,
                    });
                };
                correlate(&mut sums, 0..frame.height);
                let terms = frame.height * frame.width;
                assert_close(&sums, &want.1, terms, terms as f64, &what);
                sums.fill(0.0);
                for rows in strips() {
                    correlate(&mut sums, rows);
                }
                assert_close(&sums, &want.1, terms, terms as f64, &format!("{what} in strips"));
            }
        }
    }
}

#[test]
fn windows_without_code_of_their_own_are_told() {
    assert_eq!(Window::of(&[(0, 0)]), None);
    assert_eq!(Window::of(&[(-2, 0), (0, -2), (0, 0), (0, 2), (2, 0)]), None);
}

#[test]
fn every_instruction_set_has_the_cross_entropy_and_its_slope() {
    let logits = [0.0, -0.0, 1e-4, 0.3, -2.5, 7.0, -16.0, 30.0, -60.0, 86.9, -87.5, 200.0, -1e6];
    let logits: Vec<f32> = (0..1500).map(|i| logits[i % 13] * (1.0 + i as f32 / 2000.0)).collect();
    let targets: Vec<f32> = (0..1500).map(|i| [0.0, 1.0, 0.25][i % 3]).collect();
    let weights: Vec<f32> = (0..1500).map(|i| [0.1, 0.0, 1.1, 0.9][i % 4]).collect();
    let (mut loss, mut slopes) = (0.0, Vec::new());
    for ((&x, &target), &weight) in logits.iter().zip(&targets).zip(&weights) {
        let [x, target, weight] = [x, target, weight].map(f64::from);
        let p = 1.0 / (1.0 + (-x).exp());
        loss += weight * (x.max(0.0) - x * target + (-x.abs()).exp().ln_1p());
        slopes.push(0.5 * weight * (p - target));
    }
    for isa in Isa::available() {
        let mut maps = logits.clone();
        let (targets, weights) = (&targets, &weights);
        let sum = CrossEntropy { logits: &mut maps, targets, weights, scale: 0.5 }.run_on(isa);
        assert!((sum / loss - 1.0).abs() < 1e-6, "{isa}: {sum}, not {loss}");
        for (at, (slope, want)) in maps.iter().zip(&slopes).enumerate() {
            let error = (f64::from(*slope) - want).abs();
            assert!(error <= 1e-6 * want.abs() + 1e-7, "{isa}, {at}: {slope}, not {want}");
        }
        let mut nothing = [f32::NAN; 3];
        let sum = CrossEntropy { logits: &mut nothing, targets, weights, scale: 1.0 }.run_on(isa);
        assert!(sum.is_nan(), "{isa}: what is not a number is noticed");
    }
}

#[test]
fn every_instruction_set_gives_the_gradient_to_the_first_of_the_largest_four() {
    for frame in frames() {
        for (odd, border) in [(0, 2), (1, 3)] {
            let src_frame = Frame { height: 2 * frame.height + odd, width: 2 * frame.width + odd, border };
            let mut next = numbers(frame.width as u32);
            // Few different numbers, so that many are equal.
            let mut src = planes(src_frame, 3, &mut next);
            src.iter_mut().for_each(|x| *x = (2.0 * *x).round());
            let gradient = planes(frame, 3, &mut next);
            let before = planes(src_frame, 3, &mut next);
            let mut largest = Vec::new();
            let mut terms = vec![0.0; before.len()];
            for (plane, y, x) in places(3, frame) {
                let at = |dy, dx| plane * src_frame.plane() + src_frame.row(2 * y + dy) + 2 * x + dx;
                let four = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
                let most = four.map(|at| src[at]).into_iter().fold(f32::MIN, f32::max);
                let first = four.into_iter().find(|&at| src[at] == most).expect("one is the largest");
                largest.push(most);
                terms[first] = gradient[plane * frame.plane() + frame.row(y) + x];
            }
            let sums: Vec<f32> = before.iter().zip(&terms).map(|(a, b)| a + b).collect();
            for isa in Isa::available() {
                let mut dst = planes(frame, 3, &mut next);
                Largest { src: &src, src_frame, dst: &mut dst, frame }.run_on(isa);
                assert_eq!(pixels(&dst, frame), largest, "{isa}: {frame:?}");
                for (accumulate, want) in [(false, &terms), (true, &sums)] {
                    let (mut dst, src, gradient) = (before.clone(), &src, &gradient);
                    LargestGradient { src, src_frame, gradient, frame, accumulate, dst: &mut dst }
                        .run_on(isa);
                    assert_eq!(&dst, want, "{isa}: {frame:?}, accumulate: {accumulate}");
                }
            }
        }
    }
}

/// Plane, row and column of every pixel.
fn places(planes: usize, frame: Frame) -> impl Iterator<Item = (usize, usize, usize)> {
    let pixels = (0..frame.height).flat_map(move |y| (0..frame.width).map(move |x| (y, x)));
    (0..planes).flat_map(move |plane| pixels.clone().map(move |(y, x)| (plane, y, x)))
}

#[test]
fn every_instruction_set_has_the_gradients_of_a_gate() {
    for frame in frames() {
        let mut next = numbers(frame.width as u32);
        let [gate, gate_before] = [1; 2].map(|count| planes(frame, count, &mut next));
        let [x, gradient, x_before] = [3; 3].map(|count| planes(frame, count, &mut next));
        for (accumulate, isa) in [[false, false], [false, true], [true, false], [true, true]]
            .into_iter()
            .flat_map(|accumulate| Isa::available().into_iter().map(move |isa| (accumulate, isa)))
        {
            let (mut gate_gradient, mut x_gradient) = (gate_before.clone(), x_before.clone());
            let (gate_got, x_got) = (&mut gate_gradient, &mut x_gradient);
            let (x, gate, gradient) = (&x, &gate, &gradient);
            GateGradient { x, gate, gradient, frame, accumulate, gate_gradient: gate_got, x_gradient: x_got }
                .run_on(isa);
            for (_, y, at) in places(1, frame) {
                let p = frame.row(y) + at;
                let before = |add: bool, value: f32| f64::from(if add { value } else { 0.0 });
                let mut sum = before(accumulate[0], gate_before[p]);
                for c in 0..3 {
                    let q = c * frame.plane() + p;
                    sum += f64::from(gradient[q]) * f64::from(x[q]);
                    let want =
                        before(accumulate[1], x_before[q]) + f64::from(gradient[q]) * f64::from(gate[p]);
                    assert!((f64::from(x_gradient[q]) - want).abs() < 1e-6, "{isa} {frame:?} {accumulate:?}");
                }
                assert!((f64::from(gate_gradient[p]) - sum).abs() < 1e-6, "{isa} {frame:?} {accumulate:?}");
            }
        }
    }
}
