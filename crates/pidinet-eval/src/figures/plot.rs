//! The two figures of an evaluation: precision against recall, and scores against the threshold.

use super::figure::{self, Anchor, Colour, Figure, Stroke, Text};
use super::width::width;
use crate::edges::counts::f_measure;
use crate::edges::curve::Point;

/// Human recall and precision on BSDS500 (F = .803), each annotator scored against the others, as in the plot of
/// Dollár's edge toolbox (`edgesEvalPlot.m`).
pub const BSDS_HUMAN: (f64, f64) = (0.7235, 0.9014);

/// Recall, precision and their harmonic mean at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrPoint {
    /// Threshold, if it is known.
    pub threshold: Option<f64>,
    /// Recall.
    pub recall: f64,
    /// Precision.
    pub precision: f64,
    /// `2 r p / (r + p)`, or 0 if both are 0.
    pub f: f64,
}

impl From<Point> for PrPoint {
    fn from(Point { threshold, recall, precision, f }: Point) -> Self {
        Self { threshold: Some(threshold), recall, precision, f }
    }
}

/// One curve of the plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name in the legend.
    pub name: String,
    /// The curve, by threshold.
    pub points: Vec<PrPoint>,
    /// The best point of the whole data set (ODS).
    pub best: PrPoint,
}

/// Options of the plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlotOptions {
    /// Human recall and precision.
    pub human: Option<(f64, f64)>,
}

/// Side of the plotted square.
const SIDE: f64 = 480.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 24.0;
const RIGHT: f64 = 52.0;
const BOTTOM: f64 = 60.0;

/// Longer legends stand beside the square instead of in its empty corner.
const MOST_INSIDE: usize = 12;

/// Distinct for most colour-blind readers too: Okabe and Ito's without yellow, then darker ones.
const COLOURS: [Colour; 12] = [
    Colour([0xd5, 0x5e, 0x00]),
    Colour([0x00, 0x72, 0xb2]),
    Colour([0x7b, 0x3f, 0xa0]),
    Colour([0x00, 0x9e, 0x73]),
    Colour([0xe6, 0x9f, 0x00]),
    Colour([0x56, 0xb4, 0xe9]),
    Colour([0xcc, 0x79, 0xa7]),
    Colour([0x8c, 0x56, 0x4b]),
    Colour([0x33, 0x3f, 0x50]),
    Colour([0x9a, 0x9a, 0x1f]),
    Colour([0xb0, 0x1e, 0x3c]),
    Colour([0x5d, 0x6d, 0x7e]),
];
const CONTOUR: Colour = Colour([0xb5, 0xdc, 0xb5]);
const CONTOUR_TEXT: Colour = Colour([0x4f, 0x93, 0x4f]);
const HUMAN: Colour = Colour([0x1b, 0x7f, 0x2a]);

/// Precision against recall with contours of equal F, the best run first in the legend.
pub fn precision_recall(runs: &[Run], options: &PlotOptions) -> Figure {
    let mut ranked: Vec<&Run> = runs.iter().collect();
    ranked.sort_by(|a, b| b.best.f.total_cmp(&a.best.f));
    let ranked: Vec<(&Run, Colour)> = ranked.into_iter().zip(COLOURS.into_iter().cycle()).collect();

    let mut legend: Vec<LegendLine> = ranked
        .iter()
        .map(|&(run, colour)| LegendLine { text: entry(run.best.f, &run.name), colour, dot: false })
        .collect();
    if let Some((recall, precision)) = options.human {
        let text = entry(f_measure(recall, precision), "Human");
        legend.insert(0, LegendLine { text, colour: HUMAN, dot: true });
    }
    let beside = legend.len() > MOST_INSIDE;
    let legend_size = legend_size(&legend);
    let extra = if beside { legend_size.0 + 12.0 } else { 0.0 };

    let axes = Axes { left: LEFT, top: TOP, side: SIDE };
    let mut figure =
        Figure::new(LEFT + SIDE + RIGHT + extra, TOP + SIDE + BOTTOM, "Precision against recall");
    axes.grid(&mut figure);
    contours(&mut figure, &axes);
    axes.frame(&mut figure, "Recall", "Precision");

    // The best run is drawn last, on top.
    for &(run, colour) in ranked.iter().rev() {
        let curve = run.points.iter().filter(|p| p.recall > 0.0 || p.precision > 0.0);
        figure.line(curve.map(|p| axes.at(p.recall, p.precision)), Stroke::solid(colour, 2.2));
    }
    for &(run, fill) in ranked.iter().rev() {
        let centre = axes.at(run.best.recall, run.best.precision);
        figure.dot(centre, if runs.len() > 3 { 4.0 } else { 5.0 }, fill);
    }
    if let Some((recall, precision)) = options.human {
        figure.dot(axes.at(recall, precision), 6.5, HUMAN);
    }
    let corner =
        if beside { (LEFT + SIDE + RIGHT, TOP) } else { (LEFT + 12.0, TOP + SIDE - 12.0 - legend_size.1) };
    draw_legend(&mut figure, &legend, corner, legend_size);
    figure
}

