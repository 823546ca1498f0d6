//! Errors of the library as exceptions of Python.

use std::io;
use std::path::Path;

use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};
use pyo3::{PyErr, create_exception};

create_exception!(
    pidinet,
    ModelError,
    PyValueError,
    "A model cannot be used: there is none of this name, or its file is not one, is damaged or lacks something."
);

/// The exception for an error of the library.
pub(crate) fn raised(error: pidinet::Error) -> PyErr {
    use pidinet::Error;
    match &error {
        Error::Read { path, source } | Error::Write { path, source } => of_file(path, source),
        Error::Locked { .. } => PyOSError::new_err(chain(&error)),
        Error::NoMemory { .. } => PyMemoryError::new_err(chain(&error)),
        Error::Model { .. }
        | Error::ModelContent(_)
        | Error::NotCalibrated
        | Error::UnknownModel { .. }
        | Error::NoPartner { .. } => ModelError::new_err(chain(&error)),
        _ => PyValueError::new_err(chain(&error)),
    }
}

/// The exception for a model that cannot be used.
pub(crate) fn unusable(error: pidinet::weights::ModelError) -> PyErr {
    raised(error.into())
}

/// The exception for an error of an evaluation.
pub(crate) fn failed(error: pidinet_eval::Error) -> PyErr {
    use pidinet_eval::Error;
    match error {
        Error::Read { path, source } | Error::Write { path, source } => of_file(&path, &source),
        Error::Pidinet(error) => raised(error),
        other => PyValueError::new_err(chain(&other)),
    }
}

/// The exception for a word or a number that means nothing.
pub(crate) fn wrong(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// `FileNotFoundError` and its like, with the number of the error and the name of the file.
fn of_file(path: &Path, source: &io::Error) -> PyErr {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(source);
    while let Some(error) = cause {
        if let Some(number) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            // Its text ends in the number: "No such file or directory (os error 2)".
            let text = io::Error::from_raw_os_error(number).to_string();
            let text = text.split(" (os error").next().unwrap_or(&text).to_owned();
            return PyOSError::new_err((number, text, path.as_os_str().to_owned()));
        }
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    PyOSError::new_err(format!("{}: {source}", path.display()))
}

/// A message and those of its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
