//! The engine against itself: what must not change the result does not change it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use pidinet_kernels::isa::Isa;

use super::arena::Arena;
use super::machine::Clock;
use super::wide::is_cut;
use super::*;
use crate::arch::{Arch, Kinds};
use crate::calibration::Calibration;
use crate::edges::input::Input;
use crate::edges::options::{Precision, Strip};
use crate::edges::plan::op::Op;
use crate::edges::plan::{Fusion, Keep};
use crate::image::{Image, PixelFormat, PixelLayout};
use crate::size::Size;
use crate::steps::StepStats;
use crate::weights::Model;

/// A smooth image with texture, reproducible.
struct Waves;

impl Input for Waves {
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]) {
        for (c, channel) in channels.into_iter().enumerate() {
            for (x, value) in channel.iter_mut().enumerate() {
                let phase = 0.37 * x as f32 + 0.23 * (y * (c + 1)) as f32 + 0.011 * (x * y) as f32;
                *value = 1.5 * phase.sin();
            }
        }
    }
}

fn maps(model: &Model, keep: Keep, options: EngineOptions, fusion: Fusion, size: Size) -> Vec<Map> {
    let options = EngineOptions { isa: options.isa.or(Some(Isa::best())), ..options };
    let engine = Engine::with_fusion(model, keep, &options, fusion).unwrap();
    let first = engine.run(&Waves, size).maps;
    let again = engine.run(&Waves, size).maps;
    assert_eq!(first, again, "a second run gave something else");
    first
}

fn threads(count: usize) -> EngineOptions {
    EngineOptions { threads: NonZeroUsize::new(count), ..EngineOptions::default() }
}

#[test]
fn threads_and_strips_change_nothing() {
    let model = Model::random(Arch::tiny(), 3);
    for [height, width] in [[8, 8], [9, 31], [67, 45], [130, 77], [209, 23]] {
        let size = Size { height, width };
        let whole = EngineOptions { strip: Strip::Whole, ..threads(1) };
        let want = maps(&model, Keep::Sides, whole, Fusion::On, size);
        for count in [1, 2, 5] {
            for rows in [1, 7, 8, 32, 200] {
                let strip = Strip::Rows(NonZeroUsize::new(rows).unwrap());
                let got =
                    maps(&model, Keep::Sides, EngineOptions { strip, ..threads(count) }, Fusion::On, size);
                assert!(got == want, "{count} threads, strips of {rows} rows, {size:?}");
            }
        }
    }
}

#[test]
fn lower_precision_is_near_and_depends_on_no_threads_or_strips() {
    let archs = [
        Arch::tiny(),
        Arch::tiny().light(),
        Arch { width: 7, cdcm: Some(3), theta: 0.6, kinds: Kinds::named("rrrv4").unwrap(), csam: true },
    ];
    for arch in archs {
        let mut model = Model::random(arch, 5);
        model.calibration = Some(Calibration::measure(&model, [noise(100, 60)]).unwrap());
        for [height, width] in [[9, 31], [67, 45], [40, 530]] {
            let size = Size { height, width };
            let with = |precision, strip, count| {
                let options = EngineOptions { strip, precision, ..threads(count) };
                maps(&model, Keep::Sides, options, Fusion::On, size)
            };
            let exact = with(Precision::F32, Strip::Auto, 1);
            // A rounding error is 2^-9 of a product; its effect on sums of random signs, twenty layers on, is
            // smaller. With int8 it is 2^-9 of the greatest value of a channel, or of a row of weights.
            for (precision, bound) in [(Precision::Bf16, 2e-3), (Precision::Int8, 1e-2)] {
                let whole = with(precision, Strip::Whole, 1);
                for (rows, count) in [(1, 2), (7, 5), (8, 1), (200, 2)] {
                    let strip = Strip::Rows(NonZeroUsize::new(rows).unwrap());
                    assert!(
                        with(precision, strip, count) == whole,
                        "{precision}, {count} threads, {rows} rows, {size:?}"
                    );
                }
                let is_lower = Isa::best().packs(precision.format().unwrap());
                assert_eq!(whole != exact, is_lower, "{} falls back to f32", Isa::best());
                for (map, exact) in whole.iter().zip(&exact) {
                    let mean = mean_error(map, exact);
                    assert!(mean < bound, "{precision}: {mean} off, {:?}, {size:?}", model.arch);
                }
            }
        }
    }
}

fn mean_error(map: &Map, exact: &Map) -> f32 {
    let errors = map.data.iter().zip(&exact.data).map(|(a, b)| (a - b).abs());
    errors.sum::<f32>() / map.data.len() as f32
}

/// Grey values that look random.
fn noise(width: usize, height: usize) -> Image {
    let grey = |index: usize| (index.wrapping_mul(2_654_435_761) >> 13) as u8;
    let pixels: Vec<u8> = (0..width * height).map(grey).collect();
    Image::from_u8(&pixels, &PixelLayout::packed(Size { height, width }, PixelFormat::Grey)).unwrap()
}

