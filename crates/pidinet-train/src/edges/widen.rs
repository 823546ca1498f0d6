//! A wider network that computes what a narrower one does (Net2WiderNet: Chen, Goodfellow and Shlens,
//! *Net2Net: Accelerating learning via knowledge transfer*, ICLR 2016).
//!
//! Each further channel is a copy of another, and every convolution that reads the copies divides its weights
//! among them. The shares are random, because copies that are read alike would learn alike.

use std::collections::BTreeMap;

use pidinet::arch::{Arch, Build, Conv, pidinet};
use pidinet::weights::{Model, Parameter, Weights};
use rand::RngExt;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom;

/// `model` with the channels of `arch` if it has fewer, and otherwise as it is. The kinds of its layers and their
/// θ become those of `arch`; if they are the same, the network computes the same.
pub(crate) fn widened(model: Model, arch: &Arch, rng: ChaCha12Rng) -> Model {
    let narrow = &model.arch;
    let modules = |arch: &Arch| (arch.cdcm.is_some(), arch.csam);
    let fits = narrow.width <= arch.width && narrow.cdcm <= arch.cdcm && modules(narrow) == modules(arch);
    if model.is_folded() || !fits || (narrow.width, narrow.cdcm) == (arch.width, arch.cdcm) {
        return model;
    }
    let mut widen = Widen { from: &model.weights, rng, copies: BTreeMap::new(), weights: Weights::new() };
    pidinet(arch, &mut widen, &Channels::same(3));
    Model { arch: arch.clone(), weights: widen.weights, calibration: None, ..model }
}

/// The channels of a map of the wide network.
#[derive(Clone)]
struct Channels {
    /// Which channel of the narrow network each of them equals.
    of: Vec<usize>,
    /// How much of that channel's weights each gets: the shares of equal ones add up to 1.
    share: Vec<f32>,
}

impl Channels {
    /// As many in both networks.
    fn same(count: usize) -> Self {
        Self { of: (0..count).collect(), share: vec![1.0; count] }
    }

    /// `wide` channels for `narrow` ones: the first are these themselves, then come copies in random order; all
    /// have as many copies, give or take one.
    fn copies(narrow: usize, wide: usize, rng: &mut ChaCha12Rng) -> Self {
        let mut of: Vec<usize> = (0..narrow).collect();
        while of.len() < wide {
            let mut further: Vec<usize> = (0..narrow).collect();
            further.shuffle(rng);
            of.extend(further.into_iter().take(wide - of.len()));
        }
        let mut share: Vec<f32> = of.iter().map(|_| rng.random_range(0.5..1.5)).collect();
        let mut sums = vec![0.0; narrow];
        for (&of, share) in of.iter().zip(&share) {
            sums[of] += share;
        }
        for (&of, share) in of.iter().zip(&mut share) {
            *share /= sums[of];
        }
        Self { of, share }
    }
}

/// The interpreter whose values are the channels of maps, and which writes down the wide network's weights.
struct Widen<'a> {
    from: &'a Weights,
    rng: ChaCha12Rng,
    /// The channels of each group of maps that are added to one another.
    copies: BTreeMap<String, Channels>,
    weights: Weights,
}

impl Widen<'_> {
    /// The channels of what a convolution writes.
    fn outputs(&mut self, name: &str, narrow: usize, conv: &Conv, x: &Channels) -> Channels {
        if conv.groups > 1 {
            return x.clone();
        }
        if narrow == conv.outputs {
            return Channels::same(narrow);
        }
        // Added to one another: all blocks of a stage, to the first of which the stem is added, and the dilated
        // convolutions of a CDCM (together with the one that they read, which does no harm).
        let module = name.rsplit_once('.').map_or("block1", |(module, _)| module);
        let group = if module.starts_with("block") { &module[.."block1".len()] } else { module };
        let Self { copies, rng, .. } = self;
        let channels = copies.entry(group.to_owned());
        channels.or_insert_with(|| Channels::copies(narrow, conv.outputs, rng)).clone()
    }
}

