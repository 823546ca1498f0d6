//! Which edges become lines, and how they are drawn, as options.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueHint;
use pidinet::lines::{
    self, Drawing, DrawingOptions, Lines, Page, StrokeWidth, TraceOptions, Unit, WorldFile,
};
use pidinet::{EdgeMap, Size};

use super::format::Format;
use crate::images::Origin;
use crate::inputs::Source;
use crate::options::probability;
use crate::ui::usage;

/// From a map to a file of lines.
#[derive(clap::Args, Debug)]
pub(crate) struct Tracing {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    page: PageArgs,
}

/// Which edges become lines.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Which edges")]
struct Which {
    /// Ignore pixels with a lower edge probability
    #[arg(long, value_name = "P", value_parser = probability, default_value = "0.15")]
    low: f32,

    /// Drop figures (lines that meet) whose strongest pixel has a lower probability
    #[arg(long, value_name = "P", value_parser = probability, default_value = "0.35")]
    high: f32,

    /// Drop figures with fewer pixels
    #[arg(long, value_name = "PIXELS", default_value = "10")]
    min_length: usize,

    /// Bridge gaps of up to N pixels between ends that face each other
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(..=1000))]
    max_gap: u32,

    /// Remove side branches with fewer pixels
    #[arg(long, value_name = "PIXELS", default_value = "10")]
    spur: usize,
}

/// How lines are drawn.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Shape")]
struct Shape {
    /// Write polylines instead of smooth curves; dxf and geojson always contain polylines
    #[arg(long)]
    polylines: bool,

    /// Maximum distance between a curve or polyline and its line
    #[arg(long, value_name = "PIXELS", default_value = "0.5", value_parser = tolerance)]
    tolerance: f32,

    /// Keep turns of more than DEGREES as sharp corners
    #[arg(long, value_name = "DEGREES", default_value = "60", value_parser = degrees, conflicts_with = "polylines")]
    corner: f32,

    /// End lines at every junction, instead of joining those that go straight on there
    #[arg(long)]
    no_join: bool,

    /// Distribute the lines over N layers by strength, one per pen
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u8).range(1..))]
    layers: u8,

    /// Keep the order in which lines were found, instead of sorting them to shorten pen travel
    #[arg(long)]
    no_sort: bool,
}

/// How the drawing lies on paper or on a map.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Page")]
struct PageArgs {
    /// Unit of the page, at --dpi pixels per inch [default: px, or mm for dxf]
    #[arg(long, value_name = "px|mm|in", conflicts_with = "width_mm")]
    units: Option<Unit>,

    /// Pixels per inch
    #[arg(long, value_name = "N", default_value = "96", value_parser = positive, conflicts_with = "width_mm")]
    dpi: f64,

    /// Width of the page in millimetres, instead of --units and --dpi
    #[arg(long, value_name = "MM", value_parser = positive)]
    width_mm: Option<f64>,

    /// Stroke width in pixels; `strength` makes strong lines wider, up to 2 pixels, or N with strength:N
    #[arg(long, value_name = "PIXELS|strength", default_value = "1", value_parser = stroke)]
    width: StrokeWidth,

    /// Decimal places of coordinates [default: 2; 8 in the coordinates of a map; 6 in dxf]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=12))]
    decimals: Option<u8>,

    /// World file that georeferences geojson [default: the one next to the image, such as photo.jgw or photo.wld]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    world: Option<PathBuf>,

    /// Ignore world files and write geojson in pixels
    #[arg(long, conflicts_with = "world")]
    no_world: bool,
}

impl Tracing {
    /// Refuses options that contradict each other.
    pub(crate) fn check(&self, format: Format, images: usize) -> anyhow::Result<()> {
        if self.page.world.is_some() && format != Format::GeoJson {
            return Err(usage!("--world is for geojson, and {format} has no coordinates of a map"));
        }
        if self.page.world.is_some() && images > 1 {
            return Err(usage!(
                "--world belongs to one image; world files beside images are found by themselves"
            ));
        }
        self.page.world.as_deref().map_or(Ok(()), |file| read_world(file).map(drop))
    }

    /// The lines of a map.
    pub(crate) fn trace(&self, map: &EdgeMap) -> Drawing {
        let (trace, drawing) = self.options();
        Lines::trace(map, &trace).drawing(&drawing)
    }

    fn options(&self) -> (TraceOptions, DrawingOptions) {
        let Which { low, high, min_length, max_gap, spur } = self.which;
        let trace = TraceOptions { low, high: high.max(low), min_length, max_gap: max_gap as usize, spur };
        let drawing = DrawingOptions {
            tolerance: self.shape.tolerance,
            corner: (!self.shape.polylines).then_some(self.shape.corner),
            join: !self.shape.no_join,
            layers: usize::from(self.shape.layers),
            sort: !self.shape.no_sort,
        };
        (trace, drawing)
    }

