//! Images and truth at another scale, angle and place.

use super::example::Example;
use super::marks::drawn;
use crate::edges::sample::IGNORED;

/// The value of [`View::map`] outside the image.
pub(super) const OUTSIDE: f32 = IGNORED;

/// Which part of an image is used, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    /// Columns of the result.
    pub(super) width: usize,
    /// Rows of the result.
    pub(super) height: usize,
    /// The pixel of the image in the middle of the result: column, row.
    pub(super) centre: [f32; 2],
    /// Pixels of the result for one pixel of the image.
    pub(super) scale: f32,
    /// Rotation in radians.
    pub(super) angle: f32,
    /// Whether left and right are swapped.
    pub(super) mirrored: bool,
}

/// The truth at a pixel of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It lies outside the image.
    Outside,
    /// Its mark.
    Inside(u16),
}

impl View {
    /// The position in the image, column and row, that a position in the result comes from.
    fn source(&self, x: f32, y: f32) -> [f32; 2] {
        let (sin, cos) = self.angle.sin_cos();
        let mut dx = x + 0.5 - self.width as f32 / 2.0;
        let dy = y + 0.5 - self.height as f32 / 2.0;
        if self.mirrored {
            dx = -dx;
        }
        let [cx, cy] = self.centre;
        [cx + (cos * dx + sin * dy) / self.scale, cy + (cos * dy - sin * dx) / self.scale]
    }

    /// The position in the result of a position in the image.
    fn target(&self, x: f32, y: f32) -> [f32; 2] {
        let (sin, cos) = self.angle.sin_cos();
        let (dx, dy) = ((x - self.centre[0]) * self.scale, (y - self.centre[1]) * self.scale);
        let (mut tx, ty) = (cos * dx - sin * dy, sin * dx + cos * dy);
        if self.mirrored {
            tx = -tx;
        }
        [tx + self.width as f32 / 2.0 - 0.5, ty + self.height as f32 / 2.0 - 0.5]
    }

    /// Whether pixels map to pixels: no scale, no rotation, whole distances.
    fn is_exact(&self) -> bool {
        let [x, y] = self.source(0.0, 0.0);
        self.scale == 1.0 && self.angle == 0.0 && x.fract() == 0.0 && y.fract() == 0.0
    }

    /// Samples of a pixel along each side: a smaller result has several, or it would be more jagged than
    /// photographs are.
    fn samples(&self) -> usize {
        if self.scale < 0.8 { 2 } else { 1 }
    }

    /// The colours, `[3, h, w]` in `[0, 255]`: bilinear, and mirrored outside the image.
    pub(super) fn colours(&self, example: &Example) -> Vec<f32> {
        let area = self.width * self.height;
        let mut colours = vec![0.0; 3 * area];
        let samples = self.samples();
        let share = 1.0 / (samples * samples) as f32;
        for y in 0..self.height {
            for x in 0..self.width {
                let mut sum = [0.0; 3];
                for [dx, dy] in offsets(samples) {
                    let colour = bilinear(example, self.source(x as f32 + dx, y as f32 + dy));
                    sum = std::array::from_fn(|c| sum[c] + share * colour[c]);
                }
                for (c, value) in sum.into_iter().enumerate() {
                    colours[c * area + y * self.width + x] = value;
                }
            }
        }
        colours
    }

    /// A map of the image's size, in shares of 65535, as `[h, w]` in `[0, 1]`: bilinear, and [`OUTSIDE`]
    /// outside the image.
    pub(super) fn map(&self, map: &[u16], example: &Example) -> Vec<f32> {
        let (columns, rows) = (example.width, example.height);
        let samples = self.samples();
        let at = |x: f32, y: f32| f32::from(map[mirror(y, rows) * columns + mirror(x, columns)]);
        let mut values = Vec::with_capacity(self.width * self.height);
        for y in 0..self.height {
            for x in 0..self.width {
                let [sx, sy] = self.source(x as f32, y as f32).map(|place| floor(place + 0.5));
                if sx < 0.0 || sy < 0.0 || sx >= columns as f32 || sy >= rows as f32 {
                    values.push(OUTSIDE);
                    continue;
                }
                let mut sum = 0.0;
                for [dx, dy] in offsets(samples) {
                    let [x, y] = self.source(x as f32 + dx, y as f32 + dy);
                    let (left, top) = (floor(x), floor(y));
                    let (right, lower) = (x - left, y - top);
                    let row = |y: f32| at(left, y) + right * (at(left + 1.0, y) - at(left, y));
                    sum += row(top) + lower * (row(top + 1.0) - row(top));
                }
                values.push((sum / 65535.0 / (samples * samples) as f32).clamp(0.0, 1.0));
            }
        }
        values
    }

