//! Edges that do not flicker.

use super::still::Brightness;
use crate::image::Image;
use crate::{EdgeMap, Error, Result};

/// Smooths the edges of a film in time, where nothing moves.
///
/// Noise and compression make edges flicker although the picture stands still. So the edges of a frame are mixed with
/// those before,
///
/// ```text
/// s_t = a s_{t-1} + (1 - a) e_t,   a = strength * stillness
/// ```
///
/// where stillness goes, for each pixel, from 1 where the frames differ by noise alone to 0 where something moves. The
/// level of the noise is measured in the frames themselves. Moving edges stay where they are, without a trail, and after
/// a cut (8×8 thumbnails of two frames differ much) smoothing begins anew.
///
/// # Examples
///
/// ```
/// use pidinet::{EdgeMap, Size};
/// use pidinet::image::{Image, PixelFormat, PixelLayout};
/// use pidinet::video::Smoother;
///
/// let mut smoother = Smoother::new(0.5)?;
/// let frame = Image::from_u8(&[100; 64], &PixelLayout::packed(Size::square(8), PixelFormat::Grey))?;
/// let map = |value| EdgeMap::new(Size::square(8), vec![value; 64]);
/// assert_eq!(smoother.smooth(&frame, map(0.5)).data()[0], 0.5);
/// assert_eq!(smoother.smooth(&frame, map(1.0)).data()[0], 0.75);
/// # Ok::<(), pidinet::Error>(())
/// ```
#[derive(Debug)]
pub struct Smoother {
    strength: f32,
    before: Option<(Brightness, EdgeMap)>,
}

impl Smoother {
    /// A smoother that has seen nothing yet. `strength` is the share of the frames before where nothing moves, from 0
    /// (each frame by itself) to under 1; 0.7 removes three quarters of the flicker of white noise.
    ///
    /// # Errors
    ///
    /// [`Error::Smoothing`] if the strength is another number.
    pub fn new(strength: f32) -> Result<Self> {
        match strength {
            0.0..1.0 => Ok(Self { strength, before: None }),
            _ => Err(Error::Smoothing { strength }),
        }
    }

    /// The edges of the next frame, smoothed. A frame of another size begins anew, as a cut does.
    ///
    /// # Panics
    ///
    /// If frame and edges differ in size.
    pub fn smooth(&mut self, frame: &Image, mut edges: EdgeMap) -> EdgeMap {
        assert_eq!(frame.size(), edges.size(), "frame and edges differ in size");
        if self.strength == 0.0 {
            return edges;
        }
        let now = Brightness::of(frame);
        if let Some((before, smooth)) = &self.before
            && smooth.size() == edges.size()
            && !now.is_cut_from(before)
        {
            let stillness = now.stillness(before);
            let width = edges.width();
            let rows = edges.data_mut().chunks_exact_mut(width).zip(smooth.data().chunks_exact(width));
            for (y, (row, before)) in rows.enumerate() {
                for ((edge, &before), still) in row.iter_mut().zip(before).zip(stillness.row(y)) {
                    *edge += self.strength * still * (before - *edge);
                }
            }
        }
        self.before = Some((now, edges.clone()));
        edges
    }