impl Build for Widen<'_> {
    type Value = Channels;

    fn conv(&mut self, name: &str, conv: &Conv, x: &Channels) -> Channels {
        let weight = &self.from[format!("{name}.weight").as_str()];
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        let kernel = conv.size * conv.size;
        let channels = self.outputs(name, outputs, conv, x);
        let read = if conv.groups > 1 { Channels::same(1) } else { x.clone() };
        let mut data = Vec::with_capacity(conv.weight_shape().iter().product());
        for &output in &channels.of {
            for (&input, &share) in read.of.iter().zip(&read.share) {
                let first = (output * inputs + input) * kernel;
                data.extend(weight.data[first..][..kernel].iter().map(|weight| share * weight));
            }
        }
        let shape = conv.weight_shape().to_vec();
        self.weights.insert(format!("{name}.weight"), Parameter { shape, data });
        if conv.bias {
            let bias = &self.from[format!("{name}.bias").as_str()].data;
            let data: Vec<f32> = channels.of.iter().map(|&output| bias[output]).collect();
            self.weights.insert(format!("{name}.bias"), Parameter { shape: vec![data.len()], data });
        }
        channels
    }

    fn max_pool(&mut self, x: &Channels) -> Channels {
        x.clone()
    }

    fn relu(&mut self, x: &Channels) -> Channels {
        x.clone()
    }

    fn sigmoid(&mut self, x: &Channels) -> Channels {
        x.clone()
    }

    fn add(&mut self, a: &Channels, b: &Channels) -> Channels {
        debug_assert_eq!(a.of, b.of, "maps that are added have copies of the same channels");
        a.clone()
    }

    fn gate(&mut self, x: &Channels, _gate: &Channels) -> Channels {
        x.clone()
    }

    fn resize(&mut self, x: &Channels, _like: &Channels) -> Channels {
        x.clone()
    }

    fn concat(&mut self, maps: &[Channels]) -> Channels {
        Channels::same(maps.iter().map(|map| map.of.len()).sum())
    }
}

#[cfg(test)]
mod tests {
    use pidinet::image::{Image, PixelFormat, PixelLayout};
    use pidinet::weights::OpenOptions;
    use pidinet::{DetectorOptions, EdgeDetector, Size};

    use super::*;
    use crate::random::generator;

    fn maps(model: &Model) -> Vec<f32> {
        let pixels: Vec<u8> = (0..40 * 32).map(|i| (i * i % 251) as u8).collect();
        let layout = PixelLayout::packed(Size { height: 32, width: 40 }, PixelFormat::Grey);
        let image = Image::from_u8(&pixels, &layout).unwrap();
        let detector = EdgeDetector::new(model, &DetectorOptions::default()).unwrap();
        detector.detect(&image).unwrap().edges.into_data()
    }

    #[test]
    fn a_wider_network_computes_the_same() {
        for (narrow, wide) in [
            (Arch::tiny(), Arch::small()),
            (Arch::tiny(), Arch::full()),
            (Arch { width: 3, ..Arch::tiny() }, Arch { width: 11, ..Arch::tiny() }),
            (Arch::tiny(), Arch { cdcm: Some(9), ..Arch::tiny() }),
            (Arch::tiny().light(), Arch::small().light()),
        ] {
            let narrow = Model::random(narrow, 1);
            let wider = widened(narrow.clone(), &wide, generator(1, 0, 0));
            assert_eq!(Model::read(&wider.to_bytes().unwrap(), &OpenOptions::default()).unwrap().arch, wide);
            let before = maps(&narrow);
            assert!(
                before.iter().any(|&value| (value - before[0]).abs() > 0.01),
                "there is something to see"
            );
            for (before, after) in before.iter().zip(maps(&wider)) {
                assert!((before - after).abs() < 1e-4, "{before} became {after}");
            }
        }
    }

    #[test]
    fn copies_are_read_with_different_weights() {
        let narrow = Model::random(Arch::tiny(), 1);
        let wider = widened(narrow, &Arch { width: 40, ..Arch::tiny() }, generator(1, 0, 0));
        let read = &wider.weights["block1_1.conv2.weight"];
        let mut columns: Vec<Vec<u32>> = (0..40)
            .map(|input| read.data.iter().skip(input).step_by(40).map(|x| x.to_bits()).collect())
            .collect();
        columns.sort();
        columns.dedup();
        assert_eq!(columns.len(), 40);
    }

    #[test]
    fn what_cannot_be_widened_stays_as_it_is() {
        let small = Model::random(Arch::small(), 1);
        for wide in
            [Arch::small(), Arch::tiny(), Arch::full().light(), Arch { cdcm: Some(3), ..Arch::full() }]
        {
            assert_eq!(widened(small.clone(), &wide, generator(1, 0, 0)), small);
        }
        assert_eq!(widened(small.folded(), &Arch::full(), generator(1, 0, 0)), small.folded());
    }
}
