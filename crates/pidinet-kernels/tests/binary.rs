//! Kernels of binary networks, with every instruction set this CPU has, against plain loops. Sums of signs
//! are whole numbers, so they must be equal, not close.

use pidinet_kernels::Isa;
use pidinet_kernels::pixels::finish::{Activate, Affine, Finish, Rprelu, Shift, Term};
use pidinet_kernels::pixels::pack::{GROUP, PackDifferences, PackSigns, words};
use pidinet_kernels::pixels::padding::{Border, Place};
use pidinet_kernels::pixels::real_conv::{Real, RealRun, RealWeights};
use pidinet_kernels::pixels::xnor::{Run, Xnor, XnorWeights};

/// Knuth's MMIX generator; the upper bits are random enough.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// Eighths from -1 to 1: many are equal, so differences are often 0.
    fn coarse(&mut self) -> f32 {
        (self.next() % 17) as f32 / 8.0 - 1.0
    }

    fn fine(&mut self) -> f32 {
        (self.next() as f32) / (1u64 << 30) as f32 - 1.0
    }

    fn many(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.coarse()).collect()
    }
}

/// A map `[h][w][channels padded]`, followed by one more group.
struct Map {
    height: usize,
    width: usize,
    channels: usize,
    data: Vec<f32>,
}

impl Map {
    fn random(random: &mut Random, height: usize, width: usize, channels: usize) -> Self {
        let stride = channels.next_multiple_of(GROUP);
        let mut data = vec![0.0; height * width * stride + GROUP];
        for pixel in data.chunks_exact_mut(stride).take(height * width) {
            pixel[..channels].fill_with(|| random.coarse());
        }
        Self { height, width, channels, data }
    }

    fn stride(&self) -> usize {
        self.channels.next_multiple_of(GROUP)
    }

    fn at(&self, c: usize, y: isize, x: isize) -> Option<f32> {
        let inside = (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x);
        inside.then(|| self.data[(y as usize * self.width + x as usize) * self.stride() + c])
    }
}

fn sign(x: f32) -> i64 {
    if x < 0.0 { -1 } else { 1 }
}

/// A convolution of signs, which are zero outside the map.
fn naive(map: &Map, shift: &[f32], weights: &[f32], outputs: usize, stride: usize) -> Vec<i64> {
    let mut result = Vec::new();
    for y in (0..map.height).step_by(stride) {
        for x in (0..map.width).step_by(stride) {
            for o in 0..outputs {
                let mut sum = 0;
                for c in 0..map.channels {
                    for tap in 0..9 {
                        let (dy, dx) = (tap / 3 - 1, tap % 3 - 1);
                        if let Some(value) = map.at(c, y as isize + dy, x as isize + dx) {
                            let weight = weights[(o * map.channels + c) * 9 + tap as usize];
                            sum += sign(weight) * sign(value + shift[c]);
                        }
                    }
                }
                result.push(sum);
            }
        }
    }
    result
}

