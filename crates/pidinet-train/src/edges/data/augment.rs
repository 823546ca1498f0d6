//! From an example to one training sample.

use std::f32::consts::PI;

use pidinet::image::Preset;
use rand::RngExt;
use rand::rngs::ChaCha12Rng;

use super::example::Example;
use super::marks::Marks;
use super::photometric;
use super::warp::{Seen, View};
use crate::edges::config::Augment;
use crate::edges::sample::{IGNORED, Lesson, Sample};
use crate::random::generator;

/// The smallest side that the network takes.
const SMALLEST: usize = 8;

impl Sample {
    /// The example without changes.
    pub fn plain(example: &Example, name: &str) -> Self {
        let mut rng = generator(0, 0, 0);
        Self::of(example, None, &whole(example), &Augment::none(), &mut rng, name)
    }

    /// The example changed at random. A teacher's map, which has the image's size and values that are shares
    /// of 65535, is changed with it; the number is how much it counts.
    pub fn augmented(
        example: &Example,
        taught: Option<(&[u16], f32)>,
        augment: &Augment,
        rng: &mut ChaCha12Rng,
        name: &str,
    ) -> Self {
        let view = if augment.hed { hed(example, augment, rng) } else { strong(example, augment, rng) };
        Self::of(example, taught, &view, augment, rng, name)
    }

    fn of(
        example: &Example,
        taught: Option<(&[u16], f32)>,
        view: &View,
        augment: &Augment,
        rng: &mut ChaCha12Rng,
        name: &str,
    ) -> Self {
        let mut colours = view.colours(example);
        photometric::change(augment, rng, &mut colours, view.width);
        let area = view.width * view.height;
        let channel = |c: usize| (c, &colours[Preset::Imagenet.colour(c) * area..][..area]);
        let normalised = (0..3).map(channel).flat_map(|(c, plane)| {
            plane.iter().map(move |value| Preset::Imagenet.normalise(c, value / 255.0))
        });
        let image = normalised.collect();
        let annotator = match example.marks {
            Marks::Annotators { count, .. } => rng.random_range(0..count.max(1)),
            Marks::Grey(_) => 0,
        };
        let label = |seen| match seen {
            Seen::Outside => IGNORED,
            Seen::Inside(mark) => example.marks.label(mark, annotator, &example.rule),
        };
        let labels = view.truth(example).into_iter().map(label).collect();
        let lesson = taught.map(|(map, trust)| Lesson { map: view.map(map, example), trust });
        Self { width: view.width, height: view.height, image, labels, lesson, name: name.to_owned() }
    }
}

fn whole(example: &Example) -> View {
    let (width, height) = (example.width.max(SMALLEST), example.height.max(SMALLEST));
    let centre = [example.width as f32 / 2.0 - 0.5, example.height as f32 / 2.0 - 0.5];
    View { width, height, centre, scale: 1.0, angle: 0.0, mirrored: false }
}

/// A square at a random place, scale and angle.
fn strong(example: &Example, augment: &Augment, rng: &mut ChaCha12Rng) -> View {
    let mirrored = rng.random::<bool>() && augment.flip;
    let scale = augment.scale(rng);
    let turned = rng.random::<f32>() < augment.rotate;
    let angle = augment.angle * PI / 180.0 * rng.random_range(-1.0..=1.0_f32);
    let places = [rng.random::<f32>(), rng.random::<f32>()];
    let angle = if turned { angle } else { 0.0 };
    let whole = whole(example);
    if augment.crop == 0 {
        let side = |side: usize| ((side as f32 * scale).round() as usize).max(SMALLEST);
        let (width, height) = (side(example.width), side(example.height));
        return View { width, height, scale, angle, mirrored, ..whole };
    }
    // The square stays inside the image if it fits, and is centred if it does not.
    let half = augment.crop as f32 / scale / 2.0;
    let place = |share: f32, side: usize| {
        let side = side as f32;
        if side <= 2.0 * half { side / 2.0 - 0.5 } else { half - 0.5 + share * (side - 2.0 * half) }
    };
    let mut centre = [place(places[0], example.width), place(places[1], example.height)];
    if scale == 1.0 && angle == 0.0 {
        // Whole pixels stay whole: nothing is interpolated.
        let even = if augment.crop.is_multiple_of(2) { 0.5 } else { 0.0 };
        centre = centre.map(|place| (place + even).round() - even);
    }
    View { width: augment.crop, height: augment.crop, centre, scale, angle, mirrored }
}

