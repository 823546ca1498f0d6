//! What is known about each pixel: which annotators see a boundary there, and whether it is unknown.

use std::path::PathBuf;

use pidinet::Size;
use pidinet_eval::files::ground_truth::{GroundTruth, TruthOptions, shares};
use pidinet_eval::files::levels::Drawing;

use super::rule::Rule;
use crate::edges::config::Labels;
use crate::edges::sample::IGNORED;
use crate::{Error, Result};

/// What is drawn at each pixel, `[h, w]`. [`DOUBTFUL`] may be added to any pixel.
#[derive(Clone, Debug, PartialEq)]
pub enum Marks {
    /// Bit `k` is set where annotator `k` sees a boundary.
    Annotators {
        /// The bits.
        bits: Vec<u16>,
        /// Number of annotators, at most [`MOST_ANNOTATORS`].
        count: u32,
    },
    /// The share of annotators who see a boundary, in units of 1/255.
    Grey(Vec<u16>),
}

/// The bit of a pixel that is ignored unless an annotator sees a boundary there.
pub const DOUBTFUL: u16 = 1 << 15;

/// More annotators than this are left out: [`DOUBTFUL`] needs the bit.
pub const MOST_ANNOTATORS: usize = 15;

impl Marks {
    /// Reads the truth in some files, and its columns and rows: a single grey image is a mean of annotators,
    /// anything else one mask for each annotator. Pixels of the value `ignore` are doubtful.
    pub(super) fn open(files: &[PathBuf], ignore: Option<u16>) -> Result<(Self, (usize, usize))> {
        if let [file] = files
            && !file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mat"))
        {
            let (grey, Size { height, width }) = shares(file, ignore)?;
            let mark = |share: Option<u8>| share.map_or(DOUBTFUL, u16::from);
            return Ok((Self::Grey(grey.into_iter().map(mark).collect()), (width, height)));
        }
        let drawing = Drawing { ignore, ..Drawing::default() };
        let truth = GroundTruth::open_with(files, &TruthOptions { drawing, ..TruthOptions::default() })?;
        if truth.is_mostly_drawn() {
            return Err(Error::Eval(pidinet_eval::Error::Content {
                path: files[0].clone(),
                expected: "boundaries on few pixels".to_owned(),
                found: "mostly boundary: is it inverted?".to_owned(),
            }));
        }
        let mut bits = vec![0; truth.width * truth.height];
        let annotators = &truth.annotators[..truth.annotators.len().min(MOST_ANNOTATORS)];
        for (annotator, mask) in annotators.iter().enumerate() {
            for (x, y) in mask.pixels() {
                bits[y * truth.width + x] |= 1 << annotator;
            }
        }
        for (x, y) in truth.ignored.iter().flat_map(|mask| mask.pixels()) {
            bits[y * truth.width + x] |= DOUBTFUL;
        }
        Ok((Self::Annotators { bits, count: annotators.len() as u32 }, (truth.width, truth.height)))
    }

    /// The marks of an image without truth.
    pub(super) fn unknown(area: usize) -> Self {
        Self::Grey(vec![DOUBTFUL; area])
    }

    /// The marks, row by row.
    pub fn values(&self) -> &[u16] {
        let (Self::Annotators { bits: values, .. } | Self::Grey(values)) = self;
        values
    }

    fn values_mut(&mut self) -> &mut [u16] {
        let (Self::Annotators { bits: values, .. } | Self::Grey(values)) = self;
        values
    }

    /// The mark of a pixel made from two pixels.
    pub(super) fn either(&self, a: u16, b: u16) -> u16 {
        match self {
            Self::Annotators { .. } => a | b,
            Self::Grey(_) => drawn(a).max(drawn(b)) | (a | b) & DOUBTFUL,
        }
    }

    /// The label of a mark; `annotator` is the one to ask if the rule asks a single one.
    pub(super) fn label(&self, mark: u16, annotator: u32, rule: &Rule) -> f32 {
        let sees = drawn(mark);
        let share = match *self {
            Self::Grey(_) => f32::from(sees) / 255.0,
            Self::Annotators { count, .. } => match rule.labels {
                Labels::Mean | Labels::Registered => sees.count_ones() as f32 / count as f32,
                Labels::Sampled => f32::from(sees >> annotator & 1),
                Labels::Any => f32::from(u16::from(sees != 0)),
            },
        };
        let doubtful = if share > 0.0 { share < rule.eta } else { mark & DOUBTFUL != 0 };
        if doubtful { IGNORED } else { share }
    }

