//! `pidinet detect`.

use std::path::Path;
use std::process::ExitCode;

use pidinet::EdgeMap;
use pidinet::image::ImageLimits;
use pidinet::save::{Format, SaveOptions, is_whole};

use crate::finish::Finish;
use crate::images::{Companion, FileFormat, Images, Origin, Product};
use crate::inputs::Source;
use crate::lines;
use crate::options::one_of;
use crate::ui::usage;

/// Detect edges in images
///
/// Reads PNG, JPEG, WebP, GIF, BMP, TIFF and PNM, applies the EXIF orientation, and writes an edge map of the same
/// size for each image: the probability that a pixel is an edge, from 0 (black) to 1 (white).
///
/// If an image fails, the others are still processed, and the failures are listed at the end. Exit codes: 0 success,
/// 1 some images failed, 2 wrong usage, 130 interrupted. Files are written whole or not at all.
#[derive(clap::Args, Debug)]
pub(crate) struct Detect {
    #[command(flatten)]
    images: Images,

    #[command(flatten)]
    maps: Maps,
}

/// Files of edge maps.
#[derive(clap::Args, Debug)]
struct Maps {
    /// Output format [default: from the extension of -o FILE, else png]. npy and npz store probabilities p as
    /// float32; the others store floor(255 p), or floor(65535 p) for png16 and tiff. pbm is bilevel: white where p is
    /// 0.5 or more, all edges after --threshold or --hysteresis; potrace and others trace what is black, so add
    /// --invert for them
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(
        &["png", "png16", "jpg", "webp", "tiff", "bmp", "pgm", "pbm", "npy", "npz"]))]
    format: Option<Format>,

    /// Also write the side outputs of the four stages, fine to coarse: STEM-side1.png to STEM-side4.png, or arrays
    /// side1 to side4 in the npz file
    #[arg(long)]
    side_outputs: bool,

    // Last, because every option after a heading belongs to it.
    #[command(flatten)]
    finish: Finish,
}

impl Detect {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let lines = self.images.output.as_deref().and_then(lines::Format::from_path);
        match lines {
            Some(_) if self.maps.format.is_none() => {
                self.maps.finish.check_unused()?;
                lines::by_default().run(&self.images)
            }
            _ => self.images.run(&self.maps),
        }
    }
}

impl Product for Maps {
    type Format = Format;
    type Finished = Vec<EdgeMap>;

    fn format(&self) -> Option<Format> {
        self.format
    }

    fn companions(&self, format: Format) -> Vec<Companion> {
        // An npz file holds them all.
        let stages = 1..=if self.side_outputs && format != Format::Npz { 4 } else { 0 };
        stages.map(|stage| Companion { suffix: format!("-side{stage}"), extension: None }).collect()
    }

    fn sides(&self) -> bool {
        self.side_outputs
    }

    fn takes_maps(&self) -> bool {
        false
    }

    fn map(&self, source: &Source, _: &ImageLimits) -> anyhow::Result<EdgeMap> {
        unreachable!("{source:?} is an image")
    }

    fn check(&self, format: Format, _: usize) -> anyhow::Result<()> {
        self.finish.check(format)
    }

    fn check_input(&self, _: Format, _: &Source) -> anyhow::Result<()> {
        Ok(())
    }

    fn finish(&self, maps: Vec<EdgeMap>) -> Vec<EdgeMap> {
        maps.into_iter().map(|map| self.finish.apply(map)).collect()
    }

    fn encode(&self, maps: &Vec<EdgeMap>, format: Format, origin: &Origin) -> anyhow::Result<Vec<Vec<u8>>> {
        let options = SaveOptions::default();
        if format == Format::Npz {
            let arrays: Vec<_> = ARRAYS.into_iter().zip(maps).collect();
            return Ok(vec![pidinet::save::npz(&arrays)?]);
        }
        let file = |map: &EdgeMap| match (self.finish.overlay, origin.image) {
            (Some(colour), Some(image)) => {
                pidinet::post::overlay(image, map, colour.0).encode(format, &options)
            }
            _ => map.encode(format, &options),
        };
        Ok(maps.iter().map(file).collect::<pidinet::Result<_>>()?)
    }
}

impl FileFormat for Format {
    const FOLDER: &'static str = "edges";
    const DEFAULT: Self = Self::Png;

    fn of(path: &Path) -> anyhow::Result<Self> {
        Self::from_path(path).map_err(|error| usage!("{error} with --format, or end a folder with /"))
    }

    fn extension(self) -> &'static str {
        self.extension()
    }

    fn is_whole(self, path: &Path) -> bool {
        is_whole(path, self)
    }
}

/// Names of the arrays in an npz file.
const ARRAYS: [&str; 5] = ["edges", "side1", "side2", "side3", "side4"];