    /// Begins anew, as at a cut.
    pub fn reset(&mut self) {
        self.before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::image::{PixelFormat, PixelLayout};

    const SIDE: usize = 64;

    /// Numbers of mean 0 and a standard deviation of 1, nearly normal.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f32 {
            let mut uniform = || {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (self.0 >> 40) as f32 / (1u64 << 24) as f32
            };
            (0..12).map(|_| uniform()).sum::<f32>() - 6.0
        }
    }

    /// A bright square whose left side is at `left`, with noise of `sigma` levels.
    fn frame(left: usize, sigma: f32, noise: &mut Noise) -> Image {
        let grey = |at: usize| {
            let (x, y) = (at % SIDE, at / SIDE);
            let inside = (left..left + 20).contains(&x) && (20..44).contains(&y);
            (if inside { 170.0 } else { 90.0 } + sigma * noise.next()).round() as u8
        };
        let pixels: Vec<u8> = (0..SIDE * SIDE).map(grey).collect();
        Image::from_u8(&pixels, &PixelLayout::packed(Size::square(SIDE), PixelFormat::Grey)).unwrap()
    }

    /// Edges as a network might see them at the square's left side, with noise.
    fn edges(left: usize, noise: &mut Noise) -> EdgeMap {
        let value = |at: usize| {
            let away = (at % SIDE).abs_diff(left) as f32;
            ((-away * away / 4.0).exp() * 0.8 + 0.1 + 0.03 * noise.next()).clamp(0.0, 1.0)
        };
        EdgeMap::new(Size::square(SIDE), (0..SIDE * SIDE).map(value).collect())
    }

    fn difference(a: &EdgeMap, b: &EdgeMap) -> f32 {
        a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.data().len() as f32
    }

    #[test]
    fn flicker_of_what_stands_still_falls_by_more_than_half() {
        for sigma in [0.0, 2.0, 8.0] {
            let (mut noise, mut smoother) = (Noise(1), Smoother::new(0.7).unwrap());
            let (mut plain, mut smooth) = (0.0, 0.0);
            let mut last: Option<(EdgeMap, EdgeMap)> = None;
            for _ in 0..20 {
                let (frame, edges) = (frame(20, sigma, &mut noise), edges(20, &mut noise));
                let smoothed = smoother.smooth(&frame, edges.clone());
                if let Some((edges_before, smoothed_before)) = &last {
                    plain += difference(&edges, edges_before);
                    smooth += difference(&smoothed, smoothed_before);
                }
                last = Some((edges, smoothed));
            }
            assert!(smooth < 0.5 * plain, "noise of {sigma}: {smooth} of {plain}");
        }
    }

    #[test]
    fn what_moves_leaves_no_trail() {
        for sigma in [0.0, 2.0, 5.0] {
            let (mut noise, mut smoother) = (Noise(2), Smoother::new(0.9).unwrap());
            for left in 10..30 {
                let edges = edges(left, &mut noise);
                let smoothed = smoother.smooth(&frame(left, sigma, &mut noise), edges.clone());
                for y in 22..42 {
                    let near = left - 4..left + 4;
                    assert_eq!(
                        smoothed.row(y)[near.clone()],
                        edges.row(y)[near],
                        "noise of {sigma}, row {y}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_cut_begins_anew() {
        let (mut noise, mut smoother) = (Noise(3), Smoother::new(0.9).unwrap());
        let dark = frame(20, 1.0, &mut noise);
        let grey = vec![220; SIDE * SIDE];
        let bright =
            Image::from_u8(&grey, &PixelLayout::packed(Size::square(SIDE), PixelFormat::Grey)).unwrap();
        smoother.smooth(&dark, edges(20, &mut noise));
        let other = edges(50, &mut noise);
        assert_eq!(smoother.smooth(&bright, other.clone()), other);
        assert_ne!(smoother.smooth(&bright, edges(50, &mut noise)), other, "and goes on from there");
        smoother.reset();
        assert_eq!(smoother.smooth(&bright, other.clone()), other);
    }

    #[test]
    fn no_strength_changes_nothing_and_the_first_frame_is_itself() {
        let mut noise = Noise(4);
        let frame = frame(20, 1.0, &mut noise);
        let mut none = Smoother::new(0.0).unwrap();
        let mut some = Smoother::new(0.7).unwrap();
        for number in 0..3 {
            let edges = edges(20, &mut noise);
            assert_eq!(none.smooth(&frame, edges.clone()), edges);
            assert_eq!(some.smooth(&frame, edges.clone()) == edges, number == 0);
        }
        for wrong in [-0.1, 1.0, f32::NAN, f32::INFINITY] {
            assert!(matches!(Smoother::new(wrong), Err(Error::Smoothing { .. })), "{wrong}");
        }
    }

    #[test]
    fn any_size_works_and_another_size_begins_anew() {
        let mut smoother = Smoother::new(0.7).unwrap();
        for (width, height) in [(1, 1), (1, 1), (3, 9), (3, 9), (130, 2), (1, 1)] {
            let size = Size { height, width };
            let pixels = vec![9; size.pixels()];
            let image = Image::from_u8(&pixels, &PixelLayout::packed(size, PixelFormat::Grey)).unwrap();
            let edges = EdgeMap::new(size, vec![0.25; size.pixels()]);
            assert_eq!(smoother.smooth(&image, edges).size(), size);
        }
    }
}
