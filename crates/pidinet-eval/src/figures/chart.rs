//! Line charts, such as a loss over steps, with axes that fit the data.

use super::figure::{Anchor, Colour, Figure, Point, Stroke, Text};

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// What it shows, for the legend.
    pub name: &'a str,
    /// Its colour.
    pub colour: Colour,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 40.0;

/// Grid lines between the lowest and the highest value, both included.
const TICKS: u32 = 4;

/// Space for the name of a line.
const NAME: f64 = 96.0;

/// A chart of some lines; `None` if none of them has a point.
pub fn chart(title: &str, across: &str, lines: &[Line<'_>]) -> Option<Figure> {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let x = Axis::of(points().map(|(x, _)| x), (LEFT, WIDTH - RIGHT))?;
    let y = Axis::of(points().map(|(_, y)| y), (HEIGHT - BOTTOM, TOP))?;
    let at = |(a, b): Point| (x.at(a), y.at(b));

    let mut figure = Figure::new(WIDTH, HEIGHT, title);
    figure.text(Text { size: 16.0, ..Text::new((LEFT, 20.0), title) });
    for tick in 0..=TICKS {
        let value = y.low + f64::from(tick) / f64::from(TICKS) * (y.high - y.low);
        let height = y.at(value);
        figure.line([(LEFT, height), (WIDTH - RIGHT, height)], Stroke::solid(Colour::FAINT, 1.0));
        let label = Text::new((LEFT - 8.0, height + 4.5), number(value));
        figure.text(Text { anchor: Anchor::End, ..label });
    }
    let under = HEIGHT - 14.0;
    figure.text(Text { anchor: Anchor::Middle, ..Text::new((x.at(x.low), under), number(x.low)) });
    figure.text(Text { anchor: Anchor::End, ..Text::new((WIDTH - RIGHT, under), number(x.high)) });
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    figure.text(Text { anchor: Anchor::Middle, ..Text::new((middle, under), across) });

    let shown = lines.iter().filter(|line| !line.points.is_empty());
    let count = shown.clone().count();
    for (place, Line { name, colour, points }) in shown.enumerate() {
        // Round line ends make a single point visible.
        let ends = points.first().filter(|_| points.len() == 1);
        figure.line(points.iter().chain(ends).map(|&point| at(point)), Stroke::solid(*colour, 2.2));
        let right = WIDTH - RIGHT - NAME * (count - 1 - place) as f64;
        figure.text(Text { anchor: Anchor::End, colour: *colour, ..Text::new((right, 20.0), *name) });
    }
    Some(figure)
}

/// From numbers to positions.
struct Axis {
    low: f64,
    high: f64,
    ends: (f64, f64),
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, ends: (f64, f64)) -> Option<Self> {
        let wider = |range: Option<(f64, f64)>, value: f64| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        };
        let (low, high) = values.fold(None, wider)?;
        Some(Self { low, high, ends })
    }

    fn at(&self, value: f64) -> f64 {
        let share = if self.high > self.low { (value - self.low) / (self.high - self.low) } else { 0.5 };
        self.ends.0 + share * (self.ends.1 - self.ends.0)
    }
}

/// A number with about four digits.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1e-2 => format!("{value:.1e}"),
        size if size < 10.0 && value.fract() != 0.0 => format!("{value:.3}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Colour = Colour([255, 0, 0]);

    fn line(points: &[(f64, f64)]) -> Line<'static> {
        Line { name: "training", colour: RED, points: points.to_vec() }
    }

    #[cfg(feature = "raster")]
    #[test]
    fn lines_go_from_corner_to_corner() {
        let figure = chart("Loss", "step", &[line(&[(10.0, 0.001), (20.0, 4.0)])]).unwrap();
        let image = figure.image(1.0).unwrap();
        let red = |x: f64, y: f64| {
            let [r, g, b] = image.rgb(x as usize, y as usize);
            r > 0.9 && g < 0.3 && b < 0.3
        };
        assert!(red(LEFT, HEIGHT - BOTTOM - 1.0) && red(WIDTH - RIGHT - 1.0, TOP));
        assert!(red((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0));
        let svg = figure.svg();
        for text in ["Loss", "step", "training", ">10<", ">20<", "1.0e-3", ">4<"] {
            assert!(svg.contains(text), "no {text} in {svg}");
        }
    }

    #[test]
    fn little_to_show_is_no_trouble() {
        assert_eq!(chart("Loss", "step", &[]), None);
        assert_eq!(chart("Loss", "step", &[line(&[])]), None);
        for points in [&[(3.0, 5.0)][..], &[(1.0, 2.0), (2.0, 2.0)]] {
            let svg = chart("Loss", "step", &[line(points), line(&[])]).unwrap().svg();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
