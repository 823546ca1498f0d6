//! What a network is fed, row by row.

use crate::Size;
use crate::image::{Image, Preset};

/// Where the rows of the network's input come from.
pub trait Input: Sync {
    /// Writes row `y` of the three channels, each as wide as the image.
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]);
}

/// The smallest side that the network takes: three times halved, it is one pixel.
const SMALLEST_SIDE: usize = 8;

/// An image as the network's input, extended by zeros at its right and bottom.
pub(crate) struct Padded<'a> {
    pub(crate) image: &'a Image,
    pub(crate) preset: Preset,
}

impl Padded<'_> {
    /// Its size.
    pub(crate) fn size(&self) -> Size {
        self.image.size().map(|side| side.max(SMALLEST_SIDE))
    }
}

impl Input for Padded<'_> {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        let width = self.image.width();
        let inside = channels.map(|channel| {
            let (inside, outside) = channel.split_at_mut(width);
            outside.fill(0.0);
            inside
        });
        if y < self.image.height() {
            self.image.fill_row(y, self.preset, inside);
        } else {
            inside.into_iter().for_each(|row| row.fill(0.0));
        }
    }
}
