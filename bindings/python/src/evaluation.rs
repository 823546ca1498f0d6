//! The benchmark of edges: folders or arrays to scores, and scores to files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pidinet::post::Mask;
use pidinet::{EdgeMap, Size};
use pidinet_eval::GroundTruth;
use pidinet_eval::edges::counts::Counts;
use pidinet_eval::edges::curve::{Curve, Point};
use pidinet_eval::edges::evaluate::{EvaluateOptions as Options, Times, evaluate, links, thresholds};
use pidinet_eval::edges::matching::matching;
use pidinet_eval::edges::score::Scores;
use pidinet_eval::figures::plot::{BSDS_HUMAN, PlotOptions};
use pidinet_eval::files::dataset::{Dataset, Preset};
use pidinet_eval::files::ground_truth::TruthOptions;
use pidinet_eval::files::levels::Drawing;
use pidinet_eval::files::predictions::{self, Look, Reading};
use pidinet_eval::results::summary::{Seconds, Summary};
use pidinet_eval::results::write;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::prelude::*;

use crate::errors::{failed, wrong};
use crate::maps::{array_of_mask, map, mask};

/// Most pairs of pixels that may be matched in an image: about 3 GB of memory. BSDS500 has under a million.
const MOST_LINKS: u64 = 50_000_000;

/// How to score, as the Python function has it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Asked {
    preset: String,
    /// `none`, a name or numbers; that of the preset if it is not given.
    nms: Option<String>,
    /// How many, or which.
    thresholds: Thresholds,
    max_distance: Option<f64>,
    rounding: bool,
    threads: Option<std::num::NonZeroUsize>,
}

#[derive(FromPyObject)]
enum Thresholds {
    Count(usize),
    List(Vec<f64>),
}

impl Asked {
    fn options(&self) -> PyResult<Options> {
        let preset: Preset = self.preset.parse().map_err(wrong)?;
        let suppression = match self.nms.as_deref() {
            None => Some(preset.suppression()),
            Some("none") => None,
            Some(text) => Some(text.parse().map_err(wrong)?),
        };
        let thresholds = match &self.thresholds {
            Thresholds::Count(count @ 1..=65_535) => thresholds(*count),
            Thresholds::List(list)
                if list.is_sorted_by(|a, b| a < b)
                    && list.first().is_some_and(|&least| least > 0.0)
                    && list.last().is_some_and(|&most| most <= 1.0) =>
            {
                list.clone()
            }
            _ => return Err(wrong("thresholds: expected 1 to 65535, or rising numbers in (0, 1]")),
        };
        let max_distance = self.max_distance.unwrap_or(preset.max_distance());
        if !(0.0..=1.0).contains(&max_distance) {
            return Err(wrong(format!("max_distance {max_distance}: expected a fraction of the diagonal")));
        }
        Ok(Options { suppression, eight_bit: self.rounding, thresholds, max_distance })
    }
}

/// How folders are read.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Folders {
    invert_pred: bool,
    invert_gt: bool,
    gt_ignore: Option<u16>,
    gt_variable: Option<String>,
}

/// Names of images and their scores, as plain data.
type Scored<'py> = (Vec<String>, Bound<'py, PyDict>);

/// Scores the maps of a folder by the truth of another.
#[pyfunction]
pub(crate) fn score_folders<'py>(
    py: Python<'py>,
    pred: PathBuf,
    gt: PathBuf,
    asked: Asked,
    folders: Folders,
) -> PyResult<Scored<'py>> {
    let options = asked.options()?;
    let mut reading = Reading { inverted: folders.invert_pred, ..Reading::default() };
    let drawing = Drawing { inverted: folders.invert_gt, ignore: folders.gt_ignore };
    let truth_options = TruthOptions { drawing, variable: folders.gt_variable };
    let (ids, counts) = py.detach(|| {
        with_threads(asked.threads, || -> PyResult<_> {
            let dataset = Dataset::maps(&pred, &gt).map_err(failed)?;
            let looks = Mutex::new(BTreeMap::<PathBuf, Look>::new());
            let size = |path: &Path| {
                let look = predictions::look(path, reading)?;
                looks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(path.to_owned(), look);
                Ok(Size { height: look.height, width: look.width })
            };
            let truth = dataset.truth(&truth_options, size).map_err(failed)?;
            let looks = looks.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
            let looks: Vec<(&Path, Look)> = looks.iter().map(|(path, &look)| (&**path, look)).collect();
            reading.binary = predictions::check(&looks);
            let counts = dataset
                .pairs
                .par_iter()
                .zip(&truth)
                .with_max_len(1)
                .map(|(pair, truth)| {
                    let map = predictions::open_with(&pair.prediction, reading).map_err(failed)?;
                    counted(&map, truth, &options)
                })
                .collect::<PyResult<Vec<_>>>()?;
            Ok((dataset.pairs.into_iter().map(|pair| pair.id).collect(), counts))
        })
    })?;
    Ok((ids, scored(py, &counts, &options)?))
}

