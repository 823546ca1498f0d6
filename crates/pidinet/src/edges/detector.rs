//! From an image to its edges: what most users call.

use std::path::Path;

use super::engine::{Engine, EngineOptions, Rows, Run};
use super::input::{Input, Padded};
use super::options::{DetectorOptions, Precision};
use super::plan::Keep;
use crate::Size;
use crate::arch::Arch;
use crate::edge_map::{EdgeMap, byte};
use crate::error::{Error, Result};
use crate::image::{Image, PixelFormat, PixelLayout, Preset};
use crate::steps::StepStats;
use crate::weights::{Model, ModelInfo, OpenOptions};

/// The edges of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Edge probabilities, of the image's size.
    pub edges: EdgeMap,
    /// What each of the four stages sees by itself, fine to coarse, if [`DetectorOptions::sides`] asked for it.
    pub sides: Option<[EdgeMap; 4]>,
}

/// Finds edges with one model; make it once, use it from any number of threads. A process forked from this
/// one may use it too, and gets threads of its own.
///
/// # Examples
///
/// ```
/// use pidinet::arch::Arch;
/// use pidinet::image::{Image, PixelFormat, PixelLayout};
/// use pidinet::weights::Model;
/// use pidinet::{DetectorOptions, EdgeDetector, Size};
///
/// let model = Model::random(Arch::tiny(), 1); // usually: Model::open("model.safetensors", …)
/// let detector = EdgeDetector::new(&model, &DetectorOptions::default())?;
/// let grey = vec![128u8; 40 * 30];
/// let image = Image::from_u8(&grey, &PixelLayout::packed(Size { height: 30, width: 40 }, PixelFormat::Grey))?;
/// let edges = detector.detect(&image)?.edges;
/// assert_eq!((edges.width(), edges.height()), (40, 30));
/// # Ok::<(), pidinet::Error>(())
/// ```
#[derive(Debug)]
pub struct EdgeDetector {
    engine: Engine,
    arch: Arch,
    info: ModelInfo,
    preset: Preset,
    scales: Vec<f32>,
}

impl EdgeDetector {
    /// A detector with the model of a file, as [`Model::open`] reads it.
    ///
    /// # Errors
    ///
    /// Those of [`Model::open`] and [`EdgeDetector::new`].
    pub fn open(path: impl AsRef<Path>, options: &DetectorOptions) -> Result<Self> {
        Self::new(&Model::open(path.as_ref(), &OpenOptions::default())?, options)
    }

