//! Pictures with classes: read, augmented, made into batches.

use std::borrow::Cow;
use std::sync::Arc;

use pidinet::image::Image;
use pidinet::recognition::pixels;
use pidinet::weights::RecognitionInput;
use pidinet_eval::classes::ClassSet;
use rand::RngExt;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::batch::Batch;
use super::config::{Augment, Config};
use super::loss::targets;
use crate::random::generator;
use crate::{Error, Result};

/// Purposes of random numbers, see [`generator`].
const ORDER: u64 = 1;
const CHANGE: u64 = 2;
const MIX: u64 = 3;

/// Some pictures of a data set.
#[derive(Clone, Debug)]
pub struct Pictures {
    set: Arc<ClassSet>,
    /// Which pictures of the set.
    chosen: Vec<usize>,
    /// All pictures of the set, if they are kept.
    decoded: Option<Arc<Vec<Image>>>,
    input: RecognitionInput,
}

impl Pictures {
    /// The pictures of a split, kept in memory if they take no more than `cache` bytes.
    ///
    /// # Errors
    ///
    /// If there are none, or one to be kept cannot be read.
    pub fn open(config: &Config, split: &str, input: RecognitionInput) -> Result<Self> {
        let split = (!split.is_empty()).then_some(split);
        let set = Arc::new(ClassSet::open(&config.data.path, split)?);
        let first = set.image(0)?;
        let bytes = 3 * first.width() * first.height() * set.len();
        let decoded = if bytes <= config.data.cache_mib << 20 {
            let decode = |image| Ok(set.image(image)?.covering(input.resize));
            Some(Arc::new((0..set.len()).into_par_iter().map(decode).collect::<Result<Vec<_>>>()?))
        } else {
            None
        };
        Ok(Self { chosen: (0..set.len()).collect(), set, decoded, input })
    }

    /// Splits off the last `count` pictures of each class.
    pub fn split_off(&mut self, count: usize) -> Self {
        let mut left = vec![count; self.classes().len()];
        let mut taken = Vec::new();
        for &image in self.chosen.iter().rev() {
            let left = &mut left[self.set.class(image)];
            if *left > 0 {
                *left -= 1;
                taken.push(image);
            }
        }
        taken.reverse();
        self.chosen.retain(|image| taken.binary_search(image).is_err());
        Self { chosen: taken, ..self.clone() }
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        self.set.classes()
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.chosen.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// The class of a picture.
    pub fn class(&self, picture: usize) -> usize {
        self.set.class(self.chosen[picture])
    }

    /// The name of a picture.
    pub fn name(&self, picture: usize) -> &str {
        self.set.name(self.chosen[picture])
    }

    /// A picture as at inference, `[size, size, 3]`.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn numbers(&self, picture: usize) -> Result<Vec<f32>> {
        Ok(pixels(self.image(picture)?.as_ref(), &self.input))
    }

    /// A picture as at inference, `[3, size, size]`.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn plain(&self, picture: usize) -> Result<Vec<f32>> {
        Ok(planar(&self.numbers(picture)?))
    }

    /// A picture changed at random, `[3, size, size]`.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn changed(&self, picture: usize, augment: &Augment, rng: &mut ChaCha12Rng) -> Result<Vec<f32>> {
        let image = self.image(picture)?;
        let RecognitionInput { size, mean, std, .. } = self.input;
        let shorter = (size as f32 * rng.random_range(1.0..=augment.scale)).round() as usize;
        let resized;
        let image = if image.width().min(image.height()) == shorter {
            image.as_ref()
        } else {
            resized = image.into_owned().covering(shorter);
            &resized
        };
        let mut place = |length: usize| {
            rng.random_range(0..=length + 2 * augment.pad - size) as isize - augment.pad as isize
        };
        let (left, top) = (place(image.width()), place(image.height()));
        let flipped = augment.flip && rng.random_range(0..2) == 1;
        let blank = (augment.cutout > 0).then(|| {
            let mut middle = || rng.random_range(0..size) as isize - augment.cutout as isize / 2;
            (middle(), middle())
        });
        let is_blank = |x: usize, y: usize| {
            blank.is_some_and(|(left, top)| {
                let inside = |at: usize, start: isize| {
                    (start..start + augment.cutout as isize).contains(&(at as isize))
                };
                inside(x, left) && inside(y, top)
            })
        };
        let mut numbers = vec![0.0; 3 * size * size];
        for y in 0..size {
            for x in 0..size {
                let from = if flipped { size - 1 - x } else { x };
                let (column, row) = (from as isize + left, y as isize + top);
                let outside = |at: isize, length: usize| at < 0 || at >= length as isize;
                if outside(column, image.width()) || outside(row, image.height()) || is_blank(x, y) {
                    continue;
                }
                let rgb = image.rgb(column as usize, row as usize);
                for channel in 0..3 {
                    numbers[(channel * size + y) * size + x] = (rgb[channel] - mean[channel]) / std[channel];
                }
            }
        }
        Ok(numbers)
    }

    fn image(&self, picture: usize) -> Result<Cow<'_, Image>> {
        let image = self.chosen[picture];
        Ok(match &self.decoded {
            Some(decoded) => Cow::Borrowed(&decoded[image]),
            None => Cow::Owned(self.set.image(image)?),
        })
    }
}