/// Recall, precision and F of one run against the threshold; `None` if its thresholds are unknown.
pub fn by_threshold(run: &Run) -> Option<Figure> {
    let thresholds: Vec<f64> = run.points.iter().map(|p| p.threshold).collect::<Option<_>>()?;
    let axes = Axes { left: LEFT, top: TOP, side: SIDE };
    let mut figure = Figure::new(LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, "Scores against the threshold");
    axes.grid(&mut figure);
    axes.frame(&mut figure, "Threshold", "Score");
    if let Some(best) = run.best.threshold {
        let stroke = Stroke { colour: Colour::GREY, width: 1.2, dash: 5.0 };
        figure.line([axes.at(best, 0.0), axes.at(best, 1.0)], stroke);
    }
    let series = [("Recall", COLOURS[1]), ("Precision", COLOURS[3]), ("F", COLOURS[0])];
    for (k, (_, colour)) in series.into_iter().enumerate() {
        let score = |point: &PrPoint| [point.recall, point.precision, point.f][k];
        let points = thresholds.iter().zip(&run.points).map(|(&t, point)| axes.at(t, score(point)));
        figure.line(points, Stroke::solid(colour, 2.2));
    }
    if let Some(best) = run.best.threshold {
        figure.dot(axes.at(best, run.best.f), 5.0, COLOURS[0]);
    }
    let legend: Vec<LegendLine> =
        series.iter().map(|&(text, colour)| LegendLine { text: text.into(), colour, dot: false }).collect();
    let size = legend_size(&legend);
    draw_legend(&mut figure, &legend, (LEFT + SIDE / 2.0 - size.0 / 2.0, TOP + SIDE - 12.0 - size.1), size);
    Some(figure)
}

/// A square of `[0, 1]` in both directions.
pub(crate) struct Axes {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) side: f64,
}

impl Axes {
    pub(crate) fn at(&self, x: f64, y: f64) -> figure::Point {
        (self.left + x * self.side, self.top + (1.0 - y) * self.side)
    }

    pub(crate) fn grid(&self, figure: &mut Figure) {
        for k in 1..10 {
            let v = f64::from(k) / 10.0;
            figure.line([self.at(v, 0.0), self.at(v, 1.0)], Stroke::solid(Colour::FAINT, 0.8));
            figure.line([self.at(0.0, v), self.at(1.0, v)], Stroke::solid(Colour::FAINT, 0.8));
        }
    }

    pub(crate) fn frame(&self, figure: &mut Figure, across: &str, upwards: &str) {
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)];
        figure.line(corners.map(|(x, y)| self.at(x, y)), Stroke::solid(Colour::INK, 1.0));
        for k in 0..=10 {
            let v = f64::from(k) / 10.0;
            let label = match k {
                0 => "0".to_string(),
                10 => "1".to_string(),
                k => format!("0.{k}"),
            };
            let (x, y) = self.at(v, 0.0);
            figure.line([(x, y), (x, y - 4.0)], Stroke::solid(Colour::INK, 1.0));
            figure.text(Text { anchor: Anchor::Middle, ..Text::new((x, y + 19.0), label.clone()) });
            let (x, y) = self.at(0.0, v);
            figure.line([(x, y), (x + 4.0, y)], Stroke::solid(Colour::INK, 1.0));
            figure.text(Text { anchor: Anchor::End, ..Text::new((x - 8.0, y + 4.5), label) });
        }
        let (middle, bottom) = self.at(0.5, 0.0);
        let caption = |at, text: &str| Text { anchor: Anchor::Middle, size: 15.0, ..Text::new(at, text) };
        figure.text(caption((middle, bottom + 44.0), across));
        let (left, middle) = self.at(0.0, 0.5);
        figure.text(Text { upwards: true, ..caption((left - 42.0, middle), upwards) });
    }
}

/// Contours of F = 0.1, 0.2, ... 0.9, named where they leave the square on the right.
fn contours(figure: &mut Figure, axes: &Axes) {
    for k in 1..10 {
        let points = contour(f64::from(k) / 10.0);
        figure.line(points.iter().map(|&(r, p)| axes.at(r, p)), Stroke::solid(CONTOUR, 1.2));
        let (x, y) = axes.at(1.0, points[points.len() - 1].1);
        let label = format!("F=.{k}");
        figure.text(Text { size: 11.5, colour: CONTOUR_TEXT, ..Text::new((x + 7.0, y + 4.0), label) });
    }
}