/// The same by the kernels.
fn by_kernels(
    isa: Isa,
    map: &Map,
    shift: &[f32],
    weights: &[f32],
    outputs: usize,
    stride: usize,
) -> Vec<i64> {
    let channels = map.channels;
    let each = words(channels);
    let mut thresholds: Vec<f32> = shift.iter().map(|shift| -shift).collect();
    thresholds.resize(map.stride(), 0.0);
    let across = (map.width + 2) * each;
    let mut bits = vec![0; (map.height + 2) * across + 2 * each];
    for y in 0..map.height {
        let dst = &mut bits[(y + 1) * across + each..][..map.width * each];
        let src = &map.data[y * map.width * map.stride()..];
        isa.run_bits(PackSigns { src, step: map.stride(), channels, thresholds: &thresholds, dst });
    }

    // Weights `[output][row of taps][tap][word]`, and what each tap adds if it lies outside.
    let mut packed = vec![0; outputs * 9 * each];
    let mut sums = vec![0.0; outputs * 9];
    for o in 0..outputs {
        for c in 0..channels {
            for tap in 0..9 {
                let weight = weights[(o * channels + c) * 9 + tap];
                packed[(o * 9 + tap) * each + c / 32] |= u32::from(weight < 0.0) << (c % 32);
                sums[o * 9 + tap] += sign(weight) as f32;
            }
        }
    }
    let weights = XnorWeights::pack(isa, &packed, &[3 * each; 3], 9 * channels);
    let border = Border::new(&sums);
    let padded = outputs.next_multiple_of(GROUP);
    let mut result = Vec::new();
    for y in (0..map.height).step_by(stride) {
        let runs: Vec<Run<'_>> =
            (0..3).map(|dy| Run { bits: &bits[(y + dy) * across..], step: stride * each }).collect();
        let mut dst = vec![f32::NAN; map.width.div_ceil(stride) * padded];
        isa.run_bits(Xnor { runs: &runs, weights: &weights, dst: &mut dst });
        let place = Place { y: y / stride, height: map.height, width: map.width, stride };
        border.take_off(place, &mut dst);
        for pixel in dst.chunks_exact(padded) {
            result.extend(pixel[..outputs].iter().map(|&sum| sum as i64));
        }
    }
    result
}

#[test]
fn convolutions_of_signs_are_exact() {
    let mut random = Random(1);
    let shapes = |channels: usize| [(1 + channels % 5, 1 + channels * 7 % 21), (3, 1), (1, 2)];
    for channels in 1..=70 {
        for (height, width) in shapes(channels) {
            let map = Map::random(&mut random, height, width, channels);
            let outputs = 1 + channels * 5 % 37;
            let (shift, weights) = (random.many(channels), random.many(outputs * channels * 9));
            for stride in [1, 2] {
                let want = naive(&map, &shift, &weights, outputs, stride);
                for isa in Isa::available() {
                    let got = by_kernels(isa, &map, &shift, &weights, outputs, stride);
                    assert_eq!(
                        got, want,
                        "{isa}: {channels} to {outputs}, {height}x{width}, stride {stride}"
                    );
                }
            }
        }
    }
}

/// More words in a run than byte counts have room for.
#[test]
fn long_sums_are_exact() {
    let mut random = Random(2);
    let map = Map::random(&mut random, 2, 3, 1030);
    let (shift, weights) = (random.many(1030), random.many(18 * 1030 * 9));
    let alike = vec![-1.0; 18 * 1030 * 9];
    for weights in [weights, alike] {
        let want = naive(&map, &shift, &weights, 18, 1);
        for isa in Isa::available() {
            assert_eq!(by_kernels(isa, &map, &shift, &weights, 18, 1), want, "{isa}");
        }
    }
}

#[test]
fn bits_of_differences_are_their_signs() {
    let mut random = Random(3);
    for channels in 1..=70usize {
        let (pixels, step) = (5, channels.next_multiple_of(GROUP));
        let rows: Vec<Vec<f32>> = (0..16).map(|_| random.many((pixels - 1) * 2 * step + step)).collect();
        let pairs = std::array::from_fn(|n| (&rows[2 * n][..], &rows[2 * n + 1][..]));
        for step in [step, 2 * step] {
            let each = words(8 * channels);
            let mut want = vec![0u32; pixels * each];
            for p in 0..pixels {
                for n in 0..8 {
                    for c in 0..channels {
                        let difference = rows[2 * n][p * step + c] - rows[2 * n + 1][p * step + c];
                        let bit = n * channels + c;
                        want[p * each + bit / 32] |= u32::from(difference < 0.0) << (bit % 32);
                    }
                }
            }
            for isa in Isa::available() {
                let mut dst = vec![u32::MAX; pixels * each];
                isa.run_bits(PackDifferences { pairs, step, channels, dst: &mut dst });
                assert_eq!(dst, want, "{isa}: {channels} channels");
            }
        }
    }
}