#[test]
fn what_int8_does_not_reach_is_computed_in_f32() {
    let mut model = Model::random(Arch { cdcm: None, ..Arch::tiny() }, 5);
    let calibration = Calibration::measure(&model, [noise(64, 48)]).unwrap();
    let mut ranges: BTreeMap<String, Vec<f32>> = serde_json::from_str(&calibration.to_json()).unwrap();
    ranges.values_mut().flatten().for_each(|range| *range *= 1e-3);
    let narrow = serde_json::to_string(&ranges).unwrap();
    model.calibration = Calibration::from_json(&narrow, &model.arch);
    let with = |precision| {
        let options = EngineOptions { precision, ..threads(2) };
        maps(&model, Keep::Fused, options, Fusion::On, Size { height: 67, width: 45 }).remove(0)
    };
    // The bound of bf16, which blocks with projection use.
    let mean = mean_error(&with(Precision::Int8), &with(Precision::F32));
    assert!(mean < 2e-3, "{mean} off");
}

/// Whole numbers are added exactly, whatever multiplies them.
#[test]
fn int8_gives_the_same_bits_with_and_without_vnni() {
    let mut model = Model::random(Arch::tiny(), 5);
    model.calibration = Some(Calibration::measure(&model, [noise(100, 60)]).unwrap());
    let size = Size { height: 67, width: 93 };
    let with = |isa, precision| {
        let options = EngineOptions { isa: Some(isa), precision, ..threads(2) };
        maps(&model, Keep::Fused, options, Fusion::On, size).remove(0)
    };
    let named = ["avx2", "avxvnni"].map(|name| Isa::named(name).ok());
    let int8 = named.map(|isa| isa.map(|isa| with(isa, Precision::Int8)));
    if let [Some(avx2), _] = named {
        let (got, exact) = (int8[0].as_ref().unwrap(), with(avx2, Precision::F32));
        assert!(*got != exact && mean_error(got, &exact) < 1e-2, "{}", mean_error(got, &exact));
        for (rows, count) in [(1, 2), (7, 5), (32, 1), (200, 3)] {
            let strip = Strip::Rows(NonZeroUsize::new(rows).unwrap());
            let options =
                EngineOptions { isa: Some(avx2), precision: Precision::Int8, strip, ..threads(count) };
            let again = maps(&model, Keep::Fused, options, Fusion::On, size).remove(0);
            assert!(again == *got, "{count} threads, {rows} rows");
        }
    }
    match int8 {
        [Some(plain), Some(vnni)] => assert!(plain == vnni, "other whole numbers"),
        _ => eprintln!("skipped: this CPU lacks AVX2 or AVX-VNNI"),
    }
}

#[test]
fn blocks_with_projection_multiply_int16_where_there_is_no_bf16() {
    let mut model = Model::random(Arch::tiny(), 5);
    model.calibration = Some(Calibration::measure(&model, [noise(40, 40)]).unwrap());
    for isa in Isa::available() {
        let count = |precision| {
            let options = EngineOptions { isa: Some(isa), precision, ..threads(1) };
            let engine = Engine::new(&model, Keep::Fused, &options).unwrap();
            engine.plan.steps.iter().filter(|step| matches!(step.op, Op::ProjectingBlock { .. })).count()
        };
        let want = if ["avx2", "avxvnni"].contains(&isa.name()) { 3 } else { 0 };
        assert_eq!([Precision::Int8, Precision::F32].map(count), [want, 0], "{isa}");
    }
}

#[test]
fn int8_takes_a_calibrated_model() {
    let model = Model::random(Arch::tiny(), 5);
    let options = EngineOptions { precision: Precision::Int8, ..threads(1) };
    let error = Engine::new(&model, Keep::Fused, &options).unwrap_err().to_string();
    assert!(error.contains("not calibrated") && error.contains("--calibrate"), "{error}");
    let error = Calibration::measure(&model, []).unwrap_err().to_string();
    assert!(error.contains("no picture"), "{error}");
}

#[test]
fn fused_steps_equal_their_parts() {
    let archs = [
        Arch::tiny(),
        Arch::tiny().light(),
        Arch { csam: false, ..Arch::tiny() },
        Arch { cdcm: None, ..Arch::tiny() },
        Arch { width: 7, cdcm: Some(3), theta: 0.6, kinds: Kinds::named("rrrv4").unwrap(), csam: true },
    ];
    for arch in archs {
        let model = Model::random(arch, 11);
        let fused = maps(&model, Keep::All, threads(2), Fusion::On, Size { height: 43, width: 58 });
        let plain = maps(&model, Keep::All, threads(1), Fusion::Off, Size { height: 43, width: 58 });
        assert_near(&fused, &plain, &model.arch);
    }
}

