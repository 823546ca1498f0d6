//! From what was asked for to a film that is open.

use std::fs::File;

use anyhow::Context;

use super::decode;
use super::source::{Opened, Request};
use super::y4m::Stream;
use crate::ui::shown;

/// Opens a film.
pub(super) fn open(request: &Request) -> anyhow::Result<Opened> {
    let input = request.input;
    let is_plain = input.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("y4m"));
    let name = || format!("cannot use {}", shown(input));
    if input.as_os_str() == "-" {
        Stream::open(std::io::stdin(), None, request).with_context(name)
    } else if is_plain && request.format.is_none() {
        let file = File::open(input).with_context(|| format!("cannot read {}", input.display()))?;
        let bytes = file.metadata().ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len());
        Stream::open(file, bytes, request).with_context(name)
    } else {
        decode::open(request)
    }
}
