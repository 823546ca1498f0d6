//! Showing the progress of a run.

use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use pidinet_train::run::{Event, Record};

use crate::ui;

/// A bar if there is a terminal, and a line for each epoch.
pub(super) struct Progress {
    bar: ProgressBar,
}

/// Positions of the bar, since the share done is a fraction.
const PARTS: u64 = 10_000;

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(PARTS);
        let style = "{wide_bar} {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
        Self { bar }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Started { images, parameters, step, steps } => {
                let steps =
                    steps.map_or_else(|| "the time limit".to_owned(), |steps| format!("{steps} steps"));
                self.line(&format!("{parameters} parameters, {images} images, from step {step} to {steps}"));
            }
            Event::Step { step, done, loss, speed, left } => {
                self.bar.set_position((done * PARTS as f64) as u64);
                let left = HumanDuration(Duration::from_secs_f64(left.clamp(0.0, 1e9)));
                self.bar.set_message(format!(
                    "step {step}, loss {}, {speed:.1} images/s, {left} left",
                    loss_text(*loss)
                ));
            }
            Event::Skipped { name, reason } => self.line(&format!("skipped {name}: {reason}")),
            Event::Recorded(record) => self.line(&line(record)),
            _ => {}
        }
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, line: &str) {
        self.bar.suspend(|| ui::complain(line));
    }
}

fn line(record: &Record) -> String {
    let Record { step, epoch, rate, loss, validation, .. } = record;
    let scores = validation.as_ref().map_or_else(String::new, |scores| {
        let named = scores.named.iter().map(|(name, score)| format!(", {name} {score:.4}"));
        format!(", validation loss {}{}", loss_text(scores.loss), named.collect::<String>())
    });
    let loss = loss_text(*loss);
    format!("epoch {epoch:.1}, step {step}: loss {loss}, rate {rate:.2e}{scores}")
}

/// A loss with about four digits: edge losses are sums over pixels and large, those of classes are not.
fn loss_text(loss: f64) -> String {
    if loss.abs() < 100.0 { format!("{loss:.4}") } else { format!("{loss:.1}") }
}
