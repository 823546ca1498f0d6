//! One sample of a pixel, in the depths that images come in.

/// A depth: 8 bits, 16 bits, or float.
pub(crate) trait Sample: Copy {
    /// Black 0, white 1.
    fn unit(self) -> f32;

    /// The nearest sample to a value where black is 0 and white 1.
    fn from_unit(value: f32) -> Self;

    /// This colour, with opacity `alpha`, on white: `alpha * self + (1 - alpha) * white`.
    fn over_white(self, alpha: Self) -> Self;
}

impl Sample for u8 {
    fn unit(self) -> f32 {
        f32::from(self) / 255.0
    }

    fn from_unit(value: f32) -> Self {
        (value * 255.0).round() as u8 // saturates
    }

    fn over_white(self, alpha: Self) -> Self {
        let (colour, alpha) = (u32::from(self), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    }
}

impl Sample for u16 {
    fn unit(self) -> f32 {
        f32::from(self) / 65535.0
    }

    fn from_unit(value: f32) -> Self {
        (value * 65535.0).round() as u16 // saturates
    }

    fn over_white(self, alpha: Self) -> Self {
        let (colour, alpha) = (u64::from(self), u64::from(alpha));
        ((colour * alpha + 65535 * (65535 - alpha) + 32767) / 65535) as u16
    }
}

impl Sample for f32 {
    fn unit(self) -> f32 {
        self
    }

    fn from_unit(value: f32) -> Self {
        value
    }

    fn over_white(self, alpha: Self) -> Self {
        self * alpha + (1.0 - alpha)
    }
}

/// Turns pixels of `channels` samples (1 grey, 2 grey and alpha, 3 RGB, 4 RGBA) into RGB, in place.
///
/// `data` has room for RGB: `max(channels, 3)` samples a pixel. The first `channels` times as many
/// samples as there are pixels are filled, without gaps.
#[cfg(feature = "images")]
pub(super) fn to_rgb<S: Sample>(data: &mut Vec<S>, channels: usize) {
    let pixels = data.len() / channels.max(3);
    match channels {
        // Pixels grow, so work from the last to the first: nothing is overwritten before it is read.
        1 => {
            for pixel in (0..pixels).rev() {
                let grey = data[pixel];
                data[3 * pixel..][..3].fill(grey);
            }
        }
        2 => {
            for pixel in (0..pixels).rev() {
                let grey = data[2 * pixel].over_white(data[2 * pixel + 1]);
                data[3 * pixel..][..3].fill(grey);
            }
        }
        3 => {}
        4 => {
            for pixel in 0..pixels {
                let alpha = data[4 * pixel + 3];
                for colour in 0..3 {
                    data[3 * pixel + colour] = data[4 * pixel + colour].over_white(alpha);
                }
            }
            data.truncate(3 * pixels);
            data.shrink_to_fit();
        }
        _ => unreachable!("a pixel of {channels} channels"),
    }
}

#[cfg(all(test, feature = "images"))]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_rgb_in_place() {
        let rgb = |mut data: Vec<u8>, channels| {
            to_rgb(&mut data, channels);
            data
        };
        assert_eq!(rgb(vec![1, 2, 3, 0, 0, 0, 0, 0, 0], 1), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
        assert_eq!(rgb(vec![1, 255, 2, 0, 3, 255, 0, 0, 0], 2), [1, 1, 1, 255, 255, 255, 3, 3, 3]);
        assert_eq!(rgb(vec![1, 2, 3, 4, 5, 6], 3), [1, 2, 3, 4, 5, 6]);
        assert_eq!(rgb(vec![1, 2, 3, 255, 4, 5, 6, 0], 4), [1, 2, 3, 255, 255, 255]);
    }

    #[test]
    fn half_transparent_black_on_white_is_grey() {
        assert_eq!(0u8.over_white(128), 127);
        assert_eq!(0u16.over_white(32768), 32767);
        assert_eq!(0f32.over_white(0.5), 0.5);
    }

    #[test]
    fn compositing_is_exact_for_every_8_bit_pair() {
        for colour in 0..=255u8 {
            for alpha in 0..=255u8 {
                let (c, a) = (f64::from(colour), f64::from(alpha) / 255.0);
                let want = (c * a + 255.0 * (1.0 - a) + 1e-9).round() as u8; // halves do not occur
                assert_eq!(colour.over_white(alpha), want, "{colour} with {alpha}");
            }
        }
    }
}
