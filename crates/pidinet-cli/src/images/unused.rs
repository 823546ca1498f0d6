//! Options of photographs and of the network, which have no effect where edges are ready.

use pidinet::edges::{Precision, Strip};

use crate::network::NetworkArgs;
use crate::options::EngineArgs;
use crate::ui::usage;

/// Refuses such options, and `others` that were given. Those of the network and the engine that were given with their
/// default values are not noticed.
pub(super) fn check(
    network: &NetworkArgs,
    engine: &EngineArgs,
    others: &[(&'static str, bool)],
) -> anyhow::Result<()> {
    let of_engine = [
        ("--isa", engine.isa.is_some()),
        ("--precision", engine.precision != Precision::default()),
        ("--strip", !matches!(engine.strip, Strip::Auto)),
    ];
    let mut given = network.given();
    given.extend(others.iter().chain(&of_engine).filter(|(_, given)| *given).map(|(name, _)| *name));
    match given[..] {
        [] => Ok(()),
        _ => Err(usage!(
            "with --map the edges are ready and no network runs, so leave out {}",
            given.join(", ")
        )),
    }
}
