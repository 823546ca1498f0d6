//! `pidinet eval edges`: the BSDS benchmark.

use std::process::ExitCode;

use pidinet_eval::results::summary::Summary;

use crate::options::with_threads;
use crate::ui::tell_line;

mod arguments;
mod details;
mod pictures;
mod scoring;
mod source;
mod values;

use arguments::Arguments;
use scoring::Subject;
use source::Looks;

/// Evaluate edges with the BSDS benchmark
///
/// Applies non-maximum suppression, thins the map at each threshold, and matches it one to one with the boundaries of
/// each annotator. Writes the benchmark's text files, summary.json, a precision-recall plot and report.html. Scores
/// do not depend on the number of threads.
#[derive(clap::Args, Debug)]
pub(crate) struct Edges {
    #[command(flatten)]
    arguments: Arguments,
}

impl Edges {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { arguments } = self;
        let knob = arguments.knob()?;
        let mut source = match (&knob, &arguments.detail[..]) {
            (Some(knob), [detail]) => arguments.finder(&knob.at(*detail)?, Some(*detail))?,
            (Some(knob), _) => arguments.finder(knob.boundaries(), Some(0.0))?,
            (None, _) => arguments.source()?,
        };
        let dataset = arguments.dataset(&source)?;
        if !dataset.unused.is_empty() {
            log::info!("{} predictions have no truth and are left out", dataset.unused.len());
        }
        with_threads(arguments.engine.threads, || {
            let looks = Looks::default();
            let truth = dataset.truth(&arguments.truth_options(), |path| source.size(path, &looks))?;
            source.settle(looks);
            match knob {
                Some(knob) if arguments.detail.len() > 1 => arguments.details(&knob, &dataset, &truth),
                _ => {
                    let subject = Subject { source, name: arguments.name(), folder: arguments.out.clone() };
                    let Some(scoring) = arguments.evaluate(&subject, &dataset, &truth)? else {
                        return Ok(ExitCode::FAILURE);
                    };
                    tell_line(&table(&scoring.summary));
                    Ok(ExitCode::SUCCESS)
                }
            }
        })
    }
}

/// The scores for the terminal.
fn table(summary: &Summary) -> String {
    let Summary { ods, ois, ap, r50, images, seconds, .. } = summary;
    let mut table = format!(
        "ODS  {:.4}  recall {:.4}, precision {:.4} at threshold {:.3}\n\
         OIS  {:.4}  recall {:.4}, precision {:.4}\n\
         AP   {ap:.4}\nR50  {r50:.4}\n",
        ods.f, ods.recall, ods.precision, ods.threshold, ois.f, ois.recall, ois.precision
    );
    if let Some(crispness) = &summary.crispness {
        let (ods, ois, ap, ratio) = (&crispness.ods, &crispness.ois, crispness.ap, &crispness.ratio);
        table += &format!(
            "without suppression: ODS {:.4} ({:.3} of it), OIS {:.4} ({:.3}), AP {ap:.4} ({:.3})\n",
            ods.f, ratio.ods, ois.f, ratio.ois, ratio.ap
        );
    }
    let nms = summary.options.suppression.map_or_else(|| "none".to_owned(), |nms| nms.to_string());
    table + &format!("{images} images, suppression {nms}, {:.1} s", seconds.elapsed)
}