    /// The truth, `[h, w]`.
    ///
    /// Lines stay without gaps and about one pixel wide when they are shrunk: a pixel takes whatever lies
    /// at its centre, and everything that falls into it.
    pub(super) fn truth(&self, example: &Example) -> Vec<Seen> {
        let (columns, rows) = (example.width, example.height);
        let marks = example.marks.values();
        let mut seen = Vec::with_capacity(self.width * self.height);
        for y in 0..self.height {
            for x in 0..self.width {
                let [sx, sy] = self.source(x as f32, y as f32).map(|place| floor(place + 0.5));
                let inside = sx >= 0.0 && sy >= 0.0 && sx < columns as f32 && sy < rows as f32;
                seen.push(if inside {
                    Seen::Inside(marks[sy as usize * columns + sx as usize])
                } else {
                    Seen::Outside
                });
            }
        }
        if self.is_exact() {
            return seen;
        }
        for (at, &mark) in marks.iter().enumerate() {
            // Doubtful pixels form areas, which get no gaps.
            if drawn(mark) == 0 {
                continue;
            }
            let [x, y] =
                self.target((at % columns) as f32, (at / columns) as f32).map(|place| floor(place + 0.5));
            if x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32 {
                let seen = &mut seen[y as usize * self.width + x as usize];
                *seen = Seen::Inside(match *seen {
                    Seen::Outside => mark,
                    Seen::Inside(other) => example.marks.either(other, mark),
                });
            }
        }
        seen
    }
}

/// Offsets from the middle of a pixel at which samples are taken.
fn offsets(samples: usize) -> impl Iterator<Item = [f32; 2]> {
    let offset = move |i: usize| (i as f32 + 0.5) / samples as f32 - 0.5;
    (0..samples * samples).map(move |sample| [offset(sample % samples), offset(sample / samples)])
}

fn bilinear(example: &Example, [x, y]: [f32; 2]) -> [f32; 3] {
    let (left, top) = (floor(x), floor(y));
    let (right, lower) = (x - left, y - top);
    let columns = [left, left + 1.0].map(|x| mirror(x, example.width));
    let rows = [top, top + 1.0].map(|y| mirror(y, example.height));
    let [[a, b], [c, d]] = rows.map(|row| {
        columns.map(|column| {
            let pixel = &example.pixels[3 * (row * example.width + column)..][..3];
            [pixel[0], pixel[1], pixel[2]].map(f32::from)
        })
    });
    std::array::from_fn(|i| {
        let upper = a[i] + right * (b[i] - a[i]);
        upper + lower * (c[i] + right * (d[i] - c[i]) - upper)
    })
}

/// The largest whole number that is not greater: of a position, which is no large number. The standard library's works for
/// all numbers, and is a call on CPUs without SSE 4.1.
fn floor(place: f32) -> f32 {
    let whole = place as i32 as f32;
    if whole > place { whole - 1.0 } else { whole }
}

