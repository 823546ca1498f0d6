//! A figure: an SVG document built mark by mark. Later marks cover earlier ones; text stays text, and nothing
//! is loaded from elsewhere. Positions are in points from the top left corner.

use std::fmt::Write as _;

/// [`Figure::image`] draws with the first font, which comes with the crate.
const FONTS: &str = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

/// Size of text where nothing else is said, in points.
pub(crate) const SIZE: f64 = 13.0;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// Black enough for text.
    pub const INK: Self = Self([0x1f, 0x23, 0x28]);
    /// For less important text.
    pub const GREY: Self = Self([0x6b, 0x72, 0x78]);
    /// For grids.
    pub const FAINT: Self = Self([0xe4, 0xe6, 0xe8]);
    /// The paper.
    pub const WHITE: Self = Self([0xff, 0xff, 0xff]);

    /// `#rrggbb`.
    pub(crate) fn hex(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// Columns to the right and rows downwards, in points.
pub(crate) type Point = (f64, f64);

/// Which end of a line of text is at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    /// Length of dashes and of gaps; 0 for a solid line.
    pub(crate) dash: f64,
}

impl Stroke {
    pub(crate) fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: 0.0 }
    }

    fn attributes(&self) -> String {
        let Self { colour, width, dash } = self;
        let dash = if *dash > 0.0 { format!(" stroke-dasharray=\"{dash} {dash}\"") } else { String::new() };
        format!(
            "stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"{dash}",
            colour.hex()
        )
    }
}

/// A line of text; its position is on the base line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) at: Point,
    pub(crate) text: String,
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    pub(crate) colour: Colour,
    /// Whether it reads upwards.
    pub(crate) upwards: bool,
}

impl Text {
    /// Upright text of the usual size and colour that begins at `at`.
    pub(crate) fn new(at: Point, text: impl Into<String>) -> Self {
        let (anchor, colour) = (Anchor::Start, Colour::INK);
        Self { at, text: text.into(), size: SIZE, anchor, colour, upwards: false }
    }
}

/// A drawing with a size in points.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// What it shows, for readers who cannot see it.
    title: String,
    /// One element a line.
    marks: String,
}

impl Figure {
    pub(crate) fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self { width, height, title: title.into(), marks: String::new() }
    }

    /// The SVG document.
    pub fn svg(&self) -> String {
        self.document(&format!(" width=\"{}\" height=\"{}\"", self.width, self.height))
    }

    /// The figure as an element of a page, which gives it its size.
    pub(crate) fn inline(&self) -> String {
        self.document("")
    }

    fn document(&self, size: &str) -> String {
        let Self { width, height, title, marks } = self;
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\"{size} \
             font-family=\"{FONTS}\" role=\"img\">\n<title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{marks}</svg>\n"
        )
    }

    /// A line through points.
    pub(crate) fn line(&mut self, points: impl IntoIterator<Item = Point>, stroke: Stroke) {
        let mut path = String::new();
        for (x, y) in points {
            let step = if path.is_empty() { 'M' } else { 'L' };
            path += &format!("{step}{} {}", short(x), short(y));
        }
        self.mark(format_args!("<path d=\"{path}\" fill=\"none\" {}/>", stroke.attributes()));
    }

    /// A rectangle between two corners, filled and framed.
    pub(crate) fn rectangle(&mut self, from: Point, to: Point, fill: Colour, frame: Stroke) {
        let [x, y, width, height] = [from.0, from.1, to.0 - from.0, to.1 - from.1].map(short);
        let (fill, frame) = (fill.hex(), frame.attributes());
        self.mark(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\" {frame}/>"
        ));
    }

    /// A filled circle with a white rim, which lifts it off the lines it is on.
    pub(crate) fn dot(&mut self, centre: Point, radius: f64, fill: Colour) {
        let (x, y, fill) = (short(centre.0), short(centre.1), fill.hex());
        self.mark(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\" stroke=\"#ffffff\" stroke-width=\"1.5\"/>"
        ));
    }

    /// A line of text.
    pub(crate) fn text(&mut self, text: Text) {
        let Text { at, text, size, anchor, colour, upwards } = text;
        let (x, y, fill) = (short(at.0), short(at.1), colour.hex());
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let turn = if upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
        self.mark(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\"{turn}>{}</text>",
            escaped(&text)
        ));
    }

    fn mark(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.marks, "{element}").expect("a string takes everything");
    }
}

/// A hundredth of a point is finer than any printer can show.
fn short(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Text escaped for use in an element.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write these.
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_written_mark_by_mark() {
        let mut figure = Figure::new(20.0, 10.0, "a < b");
        figure
            .line([(0.0, 1.004), (2.5, 3.0)], Stroke { colour: Colour([255, 0, 16]), width: 1.5, dash: 2.0 });
        figure.text(Text { upwards: true, ..Text::new((4.0, 5.0), "R & \"P\"\u{1b}") });
        let svg = figure.svg();
        assert!(svg.contains("viewBox=\"0 0 20 10\" width=\"20\" height=\"10\" font-family"), "{svg}");
        assert!(svg.contains("<title>a &lt; b</title>"), "{svg}");
        assert!(svg.contains("d=\"M0 1L2.5 3\" fill=\"none\" stroke=\"#ff0010\""), "{svg}");
        assert!(svg.contains("stroke-dasharray=\"2 2\""), "{svg}");
        assert!(svg.contains("rotate(-90 4 5)\">R &amp; &quot;P&quot;\u{fffd}</text>"), "{svg}");
        assert!(figure.inline().contains("viewBox=\"0 0 20 10\" font-family"));
    }
}
