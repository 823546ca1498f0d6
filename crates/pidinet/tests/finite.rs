//! Values that are not numbers are never written, however they arose.

use pidinet::arch::Arch;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::save::{Format, SaveOptions};
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap, Error, Size};

#[test]
fn a_map_with_a_value_that_is_no_number_is_not_written() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = vec![0.5; 100 * 90];
        data[100 * 70 + 3] = value;
        let map = EdgeMap::new(Size { height: 90, width: 100 }, data);
        for format in Format::ALL {
            let error = map.encode(format, &SaveOptions::default()).unwrap_err();
            assert!(matches!(error, Error::MapNotFinite { x: 3, y: 70, .. }), "{format}: {error}");
        }
        assert!(pidinet::save::npz(&[("edges", &map)]).is_err());
        let folder = tempfile::tempdir().unwrap();
        assert!(map.save(folder.path().join("map.npy"), &SaveOptions::default()).is_err());
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}

/// Weights of a model file are finite, but may be so large that the network overflows.
#[test]
fn a_model_that_overflows_gives_an_error_and_no_map() {
    let mut model = Model::random(Arch::tiny().light(), 1);
    let names: Vec<String> = model.weights.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        model.weights.get_mut(&name).unwrap().data.iter_mut().for_each(|weight| *weight *= 1e30);
    }
    let grey: Vec<u8> = (0..40 * 30).map(|i| (i * 37 % 256) as u8).collect();
    let image =
        Image::from_u8(&grey, &PixelLayout::packed(Size { height: 30, width: 40 }, PixelFormat::Grey))
            .unwrap();
    for scales in [vec![1.0], vec![0.5, 1.0]] {
        let options = DetectorOptions { scales, ..DetectorOptions::default() };
        match EdgeDetector::new(&model, &options).unwrap().detect(&image) {
            Ok(found) => assert!(found.edges.data().iter().all(|value| value.is_finite())),
            Err(error) => assert!(matches!(error, Error::MapNotFinite { .. }), "{error}"),
        }
    }
}

#[test]
fn pixels_in_memory_are_numbers_from_black_to_white() {
    let layout = PixelLayout::packed(Size { height: 1, width: 2 }, PixelFormat::Rgba);
    for value in [-3.4e38, 1e38, f32::NAN, 255.0] {
        let mut pixels = [0.5_f32; 8];
        pixels[5] = value;
        assert!(Image::from_f32(&pixels, &layout).is_err(), "{value}");
    }
}
