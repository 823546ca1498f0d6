//! Pairs predictions with their ground truth.
//!
//! A data set is two folders, or a list of pairs. All problems are reported together, before anything is scored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pidinet::post::Suppression;
use pidinet::{Size, UnknownName};
use rayon::iter::Either;
use rayon::prelude::*;

use crate::files::ground_truth::{EXTENSIONS, TruthOptions};
use crate::{Error, GroundTruth, Result};

/// The files to score one image with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Name of the image: that of its prediction, without folder and extension.
    pub id: String,
    /// The edge map, or the photograph to find edges in.
    pub prediction: PathBuf,
    /// One file, or one for each annotator.
    pub truth: Vec<PathBuf>,
}

/// The pairs of a data set, ordered by name, and the predictions without ground truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataset {
    /// The images; at least one.
    pub pairs: Vec<Pair>,
    /// Predictions without truth.
    pub unused: Vec<PathBuf>,
}

impl Dataset {
    /// Pairs the files of two folders: each image's ground truth with its prediction `ID.*`, whose extension is one of
    /// `extensions`.
    ///
    /// The ground truth of an image is `ID.mat`, an image `ID.png`, or several `ID_*.png`, one per annotator. Images
    /// without any of these may have a folder `ID` of such files, `ID.npy`, or an image of another format.
    ///
    /// Predictions without ground truth are [`unused`](Self::unused): the folder may cover the whole data set, and the
    /// ground truth only its test split. Companion files of macOS (`._ID.png`) are ignored.
    ///
    /// # Errors
    ///
    /// If a folder cannot be read or has no ground truth; [`Error::Dataset`] lists every image without a prediction and
    /// every name with two.
    pub fn folders(predictions: &Path, truth: &Path, extensions: &[&str]) -> Result<Self> {
        Self::pair(predictions, truth, extensions, &[])
    }

    /// [`Dataset::folders`] for edge maps: those of [`predictions::EXTENSIONS`](crate::files::predictions::EXTENSIONS),
    /// or else of [`predictions::OTHERS`](crate::files::predictions::OTHERS).
    ///
    /// # Errors
    ///
    /// As [`Dataset::folders`].
    pub fn maps(predictions: &Path, truth: &Path) -> Result<Self> {
        Self::pair(
            predictions,
            truth,
            &crate::files::predictions::EXTENSIONS,
            &crate::files::predictions::OTHERS,
        )
    }

    fn pair(predictions: &Path, truth: &Path, extensions: &[&str], others: &[&str]) -> Result<Self> {
        let mut problems = Vec::new();
        let mut found = BTreeMap::<String, PathBuf>::new();
        let all = entries(predictions)?;
        for path in with_extensions(&all, extensions) {
            let id = stem(&path);
            if let Some(other) = found.insert(id.clone(), path.clone()) {
                let (a, b) = (other.display(), path.display());
                problems.push(format!("{id}: two predictions, {a} and {b}"));
            }
        }
        let first: BTreeSet<String> = found.keys().cloned().collect();
        for path in with_extensions(&all, others) {
            let id = stem(&path);
            if first.contains(&id) {
                continue;
            }
            if let Some(other) = found.insert(id.clone(), path.clone()) {
                let (a, b) = (other.display(), path.display());
                problems.push(format!("{id}: two predictions, {a} and {b}"));
            }
        }

        let truths = truths(truth, &found)?;
        if truths.is_empty() {
            return Err(Error::content(truth, "truth files ID.mat or ID.png", "none"));
        }
        let mut pairs = Vec::new();
        for (id, truth) in truths {
            match found.remove(&id) {
                Some(prediction) => pairs.push(Pair { id, prediction, truth }),
                None => {
                    let there = unread(&all, &id);
                    problems.push(format!("{id}: no prediction in {}{there}", predictions.display()));
                }
            }
        }
        for pair in pairs.iter().filter(|pair| pair.truth.len() > 1) {
            if pair.truth.iter().any(|path| has_extension(path, &["mat"])) {
                let names: Vec<String> = pair.truth.iter().map(|path| path.display().to_string()).collect();
                problems.push(format!("{}: truth both as .mat and otherwise: {}", pair.id, names.join(", ")));
            }
        }
        if problems.is_empty() {
            Ok(Self { pairs, unused: found.into_values().collect() })
        } else {
            Err(Error::Dataset { problems })
        }
    }

