//! One detector, with the knob from boundaries to every edge.

use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::models::Pair;
use pidinet::weights::{Model, OpenOptions};
use pidinet::{DetectorOptions, EdgeDetector, Size};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::finish::Finish;
use crate::map::Map;
use crate::problem::Problem;

/// Finds edges in pixels, in the thread that calls it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Detector {
    models: Models,
    detail: f64,
    detector: EdgeDetector,
    /// The pixels of the last image, whose memory the next one takes.
    image: Option<Image>,
}

/// The model, and whether there is another to mix it with.
#[derive(Debug)]
enum Models {
    One(Box<Model>),
    Pair(Box<Pair>),
}

#[wasm_bindgen]
impl Detector {
    /// A detector with the model in a safetensors file.
    ///
    /// # Errors
    ///
    /// An `Error` for a file that is no model of edges.
    #[wasm_bindgen(constructor)]
    pub fn from_js(model: &[u8]) -> Result<Detector, JsError> {
        Ok(Self::new(model)?)
    }

    /// Gives the other end of the knob: the model of every edge, trained from the first one.
    ///
    /// # Errors
    ///
    /// An `Error` for a file that is no model of edges, or one that cannot be mixed with the first.
    #[wasm_bindgen(js_name = setEdges)]
    pub fn set_edges_js(&mut self, model: &[u8]) -> Result<(), JsError> {
        Ok(self.set_edges(model)?)
    }

    /// Sets the knob: 0 for the boundaries of objects, 1 for every edge.
    ///
    /// # Errors
    ///
    /// An `Error` if there is one model only and the detail is not 0, or for a number that is not finite.
    #[wasm_bindgen(js_name = setDetail)]
    pub fn set_detail_js(&mut self, detail: f64) -> Result<(), JsError> {
        Ok(self.set_detail(detail)?)
    }

    /// The edges of an image of `width` by `height` pixels: red, green, blue, alpha, as in `ImageData`. Where the image is
    /// transparent, it is on white. If its longer side is more than `max_side`, it is made smaller first, and so is the map.
    ///
    /// # Errors
    ///
    /// An `Error` if there are fewer pixels than the size says, or none.
    pub fn detect(
        &mut self,
        rgba: &[u8],
        width: usize,
        height: usize,
        max_side: Option<usize>,
    ) -> Result<Map, JsError> {
        Ok(self.map(rgba, Size { height, width }, max_side)?)
    }

    /// The edges in 8 bits, for frames of a video: the memory of one frame serves the next.
    ///
    /// # Errors
    ///
    /// As [`Detector::detect`].
    #[wasm_bindgen(js_name = detectBytes)]
    pub fn detect_bytes_js(
        &mut self,
        rgba: &[u8],
        width: usize,
        height: usize,
        finish: &Finish,
    ) -> Result<Vec<u8>, JsError> {
        Ok(self.detect_bytes(rgba, Size { height, width }, finish)?)
    }

    /// The name of the model.
    #[wasm_bindgen(getter)]
    pub fn model(&self) -> String {
        self.detector.info().name.clone()
    }

    /// The name of the instruction set.
    #[wasm_bindgen(getter)]
    pub fn isa(&self) -> String {
        self.detector.isa().to_owned()
    }

    /// The knob.
    #[wasm_bindgen(getter)]
    pub fn detail(&self) -> f64 {
        self.detail
    }
}

impl Detector {
    /// A detector with the model in a file.
    ///
    /// # Errors
    ///
    /// [`Problem::Library`] for a file that is no model of edges.
    pub fn new(model: &[u8]) -> Result<Self, Problem> {
        let model = Model::read(model, &OpenOptions::default())?;
        let detector = EdgeDetector::new(&model, &DetectorOptions::default())?;
        Ok(Self { models: Models::One(Box::new(model)), detail: 0.0, detector, image: None })
    }

    /// Gives the other end of the knob.
    ///
    /// # Errors
    ///
    /// [`Problem::Library`] for a file that is no model of edges, or one that cannot be mixed with the first.
    pub fn set_edges(&mut self, model: &[u8]) -> Result<(), Problem> {
        let edges = Model::read(model, &OpenOptions::default())?;
        let boundaries = match &self.models {
            Models::One(model) => Model::clone(model),
            Models::Pair(pair) => pair.boundaries().clone(),
        };
        let pair = Pair::new(boundaries, edges)?;
        self.detector = EdgeDetector::new(&pair.at(self.detail)?, &DetectorOptions::default())?;
        self.models = Models::Pair(Box::new(pair));
        Ok(())
    }

    /// Sets the knob.
    ///
    /// # Errors
    ///
    /// [`Problem::NoEdges`] if there is one model only and the detail is not 0; [`Problem::Number`] if it is not finite.
    pub fn set_detail(&mut self, detail: f64) -> Result<(), Problem> {
        if !detail.is_finite() {
            return Err(Problem::Number { what: "detail", found: detail, expected: "a number from 0 to 1" });
        }
        if detail == self.detail {
            return Ok(());
        }
        let Models::Pair(pair) = &self.models else { return Err(Problem::NoEdges { detail }) };
        self.detector = EdgeDetector::new(&pair.at(detail)?, &DetectorOptions::default())?;
        self.detail = detail;
        Ok(())
    }