/// Scores maps by the masks of their annotators, and without the pixels to leave out.
#[pyfunction]
pub(crate) fn score_arrays<'py>(
    py: Python<'py>,
    ids: Vec<String>,
    maps: Vec<PyReadonlyArray2<'py, f32>>,
    truths: Vec<Vec<PyReadonlyArray2<'py, bool>>>,
    ignored: Vec<Option<PyReadonlyArray2<'py, bool>>>,
    asked: Asked,
) -> PyResult<Scored<'py>> {
    let options = asked.options()?;
    let mut pairs = Vec::with_capacity(maps.len());
    for (((array, truth), ignored), id) in maps.iter().zip(&truths).zip(&ignored).zip(&ids) {
        let map = map(array)?;
        let ignored = ignored.as_ref().map(mask).transpose()?;
        let annotators = truth.iter().map(mask).collect::<PyResult<Vec<_>>>()?;
        for other in annotators.iter().chain(&ignored) {
            if (other.width(), other.height()) != (map.width(), map.height()) {
                let size = [map.height(), map.width(), other.height(), other.width()];
                let [height, width, other_height, other_width] = size;
                return Err(wrong(format!(
                    "{id}: the map is [{height}, {width}], its truth [{other_height}, {other_width}]"
                )));
            }
        }
        let annotators = annotators.into_iter().map(|mask| match &ignored {
            Some(ignored) => mask.without(ignored),
            None => mask,
        });
        let annotators = annotators.collect();
        let (width, height) = (map.width(), map.height());
        pairs.push((map, GroundTruth { width, height, annotators, ignored }));
    }
    let counts = py.detach(|| {
        with_threads(asked.threads, || {
            let one = |(map, truth): &(EdgeMap, GroundTruth)| counted(map, truth, &options);
            pairs.par_iter().with_max_len(1).map(one).collect::<PyResult<Vec<_>>>()
        })
    })?;
    Ok((ids, scored(py, &counts, &options)?))
}

/// Matches the pixels of two masks, at most `reach` pixels apart: the pairs `[n, 4]` of row and column in the first and in
/// the second, which pixels of each have a partner, and the sum of distances.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "three arrays and a number")]
pub(crate) fn match_masks<'py>(
    py: Python<'py>,
    predicted: PyReadonlyArray2<'py, bool>,
    truth: PyReadonlyArray2<'py, bool>,
    max_distance: f64,
) -> PyResult<(Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<bool>>, Bound<'py, PyArray2<bool>>, f64)> {
    let (predicted, truth) = (mask(&predicted)?, mask(&truth)?);
    let (width, height) = (predicted.width(), predicted.height());
    if (width, height) != (truth.width(), truth.height()) {
        let (other_width, other_height) = (truth.width(), truth.height());
        return Err(wrong(format!(
            "the prediction is [{height}, {width}], the truth [{other_height}, {other_width}]"
        )));
    }
    if !(0.0..=1.0).contains(&max_distance) {
        return Err(wrong(format!("max_distance {max_distance}: expected a fraction of the diagonal")));
    }
    let (found, distance) = py.detach(|| {
        let options = Options { suppression: None, eight_bit: false, thresholds: vec![1.0], max_distance };
        let drawn = GroundTruth { width, height, annotators: vec![truth.clone()], ignored: None };
        check_links(&EdgeMap::from(&predicted), &drawn, &options)?;
        let reach = max_distance * (width as f64).hypot(height as f64);
        let found = matching(&predicted, &truth, reach);
        Ok::<_, PyErr>((found.positions().collect::<Vec<_>>(), found.distance()))
    })?;
    let (mut right, mut hit) = (Mask::new(predicted.size()), Mask::new(predicted.size()));
    let mut pairs = Vec::with_capacity(4 * found.len());
    for &((x, y), (u, v)) in &found {
        right.insert(x, y);
        hit.insert(u, v);
        pairs.extend([y, x, v, u].map(|at| at as i64));
    }
    let pairs = pairs.into_pyarray(py).reshape([found.len(), 4])?;
    Ok((pairs, array_of_mask(py, &right)?, array_of_mask(py, &hit)?, distance))
}