/// One of 16 angles and 3 scales, cropped to the largest upright rectangle inside the turned image.
fn hed(example: &Example, augment: &Augment, rng: &mut ChaCha12Rng) -> View {
    let mirrored = rng.random::<bool>() && augment.flip;
    let angle = rng.random_range(0..16) as f32 * PI / 8.0;
    let scale = [0.5, 1.0, 1.5][rng.random_range(0..3)];
    let (width, height) = inscribed(example.width as f32, example.height as f32, angle);
    let side = |side: f32| ((side * scale) as usize).max(SMALLEST);
    View { width: side(width), height: side(height), scale, angle, mirrored, ..whole(example) }
}

/// Sides of the largest upright rectangle inside one of `width × height` that is turned by `angle`.
fn inscribed(width: f32, height: f32, angle: f32) -> (f32, f32) {
    let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
    let (long, short) = (width.max(height), width.min(height));
    if short <= 2.0 * sin * cos * long || (sin - cos).abs() < 1e-6 {
        // Two corners touch the long sides; the other two lie between the short ones.
        let half = 0.5 * short;
        let (along, across) = (half / sin.max(1e-6), half / cos.max(1e-6));
        if width >= height { (along, across) } else { (across, along) }
    } else {
        let cos2 = cos * cos - sin * sin;
        ((width * cos - height * sin) / cos2, (height * cos - width * sin) / cos2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::data::rule::Rule;

    fn example(width: usize, height: usize) -> Example {
        let pixels = (0..3 * width * height).map(|i| (i * 31 % 256) as u8).collect();
        let bits = (0..width * height).map(|i| u16::from(i % 7 == 0) + 2 * u16::from(i % 5 == 0)).collect();
        Example { width, height, pixels, marks: Marks::Annotators { bits, count: 4 }, rule: Rule::default() }
    }

    #[test]
    fn the_same_seed_gives_the_same_sample() {
        let example = example(90, 70);
        for augment in [Augment::strong(), Augment::hed()] {
            let augment = Augment { crop: if augment.hed { 0 } else { 64 }, jpeg: 0.5, blur: 0.5, ..augment };
            let sample = |number| {
                let mut rng = generator(7, 1, number);
                Sample::augmented(&example, None, &augment, &mut rng, "a")
            };
            for number in 0..20 {
                assert_eq!(sample(number), sample(number), "number {number}");
            }
            assert_ne!(sample(1), sample(2));
        }
    }

    #[test]
    fn the_inscribed_rectangle_is_inside() {
        for (width, height) in [(481.0, 321.0), (321.0, 481.0), (100.0, 100.0)] {
            for turn in 0..16 {
                let angle = turn as f32 * PI / 8.0;
                let (w, h) = inscribed(width, height, angle);
                let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
                // The corners of the rectangle, turned back, are inside the image.
                assert!(w * cos + h * sin <= width + 0.1 && w * sin + h * cos <= height + 0.1, "{angle}");
                assert!(w * h > 0.35 * width * height || width != height, "{w} x {h} is too small");
            }
        }
        assert_eq!(inscribed(481.0, 321.0, 0.0), (481.0, 321.0));
    }

    #[test]
    fn without_a_change_colours_are_the_networks_input() {
        let example = example(20, 16);
        let sample = Sample::plain(&example, "a");
        let red = f32::from(example.pixels[0]) / 255.0;
        assert!((sample.image[0] - Preset::Imagenet.normalise(0, red)).abs() < 1e-6);
        assert_eq!((sample.width, sample.height, sample.labels.len()), (20, 16, 320));
    }
}
