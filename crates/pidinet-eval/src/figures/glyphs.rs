//! Letters as strokes, for figures in pixels: a plain face with one line weight, drawn for this crate.
//!
//! Units: capitals are 14 high, small letters 10, an em is 20; y grows upwards from the base line.
//! A glyph is a little program: `m x y` begins a line, `l x y` continues it, `a x y rx ry from to`
//! follows an ellipse between two angles in degrees (counter-clockwise if they grow), and
//! `o x y rx ry` is a whole ellipse.

use crate::figures::figure::Point;

/// Units of an em.
pub(crate) const EM: f64 = 20.0;
/// Width of the strokes.
pub(crate) const WEIGHT: f64 = 1.55;
/// Width of the strokes of bold text.
pub(crate) const BOLD_WEIGHT: f64 = 2.3;

const GAP: f64 = 3.1;
const SPACE: f64 = 5.5;

/// Width of a line of text in units.
pub(crate) fn width(text: &str) -> f64 {
    let advances: f64 = text.chars().map(advance).sum();
    (advances - GAP).max(0.0)
}

/// The strokes of a line of text that begins at the origin.
pub(crate) fn strokes(text: &str) -> Vec<Vec<Point>> {
    let mut left = 0.0;
    let mut strokes = Vec::new();
    for c in text.chars() {
        let (_, program) = glyph(c);
        strokes.extend(lines(program).into_iter().map(|line| shifted(line, left)));
        left += advance(c);
    }
    strokes
}

fn advance(c: char) -> f64 {
    if c == ' ' { SPACE } else { glyph(c).0 + GAP }
}

fn shifted(mut line: Vec<Point>, left: f64) -> Vec<Point> {
    line.iter_mut().for_each(|point| point.0 += left);
    line
}

/// Runs the program of a glyph.
fn lines(program: &str) -> Vec<Vec<Point>> {
    let mut lines: Vec<Vec<Point>> = Vec::new();
    let mut words = program.split_ascii_whitespace();
    while let Some(command) = words.next() {
        let mut number = || -> f64 {
            let word = words.next().expect("glyphs are complete, see the test");
            word.parse().expect("glyphs hold numbers, see the test")
        };
        match command {
            "m" => lines.push(vec![(number(), number())]),
            "l" => {
                let point = (number(), number());
                lines.last_mut().expect("a line begins with `m`").push(point);
            }
            "a" => {
                let arc = ellipse((number(), number()), (number(), number()), (number(), number()));
                match lines.last_mut() {
                    Some(line) => line.extend(arc),
                    None => lines.push(arc),
                }
            }
            _ => lines.push(ellipse((number(), number()), (number(), number()), (0.0, 360.0))),
        }
    }
    lines
}

/// Points on an ellipse, close enough for letters ten times the usual size.
fn ellipse(centre: Point, radii: Point, (from, to): (f64, f64)) -> Vec<Point> {
    let steps = ((to - from).abs() / 7.5).ceil();
    (0..=steps as usize)
        .map(|k| {
            let angle = (from + (to - from) * k as f64 / steps).to_radians();
            (centre.0 + radii.0 * angle.cos(), centre.1 + radii.1 * angle.sin())
        })
        .collect()
}

