//! A depthwise convolution and the 1x1 convolution that alone reads it, strip by strip.
//!
//! Both are bound by memory more than by arithmetic. So the map between them is never whole: some of its rows at a time
//! are computed, read while the cache has them, and forgotten. Backward, they are computed again.

use std::ops::Range;

use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::planes::{Correlate, Depthwise, DepthwiseGradient, Frame, Mix, Near, Onto, Window};

use super::conv::{Conv, strips};

/// Two convolutions, the second of the first's output.
pub(super) struct Pair<'a> {
    pub(super) depthwise: Conv<'a>,
    pub(super) window: Window,
    pub(super) pointwise: Conv<'a>,
}

/// Some rows of the map between the two, and of its gradient; its memory is reused for other pairs.
#[derive(Debug, Default)]
pub(super) struct Between {
    map: Buffer,
    gradient: Buffer,
}

/// Where the gradient of the first convolution's argument belongs.
pub(super) enum Destination<'a> {
    /// The gradient of the pair's output becomes that of its argument, since the argument is also added to
    /// the output.
    Gradient,
    /// Another map; the flag says whether it already holds something.
    Map(bool, &'a mut [f32]),
}

/// Strips whose gradients are kept before the last rows of them move up.
const STRIPS: usize = 4;

/// Floats in a line of the cache.
const LINE: usize = 16;

