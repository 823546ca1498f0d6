//! Where the files of each image go, decided before anything is computed.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::inputs::{Input, Inputs, Source};
use crate::ui::usage;

/// A format of the files written for an image.
pub(crate) trait FileFormat: Copy + Send + Sync {
    /// The folder for files if none is given.
    const FOLDER: &'static str;
    /// The format if none is given.
    const DEFAULT: Self;

    /// The format that a file's extension names.
    fn of(path: &Path) -> anyhow::Result<Self>;

    /// The extension of its files.
    fn extension(self) -> &'static str;

    /// Whether a file exists and is complete.
    fn is_whole(self, path: &Path) -> bool;
}

/// A further file for an image, besides the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Companion {
    /// The ending of its name after the stem of the first.
    pub(crate) suffix: String,
    /// Its extension, if it differs.
    pub(crate) extension: Option<&'static str>,
}

/// One image and where its files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) input: Input,
    pub(super) output: Output,
    /// Further files.
    pub(super) companions: Vec<Output>,
}

impl Job {
    fn new(input: &Input, output: Output, companions: &[Companion]) -> Self {
        let companions = companions.iter().map(|companion| output.beside(companion)).collect();
        Self { input: input.clone(), output, companions }
    }

    /// The output, then its companions.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &Output> {
        std::iter::once(&self.output).chain(&self.companions)
    }

    /// Whether all files already exist, complete.
    pub(super) fn is_there<F: FileFormat>(&self, format: F) -> bool {
        self.outputs().all(|output| matches!(output, Output::File(path) if format.is_whole(path)))
    }
}

/// Where a file goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Output {
    Stdout,
    File(PathBuf),
}

impl Output {
    /// The output of a companion.
    fn beside(&self, companion: &Companion) -> Self {
        match self {
            Self::Stdout => Self::Stdout,
            Self::File(path) => {
                let mut name = path.file_stem().unwrap_or_default().to_owned();
                name.push(&companion.suffix);
                let own = path.extension().map(OsString::from);
                if let Some(extension) = companion.extension.map(OsString::from).or(own) {
                    name.push(".");
                    name.push(extension);
                }
                Self::File(path.with_file_name(name))
            }
        }
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Stdout => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a, F> {
    /// `-o`.
    pub(super) output: Option<&'a Path>,
    /// `--format`.
    pub(super) format: Option<F>,
}

/// The folder that files go to, if they go to one.
pub(super) fn folder<'a, F: FileFormat>(inputs: &Inputs, request: &Request<'a, F>) -> Option<&'a Path> {
    match request.output {
        None => Some(Path::new(F::FOLDER)),
        Some(output) => is_folder(output, inputs).then_some(output),
    }
}

/// The jobs, and their format, which determines the `companions`.
pub(super) fn plan<F: FileFormat>(
    inputs: &Inputs,
    request: &Request<F>,
    companions: impl Fn(F) -> Vec<Companion>,
) -> anyhow::Result<(Vec<Job>, F)> {
    let named = request.output.filter(|path| !is_folder(path, inputs) && path.as_os_str() != "-");
    let format = match (request.format, named) {
        (Some(format), _) => format,
        (None, None) => F::DEFAULT,
        (None, Some(file)) => F::of(file)?,
    };
    let output = |image: &Input| match (request.output, named) {
        (Some(path), _) if path.as_os_str() == "-" => Output::Stdout,
        (_, Some(file)) => Output::File(file.to_owned()),
        (folder, None) => {
            let folder = folder.unwrap_or(Path::new(F::FOLDER));
            Output::File(in_folder(folder, &image.relative, format.extension()))
        }
    };
    let companions = companions(format);
    let jobs = inputs.images.iter().map(|image| Job::new(image, output(image), &companions));
    let jobs: Vec<Job> = jobs.collect();
    check(&jobs)?;
    Ok((jobs, format))
}

/// Whether `-o` is a folder: it exists, is written like one, or has to hold more than one file.
fn is_folder(output: &Path, inputs: &Inputs) -> bool {
    let written_so = output
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|&byte| std::path::is_separator(char::from(byte)));
    let stdout = output.as_os_str() == "-";
    !stdout && (output.is_dir() || written_so || !inputs.named || inputs.images.len() > 1)
}

/// The file in a folder for an image of this name.
fn in_folder(folder: &Path, relative: &Path, extension: &str) -> PathBuf {
    // Not `with_extension`, which would cut `a.b` short.
    let mut name = OsString::from(relative.file_stem().unwrap_or_default());
    name.push(".");
    name.push(extension);
    folder.join(relative.with_file_name(name))
}

/// Checks that nothing is written twice, and no input overwritten.
fn check(jobs: &[Job]) -> anyhow::Result<()> {
    let sources: HashSet<PathBuf> = jobs
        .iter()
        .filter_map(|job| match &job.input.source {
            Source::File(path) => path.canonicalize().ok(),
            Source::Stdin => None,
        })
        .collect();
    let mut writers: HashMap<&Output, &Job> = HashMap::new();
    for (job, output) in jobs.iter().flat_map(|job| job.outputs().map(move |output| (job, output))) {
        if let Output::File(path) = output
            && path.canonicalize().is_ok_and(|path| sources.contains(&path))
        {
            return Err(usage!(
                "the edges of {} would overwrite the image {}; give another place with -o",
                job.input.name(),
                path.display()
            ));
        }
        match writers.insert(output, job) {
            Some(other) if std::ptr::eq(other, job) => {
                return Err(usage!("-o - writes one map; --side-outputs needs --format npz then"));
            }
            Some(_) if *output == Output::Stdout => {
                return Err(usage!("-o - writes one image, and there are {}", jobs.len()));
            }
            Some(other) if is_same(&other.input.source, &job.input.source) => {
                let name = job.input.name();
                return Err(usage!(
                    "the image {name} is given twice; give it once, or run the commands apart"
                ));
            }
            Some(other) => {
                return Err(usage!(
                    "{} and {} would both be written to {}; give them different names, or run them apart",
                    other.input.name(),
                    job.input.name(),
                    output.name()
                ));
            }
            None => {}
        }
    }
    Ok(())
}

