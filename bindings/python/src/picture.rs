//! Images: from files, from bytes of files, and from arrays.

use std::path::PathBuf;

use numpy::{Element, IntoPyArray, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pidinet::Size;
use pidinet::image::{Image, Opened, PixelFormat, PixelLayout, Pixels, ReadOptions};
use pyo3::prelude::*;

use crate::errors::{raised, wrong};

/// An image, upright, red, green, blue.
#[pyclass(frozen, module = "pidinet._pidinet")]
pub(crate) struct Picture(pub(crate) Image);

/// Pixels `[height, width]` or `[height, width, samples]`, without gaps.
#[derive(FromPyObject)]
pub(crate) enum Array<'py> {
    U8(PyReadonlyArrayDyn<'py, u8>),
    U16(PyReadonlyArrayDyn<'py, u16>),
    F32(PyReadonlyArrayDyn<'py, f32>),
}

#[pymethods]
impl Picture {
    /// Reads an image file; `accept_damaged` takes what there is of one that is cut short, and warns.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, accept_damaged: bool) -> PyResult<Self> {
        let opened = py.detach(|| Image::open_with(&path, &reading(accept_damaged))).map_err(raised)?;
        Ok(Self::told(opened, &format!("{}: ", path.display())))
    }

    /// Reads an image file that is in memory, in the same way.
    #[staticmethod]
    fn decode(py: Python<'_>, bytes: &[u8], accept_damaged: bool) -> PyResult<Self> {
        let opened = py.detach(|| Image::decode_with(bytes, &reading(accept_damaged))).map_err(raised)?;
        Ok(Self::told(opened, ""))
    }

    /// Copies pixels; `bgr` says that colours begin with blue.
    #[staticmethod]
    fn from_array(array: Array<'_>, bgr: bool) -> PyResult<Self> {
        let image = match &array {
            Array::U8(array) => Image::from_u8(array.as_slice()?, &layout(array, bgr)?),
            Array::U16(array) => Image::from_u16(array.as_slice()?, &layout(array, bgr)?),
            Array::F32(array) => Image::from_f32(array.as_slice()?, &layout(array, bgr)?),
        };
        image.map(Self).map_err(raised)
    }

    /// The pixels, `[height, width, 3]`, in the depth of the image.
    fn to_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let shape = [self.0.height(), self.0.width(), 3];
        Ok(match self.0.pixels().clone() {
            Pixels::U8(data) => data.into_pyarray(py).reshape(shape)?.into_any(),
            Pixels::U16(data) => data.into_pyarray(py).reshape(shape)?.into_any(),
            Pixels::F32(data) => data.into_pyarray(py).reshape(shape)?.into_any(),
        })
    }

    /// Made smaller, so that the longer side is `side`.
    fn fitted(&self, py: Python<'_>, side: usize) -> Self {
        Self(py.detach(|| self.0.clone().fitted(side)))
    }

    #[getter]
    fn width(&self) -> usize {
        self.0.width()
    }

    #[getter]
    fn height(&self) -> usize {
        self.0.height()
    }
}

impl Picture {
    /// The image, after a warning if its file is damaged; `whose` is before the message.
    fn told(opened: Opened, whose: &str) -> Self {
        if let Some(damage) = opened.damage {
            log::warn!("{whose}{damage}");
        }
        Self(opened.image)
    }
}

fn reading(accept_damaged: bool) -> ReadOptions {
    ReadOptions { accept_damaged, ..ReadOptions::default() }
}

/// How the pixels of an array lie.
fn layout<T: Element>(array: &PyReadonlyArrayDyn<'_, T>, bgr: bool) -> PyResult<PixelLayout> {
    let (height, width, samples) = match array.shape() {
        &[height, width] => (height, width, 1),
        &[height, width, samples] => (height, width, samples),
        other => return Err(wrong(format!("an image of {other:?}, expected [height, width, samples]"))),
    };
    let format = match (samples, bgr) {
        (1, _) => PixelFormat::Grey,
        (2, _) => PixelFormat::GreyAlpha,
        (3, false) => PixelFormat::Rgb,
        (3, true) => PixelFormat::Bgr,
        (4, false) => PixelFormat::Rgba,
        (4, true) => PixelFormat::Bgra,
        _ => return Err(wrong(format!("{samples} samples for a pixel, expected 1 to 4"))),
    };
    Ok(PixelLayout::packed(Size { height, width }, format))
}