    fn map(&mut self, rgba: &[u8], size: Size, max_side: Option<usize>) -> Result<Map, Problem> {
        let mut image = Image::from_u8(rgba, &PixelLayout::packed(size, PixelFormat::Rgba))?;
        if let Some(side) = max_side {
            if side == 0 {
                return Err(Problem::Number { what: "maxSide", found: 0.0, expected: "at least 1" });
            }
            image = image.fitted(side);
        }
        Ok(Map { edges: self.detector.detect(&image)?.edges })
    }

    fn detect_bytes(&mut self, rgba: &[u8], size: Size, finish: &Finish) -> Result<Vec<u8>, Problem> {
        let layout = PixelLayout::packed(size, PixelFormat::Rgba);
        let image = match self.image.take() {
            None => Image::from_u8(rgba, &layout)?,
            Some(mut image) => {
                image.set_u8(rgba, &layout)?;
                image
            }
        };
        let bytes = if finish.is_nothing() {
            let mut bytes = vec![0; size.pixels()];
            self.detector.detect_into_u8(&image, &mut bytes, size.width)?;
            bytes
        } else {
            finish.apply(self.detector.detect(&image)?.edges).to_u8()
        };
        self.image = Some(image);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { height: 31, width: 43 };

    /// A disc on a slope, opaque.
    fn rgba() -> Vec<u8> {
        let pixel = |i: usize| {
            let (x, y) = (i % SIZE.width, i / SIZE.width);
            let inside = x.abs_diff(20).pow(2) + y.abs_diff(15).pow(2) < 90;
            let grey = if inside { 220 } else { (x + y) as u8 };
            [grey, grey, 255 - grey, 255]
        };
        (0..SIZE.pixels()).flat_map(pixel).collect()
    }

    fn detector() -> Detector {
        Detector::new(pidinet::models::named("tiny").unwrap().bytes).unwrap()
    }

    #[test]
    fn the_map_is_that_of_the_library_in_floats_and_in_bytes() {
        let mut detector = detector();
        let map = detector.map(&rgba(), SIZE, None).unwrap();
        let image = Image::from_u8(&rgba(), &PixelLayout::packed(SIZE, PixelFormat::Rgba)).unwrap();
        let library = EdgeDetector::new(&pidinet::models::open("tiny").unwrap(), &DetectorOptions::default());
        assert_eq!(map.edges, library.unwrap().detect(&image).unwrap().edges);
        for _ in 0..2 {
            assert_eq!(detector.detect_bytes(&rgba(), SIZE, &Finish::default()).unwrap(), map.bytes());
        }
        let finish = Finish::new("crest", Some(0.3), None, "soft").unwrap();
        let finished = map.finished(&finish).bytes();
        assert_eq!(detector.detect_bytes(&rgba(), SIZE, &finish).unwrap(), finished);
    }

    #[test]
    fn detail_mixes_the_two_models_once_the_second_is_there() {
        let mut detector = detector();
        assert!(matches!(detector.set_detail(0.5), Err(Problem::NoEdges { .. })));
        detector.set_detail(0.0).unwrap();
        assert!(detector.set_detail(f64::NAN).is_err());
        detector.set_edges(pidinet::models::named("tiny-edges").unwrap().bytes).unwrap();
        let boundaries = detector.map(&rgba(), SIZE, None).unwrap();
        detector.set_detail(0.5).unwrap();
        let between = detector.map(&rgba(), SIZE, None).unwrap();
        assert_ne!(between, boundaries);
        let model = pidinet::models::pair("tiny").unwrap().at(0.5).unwrap();
        let image = Image::from_u8(&rgba(), &PixelLayout::packed(SIZE, PixelFormat::Rgba)).unwrap();
        let library = EdgeDetector::new(&model, &DetectorOptions::default()).unwrap();
        assert_eq!(between.edges, library.detect(&image).unwrap().edges);
        detector.set_detail(0.0).unwrap();
        assert_eq!(detector.map(&rgba(), SIZE, None).unwrap(), boundaries);
    }

    #[test]
    fn wide_images_are_made_smaller_if_that_is_asked_for() {
        let map = detector().map(&rgba(), SIZE, Some(20)).unwrap();
        assert_eq!((map.width(), map.height()), (20, 14));
        assert!(detector().map(&rgba(), SIZE, Some(0)).is_err());
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let message = |problem: Problem| problem.to_string();
        assert!(message(Detector::new(b"no model").unwrap_err()).len() > 10);
        assert!(detector().map(&rgba()[1..], SIZE, None).is_err());
        assert!(detector().map(&[], Size { height: 0, width: 0 }, None).is_err());
    }
}
