//! `pidinet lines`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use pidinet::files::{MOST_STREAM, read_all};
use pidinet::image::{Image, ImageLimits};
use pidinet::lines::{Drawing, Page, Unit, svg};
use pidinet::save::{Format as Pixels, SaveOptions};
use pidinet::{EdgeMap, Size};
use pidinet_eval::figures;
use pidinet_eval::files::predictions;

use crate::images::{Companion, FileFormat, Images, Origin, Product};
use crate::inputs::Source;
use crate::ui::usage;

mod format;
mod tracing;

pub(crate) use format::Format;
use tracing::Tracing;

/// Trace edges as lines: SVG, DXF, GeoJSON or JSON
///
/// Follows the crests of edges to sub-pixel accuracy and writes each line once, along its middle, as smooth curves or
/// polylines, sorted so that a pen travels little. Takes photographs, or edge maps with --map.
///
/// If an image fails, the others are still processed, and the failures are listed at the end. Exit codes: 0 success,
/// 1 some images failed, 2 wrong usage, 130 interrupted. Files are written whole or not at all.
#[derive(clap::Args, Debug)]
pub(crate) struct Lines {
    #[command(flatten)]
    images: Images,

    #[command(flatten)]
    drawing: DrawingArgs,
}

/// What is drawn, and from what.
#[derive(clap::Args, Debug)]
pub(crate) struct DrawingArgs {
    /// Output format [default: from the extension of -o FILE, else svg]
    #[arg(long, value_name = "svg|dxf|geojson|json")]
    format: Option<Format>,

    /// Treat the inputs as edge maps (white edges on black, or probabilities in npy) instead of photographs
    #[arg(long)]
    map: bool,

    /// The edge maps have dark edges on white
    #[arg(long, requires = "map")]
    invert: bool,

    /// Also write STEM-preview.png, a picture of the lines at twice the size of the image
    #[arg(long)]
    preview: bool,

    // Last: what follows a heading belongs to it.
    #[command(flatten)]
    tracing: Tracing,
}

impl Lines {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        self.drawing.run(&self.images)
    }
}

/// Lines as they are drawn where nothing is said about them.
pub(crate) fn by_default() -> DrawingArgs {
    /// The options alone.
    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        drawing: DrawingArgs,
    }
    Alone::parse_from(["lines"]).drawing
}

impl DrawingArgs {
    /// Traces the edges of images.
    pub(crate) fn run(&self, images: &Images) -> anyhow::Result<ExitCode> {
        images.run(self)
    }
}

impl Product for DrawingArgs {
    type Format = Format;
    type Finished = Drawing;

    fn format(&self) -> Option<Format> {
        self.format
    }

    fn companions(&self, _: Format) -> Vec<Companion> {
        let preview = Companion { suffix: "-preview".to_owned(), extension: Some("png") };
        self.preview.then_some(preview).into_iter().collect()
    }

    fn sides(&self) -> bool {
        false
    }

    fn takes_maps(&self) -> bool {
        self.map
    }

    fn map(&self, source: &Source, limits: &ImageLimits) -> anyhow::Result<EdgeMap> {
        let mut map = match source {
            Source::File(path) => predictions::open_within(path, limits)?,
            Source::Stdin => from_stdin(limits)?,
        };
        if self.invert {
            pidinet::post::invert(&mut map);
        }
        Ok(map)
    }

    fn check(&self, format: Format, images: usize) -> anyhow::Result<()> {
        self.tracing.check(format, images)
    }

    fn check_input(&self, format: Format, source: &Source) -> anyhow::Result<()> {
        self.tracing.world(format, source).map(drop)
    }

    fn finish(&self, mut maps: Vec<EdgeMap>) -> Drawing {
        self.tracing.trace(&maps.swap_remove(0))
    }

    fn encode(&self, drawing: &Drawing, format: Format, origin: &Origin) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut files = vec![self.tracing.encode(drawing, format, origin)?];
        if self.preview {
            let page = Page { unit: Unit::Pixel, pixel: 1.0, ..self.tracing.page(drawing, format) };
            let picture = figures::drawn(&svg(drawing, &page), PREVIEW)?;
            files.push(picture.encode(Pixels::Png, &SaveOptions::default())?);
        }
        Ok(files)
    }
}

/// A map from standard input: a grey image.
fn from_stdin(limits: &ImageLimits) -> anyhow::Result<EdgeMap> {
    let bytes = read_all(std::io::stdin().lock(), MOST_STREAM).context("cannot use standard input")?;
    let image = Image::decode(&bytes, limits).context("cannot use standard input")?;
    let (width, height) = (image.width(), image.height());
    let grey = |at: usize| match image.rgb(at % width, at / width) {
        [red, green, blue] if red == green && green == blue => Ok(red),
        _ => Err(anyhow::anyhow!("standard input: expected a grey image, found a coloured one")),
    };
    let data = (0..width * height).map(grey).collect::<anyhow::Result<_>>()?;
    Ok(EdgeMap::new(Size { height, width }, data))
}

impl FileFormat for Format {
    const FOLDER: &'static str = "lines";
    const DEFAULT: Self = Self::Svg;

    fn of(path: &Path) -> anyhow::Result<Self> {
        Self::from_path(path).ok_or_else(|| {
            usage!(
                "{}: lines are written as svg, dxf, geojson or json; choose one with --format, or end a folder with /",
                path.display()
            )
        })
    }

    fn extension(self) -> &'static str {
        self.extension()
    }

    fn is_whole(self, path: &Path) -> bool {
        // Files of lines are written whole or not at all, and a power cut leaves them empty.
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
    }
}

/// Pixels of a preview for each of the image.
const PREVIEW: f64 = 2.0;