    /// A detector with a model.
    ///
    /// # Errors
    ///
    /// [`Error::Isa`] if `PIDINET_ISA` names an instruction set that this CPU lacks, [`Error::Scale`] for a scale that is
    /// not a positive number.
    pub fn new(model: &Model, options: &DetectorOptions) -> Result<Self> {
        let scales = if options.scales.is_empty() { vec![1.0] } else { options.scales.clone() };
        if let Some(&scale) = scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            return Err(Error::Scale { scale });
        }
        let keep = if options.sides { Keep::Sides } else { Keep::Fused };
        Ok(Self {
            engine: Engine::new(model, keep, &EngineOptions::from(options))?,
            arch: model.arch.clone(),
            info: model.info.clone(),
            preset: options.preset.unwrap_or(model.info.preset),
            scales,
        })
    }

    /// The edges of an image, of any size from 1×1.
    ///
    /// An image with a side under 8 pixels is extended to 8 at its right and bottom by the network's
    /// zero (the mean colour of the `imagenet` preset, black of `controlnet`); the map is cut back to
    /// the image's size.
    ///
    /// # Errors
    ///
    /// [`Error::Scale`] if a scale makes the image too large to address, [`Error::Enlarged`] if it makes it
    /// larger than 128 megapixels, [`Error::MapNotFinite`] if the model's weights produce a map with values
    /// that are not numbers.
    pub fn detect(&self, image: &Image) -> Result<Detection> {
        Ok(self.run(image, Engine::run)?.0)
    }

    /// The edges of an image, and what each step of the network took, over all scales.
    ///
    /// # Errors
    ///
    /// As [`EdgeDetector::detect`].
    ///
    /// # Panics
    ///
    /// On targets without a clock, such as `wasm32-unknown-unknown`.
    pub fn profile(&self, image: &Image) -> Result<(Detection, Vec<StepStats>)> {
        self.run(image, Engine::profile)
    }

    /// The edges of an image, written to the caller's memory: probabilities in `[0, 1]`, bit for bit those of
    /// [`EdgeDetector::detect`].
    ///
    /// For a loop over frames of one size, of at least 8×8 pixels: with one scale of 1 and without side maps,
    /// nothing as large as a map is allocated after the first frame.
    ///
    /// # Shapes
    ///
    /// `dst`: `[height, width]`, each row `row_stride` elements after the one before. Elements between rows
    /// are left alone.
    ///
    /// # Errors
    ///
    /// As [`EdgeDetector::detect`]; [`Error::RowStride`] if rows would overlap, [`Error::ShortPixels`] if `dst` has no room
    /// for the map.
    ///
    /// # Examples
    ///
    /// ```
    /// # use pidinet::arch::Arch;
    /// # use pidinet::image::{Image, PixelFormat, PixelLayout};
    /// # use pidinet::weights::Model;
    /// # use pidinet::{DetectorOptions, EdgeDetector, Size};
    /// # let detector = EdgeDetector::new(&Model::random(Arch::tiny(), 1), &DetectorOptions::default())?;
    /// let layout = PixelLayout::packed(Size { height: 30, width: 40 }, PixelFormat::Bgr);
    /// let frames = [vec![1u8; 40 * 30 * 3], vec![2u8; 40 * 30 * 3]];
    /// let mut image = Image::from_u8(&frames[0], &layout)?;
    /// let mut map = vec![0u8; 64 * 30];
    /// for frame in &frames {
    ///     image.set_u8(frame, &layout)?;
    ///     detector.detect_into_u8(&image, &mut map, 64)?; // rows of 40 bytes, 64 bytes apart
    /// }
    /// # Ok::<(), pidinet::Error>(())
    /// ```
    pub fn detect_into(&self, image: &Image, dst: &mut [f32], row_stride: usize) -> Result<()> {
        check_rows(image, dst.len(), row_stride)?;
        if let Some(input) = self.writes_rows(image) {
            let rows = Rows::Floats { data: dst, row_stride };
            self.engine.run_into(&input, image.size(), rows);
        } else {
            let edges = self.detect(image)?.edges;
            for (y, row) in dst.chunks_mut(row_stride).take(edges.height()).enumerate() {
                row[..edges.width()].copy_from_slice(edges.row(y));
            }
        }
        Ok(())
    }

    /// [`EdgeDetector::detect_into`] in 8 bits: `floor(255 p)`, as [`EdgeMap::to_u8`] returns it, but without
    /// a map of floats in between.
    ///
    /// # Shapes
    ///
    /// As [`EdgeDetector::detect_into`].
    ///
    /// # Errors
    ///
    /// As [`EdgeDetector::detect_into`].
    pub fn detect_into_u8(&self, image: &Image, dst: &mut [u8], row_stride: usize) -> Result<()> {
        check_rows(image, dst.len(), row_stride)?;
        if let Some(input) = self.writes_rows(image) {
            let rows = Rows::Bytes { data: dst, row_stride };
            self.engine.run_into(&input, image.size(), rows);
        } else {
            let edges = self.detect(image)?.edges;
            for (y, row) in dst.chunks_mut(row_stride).take(edges.height()).enumerate() {
                row.iter_mut().zip(edges.row(y)).for_each(|(dst, &value)| *dst = byte(value));
            }
        }
        Ok(())
    }

    /// The detection with one way of running the engine, and its statistics of the steps.
    fn run(&self, image: &Image, run: RunEngine) -> Result<(Detection, Vec<StepStats>)> {
        let mut sum: Option<Vec<EdgeMap>> = None;
        let mut stats: Option<Vec<StepStats>> = None;
        for &scale in &self.scales {
            let (maps, took) = if scale == 1.0 {
                self.maps(image, run)
            } else {
                let scaled = image.resized(scaled_size(image.size(), scale)?);
                let (maps, took) = self.maps(&scaled, run);
                (maps.iter().map(|map| map.resized(image.size())).collect(), took)
            };
            sum = Some(match sum {
                None => maps,
                Some(sum) => sum.into_iter().zip(maps).map(|(sum, map)| sum.plus(&map)).collect(),
            });
            stats = Some(match stats {
                None => took,
                Some(stats) => stats.into_iter().zip(took).map(|(sum, step)| sum.plus(&step)).collect(),
            });
        }
        let count = self.scales.len() as f32;
        let mut maps = sum.into_iter().flatten().map(|mut map| {
            if count != 1.0 {
                map.data_mut().iter_mut().for_each(|value| *value /= count);
            }
            map
        });
        let edges = maps.next().expect("a run gives the fused map");
        let sides: Vec<EdgeMap> = maps.collect();
        std::iter::once(&edges).chain(&sides).try_for_each(EdgeMap::check)?;
        Ok((Detection { edges, sides: sides.try_into().ok() }, stats.unwrap_or_default()))
    }

    /// The network of this detector.
    pub fn arch(&self) -> &Arch {
        &self.arch
    }

    /// What the model file says about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Threads in use.
    pub fn threads(&self) -> usize {
        self.engine.threads()
    }

    /// The precision in use: that of [`DetectorOptions::precision`], or `f32`.
    pub fn precision(&self) -> Precision {
        self.engine.precision()
    }

    /// Name of the instruction set in use.
    pub fn isa(&self) -> &'static str {
        self.engine.isa().name()
    }

    /// The image as input, if the engine can write its map directly to the caller's memory.
    fn writes_rows<'a>(&self, image: &'a Image) -> Option<Padded<'a>> {
        let input = Padded { image, preset: self.preset };
        let whole = input.size() == image.size();
        (whole && self.scales == [1.0] && self.engine.runs_into(image.width())).then_some(input)
    }

    /// The maps of an image at its own size.
    fn maps(&self, image: &Image, run: RunEngine) -> (Vec<EdgeMap>, Vec<StepStats>) {
        let input = Padded { image, preset: self.preset };
        let padded = input.size();
        let run = run(&self.engine, &input, padded);
        let stats = self.engine.stats(&run.times, padded);
        let maps = run.maps.into_iter().map(|map| {
            let map = EdgeMap::new(Size { height: padded.height, width: padded.width }, map.data);
            if padded == image.size() { map } else { map.cropped(image.size()) }
        });
        (maps.collect(), stats)
    }
}

