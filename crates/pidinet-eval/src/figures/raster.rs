//! Figures as pixels: resvg draws the SVG, with the font in `fonts/`.

use std::sync::{Arc, LazyLock};

use pidinet::Size;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::fontdb::Source;
use resvg::usvg::{Options, Tree};

use super::figure::Figure;
use crate::{Error, Result};

static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    const FONT: &[u8] = include_bytes!("../../fonts/Inter-Regular.ttf");
    let mut options = Options::default();
    options.fontdb_mut().load_font_source(Source::Binary(Arc::new(FONT)));
    options
});

impl Figure {
    /// The figure with `scale` pixels to a point.
    ///
    /// # Errors
    ///
    /// [`Error::Figure`] if it has more than a million marks, or more pixels than fit in memory.
    pub fn image(&self, scale: f64) -> Result<Image> {
        drawn(&self.svg(), scale)
    }
}

/// An SVG document on white, with `scale` pixels to a point.
///
/// # Errors
///
/// [`Error::Figure`] if it is not an SVG document, has more than a million marks, or more pixels than fit in
/// memory.
pub fn drawn(svg: &str, scale: f64) -> Result<Image> {
    let tree = tree(svg)?;
    let pixels = |points: f32| (f64::from(points) * scale).round() as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut canvas = Pixmap::new(width, height)
        .ok_or_else(|| Error::Figure(format!("{width}x{height} pixels do not fit in memory").into()))?;
    canvas.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale as f32, scale as f32), &mut canvas.as_mut());
    let layout =
        PixelLayout::packed(Size { height: height as usize, width: width as usize }, PixelFormat::Rgba);
    Ok(Image::from_u8(canvas.data(), &layout)?)
}

fn tree(svg: &str) -> Result<Tree> {
    Tree::from_str(svg, &OPTIONS).map_err(|source| Error::Figure(source.into()))
}

/// Width of a line of text in points, in the font that [`Figure::image`] draws with.
#[cfg(test)]
pub(super) fn width(text: &str) -> f64 {
    use super::figure::Text;
    use resvg::usvg::Node;

    let mut figure = Figure::new(1.0, 1.0, "");
    figure.text(Text::new((0.0, 0.0), text));
    let tree = tree(&figure.svg()).ok();
    let last = tree.as_ref().and_then(|tree| tree.root().children().last());
    let Some(Node::Text(text)) = last else { return 0.0 };
    f64::from(text.bounding_box().width())
}

#[cfg(test)]
mod tests {
    use super::super::figure::{Anchor, Colour, Stroke, Text};
    use super::*;

    #[test]
    fn marks_are_where_they_should_be() {
        let mut figure = Figure::new(40.0, 20.0, "");
        let red = Colour([255, 0, 0]);
        figure.line([(0.0, 10.0), (40.0, 10.0)], Stroke::solid(red, 4.0));
        figure.text(Text { anchor: Anchor::End, ..Text::new((39.0, 9.0), "I") });
        let image = figure.image(2.0).unwrap();
        assert_eq!((image.width(), image.height()), (80, 40));
        assert_eq!(image.rgb(40, 20), [1.0, 0.0, 0.0]);
        assert_eq!(image.rgb(40, 30), [1.0; 3]);
        let darkest =
            |columns: std::ops::Range<usize>| columns.map(|x| image.rgb(x, 9)[0]).fold(1.0, f32::min);
        assert!(darkest(70..78) < 0.4, "the letter is at the right end");
        assert_eq!(darkest(40..68), 1.0);
    }

    #[test]
    fn the_font_has_the_letters_of_european_names() {
        let digits = width("0123456789");
        assert!((60.0..130.0).contains(&digits), "{digits}");
        assert_eq!(width(""), 0.0);
        for text in ["ÄÖÜß", "Łódź", "čšž", "Ελλάδα", "Москва", "[F=.803] a–b — ×±≤≥°"]
        {
            assert!(width(text) > 20.0, "{text}");
        }
    }

    #[test]
    fn any_text_can_be_drawn() {
        let odd = "\0\t\n\u{1b}\u{85}\u{fdd0}\u{fffe}\u{ffff}\u{202e}中文 🦀 a\u{301}&amp;]]><!--";
        let mut figure = Figure::new(100.0, 20.0, odd);
        figure.text(Text::new((5.0, 15.0), odd));
        assert!(figure.image(1.0).is_ok());
    }
}