    /// Reads a list: on each line a prediction and its truth (one file, or one for each annotator),
    /// separated by white space and relative to the list's folder. Empty lines and lines that start
    /// with `#` are skipped.
    ///
    /// # Errors
    ///
    /// If the list cannot be read or is empty; [`Error::Dataset`] lists every line that is not a pair, every missing
    /// file, and every duplicate name.
    pub fn list(path: &Path) -> Result<Self> {
        let text =
            pidinet::files::read_text(path).map_err(|source| Error::Read { path: path.into(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut pairs, mut problems, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut paths = line.split_whitespace().map(|name| folder.join(name));
            let prediction = paths.next().expect("the line is not empty");
            let pair = Pair { id: stem(&prediction), prediction, truth: paths.collect() };
            if pair.truth.is_empty() {
                problems.push(format!("line {number}: expected a prediction and its truth, found one name"));
            }
            for file in std::iter::once(&pair.prediction).chain(&pair.truth).filter(|file| !file.is_file()) {
                problems.push(format!("line {number}: no file {}", file.display()));
            }
            if !ids.insert(pair.id.clone()) {
                problems.push(format!("line {number}: duplicate name {}", pair.id));
            }
            pairs.push(pair);
        }
        if pairs.is_empty() {
            return Err(Error::content(path, "lines with a prediction and its truth", "none"));
        }
        if !problems.is_empty() {
            return Err(Error::Dataset { problems });
        }
        pairs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { pairs, unused: Vec::new() })
    }
}

impl Dataset {
    /// Reads all ground truth and checks that the predictions have its size, which `size` returns. Warns about images
    /// without boundaries.
    ///
    /// # Errors
    ///
    /// [`Error::Dataset`] lists every unreadable file, every prediction of another size, and every ground truth that is
    /// mostly boundary. It is also an error if no image has a boundary.
    pub fn truth(
        &self,
        options: &TruthOptions,
        size: impl Fn(&Path) -> Result<Size> + Sync,
    ) -> Result<Vec<GroundTruth>> {
        let one = |pair: &Pair| -> Result<GroundTruth, String> {
            let failed = |error: Error| format!("{}: {}", pair.id, error.chain());
            let truth = GroundTruth::open_with(&pair.truth, options).map_err(failed)?;
            let size = size(&pair.prediction).map_err(failed)?;
            let expected = Size { height: truth.height, width: truth.width };
            if size != expected {
                let prediction = pair.prediction.display();
                return Err(format!("{}: {prediction} is {size}, its truth {expected}", pair.id));
            }
            if truth.is_mostly_drawn() {
                return Err(format!(
                    "{}: most of {} is boundary; if boundaries are dark on white, use --invert-gt",
                    pair.id,
                    pair.truth[0].display()
                ));
            }
            Ok(truth)
        };
        let (truth, mut problems): (Vec<_>, Vec<_>) =
            self.pairs.par_iter().map(one).partition_map(|read| match read {
                Ok(truth) => Either::Left(truth),
                Err(problem) => Either::Right(problem),
            });
        if problems.is_empty() {
            let empty: Vec<&Pair> = self
                .pairs
                .iter()
                .zip(&truth)
                .filter(|(_, truth)| truth.is_empty())
                .map(|(pair, _)| pair)
                .collect();
            if let Some(first) = empty.first() {
                let of = format!("{} of {}", empty.len(), truth.len());
                let message = format!(
                    "{}: this ground truth has no boundaries: no pixel is at least half white (true of {of})",
                    first.truth[0].display()
                );
                if empty.len() == truth.len() { problems.push(message) } else { log::warn!("{message}") }
            }
        }
        if problems.is_empty() { Ok(truth) } else { Err(Error::Dataset { problems }) }
    }
}

/// Data sets with established evaluation settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// BSDS500.
    Bsds,
    /// NYU Depth v2.
    Nyud,
    /// Multicue.
    Multicue,
}

impl Preset {
    /// How far from the truth an edge may be, as a fraction of the image's diagonal: 0.0075, and
    /// 0.011 for NYUD, whose annotation is less precise (Gupta, Arbeláez, Malik 2013).
    pub fn max_distance(self) -> f64 {
        match self {
            Self::Bsds | Self::Multicue => 0.0075,
            Self::Nyud => 0.011,
        }
    }

