//! Parsing the values of options.

use pidinet::UnknownName;
use pidinet::post::Suppression;
use pidinet_eval::edges::evaluate::thresholds;
use pidinet_eval::files::dataset::Preset;

#[derive(Clone, Copy, Debug)]
pub(super) struct Nms(pub(super) Option<Suppression>);

#[derive(Clone, Debug)]
pub(super) struct Thresholds(pub(super) Vec<f64>);

pub(super) fn preset(text: &str) -> Result<Preset, String> {
    text.parse().map_err(|_| "expected bsds, nyud or multicue".to_owned())
}

pub(super) fn nms(text: &str) -> Result<Nms, String> {
    if text == "none" {
        Ok(Nms(None))
    } else {
        text.parse().map(|nms| Nms(Some(nms))).map_err(|error: UnknownName| error.to_string())
    }
}

pub(super) fn distance(text: &str) -> Result<f64, String> {
    let distance = text.parse().ok().filter(|distance| (0.0..=1.0).contains(distance));
    distance.ok_or_else(|| "expected a fraction of the diagonal such as 0.0075".to_owned())
}

/// Most thresholds that make a difference: one for each value of 16 bits.
const MOST_THRESHOLDS: usize = 65_535;

pub(super) fn threshold_list(text: &str) -> Result<Thresholds, String> {
    if let Ok(count) = text.parse::<usize>() {
        let count = Some(count).filter(|count| (1..=MOST_THRESHOLDS).contains(count));
        let count = count.ok_or_else(|| format!("expected 1 to {MOST_THRESHOLDS} thresholds"))?;
        return Ok(Thresholds(thresholds(count)));
    }
    let list: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok()).collect();
    let list =
        list.filter(|list| list.is_sorted_by(|a, b| a < b) && list[0] > 0.0 && list[list.len() - 1] <= 1.0);
    list.map(Thresholds).ok_or_else(|| "expected a number of thresholds, or rising ones in (0, 1]".to_owned())
}
