//! `--device`: where a network is trained.

use pidinet_kernels::Isa;
use pidinet_train::device::{Cpu, Device};

use crate::ui::usage;

/// What `--device` may be.
pub(super) const NAMES: [&str; 3] = ["cpu", "cuda", "wgpu"];

/// The device of one of [`NAMES`].
pub(super) fn named(name: &str) -> anyhow::Result<Box<dyn Device>> {
    match name {
        "cpu" => Ok(Box::new(Cpu { isa: Isa::from_env()? })),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Box::new(pidinet_burn::Accelerator::cuda()?)),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Box::new(pidinet_burn::Accelerator::wgpu()?)),
        other => Err(usage!(
            "this pidinet was built without {other}: in its repository, \
             `cargo install --path crates/pidinet-cli --features {other}` builds one that has it"
        )),
    }
}