/// [`Engine::run`] or [`Engine::profile`].
type RunEngine = fn(&Engine, &dyn Input, Size) -> Run;

/// Whether memory of `len` elements has room for the map of an image.
fn check_rows(image: &Image, len: usize, row_stride: usize) -> Result<()> {
    let (width, height) = (image.width(), image.height());
    PixelLayout { width, height, row_stride, format: PixelFormat::Grey }.check(len)
}

/// Most pixels of an image that is enlarged: 128 million, 400 MB of bytes.
const MOST_ENLARGED: u64 = 1 << 27;

/// The size of an image after scaling.
fn scaled_size(size: Size, scale: f32) -> Result<Size> {
    let (height, width) = (scaled(size.height, scale)?, scaled(size.width, scale)?);
    let pixels = width as u64 * height as u64; // sides of under 2^32
    if scale > 1.0 && pixels > MOST_ENLARGED {
        return Err(Error::Enlarged { scale, width, height, max_pixels: MOST_ENLARGED });
    }
    Ok(Size { height, width })
}

/// A side of an image after scaling.
fn scaled(side: usize, scale: f32) -> Result<usize> {
    let length = (side as f64 * f64::from(scale)).round().max(1.0);
    if length > f64::from(u32::MAX) { Err(Error::Scale { scale }) } else { Ok(length as usize) }
}