#[test]
fn zero_is_positive_and_nothing_is_less_than_it() {
    let src = [0.0, -0.0, f32::MIN_POSITIVE / 8.0, -f32::MIN_POSITIVE / 8.0, 1.0, -1.0];
    let src: Vec<f32> = src.into_iter().chain([0.0; 26]).collect();
    for isa in Isa::available() {
        let mut dst = [0];
        let thresholds = [0.0; GROUP];
        isa.run_bits(PackSigns { src: &src, step: 32, channels: 6, thresholds: &thresholds, dst: &mut dst });
        assert_eq!(dst, [0b10_1000], "{isa}");
    }
}

#[test]
fn real_sums_are_rounded_once_and_the_same_everywhere() {
    let mut random = Random(4);
    for (inputs, outputs, pixels) in
        [(1usize, 1usize, 1), (3, 5, 9), (27, 24, 33), (21, 64, 7), (130, 17, 12)]
    {
        let runs = [inputs, 2];
        let row = inputs + 2;
        let matrix: Vec<f32> = (0..outputs * row).map(|_| random.fine()).collect();
        let values: Vec<f64> = (0..pixels * 3 + row).map(|_| f64::from(random.fine())).collect();
        let padded = outputs.next_multiple_of(GROUP);
        for isa in Isa::available() {
            let weights = RealWeights::pack(isa, &matrix, &runs);
            let mut dst = vec![0.0; pixels * padded];
            let runs = [RealRun { values: &values, step: 3 }, RealRun { values: &values[1..], step: 2 }];
            isa.run_bits(Real { runs: &runs, weights: &weights, dst: &mut dst });
            for p in 0..pixels {
                for o in 0..outputs {
                    let inputs =
                        (0..inputs).map(|k| values[3 * p + k]).chain([values[2 * p + 1], values[2 * p + 2]]);
                    let weights = matrix[o * row..][..row].iter().map(|&w| f64::from(w));
                    let want: f64 = inputs.zip(weights).map(|(x, w)| x * w).sum();
                    assert_eq!(dst[p * padded + o], want as f32, "{isa}: {row} to {outputs}");
                }
            }
        }
    }
}

#[test]
fn each_operation_on_pixels_is_rounded_by_itself() {
    let mut random = Random(5);
    for channels in [GROUP, 3 * GROUP] {
        let mut row = |count: usize| -> Vec<f32> { (0..count).map(|_| random.fine()).collect() };
        let [scale, offset, shift, slope, bias, scale2] = std::array::from_fn(|_| row(channels));
        let [x, sums, sums2] = std::array::from_fn(|_| row(5 * channels));
        let rprelu = Rprelu { shift: &shift, slope: &slope, bias: &bias };
        let activated = |c: usize, x: f32| {
            let t = x + shift[c];
            let t = if t < 0.0 { slope[c] * t } else { t };
            t + bias[c]
        };
        for isa in Isa::available() {
            let check = |got: &[f32], want: &dyn Fn(usize, usize) -> f32| {
                for (at, &got) in got.iter().enumerate() {
                    assert_eq!(got.to_bits(), want(at % channels, at).to_bits(), "{isa} at {at}");
                }
            };
            let mut dst = x.clone();
            isa.run(Affine { scale: &scale, offset: &offset, dst: &mut dst });
            check(&dst, &|c, at| x[at] * scale[c] + offset[c]);
            isa.run(Shift { src: &x, bias: &bias, dst: &mut dst });
            check(&dst, &|c, at| x[at] + bias[c]);
            let mut dst = x.clone();
            isa.run(Activate { rprelu, dst: &mut dst });
            check(&dst, &|c, at| activated(c, x[at]));
            let (first, second) =
                (Term { sums: &sums, scale: &scale }, Term { sums: &sums2, scale: &scale2 });
            for second in [None, Some(second)] {
                let mut dst = x.clone();
                isa.run(Finish { first, second, offset: &offset, rprelu, dst: &mut dst });
                check(&dst, &|c, at| {
                    let t = sums[at] * scale[c];
                    let t = if second.is_some() { t + sums2[at] * scale2[c] } else { t };
                    activated(c, t + offset[c] + x[at])
                });
            }
        }
    }
}
