//! Class masks: what they say about boundaries.

use std::path::Path;

use pidinet::image::{Image, ImageLimits};
use pidinet_eval::files::dataset::Pair;

use super::marks::{DOUBTFUL, Marks};
use crate::{Error, Result};

/// The class of unlabelled pixels.
const UNKNOWN: u8 = 255;

/// The marks of a class mask, and its columns and rows. A pixel is a boundary if the pixel to its right or
/// below it has another class; everything else is doubtful. If either of those is unknown, so is the pixel.
///
/// # Errors
///
/// If the file is not a mask of `classes` classes.
pub(super) fn open(path: &Path, classes: usize) -> Result<(Marks, (usize, usize))> {
    let image = Image::open(path, &ImageLimits::default())?;
    let (width, height) = (image.width(), image.height());
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let colours: Vec<[u8; 3]> =
        pixels.map(|(x, y)| image.rgb(x, y).map(|value| (value * 255.0 + 0.5) as u8)).collect();
    let content = |found| Error::Content {
        path: path.into(),
        expected: format!("a mask of the {classes} classes 0 to {} and 255", classes - 1),
        found,
    };
    let mask = numbered(&colours, classes).map_err(content)?;
    let mark = |at: usize| {
        let class = mask[at];
        let differs = |other: u8| other != class && other != UNKNOWN && class != UNKNOWN;
        let right = at % width + 1 < width && differs(mask[at + 1]);
        let below = at + width < mask.len() && differs(mask[at + width]);
        if right || below { 255 | DOUBTFUL } else { DOUBTFUL }
    };
    Ok((Marks::Grey((0..mask.len()).map(mark).collect()), (width, height)))
}

/// The classes of pixels: their grey values if all are grey, else the positions of their colours in the
/// palette.
fn numbered(colours: &[[u8; 3]], classes: usize) -> Result<Vec<u8>, String> {
    let is_class = |class: u8| usize::from(class) < classes || class == UNKNOWN;
    if colours.iter().all(|&[r, g, b]| r == g && g == b && is_class(r)) {
        return Ok(colours.iter().map(|colour| colour[0]).collect());
    }
    let palette: Vec<[u8; 3]> = (0..=u8::MAX).map(voc_colour).collect();
    let number = |&colour: &[u8; 3]| {
        let class = palette.iter().position(|&other| other == colour).map(|class| class as u8);
        class.filter(|&class| is_class(class)).ok_or_else(|| match colour {
            [r, g, b] if r == g && g == b => format!("class {r}"),
            _ => format!("the colour {colour:?}, which no class has in PASCAL VOC's palette"),
        })
    };
    colours.iter().map(number).collect()
}

/// The colour of a class in PASCAL VOC's masks: bits 0, 3 and 6 of its number are the upper bits of red, bits 1, 4 and
/// 7 those of green, bits 2 and 5 those of blue, the lowest first.
fn voc_colour(class: u8) -> [u8; 3] {
    let bit = |at: u8| if at < 8 { class >> at & 1 } else { 0 };
    [0, 1, 2].map(|colour| bit(colour) << 7 | bit(colour + 3) << 6 | bit(colour + 6) << 5)
}

/// Images with their masks; those that have none are left out.
///
/// # Errors
///
/// If the folder of masks cannot be read.
pub(super) fn pairs(images: Vec<Pair>, masks: &Path) -> Result<Vec<Pair>> {
    std::fs::read_dir(masks).map_err(|source| Error::Read { path: masks.into(), source })?;
    let with = |image: Pair| {
        let mask = masks.join(format!("{}.png", image.id));
        mask.is_file().then(|| Pair { truth: vec![mask], ..image })
    };
    Ok(images.into_iter().filter_map(with).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_the_palette() {
        // aeroplane, bicycle, bird, car, person, unknown
        for (class, colour) in [
            (1, [128, 0, 0]),
            (2, [0, 128, 0]),
            (3, [128, 128, 0]),
            (7, [128, 128, 128]),
            (15, [192, 128, 128]),
            (255, [224, 224, 192]),
        ] {
            assert_eq!(voc_colour(class), colour);
        }
    }

    #[test]
    fn greys_are_classes_and_colours_are_looked_up() {
        let grey = |value: u8| [value; 3];
        assert_eq!(numbered(&[grey(0), grey(20), grey(255)], 21), Ok(vec![0, 20, 255]));
        assert_eq!(numbered(&[[0; 3], [128, 0, 0], [224, 224, 192]], 21), Ok(vec![0, 1, 255]));
        assert_eq!(numbered(&[[0; 3], [128; 3]], 21), Ok(vec![0, 7]), "a car alone");
        assert_eq!(numbered(&[grey(0), grey(21)], 21), Err("class 21".to_owned()));
        assert!(numbered(&[[1, 2, 3]], 21).unwrap_err().contains("[1, 2, 3]"));
    }

    #[test]
    fn only_boundaries_between_classes_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        let classes = [[0, 0, 3, 3], [0, 0, 3, 3], [0, 255, 255, 3], [5, 255, 3, 3]];
        image::GrayImage::from_fn(4, 4, |x, y| [classes[y as usize][x as usize]].into()).save(&path).unwrap();
        let (marks, size) = open(&path, 21).unwrap();
        assert_eq!(size, (4, 4));
        let drawn: Vec<usize> = (0..16).filter(|&at| marks.values()[at] & !DOUBTFUL == 255).collect();
        assert_eq!(drawn, [1, 5, 8]);
        assert!(marks.values().iter().all(|mark| mark & DOUBTFUL != 0));
        let message = open(&path, 3).unwrap_err().to_string();
        assert!(message.contains("3 classes 0 to 2") && message.contains("class 3"), "{message}");
    }
}
