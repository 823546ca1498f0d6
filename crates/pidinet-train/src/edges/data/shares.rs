//! Which image comes when: every image once an epoch, or sources according to their shares.
//!
//! This follows from the seed and the number of the image in the run alone.

use std::ops::Range;

use rand::seq::SliceRandom;

use crate::random::generator;

/// Purposes of random numbers, see [`generator`].
const ORDER: u64 = 1;
const DECK: u64 = 3;

/// Shares are exact in every block of this many images.
const CARDS: u64 = 1000;

/// A part of the run with its own shares.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// Number of its first image in the run.
    pub(super) first: u64,
    /// A share for each source; without any, all images count equally.
    pub(super) shares: Vec<f64>,
}

/// The image with this number in the run. `sources` are the ranges of the sources' images, `parts` are those
/// of the run in order, the first starting at number 0.
///
/// With shares, images are dealt from decks of a thousand cards, each naming a source, and every deck is
/// shuffled anew. Each source goes through its images in epochs of its own, which continue from part to
/// part.
pub(super) fn image(seed: u64, sources: &[Range<usize>], parts: &[Part], number: u64) -> usize {
    let now = parts.partition_point(|part| part.first <= number).max(1) - 1;
    let images = sources.last().map_or(0, |range| range.end);
    let Part { first, shares } = &parts[now];
    if shares.is_empty() {
        let dealt = before(seed, sources, parts, now, None);
        return shuffled(seed, 0, images, number - first + dealt);
    }
    let cards = cards(shares, sources);
    let (deck, at) = deal(seed, now, &cards, number - first);
    let source = deck[at];
    let whole = (number - first) / CARDS * cards[source];
    let part = deck[..at].iter().filter(|&&card| card == source).count() as u64;
    let count = before(seed, sources, parts, now, Some(source)) + whole + part;
    let range = &sources[source];
    // The first source's order is not that of all images: it uses another source number.
    range.start + shuffled(seed, 1 + source as u64, range.len(), count)
}

/// How many images of a source were dealt before part `now`; without a source, how many in parts without
/// shares.
fn before(seed: u64, sources: &[Range<usize>], parts: &[Part], now: usize, source: Option<usize>) -> u64 {
    let counts = parts.windows(2).take(now).enumerate().map(|(number, pair)| {
        let len = pair[1].first - pair[0].first;
        match (source, pair[0].shares.is_empty()) {
            (None, true) => len,
            (None, false) | (Some(_), true) => 0,
            (Some(source), false) => {
                let cards = cards(&pair[0].shares, sources);
                let (deck, at) = deal(seed, number, &cards, len);
                let part = deck[..at].iter().filter(|&&card| card == source).count() as u64;
                len / CARDS * cards[source] + part
            }
        }
    });
    counts.sum()
}

/// Cards of each source in a deck, by their shares; leftover cards go to the largest remainders.
fn cards(shares: &[f64], sources: &[Range<usize>]) -> Vec<u64> {
    let has_images = |source: usize| !sources[source].is_empty();
    let sum: f64 = shares.iter().sum();
    let exact: Vec<f64> = shares.iter().map(|share| share / sum * CARDS as f64).collect();
    let mut cards: Vec<u64> = exact.iter().map(|exact| exact.floor() as u64).collect();
    let mut order: Vec<usize> = (0..cards.len()).filter(|&source| has_images(source)).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let left = CARDS.saturating_sub(cards.iter().sum());
    for &source in order.iter().cycle().take(left as usize) {
        cards[source] += 1;
    }
    cards
}

/// The deck that image `number` of a part comes from, and its position in it.
fn deal(seed: u64, part: usize, cards: &[u64], number: u64) -> (Vec<usize>, usize) {
    let mut deck: Vec<usize> =
        cards.iter().enumerate().flat_map(|(source, &count)| (0..count).map(move |_| source)).collect();
    let key = (number / CARDS) | ((part as u64) << 48);
    deck.shuffle(&mut generator(seed, DECK, key));
    (deck, (number % CARDS) as usize)
}

/// The `number`-th of `count` images of a source: each once an epoch, in an order of its own. Source 0 stands
/// for all images.
fn shuffled(seed: u64, source: u64, count: usize, number: u64) -> usize {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut generator(seed, ORDER, (number / count as u64) | (source << 48)));
    order[(number % count as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: [Range<usize>; 3] = [0..20, 20..30, 30..530];

    fn part(first: u64, shares: &[f64]) -> Part {
        Part { first, shares: shares.to_vec() }
    }

    fn dealt(parts: &[Part], numbers: Range<u64>) -> Vec<usize> {
        let images: Vec<usize> = numbers.map(|number| image(5, &SOURCES, parts, number)).collect();
        SOURCES.map(|range| images.iter().filter(|image| range.contains(image)).count()).to_vec()
    }

    #[test]
    fn without_shares_every_image_comes_once_an_epoch() {
        let mut images: Vec<usize> = (530..1060).map(|n| image(5, &SOURCES, &[part(0, &[])], n)).collect();
        assert!(!images.is_sorted());
        images.sort_unstable();
        assert!(images.into_iter().eq(0..530));
    }

    #[test]
    fn shares_are_kept_in_every_thousand_images() {
        let parts = [part(0, &[2.0, 1.0, 1.0]), part(2500, &[1.0, 0.0, 0.0])];
        assert_eq!(dealt(&parts, 0..1000), [500, 250, 250]);
        assert_eq!(dealt(&parts, 1000..2000), [500, 250, 250]);
        let rest = dealt(&parts, 2000..2500);
        assert!(
            rest.iter().zip([250, 125, 125]).all(|(a, b): (&usize, usize)| a.abs_diff(b) < 40),
            "{rest:?}"
        );
        assert_eq!(dealt(&parts, 2500..2600), [100, 0, 0]);
    }

    #[test]
    fn a_source_goes_through_its_images_over_several_parts() {
        let parts = [part(0, &[1.0, 1.0, 2.0]), part(700, &[0.0, 1.0, 9.0]), part(1300, &[1.0, 1.0, 1.0])];
        let images: Vec<usize> = (0..2600).map(|number| image(5, &SOURCES, &parts, number)).collect();
        for range in SOURCES {
            let of_source: Vec<usize> = images.iter().copied().filter(|i| range.contains(i)).collect();
            for epoch in of_source.chunks_exact(range.len()) {
                let mut epoch = epoch.to_vec();
                epoch.sort_unstable();
                assert!(epoch.into_iter().eq(range.clone()), "each image once");
            }
        }
    }

    #[test]
    fn shares_that_do_not_divide_fill_the_deck() {
        assert_eq!(cards(&[1.0, 1.0, 1.0], &SOURCES).iter().sum::<u64>(), CARDS);
        assert_eq!(cards(&[1e-9, 1.0, 0.0], &SOURCES), [0, 1000, 0]);
    }
}
