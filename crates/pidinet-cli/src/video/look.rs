//! What a frame of the output shows.

use std::borrow::Cow;

use pidinet::image::{Image, PixelFormat, PixelLayout, Pixels};
use pidinet::{EdgeMap, Size, post};

use crate::finish::Colour;

/// What a frame of the output shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) max_side: Option<usize>,
    pub(super) side_by_side: bool,
    pub(super) overlay: Option<Colour>,
}

/// A frame of the output.
#[derive(Debug)]
pub(super) enum Picture {
    Grey(EdgeMap),
    Coloured(Image),
}

impl Look {
    /// Whether there are colours.
    pub(super) fn is_coloured(&self) -> bool {
        self.side_by_side || self.overlay.is_some()
    }

    /// The image that edges are looked for in.
    pub(super) fn input(&self, image: Image) -> Image {
        match self.max_side {
            Some(side) => image.fitted(side),
            None => image,
        }
    }

    /// The size of the output for an input of some size.
    pub(super) fn size(&self, input: Size) -> Size {
        if self.side_by_side { Size { width: 2 * input.width, ..input } } else { input }
    }

    /// A frame of the output.
    pub(super) fn picture(&self, image: &Image, edges: EdgeMap) -> anyhow::Result<Picture> {
        let painted = self.overlay.map(|colour| post::overlay(image, &edges, colour.0));
        match (painted, self.side_by_side) {
            (None, false) => Ok(Picture::Grey(edges)),
            (Some(painted), false) => Ok(Picture::Coloured(painted)),
            (Some(painted), true) => beside(image, &rgb(&painted), 3),
            (None, true) => beside(image, &edges.to_u8(), 1),
        }
    }
}

/// An image at the left, and pixels of `samples` bytes at the right.
fn beside(left: &Image, right: &[u8], samples: usize) -> anyhow::Result<Picture> {
    let Size { width, height } = left.size();
    let mut pixels = Vec::with_capacity(6 * width * height);
    for (left, right) in rgb(left).chunks_exact(3 * width).zip(right.chunks_exact(samples * width)) {
        pixels.extend_from_slice(left);
        match samples {
            1 => pixels.extend(right.iter().flat_map(|&grey| [grey; 3])),
            _ => pixels.extend_from_slice(right),
        }
    }
    let whole = Size { height, width: 2 * width };
    Ok(Picture::Coloured(Image::from_u8(&pixels, &PixelLayout::packed(whole, PixelFormat::Rgb))?))
}

/// Red, green, blue in 8 bits.
pub(super) fn rgb(image: &Image) -> Cow<'_, [u8]> {
    match image.pixels() {
        Pixels::U8(data) => Cow::Borrowed(data),
        Pixels::U16(data) => data.iter().map(|&sample| ((u32::from(sample) + 128) / 257) as u8).collect(),
        Pixels::F32(data) => data.iter().map(|sample| (sample * 255.0).round() as u8).collect(),
    }
}
