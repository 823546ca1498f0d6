//! The tape against the f64 reference, which takes pixel differences literally: maps, and gradients by
//! finite differences of the loss.
#![allow(clippy::unwrap_used, reason = "a test")]

use pidinet::arch::{Arch, Kinds};
use pidinet::reference::edges::{Map, Reference};
use pidinet::weights::{Model, ModelInfo};
use pidinet_train::device::Cpu;
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::sample::{IGNORED, Sample};
use pidinet_train::edges::tape::Tape;
use pidinet_train::edges::trainer::Trainer;

const LOSS: Loss = Loss { lambda: 1.1, soft: true };

fn sample(height: usize, width: usize) -> Sample {
    let area = height * width;
    let image = (0..3 * area).map(|i| ((i * i * 31 + i * 17) % 1009) as f32 / 504.5 - 1.0).collect();
    let labels = (0..area).map(|i| [0.0, 0.0, 1.0, 0.0, IGNORED, 0.0, 0.6][i * i % 7]).collect();
    Sample { width, height, image, labels, lesson: None, name: "drawn".to_owned() }
}

/// The loss in f64, from the probabilities of the reference.
fn reference_loss(model: &Model, sample: &Sample) -> f64 {
    let image = sample.image.iter().map(|&x| f64::from(x)).collect();
    let outputs = Reference::run(model, &Map::new([3, sample.height, sample.width], image));
    let count = |wanted: fn(f32) -> bool| sample.labels.iter().filter(|&&label| wanted(label)).count() as f64;
    let (positive, negative) = (count(|label| label > 0.0), count(|label| label == 0.0));
    let all = positive + negative;
    let [a, b, c, d] = &outputs.sides;
    let terms = [a, b, c, d, &outputs.fused].into_iter().flat_map(|map| map.data.iter().zip(&sample.labels));
    terms
        .map(|(&p, &label)| match f64::from(label) {
            label if label > 0.0 => negative / all * -(label * p.ln() + (1.0 - label) * (1.0 - p).ln()),
            0.0 => 1.1 * positive / all * -(1.0 - p).ln(),
            _ => 0.0,
        })
        .sum()
}

fn architectures() -> [Arch; 3] {
    let small = Arch { width: 3, cdcm: Some(2), ..Arch::full() };
    [
        small.clone(),
        Arch { csam: false, theta: 0.6, ..small.clone() },
        Arch { cdcm: None, kinds: Kinds::named("r16").unwrap(), ..small },
    ]
}

#[test]
fn the_loss_is_that_of_the_reference() {
    for arch in architectures() {
        let trainer = Trainer::new(&arch, 5, &Cpu::default());
        let sample = sample(19, 26);
        let (loss, _) = trainer.differentiate(&LOSS, std::slice::from_ref(&sample), 1.0).unwrap();
        let want = reference_loss(&trainer.model(ModelInfo::default()), &sample);
        assert!((loss - want).abs() < 1e-5 * want, "{arch:?}: {loss} instead of {want}");
    }
}

#[test]
fn gradients_are_finite_differences() {
    for arch in architectures() {
        let mut trainer = Trainer::new(&arch, 6, &Cpu::default());
        let sample = sample(16, 19);
        let (_, gradients) = trainer.differentiate(&LOSS, std::slice::from_ref(&sample), 1.0).unwrap();
        let largest = gradients.iter().fold(0.0_f32, |largest, gradient| largest.max(gradient.abs()));
        let tape = Tape::new(&arch);
        for tensor in tape.parameters().tensors() {
            // The first element, and one in the middle.
            for at in [tensor.range.start, (tensor.range.start + tensor.range.end) / 2] {
                let mut loss = |change: f32| {
                    let was = trainer.learner.state.average[at];
                    trainer.learner.state.average[at] = was + change;
                    let exact = f64::from(trainer.learner.state.average[at]);
                    let loss = reference_loss(&trainer.model(ModelInfo::default()), &sample);
                    trainer.learner.state.average[at] = was;
                    (exact, loss)
                };
                let ((low, before), (high, after)) = (loss(-2e-6), loss(2e-6));
                let want = (after - before) / (high - low);
                let error = (f64::from(gradients[at]) - want).abs();
                // A rectified value may change its sign between the two points, which is rare and small.
                let bound = 1e-3 * want.abs().max(0.01 * f64::from(largest));
                assert!(error <= bound, "{} [{at}]: {} instead of {want}", tensor.name, gradients[at]);
            }
        }
    }
}

#[test]
fn averaged_weights_are_evaluated() {
    let trainer = Trainer::new(&Arch { width: 3, cdcm: Some(2), ..Arch::full() }, 5, &Cpu::default());
    let sample = sample(9, 11);
    let mut maps = trainer.averaged().logits(&sample).unwrap();
    let loss = LOSS.differentiate(&sample.labels, 1.0, &mut maps);
    let want = reference_loss(&trainer.model(ModelInfo::default()), &sample);
    assert!((loss - want).abs() < 1e-5 * want);
    assert!(maps.iter().all(|map| map.len() == 99));
}