/// Points `(recall, precision)` of equal F, from precision 1 to recall 1.
fn contour(f: f64) -> [(f64, f64); 101] {
    // On it 1/r + 1/p = 2/f, so 1/r takes even steps.
    let least = f / (2.0 - f);
    std::array::from_fn(|step| {
        let inverse = 1.0 / least + (1.0 - 1.0 / least) * step as f64 / 100.0;
        (1.0 / inverse, 1.0 / (2.0 / f - inverse))
    })
}

/// A line of the legend.
struct LegendLine {
    text: String,
    colour: Colour,
    /// Whether it shows a dot instead of a piece of a curve.
    dot: bool,
}

const LINE_HEIGHT: f64 = 21.0;
const PADDING: f64 = 9.0;
const SAMPLE: f64 = 26.0;

/// `[F=.807] name`, the way edge detection papers write it.
fn entry(f: f64, name: &str) -> String {
    let score = format!("{f:.3}");
    format!("[F={}] {name}", score.strip_prefix('0').unwrap_or(&score))
}

/// Width and height of the legend.
fn legend_size(lines: &[LegendLine]) -> (f64, f64) {
    let text = lines.iter().map(|line| width(&line.text)).fold(0.0, f64::max);
    let width = PADDING + SAMPLE + 8.0 + text + PADDING;
    (width, PADDING * 2.0 + LINE_HEIGHT * lines.len() as f64 - 5.0)
}

fn draw_legend(figure: &mut Figure, lines: &[LegendLine], corner: figure::Point, size: (f64, f64)) {
    if lines.is_empty() {
        return;
    }
    let to = (corner.0 + size.0, corner.1 + size.1);
    let frame = Stroke::solid(Colour([0xc4, 0xc9, 0xce]), 0.8);
    figure.rectangle(corner, to, Colour::WHITE, frame);
    for (k, line) in lines.iter().enumerate() {
        let base = corner.1 + PADDING + 11.5 + LINE_HEIGHT * k as f64;
        let (from, middle) = (corner.0 + PADDING, base - 4.5);
        if line.dot {
            let centre = (from + SAMPLE / 2.0, middle);
            figure.dot(centre, 6.0, line.colour);
        } else {
            figure.line([(from, middle), (from + SAMPLE, middle)], Stroke::solid(line.colour, 2.6));
        }
        figure.text(Text::new((from + SAMPLE + 8.0, base), line.text.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, f: f64) -> Run {
        let point = |threshold, recall, precision| PrPoint {
            threshold: Some(threshold),
            recall,
            precision,
            f: f_measure(recall, precision),
        };
        let points = vec![point(0.1, 0.9, 0.5), point(0.5, 0.75, 0.75), point(0.9, 0.0, 0.0)];
        Run { name: name.into(), points, best: PrPoint { f, ..point(0.5, 0.75, 0.75) } }
    }

    #[test]
    fn the_legend_ranks_the_runs_below_people() {
        let options = PlotOptions { human: Some(BSDS_HUMAN) };
        let figure = precision_recall(&[run("worse", 0.75), run("better", 0.8066)], &options);
        let svg = figure.svg();
        let legend = svg.match_indices("[F=").map(|(at, _)| svg[at..].split('<').next().unwrap());
        assert_eq!(legend.collect::<Vec<_>>(), ["[F=.803] Human", "[F=.807] better", "[F=.750] worse"]);
    }

    #[test]
    fn contours_have_their_f_everywhere() {
        for k in 1..10 {
            let f = f64::from(k) / 10.0;
            for (recall, precision) in contour(f) {
                assert!((f_measure(recall, precision) - f).abs() < 1e-12, "{recall} {precision}");
                assert!((0.0..=1.0 + 1e-12).contains(&recall) && (0.0..=1.0 + 1e-12).contains(&precision));
            }
        }
    }

    #[test]
    fn where_nothing_is_predicted_the_curve_ends() {
        let figure = precision_recall(&[run("x", 0.75)], &PlotOptions::default());
        let svg = figure.svg();
        let stroke = format!("stroke=\"{}\"", COLOURS[0].hex());
        let curve = svg.lines().find(|line| line.contains(&stroke)).unwrap();
        assert_eq!(curve.matches(['M', 'L']).count(), 2, "{curve}");
    }

    #[test]
    fn a_long_legend_stands_beside_the_plot() {
        let runs: Vec<Run> = (0..13).map(|k| run(&format!("run {k}"), 0.5)).collect();
        let few = precision_recall(&runs[..12], &PlotOptions::default());
        let many = precision_recall(&runs, &PlotOptions::default());
        assert!(many.width > few.width + 100.0);
        assert!(many.svg().contains("run 12"));
    }

    #[test]
    fn scores_by_threshold_need_thresholds() {
        let mut run = run("x", 0.75);
        assert!(by_threshold(&run).unwrap().svg().contains(">Precision<"));
        run.points[1].threshold = None;
        assert_eq!(by_threshold(&run), None);
    }
}
