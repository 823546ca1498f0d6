//! A page that shows a run: curves of loss, learning rate and scores, numbers, predictions, configuration.

use std::fmt::Write;
use std::path::Path;

use pidinet_eval::figures::chart::{Line, chart};
use pidinet_eval::figures::{Colour, Figure};

use super::metrics::Record;

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
    for (_, chart) in charts(records) {
        html += &chart.svg();
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
    let names = score_names(records);
    html += "<h2>Numbers</h2>\n<table><tr><th>step<th>epoch<th>rate<th>loss<th>minutes";
    if !names.is_empty() {
        let _ = writeln!(html, "<th>val loss<th>{}", names.join("<th>"));
    }
    for record in records {
        let Record { step, epoch, rate, loss, seconds, validation } = record;
        let minutes = seconds / 60.0;
        let loss = number(*loss);
        let _ = write!(html, "<tr><td>{step}<td>{epoch:.1}<td>{rate:.2e}<td>{loss}<td>{minutes:.1}");
        if let Some(scores) = validation {
            let _ = write!(html, "<td>{}", number(scores.loss));
            for name in &names {
                let score = scores.named.get(*name).copied().unwrap_or_default();
                let _ = write!(html, "<td>{score:.4}");
            }
        }
        html.push('\n');
    }
    let _ = write!(html, "</table>\n<h2>Configuration</h2>\n<pre>{}</pre>\n", escaped(config));
    html
}

/// The charts of a run and their names: loss, learning rate, and scores if there are any.
pub(super) fn charts(records: &[Record]) -> Vec<(&'static str, Figure)> {
    let line = |name, colour, value: &dyn Fn(&Record) -> Option<f64>| Line {
        name,
        colour: Colour(colour),
        points: records.iter().filter_map(|r| Some((r.step as f64, value(r)?))).collect(),
    };
    let loss = [
        line("training", BLUE, &|r| Some(r.loss)),
        line("validation", ORANGE, &|r| Some(r.validation.as_ref()?.loss)),
    ];
    let rate = [line("rate", BLUE, &|r| Some(r.rate))];
    let names = score_names(records);
    let scores: Vec<Line<'_>> = names
        .iter()
        .zip([GREEN, PURPLE, ORANGE, BLUE])
        .map(|(&name, colour)| line(name, colour, &|r| r.validation.as_ref()?.named.get(name).copied()))
        .collect();
    [
        ("loss", chart("Loss of an image", "step", &loss)),
        ("rate", chart("Learning rate", "step", &rate)),
        ("scores", chart("Validation", "step", &scores)),
    ]
    .into_iter()
    .filter_map(|(name, chart)| Some((name, chart?)))
    .collect()
}

/// Names of the scores on validation images.
fn score_names(records: &[Record]) -> Vec<&str> {
    let first = records.iter().find_map(|record| record.validation.as_ref());
    first.map_or_else(Vec::new, |scores| scores.named.keys().map(String::as_str).collect())
}

/// A loss with about four digits.
fn number(loss: f64) -> String {
    if loss.abs() < 100.0 { format!("{loss:.4}") } else { format!("{loss:.1}") }
}

const BLUE: [u8; 3] = [0x1f, 0x6f, 0xeb];
const ORANGE: [u8; 3] = [0xd1, 0x57, 0x0b];
const GREEN: [u8; 3] = [0x1b, 0x7f, 0x2a];
const PURPLE: [u8; 3] = [0x82, 0x50, 0xdf];

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
            validation: Some(Scores::new(1.0, [("ods", ods)])),
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