    /// Makes pixels doubtful that lie at most `rule.tolerance` pixels from a boundary.
    pub(super) fn doubt_near(&mut self, rule: &Rule, width: usize) {
        let reach = rule.tolerance as isize;
        if reach == 0 || width == 0 {
            return;
        }
        // It is not known yet which annotator will be asked, so any of them counts.
        let rule =
            Rule { labels: if rule.labels == Labels::Sampled { Labels::Any } else { rule.labels }, ..*rule };
        let square = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy)));
        let ring: Vec<(isize, isize)> =
            square.filter(|(dx, dy)| dx * dx + dy * dy <= reach * reach).collect();
        let height = self.values().len() / width;
        let positive = (0..width * height).filter(|&at| self.label(self.values()[at], 0, &rule) > 0.0);
        let positive: Vec<usize> = positive.collect();
        let values = self.values_mut();
        for at in positive {
            for &(dx, dy) in &ring {
                let (x, y) = ((at % width).checked_add_signed(dx), (at / width).checked_add_signed(dy));
                if let (Some(x), Some(y)) = (x, y)
                    && x < width
                    && y < height
                {
                    values[y * width + x] |= DOUBTFUL;
                }
            }
        }
    }

    /// Makes doubtful whatever is not a boundary.
    pub(super) fn doubt_all(&mut self) {
        self.values_mut().iter_mut().for_each(|mark| *mark |= DOUBTFUL);
    }
}

/// What people drew, without the doubtful bit.
pub(super) fn drawn(mark: u16) -> u16 {
    mark & !DOUBTFUL
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(labels: Labels, eta: f32) -> Rule {
        Rule { labels, eta, ..Rule::default() }
    }

    #[test]
    fn labels_follow_the_rule() {
        let marks = Marks::Annotators { bits: Vec::new(), count: 4 };
        let label = |mark, annotator, labels| marks.label(mark, annotator, &rule(labels, 0.3));
        assert_eq!(label(0, 0, Labels::Mean), 0.0);
        assert_eq!(label(0b1, 0, Labels::Mean), IGNORED);
        assert_eq!(label(0b101, 0, Labels::Mean), 0.5);
        assert_eq!(label(0b101, 1, Labels::Sampled), 0.0);
        assert_eq!(label(0b101, 2, Labels::Sampled), 1.0);
        assert_eq!(label(0b100, 0, Labels::Any), 1.0);
        assert_eq!(label(DOUBTFUL, 0, Labels::Mean), IGNORED);
        assert_eq!(label(DOUBTFUL | 0b11, 0, Labels::Mean), 0.5);
        let grey = Marks::Grey(Vec::new());
        let label = |mark| grey.label(mark, 0, &rule(Labels::Mean, 0.3));
        assert_eq!([label(51), label(255), label(DOUBTFUL)], [IGNORED, 1.0, IGNORED]);
    }

    #[test]
    fn a_tolerance_leaves_a_disc_around_boundaries_open() {
        let mut grey = vec![0; 9 * 7];
        grey[3 * 9 + 4] = 255;
        let mut marks = Marks::Grey(grey);
        let rule = Rule { tolerance: 2, ..rule(Labels::Mean, 0.3) };
        marks.doubt_near(&rule, 9);
        for (at, &mark) in marks.values().iter().enumerate() {
            let squared = (at % 9).abs_diff(4).pow(2) + (at / 9).abs_diff(3).pow(2);
            let expected = [1.0, IGNORED, 0.0][usize::from(squared > 0) + usize::from(squared > 4)];
            assert_eq!(marks.label(mark, 0, &rule), expected, "pixel {at}");
        }
    }

    #[test]
    fn what_few_annotators_drew_has_no_ring() {
        let mut bits = vec![0; 25];
        bits[12] = 1;
        let mut marks = Marks::Annotators { bits: bits.clone(), count: 5 };
        marks.doubt_near(&Rule { tolerance: 1, ..rule(Labels::Mean, 0.3) }, 5);
        assert_eq!(marks.values(), bits);
        marks.doubt_near(&Rule { tolerance: 1, ..rule(Labels::Sampled, 0.3) }, 5);
        assert_eq!(marks.values().iter().filter(|mark| **mark & DOUBTFUL != 0).count(), 5);
    }
}
