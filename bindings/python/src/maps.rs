//! What comes after the network: maps to thinner, binary or stylised ones, to pictures and to files.

use std::path::PathBuf;

use numpy::{
    IntoPyArray, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray2, PyReadonlyArray3, PyReadwriteArray3,
    PyUntypedArrayMethods,
};
use pidinet::image::{Interpolation, Pixels, Resize};
use pidinet::post::{self, Mask, Style, Suppression};
use pidinet::save::{Format, SaveOptions};
use pidinet::{EdgeMap, Size};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{raised, wrong};
use crate::picture::Picture;

/// A map of an array `[height, width]`.
pub(crate) fn map(array: &PyReadonlyArray2<'_, f32>) -> PyResult<EdgeMap> {
    let &[height, width] = array.shape() else { return Err(wrong("expected [height, width]")) };
    Ok(EdgeMap::new(Size { height, width }, array.as_slice()?.to_vec()))
}

/// The pixels of an array `[height, width]` that are true.
pub(crate) fn mask(array: &PyReadonlyArray2<'_, bool>) -> PyResult<Mask> {
    let &[height, width] = array.shape() else { return Err(wrong("expected [height, width]")) };
    let pixels = array.as_slice()?;
    Ok(Mask::from_fn(Size { height, width }, |x, y| pixels[y * width + x]))
}

/// An array `[height, width]` of a map.
pub(crate) fn array(py: Python<'_>, map: EdgeMap) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let shape = [map.height(), map.width()];
    map.into_data().into_pyarray(py).reshape(shape)
}

/// An array `[height, width]` of a mask.
pub(crate) fn array_of_mask<'py>(py: Python<'py>, mask: &Mask) -> PyResult<Bound<'py, PyArray2<bool>>> {
    let Size { height, width } = mask.size();
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| mask.contains(x, y)));
    pixels.collect::<Vec<bool>>().into_pyarray(py).reshape([height, width])
}

#[pyfunction]
pub(crate) fn nms<'py>(
    py: Python<'py>,
    edges: PyReadonlyArray2<'py, f32>,
    suppression: &str,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let (map, suppression) = (map(&edges)?, suppression.parse::<Suppression>().map_err(wrong)?);
    array(py, py.detach(|| post::suppress(&map, &suppression)))
}

#[pyfunction]
pub(crate) fn thin<'py>(
    py: Python<'py>,
    edges: PyReadonlyArray2<'py, bool>,
) -> PyResult<Bound<'py, PyArray2<bool>>> {
    let mut mask = mask(&edges)?;
    py.detach(|| post::thin(&mut mask));
    array_of_mask(py, &mask)
}

#[pyfunction]
pub(crate) fn hysteresis<'py>(
    py: Python<'py>,
    edges: PyReadonlyArray2<'py, f32>,
    low: f32,
    high: f32,
) -> PyResult<Bound<'py, PyArray2<bool>>> {
    let map = map(&edges)?;
    array_of_mask(py, &py.detach(|| post::hysteresis(&map, low, high)))
}

#[pyfunction]
pub(crate) fn style<'py>(
    py: Python<'py>,
    edges: PyReadonlyArray2<'py, f32>,
    style: &str,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let (map, style) = (map(&edges)?, style.parse::<Style>().map_err(wrong)?);
    array(py, py.detach(|| style.apply(map)))
}

/// A picture with edges of its size painted over it, `[height, width, 3]`.
#[pyfunction]
pub(crate) fn overlay<'py>(
    py: Python<'py>,
    picture: &Picture,
    edges: PyReadonlyArray2<'py, f32>,
    colour: [u8; 3],
) -> PyResult<Bound<'py, PyArray3<u8>>> {
    let map = map(&edges)?;
    let size = picture.0.size();
    if map.size() != size {
        return Err(wrong(format!("the image is {size}, its edges {}", map.size())));
    }
    let painted = py.detach(|| post::overlay(&picture.0, &map, colour));
    let Pixels::U8(pixels) = painted.pixels().clone() else {
        return Err(wrong("an overlay of another depth"));
    };
    pixels.into_pyarray(py).reshape([size.height, size.width, 3])
}

/// Pixels `[height, width, samples]` and room for them at another size.
#[derive(FromPyObject)]
pub(crate) enum Resized<'py> {
    U8(PyReadonlyArray3<'py, u8>, PyReadwriteArray3<'py, u8>),
    F32(PyReadonlyArray3<'py, f32>, PyReadwriteArray3<'py, f32>),
}

/// Resizes the first array of two into the second.
#[pyfunction]
pub(crate) fn resize(py: Python<'_>, arrays: Resized<'_>, interpolation: &str) -> PyResult<()> {
    let interpolation: Interpolation = interpolation.parse().map_err(wrong)?;
    let size = |shape: &[usize]| Size { height: shape[0], width: shape[1] };
    match arrays {
        Resized::U8(src, mut dst) => {
            let channels = src.shape()[2];
            let resize = Resize { from: size(src.shape()), to: size(dst.shape()), channels, interpolation };
            let (src, dst) = (src.as_slice()?, dst.as_slice_mut()?);
            py.detach(|| resize.u8(src, dst))
        }
        Resized::F32(src, mut dst) => {
            let channels = src.shape()[2];
            let resize = Resize { from: size(src.shape()), to: size(dst.shape()), channels, interpolation };
            let (src, dst) = (src.as_slice()?, dst.as_slice_mut()?);
            py.detach(|| resize.f32(src, dst))
        }
    }
    .map_err(raised)
}

/// What is saved: edges `[height, width]`, or a picture.
#[derive(FromPyObject)]
pub(crate) enum Saved<'py> {
    Edges(PyReadonlyArray2<'py, f32>),
    Picture(PyRef<'py, Picture>),
}

/// Writes edges or a picture to a file, whole or not at all.
#[pyfunction]
pub(crate) fn save(py: Python<'_>, path: PathBuf, saved: Saved<'_>) -> PyResult<()> {
    let options = SaveOptions::default();
    match saved {
        Saved::Edges(edges) => {
            let map = map(&edges)?;
            py.detach(|| map.save(path, &options))
        }
        Saved::Picture(picture) => {
            let image = &picture.0;
            py.detach(|| image.save(path, &options))
        }
    }
    .map_err(raised)
}

/// Edges as the bytes of a file.
#[pyfunction]
pub(crate) fn encode<'py>(
    py: Python<'py>,
    edges: PyReadonlyArray2<'py, f32>,
    format: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let (map, format) = (map(&edges)?, format.parse::<Format>().map_err(wrong)?);
    let bytes = py.detach(|| map.encode(format, &SaveOptions::default())).map_err(raised)?;
    Ok(PyBytes::new(py, &bytes))
}