    /// The non-maximum suppression of published scores.
    pub fn suppression(self) -> Suppression {
        match self {
            Self::Bsds | Self::Multicue => Suppression::HED,
            Self::Nyud => Suppression::NYUD,
        }
    }
}

/// Reads the name of a preset.
impl FromStr for Preset {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "bsds" => Ok(Self::Bsds),
            "nyud" => Ok(Self::Nyud),
            "multicue" => Ok(Self::Multicue),
            _ => Err(UnknownName {
                what: "a data set",
                text: text.to_owned(),
                expected: "bsds, nyud or multicue".to_owned(),
            }),
        }
    }
}

/// The entries of a folder, by name, without the system's own files.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = |source| Error::Read { path: folder.into(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = path.file_name().unwrap_or_default();
        if !name.as_encoded_bytes().starts_with(b"._") && name != ".DS_Store" && name != "Thumbs.db" {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

/// The files with one of `extensions`.
fn with_extensions(entries: &[PathBuf], extensions: &[&str]) -> Vec<PathBuf> {
    // Broken links are kept: reading them reports the error.
    entries.iter().filter(|path| has_extension(path, extensions) && !path.is_dir()).cloned().collect()
}

/// The ground truth files in a folder, by image. The rarer kinds are used for images without the usual ones.
/// If the folder has any usual ones, the rarer kinds also need a prediction of the same name, since folders
/// may hold other things.
fn truths(folder: &Path, predictions: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    const USUAL: [&str; 2] = ["mat", "png"];
    let all = entries(folder)?;
    let mut truths = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in with_extensions(&all, &USUAL) {
        truths.entry(longest_id(&stem(&path), predictions)).or_default().push(path);
    }
    let any = !truths.is_empty();
    let mut more = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in &all {
        let (id, files) = if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, with_extensions(&entries(path)?, &EXTENSIONS))
        } else if has_extension(path, &EXTENSIONS) && !has_extension(path, &USUAL) {
            (longest_id(&stem(path), predictions), vec![path.clone()])
        } else {
            continue;
        };
        if !files.is_empty() && !truths.contains_key(&id) && (!any || predictions.contains_key(&id)) {
            more.entry(id).or_default().extend(files);
        }
    }
    truths.extend(more);
    Ok(truths)
}

