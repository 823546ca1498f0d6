//! Scalable Vector Graphics (SVG 1.1), with the layers of Inkscape.

use std::fmt::Write;

use super::{Drawing, Page, Stroke, StrokeWidth, Unit};

/// A drawing as an SVG document: the page has its physical size, coordinates are pixels of the image.
pub fn svg(drawing: &Drawing, page: &Page) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = document(&mut text, drawing, page);
    text
}

fn document(text: &mut String, drawing: &Drawing, page: &Page) -> std::fmt::Result {
    let Drawing { width, height, layers } = drawing;
    let side = |pixels: usize| number(pixels as f64 * page.pixel, 4);
    let unit = if page.unit == Unit::Pixel { "" } else { &page.unit.to_string() };
    writeln!(text, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        text,
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" width="{}{unit}" height="{}{unit}" viewBox="0 0 {width} {height}">"#,
        side(*width),
        side(*height),
    )?;
    for (index, layer) in layers.iter().enumerate() {
        write!(
            text,
            r#"<g id="layer{}" inkscape:groupmode="layer" inkscape:label="{}" fill="none" stroke="black" stroke-linecap="round" stroke-linejoin="round""#,
            index + 1,
            layer.name,
        )?;
        if let StrokeWidth::Fixed(width) = page.stroke {
            write!(text, r#" stroke-width="{}""#, number(f64::from(width), 3))?;
        }
        writeln!(text, ">")?;
        for stroke in &layer.strokes {
            write!(text, r#"<path d=""#)?;
            Pen::new(text, page.precision).stroke(stroke)?;
            match page.stroke {
                StrokeWidth::Fixed(_) => writeln!(text, r#""/>"#)?,
                width => {
                    let width = number(f64::from(width.of(stroke.strength())), 3);
                    writeln!(text, r#"" stroke-width="{width}"/>"#)?;
                }
            }
        }
        writeln!(text, "</g>")?;
    }
    writeln!(text, "</svg>")
}

/// Writes the data of a path: steps between rounded positions, so that errors do not add up.
struct Pen<'a> {
    text: &'a mut String,
    precision: usize,
    /// Units of the last digit in a pixel.
    scale: f64,
    /// Where it is, in units of the last digit.
    at: [i64; 2],
}

impl<'a> Pen<'a> {
    fn new(text: &'a mut String, precision: usize) -> Self {
        Self { text, precision, scale: 10f64.powi(precision as i32), at: [0, 0] }
    }

    fn stroke(mut self, stroke: &Stroke) -> std::fmt::Result {
        match stroke {
            Stroke::Polyline(line) => {
                let Some((&first, rest)) = line.points.split_first() else { return Ok(()) };
                self.start(first)?;
                for (index, &point) in rest.iter().enumerate() {
                    self.text.push(if index == 0 { 'l' } else { ' ' });
                    self.at = self.step(point)?;
                }
            }
            Stroke::Curve(curve) => {
                self.start(curve.start)?;
                for (index, &[first, second, end]) in curve.cubics.iter().enumerate() {
                    self.text.push(if index == 0 { 'c' } else { ' ' });
                    self.step(first)?;
                    self.text.push(' ');
                    self.step(second)?;
                    self.text.push(' ');
                    self.at = self.step(end)?;
                }
            }
        }
        if stroke.closed() {
            self.text.push('z');
        }
        Ok(())
    }

    fn start(&mut self, point: [f32; 2]) -> std::fmt::Result {
        self.text.push('M');
        self.at = self.step(point)?;
        Ok(())
    }

    /// The step to a position, which is returned in units of the last digit.
    fn step(&mut self, point: [f32; 2]) -> Result<[i64; 2], std::fmt::Error> {
        let place = point.map(|at| (f64::from(at) * self.scale).round() as i64);
        let step =
            [0, 1].map(|axis| number((place[axis] - self.at[axis]) as f64 / self.scale, self.precision));
        write!(self.text, "{},{}", step[0], step[1])?;
        Ok(place)
    }
}

/// A number with at most so many digits after the point, and no zeros at its end.
pub(super) fn number(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
