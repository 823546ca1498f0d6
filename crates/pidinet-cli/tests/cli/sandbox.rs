//! A folder with a model and photographs, and the program that runs in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use pidinet::Size;
use pidinet::arch::Arch;
use pidinet::image::{Image, PixelFormat, PixelLayout};
use pidinet::save::SaveOptions;
use pidinet::weights::Model;

/// Random weights, since the program does the same however good a map is.
static MODEL: LazyLock<Model> = LazyLock::new(|| Model::random(Arch::tiny().light(), 1));

/// A folder that is removed when this is dropped.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// A folder with `model.safetensors`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        MODEL.save(folder.path().join("model.safetensors")).unwrap();
        Self { folder }
    }

    /// Adds photographs, each with a bright square on noise.
    pub(crate) fn with(self, names: &[&str]) -> Self {
        for name in names {
            self.photo(Path::new(name), 33, 20);
        }
        self
    }

    /// Adds a photograph.
    pub(crate) fn photo(&self, name: &Path, width: usize, height: usize) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        photo(width, height).save(path, &SaveOptions::default()).unwrap();
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// The program with arguments as in a shell; `MODEL` stands for `-m model.safetensors`.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pidinet"));
        for argument in arguments.split_whitespace() {
            match argument {
                "MODEL" => command.args(["-m", "model.safetensors"]),
                other => command.arg(other),
            };
        }
        command.current_dir(self.folder.path()).env_remove("RUST_LOG").env("COLUMNS", "100");
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    /// All files except the model, with their paths in the sandbox, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        fn visit(folder: &Path, root: &Path, files: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    visit(&path, root, files);
                } else {
                    files.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut files = Vec::new();
        visit(self.folder.path(), self.folder.path(), &mut files);
        files.retain(|name| name != "model.safetensors");
        files.sort();
        files
    }
}

/// A bright square on noise.
pub(crate) fn photo(width: usize, height: usize) -> Image {
    let inside = |at: usize, side: usize| (side / 4..side / 2).contains(&at);
    let pixels: Vec<u8> = (0..width * height)
        .flat_map(|i| {
            let (x, y) = (i % width, i / width);
            let grey = if inside(x, width) && inside(y, height) { 220 } else { (i * 7919 % 23) as u8 };
            [grey, grey / 2, 255 - grey]
        })
        .collect();
    Image::from_u8(&pixels, &PixelLayout::packed(Size { height, width }, PixelFormat::Rgb)).unwrap()
}

/// The outcome of a run.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "{}{}", self.stdout(), self.stderr());
        self
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }
}
