//! Figures as SVG: text stays text, nothing is loaded from elsewhere.

use std::fmt::Write as _;

use crate::figures::figure::{Anchor, Figure, Mark, Point, Stroke, Text};

const FONTS: &str = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

/// The figure as an SVG document.
pub fn svg(figure: &Figure) -> String {
    let Figure { width, height, title, marks } = figure;
    let title = escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"{FONTS}\" role=\"img\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for mark in marks {
        svg.push_str(&element(mark));
        svg.push('\n');
    }
    svg.push_str("</svg>\n");
    svg
}

fn element(mark: &Mark) -> String {
    match mark {
        Mark::Line { points, stroke } => {
            format!("<path d=\"{}\" fill=\"none\" {}/>", path(points), stroke_attributes(stroke))
        }
        Mark::Box { from, to, fill, frame } => format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" {}/>",
            short(from.0),
            short(from.1),
            short(to.0 - from.0),
            short(to.1 - from.1),
            fill.hex(),
            stroke_attributes(frame)
        ),
        Mark::Dot { centre, radius, fill } => format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"1.5\"/>",
            short(centre.0),
            short(centre.1),
            fill.hex()
        ),
        Mark::Text(text) => text_element(text),
    }
}

fn text_element(text: &Text) -> String {
    let (x, y) = (short(text.at.0), short(text.at.1));
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let turn = if text.upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let weight = if text.bold { " font-weight=\"600\"" } else { "" };
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" text-anchor=\"{anchor}\" fill=\"{}\"{weight}{turn}>{}</text>",
        text.size,
        text.colour.hex(),
        escaped(&text.text)
    )
}

fn stroke_attributes(stroke: &Stroke) -> String {
    let dash =
        if stroke.dash > 0.0 { format!(" stroke-dasharray=\"{0} {0}\"", stroke.dash) } else { String::new() };
    let (colour, width) = (stroke.colour.hex(), stroke.width);
    format!(
        "stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"{dash}"
    )
}

fn path(points: &[Point]) -> String {
    let mut path = String::new();
    for (k, &(x, y)) in points.iter().enumerate() {
        let step = if k == 0 { 'M' } else { 'L' };
        write!(path, "{step}{} {}", short(x), short(y)).expect("a string takes everything");
    }
    path
}

/// A hundredth of a point is finer than any printer.
fn short(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Text that may stand in an element or an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write these.
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::figure::Colour;

    #[test]
    fn a_figure_is_written_mark_by_mark() {
        let mut figure = Figure::new(20.0, 10.0, "a < b");
        figure
            .line([(0.0, 1.004), (2.5, 3.0)], Stroke { colour: Colour([255, 0, 16]), width: 1.5, dash: 2.0 });
        figure.text(Text { upwards: true, bold: true, ..Text::new((4.0, 5.0), "R & \"P\"\u{1b}") });
        let svg = svg(&figure);
        assert!(svg.contains("viewBox=\"0 0 20 10\"") && svg.contains("<title>a &lt; b</title>"), "{svg}");
        assert!(svg.contains("d=\"M0 1L2.5 3\" fill=\"none\" stroke=\"#ff0010\""), "{svg}");
        assert!(svg.contains("stroke-dasharray=\"2 2\""), "{svg}");
        assert!(svg.contains("rotate(-90 4 5)\">R &amp; &quot;P&quot;\u{fffd}</text>"), "{svg}");
    }
}
