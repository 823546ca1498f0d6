//! Warnings of the library, told by Python's `logging` under the name `pidinet`.

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let message = record.args().to_string();
        // What a logger of the user raises has nowhere to go.
        let _ = Python::try_attach(|py| {
            py.import("logging")?
                .call_method1("getLogger", ("pidinet",))?
                .call_method1("warning", ("%s", message))
                .map(drop)
        });
    }

    fn flush(&self) {}
}

/// From now on warnings are told.
pub(crate) fn start() {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}
