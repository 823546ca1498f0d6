//! What `wasm-bindgen` does, from the library of the version in Cargo.lock: `bindgen MODULE.wasm FOLDER NAME` writes
//! `NAME.js`, `NAME.d.ts` and `NAME_bg.wasm`. A program of its own, as it takes a minute to compile and one chore needs it.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder, name] = arguments.as_slice() else { bail!("usage: bindgen MODULE FOLDER NAME") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(name).web(true)?.typescript(true).omit_default_module_path(true);
    bindgen.generate(folder).with_context(|| format!("cannot make bindings for {module}"))
}