/// `[h, w, 3]` as `[3, h, w]`.
fn planar(numbers: &[f32]) -> Vec<f32> {
    (0..3).flat_map(|channel| numbers.iter().skip(channel).step_by(3)).copied().collect()
}

/// A batch, and what was wrong with some of its pictures.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) batch: Batch,
    /// Names, for messages.
    pub(super) names: Vec<String>,
    pub(super) failed: Vec<(String, Error)>,
}

/// Batch `number`, the first being 0. Its content follows from the seed and its number alone.
pub(super) fn batch(pictures: &Pictures, config: &Config, number: u64) -> Prepared {
    let count = config.train.batch;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let (mut names, mut failed) = (Vec::new(), Vec::new());
    let mut order = (u64::MAX, Vec::new());
    for number in number * count as u64..(number + 1) * count as u64 {
        let (epoch, place) = (number / pictures.len() as u64, number % pictures.len() as u64);
        if order.0 != epoch {
            order = (epoch, (0..pictures.len()).collect::<Vec<_>>());
            order.1.shuffle(&mut generator(config.seed, ORDER, epoch));
        }
        let picture = order.1[place as usize];
        let name = pictures.name(picture).to_owned();
        match pictures.changed(picture, &config.augment, &mut generator(config.seed, CHANGE, number)) {
            Ok(numbers) => {
                images.extend(numbers);
                labels.push(pictures.class(picture));
                names.push(name);
            }
            Err(error) => failed.push((name, error)),
        }
    }
    let classes = pictures.classes().len();
    let mut targets = targets(&labels, classes, config.binary.smoothing);
    if config.augment.mixup > 0.0 {
        let share = beta(config.augment.mixup, &mut generator(config.seed, MIX, number)) as f32;
        mix(&mut images, labels.len(), share);
        mix(&mut targets, labels.len(), share);
    }
    let size = (pictures.input.size, pictures.input.size);
    Prepared { batch: Batch { images, size, targets }, names, failed }
}

/// Each of `count` equal parts becomes `share` of itself and the rest of the next one.
fn mix(numbers: &mut [f32], count: usize, share: f32) {
    if count == 0 {
        return;
    }
    let len = numbers.len() / count;
    let first = numbers[..len].to_vec();
    for part in 0..count {
        for i in 0..len {
            let next = if part + 1 < count { numbers[(part + 1) * len + i] } else { first[i] };
            let own = &mut numbers[part * len + i];
            *own = share * *own + (1.0 - share) * next;
        }
    }
}

/// A number from the distribution Beta(α, α), by Jöhnk's method.
fn beta(alpha: f64, rng: &mut ChaCha12Rng) -> f64 {
    /// For large α few pairs are accepted; the result is then close to one half.
    const TRIES: usize = 1000;
    for _ in 0..TRIES {
        let [a, b] = std::array::from_fn(|_| rng.random_range(0.0f64..1.0).powf(1.0 / alpha));
        if a + b <= 1.0 && a + b > 0.0 {
            return a / (a + b);
        }
    }
    0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_keeps_the_sum() {
        let mut numbers = [1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
        mix(&mut numbers, 3, 0.75);
        assert_eq!(numbers, [3.25, 6.5, 32.5, 65.0, 75.25, 150.5]);
    }

    #[test]
    fn shares_are_symmetric_around_a_half() {
        let mut rng = generator(1, MIX, 0);
        let shares: Vec<f64> = (0..2000).map(|_| beta(0.4, &mut rng)).collect();
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        assert!(shares.iter().filter(|share| **share < 0.1).count() > 300, "few are near the middle");
    }

    #[test]
    fn interleaved_colours_become_planes() {
        assert_eq!(planar(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
