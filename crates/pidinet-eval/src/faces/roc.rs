//! The receiver operating characteristic.

use super::pairs::PairList;
use crate::figures::figure::{Colour, Figure, Stroke, Text};
use crate::figures::plot::Axes;

/// Points `(false accept rate, true accept rate)` for all thresholds, from the highest to the lowest.
fn points(list: &PairList, similarities: &[f32]) -> Vec<(f64, f64)> {
    let mut pairs: Vec<(f32, bool)> =
        similarities.iter().copied().zip(list.pairs.iter().map(|pair| pair.same)).collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = |same: bool| pairs.iter().filter(|pair| pair.1 == same).count().max(1) as f64;
    let (positives, negatives) = (all(true), all(false));
    let (mut hits, mut alarms) = (0.0, 0.0);
    let mut points = vec![(0.0, 0.0)];
    for (at, &(similarity, same)) in pairs.iter().enumerate() {
        if same {
            hits += 1.0
        } else {
            alarms += 1.0
        }
        if pairs.get(at + 1).is_none_or(|next| next.0 < similarity) {
            points.push((alarms / negatives, hits / positives));
        }
    }
    points
}

/// The curve as a figure, and the area under it, from 0 to 1.
///
/// # Panics
///
/// If there are not as many similarities as pairs.
pub fn roc(list: &PairList, similarities: &[f32]) -> (Figure, f64) {
    assert_eq!(list.pairs.len(), similarities.len(), "a similarity for each pair");
    let points = points(list, similarities);
    let area = points.windows(2).map(|ends| (ends[1].0 - ends[0].0) * (ends[0].1 + ends[1].1) / 2.0).sum();
    let axes = Axes { left: 70.0, top: 30.0, side: 480.0 };
    let mut figure = Figure::new(590.0, 590.0, format!("ROC, area {area:.4}"));
    axes.grid(&mut figure);
    figure.line(
        [axes.at(0.0, 0.0), axes.at(1.0, 1.0)],
        Stroke { dash: 5.0, ..Stroke::solid(Colour::GREY, 1.0) },
    );
    let line = points.iter().map(|&(x, y)| axes.at(x, y));
    figure.line(line, Stroke::solid(Colour([0x0a, 0x5c, 0xad]), 2.4));
    axes.frame(&mut figure, "False accept rate", "True accept rate");
    let (x, y) = axes.at(0.62, 0.06);
    figure.text(Text::new((x, y), format!("area {area:.4}")));
    (figure, area)
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pair;
    use super::*;

    #[test]
    fn the_area_is_the_chance_that_the_same_is_more_similar() {
        let pair = |same| Pair { fold: 0, same, sides: Default::default() };
        let list = PairList { pairs: [true, true, false, false].map(pair).to_vec(), folds: 2 };
        // Of the four combinations of a same and a different pair, three are in order, or two and a half with
        // a tie.
        assert_eq!(roc(&list, &[0.9, 0.4, 0.5, 0.1]).1, 0.75);
        assert_eq!(roc(&list, &[0.9, 0.5, 0.5, 0.1]).1, 0.875);
        assert_eq!(roc(&list, &[0.9, 0.8, 0.5, 0.1]).1, 1.0);
    }
}
