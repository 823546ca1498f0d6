//! Training runs on the CPU, and what they leave behind.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pidinet::weights::{Model, OpenOptions};
use pidinet_train::Result;
use pidinet_train::device::Cpu;
use pidinet_train::edges::config::Config;
use pidinet_train::edges::run::train;
use pidinet_train::run::{Event, Outcome, Record, RunOptions};

pub(crate) fn go(config: &Config, folder: &Path, resume: bool, tell: impl FnMut(&Event)) -> Result<Outcome> {
    let stop = AtomicBool::new(false);
    let options = RunOptions { folder: folder.to_path_buf(), resume, device: &Cpu::default(), stop: &stop };
    train(config, &options, tell)
}

pub(crate) fn weights(folder: &Path) -> Model {
    Model::open(folder.join("model.safetensors"), &OpenOptions::default()).unwrap()
}

pub(crate) fn records(folder: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    records.map(|record: Record| Record { seconds: 0.0, ..record }).collect()
}
