//! A teacher's map of an image: a saved one, or a model's.

use std::path::{Path, PathBuf};

use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::save::{Format, SaveOptions, write_atomically};
use pidinet::weights::Model;
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap, Size};
use pidinet_eval::files::predictions;

use super::example::Example;
use crate::edges::config::Distil;
use crate::edges::start;
use crate::{Error, Result};

/// Where the teacher's maps come from.
#[derive(Debug)]
pub struct Teacher {
    folder: Option<PathBuf>,
    model: Option<EdgeDetector>,
}

/// Extensions of maps; the first that exists counts.
const EXTENSIONS: [&str; 2] = ["png", "npy"];

impl Teacher {
    /// The teacher of a configuration, if it has one.
    ///
    /// # Errors
    ///
    /// If the model or the folder cannot be used.
    pub fn open(distil: &Distil) -> Result<Option<Self>> {
        let Distil { maps, model, scales, .. } = distil;
        if let Some(maps) = maps
            && let Err(source) = std::fs::read_dir(maps)
        {
            if model.is_none() {
                return Err(Error::Read { path: maps.clone(), source });
            }
            std::fs::create_dir_all(maps).map_err(|source| Error::Write { path: maps.clone(), source })?;
        }
        let detector = |file: &PathBuf| -> Result<EdgeDetector> {
            let model = start::model(file)?;
            if let Some(folder) = maps {
                sign(folder, &format!("weights {:016x}, scales {scales:?}\n", fingerprint(&model)))?;
            }
            let options = DetectorOptions { scales: scales.clone(), ..DetectorOptions::default() };
            Ok(EdgeDetector::new(&model, &options)?)
        };
        let model = model.as_ref().map(detector).transpose()?;
        let teacher = Self { folder: maps.clone(), model };
        Ok(distil.is_on().then_some(teacher))
    }

    /// Whether a map of image `id` exists or can be made.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.model.is_some() || self.saved(id).is_some()
    }

    /// The map of an image, `[h, w]`, as shares of 65535.
    ///
    /// # Errors
    ///
    /// If there is none, or it is damaged or does not have the image's size.
    pub(super) fn map(&self, id: &str, example: &Example) -> Result<Vec<u16>> {
        let Example { width, height, .. } = *example;
        if let Some(path) = self.saved(id) {
            let map = predictions::open(&path)?;
            if (map.width(), map.height()) != (width, height) {
                let found = format!("one of {}x{}", map.width(), map.height());
                let expected = format!("a map of the image's size, {width}x{height}");
                return Err(Error::Content { path, expected, found });
            }
            return Ok(map.data().iter().map(|value| (65535.0 * value + 0.5) as u16).collect());
        }
        let folder = self.folder.as_deref().unwrap_or(Path::new(""));
        let Some(model) = &self.model else {
            let expected = format!("a teacher's map {id}.png or {id}.npy");
            return Err(Error::Content { path: folder.into(), expected, found: "none".to_owned() });
        };
        let map = both_ways(model, example)?;
        if self.folder.is_some() {
            let options = SaveOptions { format: Some(Format::Png16), ..SaveOptions::default() };
            map.save(folder.join(format!("{id}.png")), &options)?;
        }
        Ok(map.to_u16())
    }

    fn saved(&self, id: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        let mut files = EXTENSIONS.iter().map(|extension| folder.join(format!("{id}.{extension}")));
        files.find(|file| file.is_file())
    }
}

/// The file in a folder of maps that says what model made them.
const MADE_BY: &str = "made-by.txt";

/// Records in a folder which model makes its maps; an error if another model did.
fn sign(folder: &Path, name: &str) -> Result<()> {
    let path = folder.join(MADE_BY);
    match std::fs::read_to_string(&path) {
        Ok(found) if found == name => Ok(()),
        Ok(found) => {
            let expected = format!("maps by the model of distil.model ({})", name.trim());
            Err(Error::Content { path, expected, found: format!("those of another ({})", found.trim()) })
        }
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(write_atomically(path, name.as_bytes())?)
        }
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// A number that identifies a model: the hash (FNV-1a, 64 bits) of names and weights.
fn fingerprint(model: &Model) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    for (name, parameter) in model.weights.iter() {
        name.bytes().for_each(&mut add);
        parameter.data.iter().flat_map(|value| value.to_le_bytes()).for_each(&mut add);
    }
    hash
}

