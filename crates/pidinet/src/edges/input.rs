//! What a network is fed, row by row.

use std::ops::Range;

use crate::Size;
use crate::image::{Image, Preset};

/// Where the rows of the network's input come from.
pub trait Input: Sync {
    /// Writes row `y` of the three channels, each as wide as the image.
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]);

    /// Writes some `columns` of row `y` to the three channels, each as long as that range; the image is
    /// `width` wide.
    fn fill_columns(&self, y: usize, width: usize, columns: Range<usize>, channels: [&mut [f32]; 3]) {
        let mut rows = [(); 3].map(|()| vec![0.0; width]);
        self.fill_row(y, rows.each_mut().map(|row| &mut row[..]));
        channels.into_iter().zip(&rows).for_each(|(dst, row)| dst.copy_from_slice(&row[columns.clone()]));
    }
}

/// The smallest side that the network takes: halved three times, it is one pixel.
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
        let width = self.size().width;
        self.fill_columns(y, width, 0..width, channels);
    }

    fn fill_columns(&self, y: usize, _: usize, columns: Range<usize>, channels: [&mut [f32]; 3]) {
        let columns = columns.start..columns.end.min(self.image.width());
        let inside = channels.map(|channel| {
            let (inside, outside) = channel.split_at_mut(columns.len());
            outside.fill(0.0);
            inside
        });
        if y < self.image.height() {
            self.image.fill_columns(y, columns, self.preset, inside);
        } else {
            inside.into_iter().for_each(|row| row.fill(0.0));
        }
    }
}
