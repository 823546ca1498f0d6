//! Writes the files of a finished evaluation.

use std::path::Path;

use pidinet::save::write_atomically;

use crate::Result;
use crate::edges::score::Scores;
use crate::figures::plot::{PlotOptions, Run, precision_recall};
use crate::results::report::{Group, ImageScore, Report, html};
use crate::results::summary::Summary;
use crate::results::toolbox::line;

/// Writes the toolbox's `eval_bdry*.txt` and `summary.json`.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write_scores(folder: &Path, scores: &Scores, summary: &Summary) -> Result<()> {
    let write = |name: &str, text: &str| write_atomically(folder.join(name), text.as_bytes());
    let (ods, ois) = (&scores.ods, &scores.ois);
    let best = [ods.threshold, ods.recall, ods.precision, ods.f, ois.recall, ois.precision, ois.f, scores.ap];
    write("eval_bdry.txt", &line(&best))?;
    let curve = scores.curve.points().iter().map(|p| line(&[p.threshold, p.recall, p.precision, p.f]));
    write("eval_bdry_thr.txt", &curve.collect::<String>())?;
    let images = scores.images.iter().zip(1..);
    let images = images.map(|(p, k)| line(&[f64::from(k), p.threshold, p.recall, p.precision, p.f]));
    write("eval_bdry_img.txt", &images.collect::<String>())?;
    let json = serde_json::to_string_pretty(summary).expect("a summary is plain data");
    write("summary.json", &(json + "\n"))?;
    Ok(())
}

/// Writes a plot as SVG or PNG, by the extension of the path.
///
/// # Errors
///
/// If the file cannot be written, or its extension is another.
pub fn write_plot(path: &Path, runs: &[Run], options: &PlotOptions) -> Result<()> {
    precision_recall(runs, options).save(path)
}

/// Writes `report.html`.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_report(
    folder: &Path,
    scores: &Scores,
    summary: &Summary,
    ids: &[&str],
    groups: &[Group],
    plot: &PlotOptions,
) -> Result<()> {
    let images = image_scores(scores, ids);
    let run = run(&summary.name, scores);
    let page = html(&Report { summary, run: &run, plot, images: &images, groups })?;
    Ok(write_atomically(folder.join("report.html"), page.as_bytes())?)
}

/// The best scores of each image, with its name.
///
/// # Panics
///
/// If there is not one name for each image.
pub fn image_scores(scores: &Scores, ids: &[&str]) -> Vec<ImageScore> {
    assert_eq!(scores.images.len(), ids.len(), "one name for each image");
    scores
        .images
        .iter()
        .zip(ids)
        .map(|(p, id)| ImageScore {
            id: id.to_string(),
            threshold: p.threshold,
            recall: p.recall,
            precision: p.precision,
            f: p.f,
        })
        .collect()
}

/// The curve of an evaluation.
pub fn run(name: &str, scores: &Scores) -> Run {
    let points = scores.curve.points().iter().map(|&point| point.into()).collect();
    Run { name: name.into(), points, best: scores.ods.into() }
}