/// The mean of a model's maps of an image and of its mirror image.
fn both_ways(model: &EdgeDetector, example: &Example) -> Result<EdgeMap> {
    let Example { width, height, pixels, .. } = example;
    let layout = PixelLayout::packed(Size { height: *height, width: *width }, PixelFormat::Rgb);
    let mirrored: Vec<u8> = pixels
        .chunks_exact(3 * width)
        .flat_map(|row| row.as_chunks::<3>().0.iter().rev().flatten().copied())
        .collect();
    let there = model.detect(&Image::from_u8(pixels, &layout)?)?.edges;
    let back = model.detect(&Image::from_u8(&mirrored, &layout)?)?.edges;
    let rows = there.data().chunks_exact(*width).zip(back.data().chunks_exact(*width));
    let mean = rows.flat_map(|(there, back)| there.iter().zip(back.iter().rev()).map(|(a, b)| (a + b) / 2.0));
    Ok(EdgeMap::new(Size { height: *height, width: *width }, mean.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::data::marks::Marks;

    fn example(width: usize, height: usize, mirrored: bool) -> Example {
        let shade = |x: usize, y: usize| if x < 2 * y && x > 5 { 200 } else { 60 + (x * y % 20) as u8 };
        let at = |i: usize| (i % width, i / width);
        let place = |(x, y): (usize, usize)| (if mirrored { width - 1 - x } else { x }, y);
        let pixels = (0..width * height).map(at).map(place).flat_map(|(x, y)| [shade(x, y); 3]).collect();
        Example { width, height, pixels, marks: Marks::unknown(width * height), rule: Default::default() }
    }

    fn named(maps: Option<PathBuf>) -> Teacher {
        let distil = Distil { maps, model: Some("tiny".into()), ..Distil::default() };
        Teacher::open(&distil).unwrap().unwrap()
    }

    #[test]
    fn a_model_sees_the_mirror_image_of_a_mirror_image() {
        let teacher = named(None);
        let map = |mirrored| teacher.map("a", &example(40, 30, mirrored)).unwrap();
        let (there, back) = (map(false), map(true));
        assert!(there.iter().max() > Some(&20_000), "it sees something");
        for (there, back) in there.chunks_exact(40).zip(back.chunks_exact(40)) {
            assert!(there.iter().eq(back.iter().rev()));
        }
    }

    #[test]
    fn a_folder_keeps_a_models_maps_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let maps = folder.path().join("new/maps");
        let example = example(40, 30, false);
        let made = named(Some(maps.clone())).map("a", &example).unwrap();
        assert!(maps.join("a.png").is_file());
        let distil = Distil { maps: Some(maps), ..Distil::default() };
        let saved = Teacher::open(&distil).unwrap().unwrap();
        assert_eq!(saved.map("a", &example).unwrap(), made);
        assert!(saved.knows("a") && !saved.knows("b"));
        assert!(saved.map("b", &example).unwrap_err().to_string().contains("b.png"));
        let other = Distil { model: Some("tiny".into()), scales: vec![1.0], ..distil };
        let message = Teacher::open(&other).unwrap_err().to_string();
        assert!(message.contains("made-by.txt") && message.contains("scales [1.0]"), "{message}");
    }

    #[test]
    fn maps_that_do_not_fit_are_errors_that_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_path_buf();
        let small = EdgeMap::new(Size { height: 8, width: 9 }, vec![0.5; 72]);
        small.save(path.join("small.png"), &SaveOptions::default()).unwrap();
        std::fs::write(path.join("broken.png"), b"\x89PNG\r\n\x1a\nnothing more").unwrap();
        let teacher = Teacher::open(&Distil { maps: Some(path), ..Distil::default() }).unwrap().unwrap();
        let message = |id| teacher.map(id, &example(40, 30, false)).unwrap_err().to_string();
        assert!(message("small").contains("40x30, found one of 9x8"), "{}", message("small"));
        assert!(message("broken").contains("broken.png"), "{}", message("broken"));
        let nowhere = Distil { maps: Some("no such folder".into()), ..Distil::default() };
        assert!(Teacher::open(&nowhere).unwrap_err().to_string().contains("no such folder"));
        let unknown = Distil { model: Some("enormous".into()), ..Distil::default() };
        let message = Teacher::open(&unknown).unwrap_err().to_string();
        assert!(message.contains("enormous") && message.contains("tiny"), "{message}");
    }
}