impl Pair<'_> {
    /// `dst`, the output with `onto` added.
    pub(super) fn forward(&self, x: &[f32], onto: Option<&[f32]>, between: &mut Between, dst: &mut [f32]) {
        let Self { depthwise, pointwise, .. } = self;
        let (frame, channels) = (pointwise.frame, pointwise.op.inputs);
        let strips = strips(frame, 2 * channels + pointwise.op.outputs);
        let part = Frame { height: strips.clone().next().map_or(0, |rows| rows.len()), ..frame };
        make_room(&mut between.map, channels * part.plane());
        for rows in strips {
            let map = &mut between.map[self.skew(rows.start)..];
            self.map(x, rows.start, part, 0..rows.len(), map);
            Mix {
                src: map,
                reads: &reads(channels, part, -self.shift(rows.start)),
                weights: &pointwise.packed.forward,
                bias: pointwise.packed.bias.as_deref(),
                onto: onto.map_or(Onto::Nothing, Onto::Planes),
                dst,
                frame,
                rows,
                rectify: pointwise.op.rectify,
                positive: None,
                near: Near { beside: pointwise.op.onto == Some(depthwise.op.x), dst: false },
            }
            .run_on(depthwise.isa);
        }
    }

    /// Gradients of the packed weights of both, from that of the output; also that of the argument `x`.
    pub(super) fn gradients(
        &self,
        x: &[f32],
        gradient: &mut [f32],
        between: &mut Between,
        mut destination: Destination<'_>,
    ) -> [Vec<f32>; 2] {
        let Self { depthwise, window, pointwise } = self;
        let (isa, frame, channels) = (depthwise.isa, pointwise.frame, pointwise.op.inputs);
        let reach = depthwise.op.reach();
        let mut sums = [depthwise, pointwise].map(|conv| vec![0.0; conv.packed.forward.len()]);
        let [depthwise_sums, pointwise_sums] = &mut sums;
        let strips = strips(frame, 3 * channels + pointwise.op.outputs);
        let most = strips.clone().next().map_or(0, |rows| rows.len());
        let part = Frame { height: frame.height.min(STRIPS * most + 2 * reach), ..frame };
        let plane = part.plane();
        for buffer in [&mut between.map, &mut between.gradient] {
            make_room(buffer, channels * plane);
        }
        for plane in between.gradient.chunks_exact_mut(plane).take(channels) {
            plane[..part.start()].fill(0.0);
        }
        let reversed = depthwise.packed.backward.chunks_exact(window.taps());
        let reversed: Vec<f32> = reversed.flat_map(|kernel| kernel.iter().rev().copied()).collect();
        // The row of the map that is the first of the part, and the rows of the argument that are done.
        let (mut first, mut done) = (0, 0);
        for rows in strips {
            if rows.end - first > part.height {
                let keep = rows.start - 2 * reach;
                let kept = part.row(keep - first)..part.row(rows.start - first);
                for channel in 0..channels {
                    let [from, to] = [first, keep].map(|first| channel * plane + self.skew(first));
                    let kept = from + kept.start..from + kept.end;
                    between.gradient.copy_within(kept, to + part.start());
                }
                first = keep;
            }
            let [map, map_gradient] =
                [&mut between.map, &mut between.gradient].map(|buffer| &mut buffer[self.skew(first)..]);
            let here = rows.start - first..rows.end - first;
            let shift = self.shift(first);
            self.map(x, first, part, here.clone(), map);
            Mix {
                src: gradient,
                reads: &reads(pointwise.op.outputs, frame, shift),
                weights: &pointwise.packed.backward,
                bias: None,
                onto: Onto::Nothing,
                dst: map_gradient,
                frame: part,
                rows: here.clone(),
                rectify: false,
                positive: pointwise.op.rectify.then_some(map),
                near: Near { beside: true, dst: true },
            }
            .run_on(isa);
            Correlate {
                src: map,
                reads: &reads(channels, part, -shift),
                gradient,
                sums: pointwise_sums,
                frame,
                rows: rows.clone(),
                rectify: pointwise.op.rectify,
            }
            .run_on(isa);
            let below = first * frame.stride();
            DepthwiseGradient {
                src: &x[below..],
                src_plane: frame.plane(),
                window: *window,
                gradient: map_gradient,
                gradient_plane: plane,
                sums: depthwise_sums,
                frame: part,
                rows: here.clone(),
            }
            .run_on(isa);
            // The last rows need those below them.
            let ready = if rows.end == frame.height {
                for plane in map_gradient.chunks_exact_mut(plane).take(channels) {
                    plane[part.row(here.end)..part.row(here.end + reach)].fill(0.0);
                }
                frame.height
            } else {
                rows.end.saturating_sub(reach).max(done)
            };
            let (accumulate, dst) = match &mut destination {
                Destination::Gradient => (true, &mut *gradient),
                Destination::Map(is_there, dst) => (*is_there, &mut **dst),
            };
            Depthwise {
                src: map_gradient,
                src_plane: plane,
                window: *window,
                weights: &reversed,
                accumulate,
                dst: &mut dst[below..],
                dst_plane: frame.plane(),
                frame: part,
                rows: done - first..ready - first,
            }
            .run_on(isa);
            done = ready;
        }
        sums
    }

    /// Rows of the map between the two, in a part of it that begins with row `first`.
    fn map(&self, x: &[f32], first: usize, part: Frame, rows: Range<usize>, map: &mut [f32]) {
        let Self { depthwise, window, pointwise: Conv { frame, .. } } = self;
        Depthwise {
            src: &x[first * frame.stride()..],
            src_plane: frame.plane(),
            window: *window,
            weights: &depthwise.packed.forward,
            accumulate: false,
            dst: map,
            dst_plane: part.plane(),
            frame: part,
            rows,
        }
        .run_on(depthwise.isa);
    }

    /// How far a position in a whole plane is from that of a part which begins with row `first`.
    fn shift(&self, first: usize) -> isize {
        (first * self.pointwise.frame.stride()) as isize
    }

    /// Where in its memory such a part begins, so that equal pixels are equally far from a line of the cache.
    fn skew(&self, first: usize) -> usize {
        first * self.pointwise.frame.stride() % LINE
    }
}

/// Makes room for `len` floats that begin anywhere in the first line.
fn make_room(buffer: &mut Buffer, len: usize) {
    if buffer.len() < len + LINE {
        *buffer = Buffer::zeroed(len + LINE);
    }
}

/// Where a 1x1 convolution reads planes, `shift` elements from where it writes.
fn reads(planes: usize, frame: Frame, shift: isize) -> Vec<isize> {
    (0..planes).map(|plane| (plane * frame.plane()) as isize + shift).collect()
}