#[track_caller]
fn assert_near(fused: &[Map], plain: &[Map], arch: &Arch) {
    assert_eq!(fused.len(), plain.len());
    for (index, (fused, plain)) in fused.iter().zip(plain).enumerate() {
        assert_eq!(fused.shape, plain.shape);
        let largest = plain.data.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let pairs = fused.data.iter().zip(&plain.data);
        let error = pairs.fold(0.0f32, |error, (a, b)| error.max((a - b).abs()));
        // Sums of at most 240 + 9 terms, in another order, through sixteen layers.
        assert!(error <= 1e-5 * largest, "map {index} of {arch:?}: {error:e} of {largest:e}");
    }
}

#[test]
fn wide_maps_are_computed_row_by_row() {
    let model = Model::random(Arch::full(), 11);
    let (height, width) = (26, 4200);
    let engine = Engine::new(&model, Keep::Sides, &threads(1)).unwrap();
    assert!(engine.pace(Size { height, width: 481 }, 1).bands);
    assert!(!engine.pace(Size { height, width }, 1).bands);
    let rows = maps(&model, Keep::Sides, threads(2), Fusion::On, Size { height, width });
    assert_near(
        &rows,
        &maps(&model, Keep::Sides, threads(2), Fusion::Off, Size { height, width }),
        &model.arch,
    );
}

#[test]
fn steps_are_timed_and_counted() {
    let model = Model::random(Arch::tiny(), 3);
    let engine = Engine::new(&model, Keep::Fused, &threads(1)).unwrap();
    let run = engine.profile(&Waves, Size::square(64));
    let stats = engine.stats(&run.times, Size::square(64));
    let survey = crate::arch::survey::Survey::of(&model.arch, Size::square(64));
    let (bands, rest): (Vec<_>, Vec<_>) =
        stats.iter().partition(|step| step.name.starts_with("dilations") && step.name.ends_with("conv2"));
    let sum = |steps: &[&StepStats]| steps.iter().map(|step| step.macs).sum::<u64>() as f64;
    // Bands take 21.6 multiply-adds for 36 weights.
    let macs = sum(&rest) + 36.0 / 21.6 * sum(&bands);
    // Folding leaves 8, 9 or 16 taps of each PDC; the classifier runs in the last pass.
    assert!((0.95..1.05).contains(&(macs / survey.multiply_adds() as f64)), "{macs}");
    assert!(stats.iter().any(|step| step.time > Duration::ZERO));
}

#[test]
fn a_wide_image_needs_bounded_memory() {
    let model = Model::random(Arch::full(), 3);
    let engine = Engine::new(&model, Keep::Fused, &threads(2)).unwrap();
    let image = Size { height: 8000, width: 12000 };
    let arena = Arena::new(&engine.plan, image, engine.pace(image, 2), 2);
    assert!(arena.bytes() < 400 << 20, "{} MiB beside the map", arena.bytes() >> 20);
}

#[test]
fn the_memory_of_two_sizes_in_turn_is_kept() {
    let model = Model::random(Arch::tiny(), 3);
    let engine = Engine::new(&model, Keep::Fused, &threads(1)).unwrap();
    let sizes = [(16, 24), (24, 16), (32, 32), (16, 24)].map(|(height, width)| Size { height, width });
    let mut kept = Vec::new();
    for size in sizes {
        engine.run(&Waves, size);
        engine.run(&Waves, size);
        let idle = engine.workers.idle();
        kept.push(idle.iter().map(|arena| arena.image).collect::<Vec<_>>());
    }
    let [flat, upright, square, _] = sizes;
    assert_eq!(kept, [vec![flat], vec![flat, upright], vec![upright, square], vec![square, flat]]);
}

/// Whether or not an image is cut, its map is the same to the last bit.
#[test]
fn very_wide_images_are_what_they_are_in_one_piece() {
    // The networks with the largest receptive field: 5x5 kernels in every block.
    let far = Arch { kinds: Kinds::named("rrrv4").unwrap(), ..Arch::tiny() };
    for (arch, height, width) in [(Arch::tiny(), 8, 40_003), (far, 19, 33_000)] {
        let model = Model::random(arch, 7);
        let options = EngineOptions { isa: Some(Isa::best()), ..threads(2) };
        let engine = Engine::new(&model, Keep::Sides, &options).unwrap();
        let image = Size { height, width };
        assert!(is_cut(width));
        let cut = engine.run(&Waves, image).maps;
        assert!(engine.workers.idle().is_empty(), "no piece is taken for an image of its size");
        let mut arena = engine.arena(image);
        let whole = engine.run_in(&mut arena, |arena| engine.stream(arena, &Waves, Clock::Off)).maps;
        assert!(cut == whole, "{height}x{width}");
    }
}
