//! A page to look at a run: curves of loss, learning rate and scores, numbers, predictions, configuration.

use std::fmt::Write;
use std::path::Path;

use super::metrics::Record;

/// Size of a plot, and the space for its numbers.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 30.0;

/// One line of a plot: its name, colour, and points.
struct Line {
    name: &'static str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

/// The page. `pictures` are names of images relative to the page.
pub(super) fn page(name: &str, records: &[Record], config: &str, pictures: &[String]) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title>\n<style>\
         body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328}}\
         table{{border-collapse:collapse}}td,th{{padding:.1rem .8rem;text-align:right}}\
         figure{{display:inline-block;margin:.5rem}}figure img{{max-width:18rem}}pre{{background:#f4f5f6;padding:1rem}}\
         </style>\n<h1>{0}</h1>\n",
        escaped(name)
    );
    for plot in plots(records) {
        html += &plot;
    }
    if !pictures.is_empty() {
        html += "<h2>Predictions</h2>\n";
        for picture in pictures {
            let picture = escaped(picture);
            let _ = writeln!(
                html,
                "<figure><img src=\"{picture}\" alt=\"\"><figcaption>{picture}</figcaption></figure>"
            );
        }
    }
    html += "<h2>Numbers</h2>\n<table><tr><th>step<th>epoch<th>rate<th>loss<th>minutes<th>val loss<th>ODS<th>OIS<th>AP\n";
    for record in records {
        let Record { step, epoch, rate, loss, seconds, validation } = record;
        let minutes = seconds / 60.0;
        let _ = write!(html, "<tr><td>{step}<td>{epoch:.1}<td>{rate:.2e}<td>{loss:.1}<td>{minutes:.1}");
        if let Some(scores) = validation {
            let super::metrics::Scores { loss, ods, ois, ap } = scores;
            let _ = write!(html, "<td>{loss:.1}<td>{ods:.4}<td>{ois:.4}<td>{ap:.4}");
        }
        html.push('\n');
    }
    let _ = write!(html, "</table>\n<h2>Configuration</h2>\n<pre>{}</pre>\n", escaped(config));
    html
}

/// The plots of a run: loss, learning rate, and scores if there are any.
fn plots(records: &[Record]) -> Vec<String> {
    let line = |name, colour, value: &dyn Fn(&Record) -> Option<f64>| Line {
        name,
        colour,
        points: records.iter().filter_map(|r| Some((r.step as f64, value(r)?))).collect(),
    };
    let scores =
        |value: fn(&super::metrics::Scores) -> f64| move |r: &Record| r.validation.as_ref().map(value);
    [
        (
            "Loss of an image",
            vec![
                line("training", "#1f6feb", &|r| Some(r.loss)),
                line("validation", "#d1570b", &scores(|scores| scores.loss)),
            ],
        ),
        ("Learning rate", vec![line("rate", "#1f6feb", &|r| Some(r.rate))]),
        (
            "Validation",
            vec![
                line("ODS", "#1b7f2a", &scores(|scores| scores.ods)),
                line("OIS", "#8250df", &scores(|scores| scores.ois)),
            ],
        ),
    ]
    .into_iter()
    .filter_map(|(title, lines)| plot(title, &lines))
    .collect()
}

/// One plot; `None` without points.
fn plot(title: &str, lines: &[Line]) -> Option<String> {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        })
    };
    let (first, last) = range(&mut points().map(|(x, _)| x))?;
    let (low, high) = range(&mut points().map(|(_, y)| y))?;
    let span = |low: f64, high: f64| if high > low { high - low } else { 1.0 };
    let x = |value: f64| LEFT + (value - first) / span(first, last) * (WIDTH - LEFT - 10.0);
    let y = |value: f64| 10.0 + (high - value) / span(low, high) * (HEIGHT - BOTTOM - 10.0);
    let mut svg = format!(
        "<h2>{title}</h2>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n"
    );
    for tick in 0..=4 {
        let value = low + f64::from(tick) / 4.0 * (high - low);
        let at = y(value);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{0}\" stroke=\"#e4e6e8\"/><text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
            WIDTH - 10.0,
            LEFT - 6.0,
            at + 4.0,
            number(value)
        );
    }
    for value in [first, last] {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{value}</text>",
            x(value),
            HEIGHT - 10.0
        );
    }
    for (place, line) in lines.iter().filter(|line| !line.points.is_empty()).enumerate() {
        let path: Vec<String> =
            line.points.iter().map(|&(a, b)| format!("{:.1} {:.1}", x(a), y(b))).collect();
        let Line { name, colour, .. } = line;
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linecap=\"round\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{name}</text>",
            path.join("L"),
            LEFT + 20.0 + 90.0 * place as f64,
            HEIGHT - 10.0
        );
    }
    svg += "</svg>\n";
    Some(svg)
}

/// A number with about four digits.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1e-2 => format!("{value:.1e}"),
        size if size < 10.0 => format!("{value:.3}"),
        _ => format!("{value:.0}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Names of the pictures below a folder of a run, relative to the run.
pub(super) fn pictures(run: &Path, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(run.join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::metrics::Scores;

    #[test]
    fn a_page_shows_what_was_measured() {
        let record = |step: u64, ods| Record {
            step,
            loss: 1000.0 / step as f64,
            rate: 0.001,
            validation: Some(Scores { ods, ..Scores::default() }),
            ..Record::default()
        };
        let records = [record(1, 0.5), record(2, 0.75)];
        let html = page("run <1>", &records, "seed = 1", &["a.png".to_owned()]);
        for part in ["run &lt;1&gt;", "Learning rate", "Validation", "0.7500", "a.png", "seed = 1"] {
            assert!(html.contains(part), "no {part}");
        }
        assert!(!html.contains("NaN"));
        assert!(page("empty", &[], "", &[]).contains("empty"));
    }
}
