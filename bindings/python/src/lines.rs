//! Lines: edges as vectors, and files of them.

use std::path::PathBuf;

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pidinet::Size;
use pidinet::lines::{self, DrawingOptions, Line, Lines, Page, StrokeWidth, TraceOptions, Unit, WorldFile};
use pidinet::save::write_atomically;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{raised, wrong};
use crate::maps::{array, map};

/// Points `[n, 2]`, the strength at each, and whether the last is joined to the first.
type Found<'py> = (Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<f32>>, bool);

/// The same, from Python.
#[derive(FromPyObject)]
pub(crate) struct Given<'py>(PyReadonlyArray2<'py, f32>, PyReadonlyArray1<'py, f32>, bool);

/// What `pidinet lines` traces where nothing is said, by the names of Python's arguments.
#[pyfunction]
pub(crate) fn trace_defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let TraceOptions { low, high, min_length, max_gap, spur } = TraceOptions::default();
    let defaults = PyDict::new(py);
    defaults.set_item("low", low)?;
    defaults.set_item("high", high)?;
    defaults.set_item("min_length", min_length)?;
    defaults.set_item("max_gap", max_gap)?;
    defaults.set_item("spur", spur)?;
    defaults.set_item("join", DrawingOptions::default().join)?;
    Ok(defaults)
}

/// The lines of a map; joined, if asked for, where they go straight on.
#[pyfunction]
pub(crate) fn trace<'py>(
    py: Python<'py>,
    edges: PyReadonlyArray2<'py, f32>,
    asked: Traced,
) -> PyResult<Vec<Found<'py>>> {
    let map = map(&edges)?;
    let Traced { low, high, min_length, max_gap, spur, join } = asked;
    let options = TraceOptions { low, high: high.max(low), min_length, max_gap, spur };
    let lines = py.detach(|| {
        let lines = Lines::trace(&map, &options);
        if join { lines.joined(Lines::STRAIGHT_ON) } else { lines }
    });
    found(py, lines)
}

/// Lines with as few points as stay within a tolerance.
#[pyfunction]
pub(crate) fn simplify<'py>(
    py: Python<'py>,
    given: Vec<Given<'py>>,
    tolerance: f32,
) -> PyResult<Vec<Found<'py>>> {
    let lines = lines_of(Size::square(1), &given)?;
    found(py, py.detach(|| lines.simplified(tolerance)))
}

/// Lines as pixels of an image of `(height, width)`.
#[pyfunction]
pub(crate) fn draw<'py>(
    py: Python<'py>,
    size: (usize, usize),
    given: Vec<Given<'py>>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let lines = lines_of(Size { height: size.0, width: size.1 }, &given)?;
    array(py, py.detach(|| lines.drawn()))
}

/// What becomes a line, as the Python function has it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Traced {
    low: f32,
    high: f32,
    min_length: usize,
    max_gap: usize,
    spur: usize,
    join: bool,
}

/// How lines are written, as the Python class has it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Asked {
    tolerance: f32,
    /// Degrees of corners of curves; none for polylines.
    corner: Option<f32>,
    layers: usize,
    sort: bool,
    unit: String,
    dpi: f64,
    width_mm: Option<f64>,
    stroke: f32,
    /// Whether `stroke` is the width of a line of strength 1.
    by_strength: bool,
    precision: usize,
    /// The text of a world file.
    world: Option<String>,
}

impl Asked {
    fn page(&self, columns: usize) -> PyResult<Page> {
        let page = match self.width_mm {
            Some(width) => Page::with_width(columns, width),
            None => Page::with_dpi(self.unit.parse::<Unit>().map_err(wrong)?, self.dpi),
        };
        let stroke = if self.by_strength {
            StrokeWidth::ByStrength(self.stroke)
        } else {
            StrokeWidth::Fixed(self.stroke)
        };
        Ok(Page { stroke, precision: self.precision, ..page })
    }
}

/// The text of a file with lines: `svg`, `dxf`, `geojson` or `json`.
#[pyfunction]
pub(crate) fn write_lines(
    py: Python<'_>,
    size: (usize, usize),
    given: Vec<Given<'_>>,
    format: &str,
    asked: Asked,
) -> PyResult<String> {
    let lines = lines_of(Size { height: size.0, width: size.1 }, &given)?;
    let page = asked.page(lines.width)?;
    let world = asked.world.as_deref().map(str::parse::<WorldFile>).transpose().map_err(wrong)?;
    let Asked { tolerance, corner, layers, sort, precision, .. } = asked;
    // Curves are cut into pieces that are nearer than the tolerance.
    let flat = 0.25 * tolerance.max(0.1);
    py.detach(|| {
        // They were joined when they were traced; each line of Python's is a stroke of its own.
        let drawing = lines.drawing(&DrawingOptions { tolerance, corner, join: false, layers, sort });
        match format {
            "svg" => Ok(lines::svg(&drawing, &page)),
            "dxf" => Ok(lines::dxf(&drawing, &page, flat)),
            "geojson" => Ok(lines::geojson(&drawing, world.as_ref(), flat, precision)),
            "json" => Ok(lines::json(&drawing, precision)),
            other => Err(wrong(format!("format `{other}`: expected svg, dxf, geojson or json"))),
        }
    })
}

/// Writes a file, whole or not at all.
#[pyfunction]
pub(crate) fn write_text(py: Python<'_>, path: PathBuf, text: &str) -> PyResult<()> {
    py.detach(|| write_atomically(path, text.as_bytes())).map_err(raised)
}

/// Lines from arrays that Python has looked at: as many strengths as points.
fn lines_of(size: Size, given: &[Given<'_>]) -> PyResult<Lines> {
    let line = |Given(points, strength, closed): &Given<'_>| {
        let (pairs, []) = points.as_slice()?.as_chunks::<2>() else {
            return Err(wrong("expected points [n, 2]"));
        };
        let strength = strength.as_slice()?;
        if pairs.len() != strength.len() || points.shape()[1] != 2 {
            return Err(wrong(format!("{} points, and {} strengths", pairs.len(), strength.len())));
        }
        Ok(Line { points: pairs.to_vec(), strength: strength.to_vec(), closed: *closed })
    };
    let lines = given.iter().map(line).collect::<PyResult<_>>()?;
    Ok(Lines { width: size.width, height: size.height, lines })
}

fn found<'py>(py: Python<'py>, lines: Lines) -> PyResult<Vec<Found<'py>>> {
    let line = |line: Line| {
        let count = line.points.len();
        let points = line.points.into_flattened().into_pyarray(py).reshape([count, 2])?;
        Ok((points, line.strength.into_pyarray(py), line.closed))
    };
    lines.lines.into_iter().map(line).collect()
}