/// The pixel at a position, or whose mirror image lies there if it is outside `0..len`.
fn mirror(place: f32, len: usize) -> usize {
    let (place, period) = (place as i64, 2 * len as i64);
    // Most are inside, and need no remainder, which takes long.
    if (0..len as i64).contains(&place) {
        return place as usize;
    }
    let place = place.rem_euclid(period);
    if place < len as i64 { place as usize } else { (period - 1 - place) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::data::Marks;
    use crate::edges::data::marks::DOUBTFUL;
    use crate::edges::data::rule::Rule;

    fn example(width: usize, height: usize, marked: impl Fn(usize, usize) -> u16) -> Example {
        let at = |i: usize| (i % width, i / width);
        let pixels = (0..3 * width * height).map(|i| ((i / 3) % 251) as u8).collect();
        let bits = (0..width * height).map(|i| marked(at(i).0, at(i).1)).collect();
        Example { width, height, pixels, marks: Marks::Annotators { bits, count: 3 }, rule: Rule::default() }
    }

    fn view(width: usize, height: usize) -> View {
        let centre = [width as f32 / 2.0 - 0.5, height as f32 / 2.0 - 0.5];
        View { width, height, centre, scale: 1.0, angle: 0.0, mirrored: false }
    }

    #[test]
    fn nothing_changes_without_a_change() {
        let example = example(7, 5, |x, y| (x * y % 4) as u16);
        let view = view(7, 5);
        let colours = view.colours(&example);
        assert!(
            colours[..35].iter().zip(example.pixels.as_chunks::<3>().0).all(|(c, p)| *c == f32::from(p[0]))
        );
        let seen: Vec<_> = (0..35).map(|at| Seen::Inside(example.marks.values()[at])).collect();
        assert_eq!(view.truth(&example), seen);
    }

    #[test]
    fn mirrored_truth_is_the_mirror_image() {
        let example = example(6, 3, |x, y| (x + 2 * y) as u16);
        let plain = view(6, 3).truth(&example);
        let mirrored = View { mirrored: true, ..view(6, 3) }.truth(&example);
        for (a, b) in plain.chunks_exact(6).zip(mirrored.chunks_exact(6)) {
            assert!(a.iter().eq(b.iter().rev()));
        }
    }

    #[test]
    fn there_and_back_is_the_same_place() {
        for (angle, scale, mirrored) in [(0.3, 0.6, false), (-2.0, 1.4, true)] {
            let view = View { angle, scale, mirrored, ..view(31, 17) };
            let [x, y] = view.source(4.0, 9.0);
            let [x, y] = view.target(x, y);
            assert!((x - 4.0).abs() < 1e-3 && (y - 9.0).abs() < 1e-3, "{x} {y}");
        }
    }

    #[test]
    fn a_line_has_no_gaps_at_any_scale() {
        let example = example(101, 101, |x, _| u16::from(x == 50));
        for scale in [0.5, 0.75, 1.0, 1.5] {
            let side = (101.0 * scale) as usize;
            let centre = [50.0, 50.0];
            let view = View { centre, scale, ..view(side, side) };
            for row in view.truth(&example).chunks_exact(side) {
                let marked = row.iter().filter(|&&seen| seen == Seen::Inside(1)).count();
                assert!((1..=2).contains(&marked), "scale {scale}: {marked} pixels wide");
            }
        }
    }

    #[test]
    fn outside_is_mirrored_and_not_labelled() {
        let example = example(4, 4, |_, _| 1);
        let view = View { centre: [-0.5, 1.5], ..view(4, 4) };
        let seen = view.truth(&example);
        assert_eq!(seen[..4], [Seen::Outside, Seen::Outside, Seen::Inside(1), Seen::Inside(1)]);
        assert_eq!(view.colours(&example)[..4], [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_teachers_map_goes_where_the_picture_goes() {
        let example = example(60, 40, |_, _| 0);
        let map: Vec<u16> = (0..60 * 40).map(|i| (257 * (i % 251)) as u16).collect();
        for (scale, angle, mirrored) in [(1.0, 0.0, true), (0.6, 0.4, false), (1.5, -1.0, true)] {
            let view = View { scale, angle, mirrored, ..view(50, 44) };
            let (map, colours) = (view.map(&map, &example), view.colours(&example));
            let inside: Vec<usize> = (0..map.len()).filter(|&at| map[at] != OUTSIDE).collect();
            assert!(inside.len() > 300);
            for at in inside {
                // The colours of the example are the same shares of 255 as the map's values of 65535.
                assert!((255.0 * map[at] - colours[at]).abs() < 0.01, "{} for {}", map[at], colours[at]);
            }
            let outside = view.truth(&example).into_iter().map(|seen| seen == Seen::Outside);
            assert!(map.iter().map(|&value| value == OUTSIDE).eq(outside));
        }
    }

    #[test]
    fn doubt_covers_areas_and_hides_no_line() {
        let example =
            example(60, 60, |x, _| if x == 30 { 1 | DOUBTFUL } else { DOUBTFUL * u16::from(x > 25) });
        let view = View { centre: [30.0, 30.0], scale: 0.5, ..view(30, 30) };
        for row in view.truth(&example).chunks_exact(30) {
            assert!(row.iter().any(|&seen| matches!(seen, Seen::Inside(mark) if drawn(mark) == 1)));
            assert!(row[..12].iter().all(|&seen| seen == Seen::Inside(0)), "{row:?}");
            assert!(row[18..].iter().all(|&seen| seen == Seen::Inside(DOUBTFUL)), "{row:?}");
        }
    }
}