/// Width and program of a letter; a box for those there is no glyph for.
#[rustfmt::skip]
fn glyph(c: char) -> (f64, &'static str) {
    match c {
        ' ' => (0.0, ""),
        '0' => (8.4, "o 4.2 7 4.2 7"),
        '1' => (8.4, "m 1.6 11.4 l 5.2 14 l 5.2 0"),
        '2' => (8.4, "a 4.2 10 3.9 4 165 -35 l 0.2 0 l 8.2 0"),
        '3' => (8.4, "a 4.1 10.6 3.6 3.4 155 -90 a 4.1 3.6 4.1 3.6 90 -155"),
        '4' => (8.4, "m 6.4 0 l 6.4 14 l 0 3.9 l 8.6 3.9"),
        '5' => (8.4, "m 7.6 14 l 1.4 14 l 0.8 7.3 a 4 4.5 4.2 4.5 132 -150"),
        '6' => (8.4, "o 4.2 4.5 4.2 4.5 m 6.5 14 a 8 4.5 8 9.5 106 180"),
        '7' => (8.4, "m 0 14 l 8.2 14 l 2.8 0"),
        '8' => (8.4, "o 4.2 10.6 3.6 3.4 o 4.2 3.6 4.2 3.6"),
        '9' => (8.4, "o 4.2 9.5 4.2 4.5 m 1.9 0 a 0.4 9.5 8 9.5 -74 0"),
        'A' => (10.4, "m 0 0 l 5.2 14 l 10.4 0 m 1.9 4.8 l 8.5 4.8"),
        'B' => (8.8, "m 5 7.4 l 0 7.4 m 0 0 l 0 14 l 4.6 14 a 4.6 10.7 3.3 3.3 90 -90 m 4.6 7.4 a 5 3.7 3.8 3.7 90 -90 l 0 0"),
        'C' => (10.6, "a 6.2 7 6.2 7 45 315"),
        'D' => (10.2, "m 0 0 l 0 14 l 3.6 14 a 3.6 7 6.6 7 90 -90 l 0 0"),
        'E' => (7.6, "m 7.6 14 l 0 14 l 0 0 l 7.6 0 m 0 7.3 l 6.6 7.3"),
        'F' => (7.4, "m 7.4 14 l 0 14 l 0 0 m 0 7.2 l 6.4 7.2"),
        'G' => (11.6, "a 6.2 7 6.2 7 47 335 l 11.8 6.6 l 7.2 6.6"),
        'H' => (9.6, "m 0 0 l 0 14 m 9.6 0 l 9.6 14 m 0 7.2 l 9.6 7.2"),
        'I' => (0.0, "m 0 0 l 0 14"),
        'J' => (6.0, "m 6 14 l 6 3.8 a 3 3.8 3 3.8 0 -165"),
        'K' => (8.8, "m 0 0 l 0 14 m 8.4 14 l 0 5 m 3 8.2 l 8.8 0"),
        'L' => (7.2, "m 0 14 l 0 0 l 7.2 0"),
        'M' => (12.0, "m 0 0 l 0 14 l 6 3.6 l 12 14 l 12 0"),
        'N' => (9.8, "m 0 0 l 0 14 l 9.8 0 l 9.8 14"),
        'O' => (12.6, "o 6.3 7 6.3 7"),
        'P' => (8.4, "m 0 0 l 0 14 l 4.5 14 a 4.5 10.1 3.9 3.9 90 -90 l 0 6.2"),
        'Q' => (12.6, "o 6.3 7 6.3 7 m 8 3.8 l 12.2 -0.8"),
        'R' => (8.8, "m 0 0 l 0 14 l 4.5 14 a 4.5 10.1 3.9 3.9 90 -90 l 0 6.2 m 4.8 6.2 l 8.8 0"),
        'S' => (8.6, "a 4.3 10.5 3.9 3.5 35 270 a 4.3 3.5 4.3 3.5 90 -148"),
        'T' => (9.6, "m 0 14 l 9.6 14 m 4.8 14 l 4.8 0"),
        'U' => (9.6, "m 0 14 l 0 4.8 a 4.8 4.8 4.8 4.8 180 360 l 9.6 14"),
        'V' => (10.4, "m 0 14 l 5.2 0 l 10.4 14"),
        'W' => (15.6, "m 0 14 l 3.8 0 l 7.8 13.4 l 11.8 0 l 15.6 14"),
        'X' => (9.4, "m 0 0 l 9.4 14 m 0 14 l 9.4 0"),
        'Y' => (10.0, "m 0 14 l 5 6.4 l 10 14 m 5 6.4 l 5 0"),
        'Z' => (9.0, "m 0.2 14 l 9 14 l 0 0 l 9 0"),
        'a' => (8.0, "o 4 5 4 5 m 8 10 l 8 0"),
        'b' => (8.0, "m 0 14.6 l 0 0 o 4 5 4 5"),
        'c' => (7.2, "a 4.2 5 4.2 5 46 314"),
        'd' => (8.0, "o 4 5 4 5 m 8 14.6 l 8 0"),
        'e' => (8.2, "m 0.1 5.1 l 8.2 5.1 a 4.1 5 4.1 5 2 318"),
        'f' => (4.8, "m 1.8 0 l 1.8 11.4 a 4.8 11.4 3 3.2 180 85 m 0 10 l 4.6 10"),
        'g' => (8.0, "o 4 5 4 5 m 8 10 l 8 -0.2 a 4 -0.2 4 4 0 -145"),
        'h' => (7.4, "m 0 14.6 l 0 0 m 0 6 a 3.7 6 3.7 4 180 0 l 7.4 0"),
        'i' => (0.0, "m 0 10 l 0 0 m 0 13.8 l 0 14"),
        'j' => (2.0, "m 2 10 l 2 -1.4 a -0.2 -1.4 2.2 2.8 0 -80 m 2 13.8 l 2 14"),
        'k' => (7.2, "m 0 14.6 l 0 0 m 6.8 10 l 0 3.6 m 2.6 6.1 l 7.2 0"),
        'l' => (0.0, "m 0 14.6 l 0 0"),
        'm' => (12.4, "m 0 10 l 0 0 m 0 6.4 a 3.1 6.4 3.1 3.6 180 0 l 6.2 0 m 6.2 6.4 a 9.3 6.4 3.1 3.6 180 0 l 12.4 0"),
        'n' => (7.4, "m 0 10 l 0 0 m 0 6 a 3.7 6 3.7 4 180 0 l 7.4 0"),
        'o' => (8.6, "o 4.3 5 4.3 5"),
        'p' => (8.0, "m 0 10 l 0 -4.2 o 4 5 4 5"),
        'q' => (8.0, "o 4 5 4 5 m 8 10 l 8 -4.2"),
        'r' => (4.4, "m 0 10 l 0 0 m 0 5.8 a 4 5.8 4 4.2 180 82"),
        's' => (6.8, "a 3.4 7.5 3.1 2.5 35 270 a 3.4 2.5 3.4 2.5 90 -148"),
        't' => (4.8, "m 1.8 13.4 l 1.8 2.9 a 4.6 2.9 2.8 2.9 180 278 m 0 10 l 4.6 10"),
        'u' => (7.4, "m 0 10 l 0 4 a 3.7 4 3.7 4 180 360 m 7.4 10 l 7.4 0"),
        'v' => (8.0, "m 0 10 l 4 0 l 8 10"),
        'w' => (12.4, "m 0 10 l 3 0 l 6.2 9.6 l 9.4 0 l 12.4 10"),
        'x' => (7.4, "m 0 0 l 7.2 10 m 0.2 10 l 7.4 0"),
        'y' => (8.0, "m 0 10 l 4 0 m 8 10 l 2.3 -4.2"),
        'z' => (6.8, "m 0.2 10 l 6.8 10 l 0 0 l 6.8 0"),
        '.' => (0.8, "m 0.4 0 l 0.4 0.2"),
        ',' => (0.6, "m 0.6 0.3 l 0 -2.6"),
        ':' => (0.0, "m 0 0 l 0 0.2 m 0 8.6 l 0 8.8"),
        ';' => (0.6, "m 0.6 0.3 l 0 -2.6 m 0.6 8.6 l 0.6 8.8"),
        '!' => (0.0, "m 0 14 l 0 4.4 m 0 0 l 0 0.2"),
        '?' => (6.6, "a 3.3 10.6 3.3 3.4 170 -60 l 3.3 4.6 m 3.3 0 l 3.3 0.2"),
        '\'' => (0.0, "m 0 14.4 l 0 11"),
        '"' => (2.8, "m 0 14.4 l 0 11 m 2.8 14.4 l 2.8 11"),
        '-' | '\u{2010}' | '\u{2011}' => (4.6, "m 0 5 l 4.6 5"),
        '–' | '—' | '−' => (8.0, "m 0 5 l 8 5"),
        '_' => (8.4, "m 0 -2.4 l 8.4 -2.4"),
        '+' => (8.4, "m 0 6 l 8.4 6 m 4.2 1.8 l 4.2 10.2"),
        '=' => (8.4, "m 0 8 l 8.4 8 m 0 4 l 8.4 4"),
        '<' => (7.6, "m 7.6 10.4 l 0 6 l 7.6 1.6"),
        '>' => (7.6, "m 0 10.4 l 7.6 6 l 0 1.6"),
        '/' => (6.0, "m 0 -2 l 6 15"),
        '\\' => (6.0, "m 0 15 l 6 -2"),
        '|' => (0.0, "m 0 15.4 l 0 -3"),
        '(' => (3.2, "a 8 6.2 8 11 127 233"),
        ')' => (3.2, "a -4.8 6.2 8 11 53 -53"),
        '[' => (3.0, "m 3 15.2 l 0 15.2 l 0 -2.6 l 3 -2.6"),
        ']' => (3.0, "m 0 15.2 l 3 15.2 l 3 -2.6 l 0 -2.6"),
        '{' => (4.0, "m 4 15.2 l 2.6 15.2 l 1.8 14 l 1.8 7.6 l 0 6.3 l 1.8 5 l 1.8 -1.4 l 2.6 -2.6 l 4 -2.6"),
        '}' => (4.0, "m 0 15.2 l 1.4 15.2 l 2.2 14 l 2.2 7.6 l 4 6.3 l 2.2 5 l 2.2 -1.4 l 1.4 -2.6 l 0 -2.6"),
        '%' => (13.0, "o 2.8 10.8 2.8 3.2 o 10.2 3.2 2.8 3.2 m 2.6 0 l 10.4 14"),
        '#' => (9.6, "m 2 0 l 4 14 m 5.8 0 l 7.8 14 m 0.6 9.4 l 9.6 9.4 m 0 4.6 l 9 4.6"),
        '&' => (10.6, "m 10.6 0 l 3 9.2 a 4.8 11.2 2.4 2.8 215 -20 l 2.2 6.4 a 4 3.6 3.9 3.6 125 280 l 7.6 1.6 l 10 6"),
        '*' => (6.4, "m 3.2 14.4 l 3.2 7.6 m 0.2 12.7 l 6.2 9.3 m 0.2 9.3 l 6.2 12.7"),
        '@' => (14.0, "o 7 5.6 3 3.4 m 10 9 l 10 4.4 a 12 4.4 2 2 180 360 l 14 6 a 7 6 7 7.4 0 305"),
        '$' => (8.6, "a 4.3 10.3 3.9 3.2 35 270 a 4.3 3.7 4.3 3.4 90 -148 m 4.3 16 l 4.3 -2"),
        '^' => (7.0, "m 0 9.4 l 3.5 14 l 7 9.4"),
        '~' => (8.6, "a 2.2 5 2.2 1.6 180 0 a 6.6 5 2.2 1.6 180 360"),
        '`' => (2.2, "m 0 14.4 l 2.2 11.8"),
        '·' => (0.0, "m 0 6 l 0 6.2"),
        '×' => (7.4, "m 0 2.4 l 7.4 9.8 m 0 9.8 l 7.4 2.4"),
        'ä' => (8.0, "o 4 5 4 5 m 8 10 l 8 0 m 2 13.4 l 2 13.6 m 6 13.4 l 6 13.6"),
        'ö' => (8.6, "o 4.3 5 4.3 5 m 2.3 13.4 l 2.3 13.6 m 6.3 13.4 l 6.3 13.6"),
        'ü' => (7.4, "m 0 10 l 0 4 a 3.7 4 3.7 4 180 360 m 7.4 10 l 7.4 0 m 1.7 13.4 l 1.7 13.6 m 5.7 13.4 l 5.7 13.6"),
        'á' => (8.0, "o 4 5 4 5 m 8 10 l 8 0 m 3.6 12.6 l 6 15"),
        'é' => (8.2, "m 0.1 5.1 l 8.2 5.1 a 4.1 5 4.1 5 2 318 m 3.4 12.6 l 5.8 15"),
        _ => (7.6, "m 0 0 l 7.6 0 l 7.6 14 l 0 14 l 0 0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_strokes_within_its_width() {
        let other = glyph('\u{fffd}').1;
        for c in ('!'..='~').chain("äöüáé·×–−".chars()) {
            let (width, program) = glyph(c);
            assert_ne!(program, other, "{c} has no glyph");
            let lines = lines(program);
            assert!(!lines.is_empty(), "{c}");
            for &(x, y) in lines.iter().flatten() {
                assert!((-2.5..=width + 0.7).contains(&x), "{c} reaches x = {x} of {width}");
                assert!((-5.0..=16.5).contains(&y), "{c} reaches y = {y}");
            }
        }
    }

    #[test]
    fn text_is_as_wide_as_its_letters() {
        assert_eq!(width(""), 0.0);
        assert_eq!(width("I"), 0.0);
        assert_eq!(width("00"), 8.4 + GAP + 8.4);
        assert_eq!(width("0 0"), 8.4 + GAP + SPACE + 8.4);
        let rightmost = strokes("00").iter().flatten().map(|point| point.0).fold(0.0, f64::max);
        assert!((rightmost - width("00")).abs() < 1e-9);
    }
}