/// Threshold, recall, precision and F.
type Numbers = (f64, f64, f64, f64);

/// Scores as plain data, as [`scored`] gives them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Told {
    ods: Numbers,
    ois: Numbers,
    ap: f64,
    r50: f64,
    curve: Vec<Numbers>,
    images: Vec<Numbers>,
}

impl Told {
    fn scores(self) -> Scores {
        Scores {
            ods: point(self.ods),
            ois: point(self.ois),
            ap: self.ap,
            r50: self.r50,
            curve: Curve::new(self.curve.into_iter().map(point).collect()),
            images: self.images.into_iter().map(point).collect(),
        }
    }
}

/// Draws precision against recall of one or more scores, as SVG or PNG.
#[pyfunction]
pub(crate) fn plot(py: Python<'_>, path: PathBuf, runs: Vec<(String, Told)>, human: bool) -> PyResult<()> {
    let runs: Vec<_> = runs.into_iter().map(|(name, told)| write::run(&name, &told.scores())).collect();
    let options = PlotOptions { human: human.then_some(BSDS_HUMAN) };
    py.detach(|| write::write_plot(&path, &runs, &options)).map_err(failed)
}

/// Writes the text files of the benchmark and `summary.json` into a folder.
#[pyfunction]
pub(crate) fn write_scores(
    py: Python<'_>,
    folder: PathBuf,
    name: String,
    told: Told,
    asked: Asked,
) -> PyResult<()> {
    let (scores, options) = (told.scores(), asked.options()?);
    let seconds = Seconds::new(Duration::ZERO, &Times::default(), Duration::ZERO, 0);
    let summary = Summary::new(name, &scores, &options, scores.images.len(), seconds);
    py.detach(|| write::write_scores(&folder, &scores, &summary)).map_err(failed)
}

/// The counts of an image at each threshold.
fn counted(map: &EdgeMap, truth: &GroundTruth, options: &Options) -> PyResult<Vec<Counts>> {
    check_links(map, truth, options)?;
    Ok(evaluate(map, truth, options).counts)
}

fn check_links(map: &EdgeMap, truth: &GroundTruth, options: &Options) -> PyResult<()> {
    let links = links(map, truth, options);
    if links <= MOST_LINKS {
        return Ok(());
    }
    Err(wrong(format!(
        "a distance of {} of the diagonal gives {} million pairs of pixels that may be matched, and the limit is {} \
         million: choose a smaller max_distance",
        options.max_distance,
        links / 1_000_000,
        MOST_LINKS / 1_000_000
    )))
}

/// Scores as plain data.
fn scored<'py>(py: Python<'py>, counts: &[Vec<Counts>], options: &Options) -> PyResult<Bound<'py, PyDict>> {
    let scores = Scores::new(&options.thresholds, counts).ok_or_else(|| wrong("no image to score"))?;
    let told = PyDict::new(py);
    told.set_item("ods", numbers(&scores.ods))?;
    told.set_item("ois", numbers(&scores.ois))?;
    told.set_item("ap", scores.ap)?;
    told.set_item("r50", scores.r50)?;
    told.set_item("curve", scores.curve.points().iter().map(numbers).collect::<Vec<_>>())?;
    told.set_item("images", scores.images.iter().map(numbers).collect::<Vec<_>>())?;
    Ok(told)
}

fn numbers(point: &Point) -> Numbers {
    (point.threshold, point.recall, point.precision, point.f)
}

fn point((threshold, recall, precision, f): Numbers) -> Point {
    Point { threshold, recall, precision, f }
}

/// Runs on threads of its own, so that nothing of them is left for a process that is forked later.
fn with_threads<R: Send>(wanted: Option<std::num::NonZeroUsize>, run: impl FnOnce() -> R + Send) -> R {
    match pidinet::threads::pool(wanted.or(std::thread::available_parallelism().ok())) {
        Some(pool) => pool.install(run),
        None => run(),
    }
}
