//! The evaluation as one self-contained HTML page: scores, curves, pictures, options, times.

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pidinet::image::Image;
use pidinet::save::{Format, SaveOptions};

use crate::Result;
use crate::figures::pictures::{MISSED, RIGHT, WRONG};
use crate::figures::plot::{PlotOptions, Run, by_threshold, precision_recall};
use crate::results::summary::Summary;

/// The best scores of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageScore {
    /// Its name.
    pub id: String,
    /// Its own best threshold.
    pub threshold: f64,
    /// Recall there.
    pub recall: f64,
    /// Precision there.
    pub precision: f64,
    /// F there.
    pub f: f64,
}

/// A picture of an image's edges compared with the truth.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The image.
    pub score: ImageScore,
    /// [`comparison`](crate::figures::pictures::comparison).
    pub image: Image,
}

/// Pictures under a heading.
#[derive(Clone, Debug)]
pub struct Group {
    /// The heading.
    pub title: String,
    /// The pictures, in their order.
    pub pictures: Vec<Picture>,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Scores, options and times.
    pub summary: &'a Summary,
    /// The curve.
    pub run: &'a Run,
    /// Options of the plot.
    pub plot: &'a PlotOptions,
    /// Every image, in the order of the table.
    pub images: &'a [ImageScore],
    /// Pictures, if any.
    pub groups: &'a [Group],
}

/// The page.
///
/// # Errors
///
/// If a picture cannot be encoded.
pub fn html(report: &Report<'_>) -> Result<String> {
    let Report { summary, run, plot, images, groups } = *report;
    let page = Page {
        summary,
        suppression: suppression(summary),
        curve: precision_recall(std::slice::from_ref(run), plot).inline(),
        by_threshold: by_threshold(run).map_or_else(String::new, |figure| figure.inline()),
        groups: groups.iter().map(encoded).collect::<Result<_>>()?,
        right: RIGHT.hex(),
        wrong: WRONG.hex(),
        missed: MISSED.hex(),
        images,
        options: options(summary),
        times: times(summary),
    };
    Ok(page.render().expect("a string takes everything"))
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    summary: &'a Summary,
    suppression: String,
    curve: String,
    by_threshold: String,
    groups: Vec<Encoded<'a>>,
    right: String,
    wrong: String,
    missed: String,
    images: &'a [ImageScore],
    options: Vec<(&'static str, String)>,
    times: Vec<(&'static str, String)>,
}

/// A group with encoded pictures.
struct Encoded<'a> {
    title: &'a str,
    pictures: Vec<EncodedPicture<'a>>,
}

struct EncodedPicture<'a> {
    score: &'a ImageScore,
    width: usize,
    height: usize,
    png: String,
}

fn encoded(group: &Group) -> Result<Encoded<'_>> {
    let pictures = group.pictures.iter().map(|Picture { score, image }| {
        let png = BASE64_STANDARD.encode(image.encode(Format::Png, &SaveOptions::default())?);
        Ok(EncodedPicture { score, width: image.width(), height: image.height(), png })
    });
    Ok(Encoded { title: &group.title, pictures: pictures.collect::<Result<_>>()? })
}

fn suppression(summary: &Summary) -> String {
    match &summary.options.suppression {
        Some(suppression) => format!("suppression {suppression}"),
        None => "no suppression".into(),
    }
}

fn options(summary: &Summary) -> Vec<(&'static str, String)> {
    let options = &summary.options;
    let thresholds = match &options.thresholds[..] {
        [first, .., last] => format!("{} from {first:.3} to {last:.3}", options.thresholds.len()),
        few => format!("{few:?}"),
    };
    vec![
        ("Suppression", options.suppression.map_or_else(|| "none".into(), |s| s.to_string())),
        ("Thresholds", thresholds),
        ("Greatest distance", format!("{} of the diagonal", options.max_distance)),
        ("Rounded to 8 bits", if options.eight_bit { "yes" } else { "no" }.into()),
    ]
}

fn times(summary: &Summary) -> Vec<(&'static str, String)> {
    let seconds = &summary.seconds;
    let mut times = vec![
        ("Reading or finding edges", format!("{:.1} s", seconds.edges)),
        ("Suppression", format!("{:.1} s", seconds.suppress)),
        ("Thinning", format!("{:.1} s", seconds.thin)),
        ("Matching", format!("{:.1} s", seconds.matching)),
        ("Whole run", format!("{:.1} s", seconds.elapsed)),
    ];
    if seconds.resumed > 0 {
        times.push(("Images kept from an earlier run", seconds.resumed.to_string()));
    }
    times
}
