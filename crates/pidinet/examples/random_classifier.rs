//! Writes a Bi-PiDiNet with random weights, for timing:
//! `random_classifier 18|18-light|18-cifar|s FILE [RHO]`.

use pidinet::arch::Kind;
use pidinet::arch::recognition::{RecognitionArch, Stem};
use pidinet::weights::{RecognitionModel, RecognitionStorage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, path, rho) = match &arguments[..] {
        [name, path] => (name, path, 0.0),
        [name, path, rho] => (name, path, rho.parse()?),
        _ => return Err("expected 18, 18-light, 18-cifar or s, a file, and perhaps rho".into()),
    };
    let arch = match name.as_str() {
        "18" => RecognitionArch::eighteen(Stem::Imagenet, 1000),
        "18-light" => RecognitionArch::eighteen(Stem::Imagenet, 1000).light(),
        "18-cifar" => RecognitionArch::eighteen(Stem::Cifar, 10),
        "s" => RecognitionArch::small(10),
        other => return Err(format!("there is no network {other}").into()),
    };
    RecognitionModel::random(arch.with_differences(Kind::Central, rho), 1)
        .save(path, RecognitionStorage::default())?;
    Ok(())
}
