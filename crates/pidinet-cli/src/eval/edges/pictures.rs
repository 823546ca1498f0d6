//! The pictures of the report: the best and the worst images.

use std::path::Path;

use pidinet::image::{Image, ImageLimits};
use pidinet_eval::GroundTruth;
use pidinet_eval::edges::evaluate::{EvaluateOptions, verdicts};
use pidinet_eval::figures::pictures::comparison;
use pidinet_eval::files::dataset::Pair;
use pidinet_eval::results::report::{Group, ImageScore, Picture};
use rayon::prelude::*;

use super::source::Source;

/// Pictures in a group.
const GROUP: usize = 6;

/// What pictures are made from.
pub(super) struct Material<'a> {
    pub(super) source: &'a Source,
    pub(super) pairs: &'a [Pair],
    pub(super) truth: &'a [GroundTruth],
    pub(super) options: &'a EvaluateOptions,
    /// Threshold at which to binarise.
    pub(super) threshold: f64,
    /// Photographs to show underneath.
    pub(super) photos: Option<&'a Path>,
}

/// The best and the worst images by F, or all of them if there are few.
pub(super) fn groups(material: &Material<'_>, scores: &[ImageScore]) -> anyhow::Result<Vec<Group>> {
    let mut ranked: Vec<usize> = (0..scores.len()).collect();
    ranked.sort_by(|&a, &b| scores[b].f.total_cmp(&scores[a].f));
    let pictures = |images: &[usize]| -> anyhow::Result<Vec<Picture>> {
        images.par_iter().map(|&image| picture(material, image, &scores[image])).collect()
    };
    if ranked.len() <= 2 * GROUP {
        return Ok(vec![Group { title: "Best first".into(), pictures: pictures(&ranked)? }]);
    }
    let best = pictures(&ranked[..GROUP])?;
    ranked.reverse();
    let worst = pictures(&ranked[..GROUP])?;
    Ok(vec![Group { title: "Best".into(), pictures: best }, Group { title: "Worst".into(), pictures: worst }])
}

fn picture(material: &Material<'_>, image: usize, score: &ImageScore) -> anyhow::Result<Picture> {
    let Material { source, pairs, truth, options, threshold, photos } = material;
    let (pair, truth) = (&pairs[image], &truth[image]);
    let map = source.edges(&pair.prediction)?;
    let photo = photos.and_then(|folder| photo(folder, &pair.id));
    let verdicts = verdicts(&map, truth, options, *threshold);
    Ok(Picture { score: score.clone(), image: comparison(&verdicts, photo.as_ref()) })
}

/// The photograph of an image; a picture is drawn without it if it cannot be read.
fn photo(folder: &Path, id: &str) -> Option<Image> {
    let files = super::source::PHOTOS.iter().map(|extension| folder.join(format!("{id}.{extension}")));
    files.filter(|file| file.is_file()).find_map(|file| Image::open(file, &ImageLimits::default()).ok())
}