#[cfg(test)]
mod tests {
    use pidinet::arch::Arch;
    use pidinet_kernels::Isa;

    use super::super::conv::strips;
    use super::super::{Geometry, Packed, Tape};
    use super::*;

    /// A map of numbers in `[-1, 1)` that look random.
    fn map(seed: u32, frame: Frame, channels: usize) -> Vec<f32> {
        let mut map = vec![0.0; channels * frame.plane()];
        let mut state = seed;
        for plane in map.chunks_exact_mut(frame.plane()) {
            for y in 0..frame.height {
                plane[frame.pixels(y)].fill_with(|| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state as f32 / 2_147_483_648.0 - 1.0
                });
            }
        }
        map
    }

    fn assert_close(got: &[f32], want: &[f32], what: &str) {
        assert_eq!(got.len(), want.len(), "{what}");
        let size = want.iter().fold(0.0f32, |size, x| size.max(x.abs()));
        let most = got.iter().zip(want).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(most <= 1e-5 * size, "{what}: off by {most}, of at most {size}");
    }

    #[test]
    fn strip_by_strip_is_the_same_as_one_convolution_after_the_other() {
        let tape = Tape::new(&Arch::full().light());
        let parameters: Vec<f32> = (0..tape.parameters().len()).map(|i| (i as f32 * 0.7).sin()).collect();
        let packed = Packed::new(&tape, &parameters);
        let geometry = Geometry::new(&tape, 70, 200);
        let mut seen = 0;
        for number in 0..tape.nodes.len() {
            let Some(pair) = tape.pair(Isa::best(), number, &geometry, &packed) else { continue };
            let Pair { depthwise, pointwise, .. } = &pair;
            let (frame, inputs) = (pointwise.frame, depthwise.op.inputs);
            if tape.nodes[number].layout.level == 0 {
                let rows =
                    strips(frame, 3 * inputs + pointwise.op.outputs).next().expect("there are rows").len();
                assert!(frame.height > (STRIPS + 2) * rows + 4, "rows of gradients move up: {rows}");
                seen += 1;
            }
            let x = map(1, frame, inputs);
            let gradient = map(2, frame, pointwise.op.outputs);
            let onto = map(3, frame, pointwise.op.outputs);
            let mut between = Between::default();
            let mut got = map(4, frame, pointwise.op.outputs);
            pair.forward(&x, Some(&onto), &mut between, &mut got);
            let (mut whole, mut want) = (vec![0.0; x.len()], vec![0.0; got.len()]);
            depthwise.forward(&x, None, &mut whole);
            pointwise.forward(&whole, Some(&onto), &mut want);
            assert_close(&got, &want, "the output");

            let mut whole_gradient = vec![0.0; whole.len()];
            let want_pointwise = pointwise.gradients(&whole, &gradient, Some((false, &mut whole_gradient)));
            // What the memory held before must not matter.
            between.map.fill(7.0);
            between.gradient.fill(7.0);
            for (there, before) in [(false, map(5, frame, inputs)), (true, map(5, frame, inputs))] {
                let mut want = before.clone();
                let want_depthwise = depthwise.gradients(&x, &whole_gradient, Some((there, &mut want)));
                let mut got = before;
                let destination = Destination::Map(there, &mut got);
                let sums = pair.gradients(&x, &mut gradient.clone(), &mut between, destination);
                assert_close(&got, &want, "the argument's gradient");
                assert_close(&sums[0], &want_depthwise, "the depthwise weights' gradient");
                assert_close(&sums[1], &want_pointwise, "the 1x1 weights' gradient");
            }
            if inputs == pointwise.op.outputs {
                let mut want = gradient.clone();
                depthwise.gradients(&x, &whole_gradient, Some((true, &mut want)));
                let mut got = gradient.clone();
                pair.gradients(&x, &mut got, &mut between, Destination::Gradient);
                assert_close(&got, &want, "the argument's gradient, in place");
            }
        }
        assert!(seen >= 3, "pairs of the largest maps: {seen}");
    }
}