/// Describes files of this name that are not used.
fn unread(entries: &[PathBuf], id: &str) -> String {
    // An annotator's file name starts with that of the image.
    let is_of = |stem: String| stem == id || id.strip_prefix(&stem).is_some_and(|rest| rest.starts_with('_'));
    let there = entries.iter().filter(|path| is_of(stem(path)) && path.extension().is_some());
    let names: Vec<String> =
        there.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" (found {}, which is not an edge map)", names.join(", "))
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| extensions.iter().any(|wanted| wanted.eq_ignore_ascii_case(found)))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The image that a ground truth file belongs to: the longest prefix of its name, ending before a `_`, that is the name
/// of a prediction, or else its own name.
fn longest_id(stem: &str, predictions: &BTreeMap<String, PathBuf>) -> String {
    let ends = stem.match_indices('_').map(|(at, _)| at).rev();
    let mut candidates = std::iter::once(stem.len()).chain(ends).map(|end| &stem[..end]);
    candidates.find(|&id| predictions.contains_key(id)).unwrap_or(stem).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files.
    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn pair(names: &[&str]) -> Result<Dataset> {
        let folder = folder(names);
        let strip = |path: PathBuf| path.strip_prefix(folder.path()).unwrap().to_path_buf();
        let mut set = Dataset::maps(&folder.path().join("p"), &folder.path().join("t"))?;
        for pair in &mut set.pairs {
            pair.prediction = strip(std::mem::take(&mut pair.prediction));
            pair.truth = std::mem::take(&mut pair.truth).into_iter().map(strip).collect();
        }
        set.unused = set.unused.into_iter().map(strip).collect();
        Ok(set)
    }

    #[test]
    fn names_are_paired_and_the_rest_is_listed() {
        let set = pair(&["p/2.png", "p/1.npy", "p/3.mat", "p/notes.txt", "t/1.mat", "t/2.mat"]).unwrap();
        let ids: Vec<&str> = set.pairs.iter().map(|pair| &pair.id[..]).collect();
        assert_eq!(ids, ["1", "2"]);
        assert_eq!(set.pairs[1].prediction, Path::new("p/2.png"));
        assert_eq!(set.pairs[1].truth, [Path::new("t/2.mat")]);
        assert_eq!(set.unused, [Path::new("p/3.mat")]);
    }

    #[test]
    fn annotators_are_what_continues_the_longest_name() {
        let set = pair(&["p/a.png", "p/a_b.png", "t/a_1.png", "t/a_2.png", "t/a_b_1.png", "t/a_b_2_x.png"]);
        let set = set.unwrap();
        assert_eq!(set.pairs[0].truth, ["t/a_1.png", "t/a_2.png"].map(Path::new));
        assert_eq!(set.pairs[1].truth, ["t/a_b_1.png", "t/a_b_2_x.png"].map(Path::new));
    }

    #[test]
    fn rarer_kinds_count_where_there_is_nothing_else() {
        let names = ["p/1.jpg", "p/2.jpg", "p/2.png", "p/._2.png", "t/1.png", "t/2.png", "t/._2.png"];
        let set = pair(&names).unwrap();
        let predictions: Vec<&Path> = set.pairs.iter().map(|pair| &*pair.prediction).collect();
        assert_eq!(predictions, ["p/1.jpg", "p/2.png"].map(Path::new));

        let set = pair(&["p/a.png", "t/a/1.png", "t/a/2.png", "t/b/1.png"]);
        assert!(set.unwrap_err().to_string().contains("b: no prediction"));
        let set = pair(&["p/a.png", "p/c.png", "t/a/1.png", "t/a/2.png", "t/b/1.png", "t/c.png", "t/d.jpg"])
            .unwrap();
        assert_eq!(set.pairs[0].truth, ["t/a/1.png", "t/a/2.png"].map(Path::new));
        assert_eq!(set.pairs.len(), 2);
        let set = pair(&["p/1.png", "p/2.png", "p/3.png", "t/1.npy", "t/2.tif", "t/3.jpg"]).unwrap();
        assert_eq!(set.pairs.len(), 3);
    }

    #[test]
    fn what_is_there_instead_of_a_prediction_is_named() {
        let message = pair(&["p/1.npz", "p/1.txt", "t/1.mat"]).unwrap_err().to_string();
        assert!(message.contains("1.npz, 1.txt"), "{message}");
    }

    #[test]
    fn every_problem_is_named() {
        let message = pair(&["p/1.png", "p/1.npy", "t/1.mat", "t/2.mat", "t/3.png"]).unwrap_err().to_string();
        for part in ["3 problems", "1: two predictions", "2: no prediction", "3: no prediction"] {
            assert!(message.contains(part), "{message}");
        }
        let message = pair(&["p/1.png", "t/1.mat", "t/1_a.png"]).unwrap_err().to_string();
        assert!(message.contains("both as .mat and otherwise"), "{message}");
        let message = pair(&["p/1.png", "t/notes.txt"]).unwrap_err().to_string();
        assert!(message.contains("found none"), "{message}");
    }

    #[test]
    fn a_list_is_relative_to_itself() {
        let folder = folder(&["p/2.png", "p/1.png", "t/1_a.png", "t/1_b.png", "t/2.mat"]);
        let list = folder.path().join("test.lst");
        std::fs::write(&list, "# test\np/2.png t/2.mat\n\np/1.png\tt/1_a.png t/1_b.png\n").unwrap();
        let set = Dataset::list(&list).unwrap();
        assert_eq!(set.pairs[0].truth, ["t/1_a.png", "t/1_b.png"].map(|name| folder.path().join(name)));
        assert_eq!(set.pairs[1].id, "2");

        std::fs::write(&list, "p/1.png\np/3.png t/1_a.png\np/1.png t/2.mat\n").unwrap();
        let message = Dataset::list(&list).unwrap_err().to_string();
        for part in ["line 1: expected", "line 2: no file", "line 3: duplicate name 1"] {
            assert!(message.contains(part), "{message}");
        }
        std::fs::write(&list, "# nothing\n").unwrap();
        assert!(matches!(Dataset::list(&list), Err(Error::Content { .. })));
    }
}
