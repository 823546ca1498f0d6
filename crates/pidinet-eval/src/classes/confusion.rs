//! The confusion matrix: how often each class was predicted for each true class.

use pidinet::Classification;

use crate::figures::figure::{Anchor, Colour, Figure, Stroke, Text};

/// The true class counts for top-5 accuracy if it is among this many.
pub const TOP: usize = 5;

/// Counts of true and predicted classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: Vec<String>,
    /// `[truth][found]`.
    counts: Vec<u64>,
    /// Images whose true class is among the [`TOP`] most likely.
    among_first: u64,
}

impl Confusion {
    /// A matrix without images.
    pub fn new(classes: Vec<String>) -> Self {
        let counts = vec![0; classes.len() * classes.len()];
        Self { classes, counts, among_first: 0 }
    }

    /// Counts an image of class `truth`.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    pub fn add(&mut self, truth: usize, found: &Classification) {
        let class = found.class();
        assert!(truth.max(class) < self.classes.len(), "class {truth} or {class} of {}", self.classes.len());
        self.counts[truth * self.classes.len() + class] += 1;
        let better = found.logits.iter().filter(|&&logit| logit > found.logits[truth]).count();
        self.among_first += u64::from(better < TOP);
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Images of class `truth` that were classified as `found`.
    pub fn count(&self, truth: usize, found: usize) -> u64 {
        self.counts[truth * self.classes.len() + found]
    }

    /// Total number of images.
    pub fn images(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Top-1 accuracy, from 0 to 1.
    pub fn top1(&self) -> f64 {
        let right: u64 = (0..self.classes.len()).map(|class| self.count(class, class)).sum();
        right as f64 / self.images() as f64
    }

    /// Top-5 accuracy, from 0 to 1.
    pub fn top5(&self) -> f64 {
        self.among_first as f64 / self.images() as f64
    }

    /// The matrix as CSV: a row per true class, a column per predicted class.
    pub fn csv(&self) -> String {
        let quoted = |name: &String| match name.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => name.clone(),
        };
        let names: Vec<String> = self.classes.iter().map(quoted).collect();
        let mut text = format!("true\\found,{}\n", names.join(","));
        for (name, row) in names.iter().zip(self.counts.chunks(self.classes.len().max(1))) {
            let row: Vec<String> = row.iter().map(u64::to_string).collect();
            text += &format!("{name},{}\n", row.join(","));
        }
        text
    }

    /// The matrix as a figure: the darker a cell, the larger its share of the true class.
    pub fn figure(&self) -> Figure {
        let count = self.classes.len();
        let is_named = count <= 40;
        // Cells large enough for four digits if there are few classes.
        let cell = if is_named { 38.0 } else { (800.0 / count as f64).max(1.0) };
        let margin = if is_named { 110.0 } else { 40.0 };
        let side = cell * count as f64;
        let title = format!("{:.2} % of {} images right", 100.0 * self.top1(), self.images());
        let mut figure = Figure::new(margin + side + 20.0, margin + side + 20.0, title.clone());
        figure.text(Text { anchor: Anchor::Middle, ..Text::new((margin + side / 2.0, 20.0), title) });
        for (truth, row) in self.counts.chunks(count.max(1)).enumerate() {
            let all = row.iter().sum::<u64>().max(1) as f64;
            for (found, &images) in row.iter().enumerate() {
                if !is_named && images == 0 {
                    continue; // of a thousand classes there are a million pairs
                }
                let share = images as f64 / all;
                let (x, y) = (margin + cell * found as f64, margin + cell * truth as f64);
                let fill = shade(share, truth == found);
                let frame = Stroke::solid(if is_named { Colour::FAINT } else { fill }, 0.5);
                figure.rectangle((x, y), (x + cell, y + cell), fill, frame);
                if is_named && images > 0 {
                    let colour = if share > 0.5 { Colour::WHITE } else { Colour::INK };
                    let at = (x + cell / 2.0, y + cell / 2.0 + 4.0);
                    let text = Text {
                        anchor: Anchor::Middle,
                        size: 11.0,
                        colour,
                        ..Text::new(at, images.to_string())
                    };
                    figure.text(text);
                }
            }
        }
        for (class, name) in self.classes.iter().enumerate().filter(|_| is_named) {
            let name: String = name.chars().take(14).collect();
            let middle = margin + cell * (class as f64 + 0.5);
            figure
                .text(Text { anchor: Anchor::End, ..Text::new((margin - 8.0, middle + 4.0), name.clone()) });
            figure.text(Text { upwards: true, ..Text::new((middle + 4.0, margin - 8.0), name) });
        }
        figure
    }
}

/// Green on the diagonal, red elsewhere, white for 0.
fn shade(share: f64, is_right: bool) -> Colour {
    let full = if is_right { [0x1a, 0x7f, 0x37] } else { [0xb4, 0x23, 0x18] };
    let depth = share.sqrt(); // confusions are rare, and should be seen
    Colour(full.map(|channel: u8| (255.0 + (f64::from(channel) - 255.0) * depth).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(logits: &[f32]) -> Classification {
        Classification { logits: logits.to_vec(), features: vec![] }
    }

    fn confusion() -> Confusion {
        let classes = ["ape", "bee, \"wild\"", "cat", "d", "e", "f", "g"].map(String::from);
        let mut confusion = Confusion::new(classes.to_vec());
        confusion.add(0, &found(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
        confusion.add(1, &found(&[1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]));
        confusion.add(2, &found(&[6.0, 5.0, 0.0, 4.0, 3.0, 2.0, 1.0]));
        confusion.add(2, &found(&[0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0]));
        confusion
    }

    #[test]
    fn right_answers_are_counted() {
        let confusion = confusion();
        assert_eq!((confusion.images(), confusion.count(1, 0), confusion.count(0, 0)), (4, 1, 1));
        assert_eq!((confusion.top1(), confusion.top5()), (0.5, 0.75));
    }

    #[test]
    fn the_table_has_a_line_for_each_class() {
        let csv = confusion().csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], "true\\found,ape,\"bee, \"\"wild\"\"\",cat,d,e,f,g");
        assert_eq!(lines[3], "cat,1,0,1,0,0,0,0");
        assert_eq!(lines.len(), 8);
    }

    #[cfg(feature = "raster")]
    #[test]
    fn the_picture_is_dark_where_images_are() {
        let picture = confusion().figure().image(1.0).unwrap();
        let middle = |truth: usize, found: usize| {
            picture.rgb(110 + 38 * found + 4, 110 + 38 * truth + 4).map(|x| (x * 255.0).round() as u8)
        };
        assert_eq!(middle(0, 0), [0x1a, 0x7f, 0x37]);
        assert_eq!(middle(1, 0), [0xb4, 0x23, 0x18]);
        assert_eq!(middle(0, 2), [255, 255, 255]);
    }
}