    /// A drawing as a file.
    pub(crate) fn encode(
        &self,
        drawing: &Drawing,
        format: Format,
        origin: &Origin,
    ) -> anyhow::Result<Vec<u8>> {
        let decimals = |default| self.page.decimals.map_or(default, usize::from);
        let page = self.page(drawing, format);
        let text = match format {
            Format::Svg => lines::svg(drawing, &page),
            Format::Dxf => lines::dxf(drawing, &page, FLAT * self.shape.tolerance.max(0.1)),
            Format::GeoJson => {
                let world = self.world(format, origin.source)?;
                let size = Size { width: drawing.width, height: drawing.height };
                let world = world.map(|world| world.resized(origin.size, size));
                let default = if world.is_some() { 8 } else { 2 };
                lines::geojson(
                    drawing,
                    world.as_ref(),
                    FLAT * self.shape.tolerance.max(0.1),
                    decimals(default),
                )
            }
            Format::Json => lines::json(drawing, decimals(2)),
        };
        Ok(text.into_bytes())
    }

    /// The page of a drawing.
    pub(crate) fn page(&self, drawing: &Drawing, format: Format) -> Page {
        let page = match self.page.width_mm {
            Some(width) => Page::with_width(drawing.width, width),
            None => {
                // A file without a unit opens at different sizes in different programs.
                let default = if format == Format::Dxf { Unit::Millimetre } else { Unit::Pixel };
                Page::with_dpi(self.page.units.unwrap_or(default), self.page.dpi)
            }
        };
        let precision = self.page.decimals.map_or(page.precision, usize::from);
        Page { stroke: self.page.width, precision, ..page }
    }

    /// The world file that was given, or that lies beside the image; none where the format has no use for it.
    pub(crate) fn world(&self, format: Format, source: &Source) -> anyhow::Result<Option<WorldFile>> {
        let file = match (&self.page.world, source) {
            _ if format != Format::GeoJson || self.page.no_world => None,
            (Some(file), _) => Some(file.clone()),
            (None, Source::File(image)) => world_file_of(image),
            (None, Source::Stdin) => None,
        };
        file.as_deref().map(read_world).transpose()
    }
}

fn read_world(file: &Path) -> anyhow::Result<WorldFile> {
    let text = pidinet::files::read_text(file);
    let text = text.with_context(|| format!("cannot read world file {}", file.display()))?;
    let world = text.parse::<WorldFile>().map_err(anyhow::Error::msg);
    world.with_context(|| format!("cannot use world file {}", file.display()))
}

/// Cut curves into pieces that are so much nearer than the tolerance.
const FLAT: f32 = 0.25;

/// The world file beside an image: for `a.tif` `a.tfw`, `a.tifw` or `a.wld`, in small or capital letters.
fn world_file_of(image: &Path) -> Option<PathBuf> {
    let extension = image.extension()?.to_str()?;
    let short = extension.chars().next().into_iter().chain(extension.chars().last()).collect::<String>();
    let names = [format!("{short}w"), format!("{extension}w"), "wld".to_owned()];
    let spelled = names.iter().flat_map(|name| [name.clone(), name.to_lowercase(), name.to_uppercase()]);
    spelled.map(|name| image.with_extension(name)).find(|file| file.is_file())
}

fn tolerance(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=100.0).contains(value));
    value.ok_or_else(|| "expected a number of pixels from 0 to 100".to_owned())
}

fn degrees(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=180.0).contains(value));
    value.ok_or_else(|| "expected degrees from 0 to 180".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| *value > 0.0 && *value <= 1e6);
    value.ok_or_else(|| "expected a number above 0, up to 1000000".to_owned())
}

fn stroke(text: &str) -> Result<StrokeWidth, String> {
    let number = |text: &str| text.parse().ok().filter(|value: &f32| *value > 0.0 && *value <= 1000.0);
    let width = match text.strip_prefix("strength") {
        Some("") => Some(StrokeWidth::ByStrength(2.0)),
        Some(rest) => rest.strip_prefix(':').and_then(number).map(StrokeWidth::ByStrength),
        None => number(text).map(StrokeWidth::Fixed),
    };
    width.ok_or_else(|| "expected a number of pixels such as 1.5, strength, or strength:3".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn defaults_are_those_of_the_library() {
        /// The options alone.
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            tracing: Tracing,
        }
        let options = Alone::parse_from(["lines"]).tracing.options();
        assert_eq!(options, (TraceOptions::default(), DrawingOptions::default()));
    }

    #[test]
    fn widths_are_read() {
        assert_eq!(stroke("1.5"), Ok(StrokeWidth::Fixed(1.5)));
        assert_eq!(stroke("strength"), Ok(StrokeWidth::ByStrength(2.0)));
        assert_eq!(stroke("strength:3"), Ok(StrokeWidth::ByStrength(3.0)));
        for wrong in ["", "0", "-1", "strength:", "strength:0", "strengthened", "NaN", "inf"] {
            assert!(stroke(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn world_files_lie_beside_their_images() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("map.tif");
        assert_eq!(world_file_of(&image), None);
        for name in ["map.wld", "map.tifw", "map.tfw"] {
            std::fs::write(folder.path().join(name), "").unwrap();
            assert_eq!(world_file_of(&image), Some(folder.path().join(name)));
        }
    }
}