/// Whether two images are the same, however they are named.
fn is_same(one: &Source, other: &Source) -> bool {
    let file = |source: &Source| match source {
        Source::File(path) => path.canonicalize().ok(),
        Source::Stdin => None,
    };
    one == other || file(one).is_some_and(|one| file(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use pidinet::save::Format;

    use super::*;

    /// The four stages.
    fn sides(_: Format) -> Vec<Companion> {
        (1..=4).map(|stage| Companion { suffix: format!("-side{stage}"), extension: None }).collect()
    }

    fn none(_: Format) -> Vec<Companion> {
        Vec::new()
    }

    fn inputs(paths: &[&str]) -> Inputs {
        let image = |path: &&str| Input {
            source: Source::File(path.into()),
            relative: Path::new(path).file_name().unwrap().into(),
        };
        Inputs { images: paths.iter().map(image).collect(), named: true, ..Inputs::default() }
    }

    fn outputs(paths: &[&str], output: Option<&str>, format: Option<Format>) -> anyhow::Result<Vec<String>> {
        let request = Request { output: output.map(Path::new), format };
        let (jobs, _) = plan(&inputs(paths), &request, none)?;
        Ok(jobs.iter().map(|job| job.output.name()).collect())
    }

    #[test]
    fn names_follow_the_rules() {
        let names = |paths: &[&str], output| outputs(paths, output, None).unwrap();
        assert_eq!(names(&["in/a.jpg"], None), ["edges/a.png"]);
        assert_eq!(names(&["in/a.jpg"], Some("x.npy")), ["x.npy"]);
        assert_eq!(names(&["in/a.jpg"], Some("-")), ["-"]);
        assert_eq!(names(&["in/a.b.jpg"], Some("out/")), ["out/a.b.png"]);
        assert_eq!(names(&["in/a.jpg", "b"], Some("out")), ["out/a.png", "out/b.png"]);
        let npz = outputs(&["in/a.jpg", "b"], Some("out"), Some(Format::Npz)).unwrap();
        assert_eq!(npz, ["out/a.npz", "out/b.npz"]);
        let png16 = outputs(&["a.jpg"], None, Some(Format::Png16)).unwrap();
        assert_eq!(png16, ["edges/a.png"]);
    }

    #[test]
    fn an_existing_folder_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_str().unwrap();
        assert_eq!(outputs(&["a.jpg"], Some(out), None).unwrap(), [format!("{out}/a.png")]);
    }

    #[test]
    fn images_of_a_folder_keep_their_tree() {
        let image = |relative: &str| Input { source: Source::Stdin, relative: relative.into() };
        let inputs = Inputs { images: vec![image("a/x.jpg"), image("b/x.jpg")], ..Inputs::default() };
        let (jobs, _) = plan(&inputs, &Request { output: None, format: None }, none).unwrap();
        let names: Vec<_> = jobs.iter().map(|job| job.output.name()).collect();
        assert_eq!(names, ["edges/a/x.png", "edges/b/x.png"]);
    }

    #[test]
    fn nothing_is_written_twice() {
        let error = outputs(&["a.jpg", "a.png"], None, None).unwrap_err().to_string();
        assert!(error.contains("a.jpg and a.png") && error.contains("edges/a.png"), "{error}");
        let request = Request { output: None, format: None };
        assert!(plan(&inputs(&["a.jpg", "a-side2.jpg"]), &request, sides).is_err());
        assert!(outputs(&["a.jpg", "b.jpg"], Some("-"), None).is_err());
        let request = Request { output: Some(Path::new("-")), format: None };
        assert!(plan(&inputs(&["a.jpg"]), &request, sides).is_err());
        assert!(plan(&inputs(&["a.jpg"]), &request, none).is_ok());
        assert!(outputs(&["a.jpg", "x/a.jpg"], Some("out"), None).is_err());
    }

    #[test]
    fn an_image_that_is_given_twice_is_told_so() {
        let error = outputs(&["in/a.jpg", "b.jpg", "in/a.jpg"], None, None).unwrap_err().to_string();
        assert!(error.contains("in/a.jpg is given twice"), "{error}");
    }

    #[test]
    fn no_input_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let photo = folder.path().join("photo.png");
        std::fs::write(&photo, "").unwrap();
        let error = outputs(&[photo.to_str().unwrap()], folder.path().to_str(), None).unwrap_err();
        assert!(error.to_string().contains("overwrite"), "{error}");
    }

    #[test]
    fn a_file_needs_a_known_extension_or_a_format() {
        assert!(outputs(&["a.jpg"], Some("map.gif"), None).is_err());
        assert_eq!(outputs(&["a.jpg"], Some("map.gif"), Some(Format::Png)).unwrap(), ["map.gif"]);
    }

    #[test]
    fn companions_have_their_suffix() {
        let beside = |path: &str, extension| {
            Output::File(path.into()).beside(&Companion { suffix: "-side3".into(), extension }).name()
        };
        assert_eq!(beside("edges/a.b.png", None), "edges/a.b-side3.png");
        assert_eq!(beside("map", None), "map-side3");
        assert_eq!(beside("map.svg", Some("png")), "map-side3.png");
    }
}
