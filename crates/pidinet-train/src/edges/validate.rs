//! How good the network is on images that it was not trained on.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use pidinet::save::SaveOptions;
use pidinet::{EdgeMap, Size};
use pidinet_eval::GroundTruth;
use pidinet_eval::edges::counts::Counts;
use pidinet_eval::edges::evaluate::{self, evaluate, thresholds};
use pidinet_eval::edges::score;
use pidinet_eval::files::ground_truth::TruthOptions;
use pidinet_eval::files::levels::Drawing;
use rayon::prelude::*;

use super::config::{Config, Material};
use super::data::Examples;
use super::loss::Loss;
use super::sample::Sample;
use super::tape::sigmoid;
use super::trainer::Trainer;
use crate::Result;
use crate::run::{Scores, decorate};

/// Most predictions that are saved as pictures.
const PICTURES: usize = 6;

/// The validation images of a run.
#[derive(Debug)]
pub(super) struct Validation {
    examples: Examples,
    /// How many of them are used.
    count: usize,
}

impl Validation {
    /// The validation images that `config` names; `None` if it names none, or wants no validation.
    pub(super) fn open(config: &Config) -> Result<Option<Self>> {
        if config.data.validation.is_empty() || config.validation.epochs <= 0.0 {
            return Ok(None);
        }
        let sources: Vec<Material> = config.data.validation.iter().cloned().map(Material::from).collect();
        let examples = Examples::open(&sources, &config.data, None)?;
        let most = if config.validation.images == 0 { usize::MAX } else { config.validation.images };
        Ok(Some(Self { count: examples.len().min(most), examples }))
    }

    /// Scores the averaged weights as the BSDS benchmark does, at few thresholds, and saves some predictions
    /// below `pictures`. `None` if `stop` becomes true.
    pub(super) fn run(
        &self,
        config: &Config,
        trainer: &Trainer,
        pictures: &Path,
        stop: &AtomicBool,
    ) -> Result<Option<Scores>> {
        let thresholds = thresholds(config.validation.thresholds.max(2));
        let options = evaluate::EvaluateOptions { thresholds, ..evaluate::EvaluateOptions::default() };
        let drawing = Drawing { ignore: config.data.ignore, ..Drawing::default() };
        let drawn = TruthOptions { drawing, ..TruthOptions::default() };
        let loss = Loss { lambda: config.data.lambda, soft: config.data.soft };
        let network = trainer.averaged();
        let one = |index: usize| -> Result<Option<(f64, Vec<Counts>)>> {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let pair = self.examples.pair(index);
            let example = self.examples.get(index)?;
            let sample = Sample::plain(&example, &pair.id);
            let mut maps = network.logits(&sample)?;
            let fused = maps[4].iter().map(|&x| sigmoid(x)).collect();
            let loss = loss.differentiate(&sample.labels, 1.0, &mut maps);
            let map = EdgeMap::new(Size { height: sample.height, width: sample.width }, fused);
            if index < PICTURES {
                let picture = pictures.join(format!("{}.png", pair.id));
                decorate(map.save(picture, &SaveOptions::default()));
            }
            let truth = GroundTruth::open_with(&pair.truth, &drawn)?;
            Ok(Some((loss, evaluate(&map, &truth, &options).counts)))
        };
        let made = std::fs::create_dir_all(pictures);
        decorate(made.map_err(|source| pidinet::Error::Write { path: pictures.into(), source }));
        let each: Option<Vec<_>> = (0..self.count).into_par_iter().map(one).collect::<Result<_>>()?;
        let Some(each) = each else { return Ok(None) };
        let total: f64 = each.iter().map(|(loss, _)| loss).sum();
        let counts: Vec<Vec<Counts>> = each.into_iter().map(|(_, counts)| counts).collect();
        let scores = score::Scores::new(&options.thresholds, &counts).expect("images and thresholds");
        let named = [("ods", scores.ods.f), ("ois", scores.ois.f), ("ap", scores.ap)];
        Ok(Some(Scores::new(total / self.count as f64, named)))
    }
}
