//! Figures as pixels: the same marks as in SVG, drawn with the crate's own letters.

use pidinet::image::{Image, PixelFormat, PixelLayout};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform,
};

use crate::figures::figure::{Anchor, Colour, Figure, Mark, Point, Stroke, Text};
use crate::figures::glyphs;

/// The figure with `scale` pixels to a point.
///
/// # Panics
///
/// If the figure would have no pixel, or more than fit in memory.
pub fn raster(figure: &Figure, scale: f64) -> Image {
    let pixels = |points: f64| (points * scale).round() as u32;
    let (width, height) = (pixels(figure.width), pixels(figure.height));
    let mut canvas = Canvas {
        pixels: Pixmap::new(width, height).expect("a figure has pixels"),
        scale: Transform::from_scale(scale as f32, scale as f32),
    };
    canvas.pixels.fill(Color::WHITE);
    figure.marks.iter().for_each(|mark| canvas.draw(mark));
    let layout = PixelLayout::packed(width as usize, height as usize, PixelFormat::Rgba);
    Image::from_u8(canvas.pixels.data(), &layout).expect("an opaque picture of this size")
}

struct Canvas {
    pixels: Pixmap,
    scale: Transform,
}

impl Canvas {
    fn draw(&mut self, mark: &Mark) {
        match mark {
            Mark::Line { points, stroke } => self.lines(std::slice::from_ref(points), stroke),
            Mark::Box { from, to, fill, frame } => {
                let corners = vec![*from, (to.0, from.1), *to, (from.0, to.1), *from];
                self.fill(path(std::slice::from_ref(&corners)), *fill);
                self.lines(&[corners], frame);
            }
            Mark::Dot { centre, radius, fill } => {
                // The rim is centred on the circle, as in SVG.
                for (radius, colour) in [(radius + 0.75, Colour::WHITE), (radius - 0.75, *fill)] {
                    let circle = PathBuilder::from_circle(centre.0 as f32, centre.1 as f32, radius as f32);
                    self.fill(circle, colour);
                }
            }
            Mark::Text(text) => self.text(text),
        }
    }

    fn text(&mut self, text: &Text) {
        let unit = text.size / glyphs::EM;
        let width = glyphs::width(&text.text) * unit;
        let left = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let (x, y) = text.at;
        let place = |(right, up): Point| {
            let (right, up) = (left + right * unit, up * unit);
            if text.upwards { (x - up, y - right) } else { (x + right, y - up) }
        };
        let strokes: Vec<Vec<Point>> = glyphs::strokes(&text.text)
            .into_iter()
            .map(|line| line.into_iter().map(place).collect())
            .collect();
        let weight = if text.bold { glyphs::BOLD_WEIGHT } else { glyphs::WEIGHT };
        self.lines(&strokes, &Stroke::solid(text.colour, weight * unit));
    }

    fn lines(&mut self, lines: &[Vec<Point>], stroke: &Stroke) {
        let dash = (stroke.dash > 0.0).then(|| vec![stroke.dash as f32; 2]);
        let style = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            dash: dash.and_then(|dash| StrokeDash::new(dash, 0.0)),
            ..tiny_skia::Stroke::default()
        };
        if let Some(path) = path(lines) {
            self.pixels.stroke_path(&path, &paint(stroke.colour), &style, self.scale, None);
        }
    }

    fn fill(&mut self, path: Option<Path>, colour: Colour) {
        if let Some(path) = path {
            self.pixels.fill_path(&path, &paint(colour), FillRule::Winding, self.scale, None);
        }
    }
}

fn paint(Colour([r, g, b]): Colour) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, 255);
    paint
}

/// `None` if there is nothing to draw.
fn path(lines: &[Vec<Point>]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for line in lines {
        for (k, &(x, y)) in line.iter().enumerate() {
            if k == 0 { builder.move_to(x as f32, y as f32) } else { builder.line_to(x as f32, y as f32) }
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_where_they_should_be() {
        let mut figure = Figure::new(40.0, 20.0, "");
        let red = Colour([255, 0, 0]);
        figure.line([(0.0, 10.0), (40.0, 10.0)], Stroke::solid(red, 4.0));
        figure.text(Text { anchor: Anchor::End, ..Text::new((39.0, 5.0), "I") });
        let image = raster(&figure, 2.0);
        assert_eq!((image.width(), image.height()), (80, 40));
        assert_eq!(image.rgb(40, 20), [1.0, 0.0, 0.0]);
        assert_eq!(image.rgb(40, 30), [1.0; 3]);
        assert!(image.rgb(78, 5)[0] < 0.7, "the letter is at the right end");
        assert_eq!(image.rgb(70, 5), [1.0; 3]);
    }
}
