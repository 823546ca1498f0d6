//! Options of photographs and of the network, which have no effect where edges are ready.

use pidinet::edges::{Precision, Strip};

use super::Images;
use crate::ui::usage;

/// Refuses such options. Those that were given with their default values are not noticed.
pub(super) fn check(images: &Images) -> anyhow::Result<()> {
    let Images { network, range, accept_damaged, engine, .. } = images;
    let options = [
        ("--range", range.is_some()),
        ("--accept-damaged", *accept_damaged),
        ("--isa", engine.isa.is_some()),
        ("--precision", engine.precision != Precision::default()),
        ("--strip", !matches!(engine.strip, Strip::Auto)),
    ];
    let mut given = network.given();
    given.extend(options.iter().filter(|(_, given)| *given).map(|(name, _)| *name));
    match given[..] {
        [] => Ok(()),
        _ => Err(usage!(
            "with --map the edges are ready and no network runs, so leave out {}",
            given.join(", ")
        )),
    }
}
