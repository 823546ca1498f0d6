//! The stages of the evaluation of one image: 481 × 321 pixels, 99 thresholds, five annotators.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use pidinet::post::{Mask, Suppression, suppress, thin};
use pidinet::{EdgeMap, Size};
use pidinet_eval::GroundTruth;
use pidinet_eval::edges::counts::counts;
use pidinet_eval::edges::evaluate::{EvaluateOptions, evaluate};

const WIDTH: usize = 481;
const HEIGHT: usize = 321;

/// Distances of a pixel from 24 circles of all sizes, which the image shows.
fn distances(x: f32, y: f32) -> impl Iterator<Item = f32> {
    (0..24).map(move |k| {
        let k = k as f32;
        let (u, v) = (k * 97.0 % WIDTH as f32, k * 61.0 % HEIGHT as f32);
        (x - u).hypot(y - v) - (8.0 + k * 5.0)
    })
}

/// Soft edges of many strengths on a textured background.
fn map() -> EdgeMap {
    let pixels = (0..WIDTH * HEIGHT).map(|at| {
        let (x, y) = ((at % WIDTH) as f32, (at / WIDTH) as f32);
        let texture = 0.15 * ((x * 0.37).sin() * (y * 0.29).cos() + 1.0) / 2.0;
        let edges = distances(x, y).zip(0..).map(|(d, k)| (1.0 - k as f32 / 27.0) * (-d * d / 5.0).exp());
        edges.fold(texture, f32::max)
    });
    EdgeMap::new(Size { height: HEIGHT, width: WIDTH }, pixels.collect())
}

/// The circles, drawn by annotators of different precision and diligence.
fn truth() -> GroundTruth {
    let annotator = |hand: usize| {
        let mut mask = Mask::from_fn(Size { height: HEIGHT, width: WIDTH }, |x, y| {
            let shake = (y as f32 / (4 + hand) as f32).sin() * hand as f32 / 2.0;
            distances(x as f32 + shake, y as f32).take(24 - 4 * hand).any(|d| d.abs() < 0.7)
        });
        thin(&mut mask);
        mask
    };
    GroundTruth { width: WIDTH, height: HEIGHT, annotators: (0..5).map(annotator).collect(), ignored: None }
}

fn stages(criterion: &mut Criterion) {
    let (map, truth, options) = (map(), truth(), EvaluateOptions::default());
    let crests = suppress(&map, &Suppression::HED);
    let masks = |thinned: bool| -> Vec<Mask> {
        let mut masks: Vec<Mask> =
            options.thresholds.iter().rev().map(|&t| Mask::at_least(&crests, t as f32)).collect();
        if thinned {
            masks.iter_mut().for_each(thin);
        }
        masks
    };
    let (thick, thinned) = (masks(false), masks(true));
    let reach = options.max_distance * (WIDTH as f64).hypot(HEIGHT as f64);
    let counted = counts(&thinned, &truth.annotators, reach);
    assert!(counted[50].recall() > 0.2 && counted[50].precision() > 0.9, "{:?}", counted[50]);

    let mut group = criterion.benchmark_group("one image");
    group.sample_size(20);
    group.bench_function("suppress", |bench| bench.iter(|| suppress(black_box(&map), &Suppression::HED)));
    group.bench_function("thin", |bench| {
        let thin_all = |mut masks: Vec<Mask>| {
            masks.iter_mut().for_each(thin);
            masks
        };
        bench.iter_batched(|| thick.clone(), thin_all, BatchSize::LargeInput);
    });
    group.bench_function("match", |bench| {
        bench.iter(|| counts(black_box(&thinned), &truth.annotators, reach));
    });
    group.bench_function("all", |bench| bench.iter(|| evaluate(black_box(&map), &truth, &options)));
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
