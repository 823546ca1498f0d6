//! `pidinet video`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::video::Smoother;
use pidinet::video::y4m::Matrix;

use crate::finish::Finish;
use crate::interrupt;
use crate::network::NetworkArgs;
use crate::options::{EngineArgs, one_of, pixels};
use crate::ui::{self, usage};

mod complaints;
mod decode;
mod encode;
mod ffmpeg;
mod frame;
mod look;
mod numbered;
mod open;
mod pipeline;
mod plain;
mod probe;
mod seconds;
mod sink;
mod source;
mod target;
mod turn;
mod y4m;

use look::Look;
use seconds::{Span, seconds};

/// Detect edges in films
///
/// Reads and writes films with ffmpeg, which has to be installed: any format, with the sound copied and length, frame
/// rate and rotation kept. Without ffmpeg, reads and writes YUV4MPEG2: .y4m files, or - in a pipe. A camera or stream
/// that ffmpeg opens is an input, too; there the first Ctrl-C finishes the file.
///
/// Exit codes: 0 success, 1 failed, or the film is cut short (what is there is written), 2 wrong usage,
/// 130 interrupted. A film is written whole or not at all.
#[derive(clap::Args, Debug)]
pub(crate) struct Video {
    /// Film, camera or stream that ffmpeg opens, a .y4m file, or - for YUV4MPEG2 on standard input
    #[arg(value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    input: PathBuf,

    /// Output: a film in the format of its extension, a .y4m file, - for YUV4MPEG2 on standard output, or numbered PNG
    /// images such as out/%05d.png
    #[arg(short, long, value_name = "FILE|-", value_hint = ValueHint::AnyPath, required_unless_present = "frames")]
    output: Option<PathBuf>,

    /// Write PNG images 00001.png, 00002.png, ... to this folder instead of a film
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "output")]
    frames: Option<PathBuf>,

    #[command(flatten)]
    network: NetworkArgs,

    /// Shrink frames whose longer side exceeds N pixels; the output has the smaller size
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_side: Option<u32>,

    /// Reject films with more than N pixels a frame
    #[arg(long, value_name = "N", default_value = "256M", value_parser = pixels)]
    max_pixels: u64,

    /// Smooth the edges in time where nothing moves, against flicker: the share of the frames before, from 0 to under
    /// 1, such as 0.7. Begins anew at cuts
    #[arg(long, value_name = "0..1", default_value = "0", value_parser = strength)]
    smooth: f32,

    /// Show the input at the left and the edges at the right
    #[arg(long)]
    side_by_side: bool,

    /// Begin here: seconds, MM:SS or HH:MM:SS
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    start: Option<f64>,

    /// End after so long: seconds, MM:SS or HH:MM:SS
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    duration: Option<f64>,

    /// The input's sound
    #[arg(long, value_name = "copy|none", default_value = "copy", hide_possible_values = true,
        value_parser = one_of::<encode::Sound>(&["copy", "none"]))]
    audio: encode::Sound,

    /// Encoder, by its name in ffmpeg, such as libx264, libx265, ffv1 [default: ffmpeg's for the format]
    #[arg(long, value_name = "NAME")]
    codec: Option<String>,

    /// Quality of libx264, libx265, libvpx-vp9 and others: lower is better and larger, such as 18
    #[arg(long, value_name = "N")]
    crf: Option<u32>,

    /// Format of the input, as ffmpeg's -f: for cameras, such as avfoundation, dshow, v4l2
    #[arg(long, value_name = "NAME")]
    input_format: Option<String>,

    /// Colours of YUV4MPEG2, which does not say: bt601 or bt709 [default: bt709 from 720 rows on]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Matrix>(&["bt601", "bt709"]), hide_possible_values = true)]
    matrix: Option<Matrix>,

    /// Take a film that is cut short as it is, with a warning
    #[arg(long)]
    accept_damaged: bool,

    #[command(flatten)]
    engine: EngineArgs,

    /// Further arguments for ffmpeg, before the name of the output, such as -- -preset slow -movflags +faststart
    #[arg(last = true, value_name = "FFMPEG-ARGS", allow_hyphen_values = true)]
    arguments: Vec<OsString>,

    // Last: what follows a heading belongs to it.
    #[command(flatten)]
    finish: Finish,
}

/// Reads a strength of smoothing.
fn strength(text: &str) -> Result<f32, String> {
    let strength = text.trim().parse().map_err(|_| "expected a number from 0 to under 1".to_owned())?;
    Smoother::new(strength).map(|_| strength).map_err(|error| error.to_string())
}

impl Video {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let target = self.target()?;
        self.check(&target)?;
        let span = Span { start: self.start.unwrap_or(0.0), duration: self.duration };
        let mut opened = open::open(&source::Request {
            input: &self.input,
            format: self.input_format.as_deref(),
            span,
            matrix: self.matrix,
            max_pixels: self.max_pixels,
        })?;
        if opened.film.is_live {
            let ending = opened.frames.ending();
            interrupt::finish_on_request(move || ending());
        }
        let look = Look {
            max_side: self.max_side.map(|side| side as usize),
            side_by_side: self.side_by_side,
            overlay: self.finish.overlay,
        };
        let Some(first) = opened.first()? else {
            anyhow::bail!("{}: there is no frame", ui::shown(&self.input))
        };
        let size = look.size(look.input(first.image()?).size());
        let encoding = encode::Encoding {
            sound: self.audio,
            codec: self.codec.as_deref(),
            crf: self.crf,
            arguments: &self.arguments,
        };
        let sink = target::open(&target, size, look.is_coloured(), &opened.film, &encoding)?;
        let work = pipeline::Work {
            model: self.network.model()?,
            options: self.network.options(&self.engine),
            smoother: (self.smooth > 0.0).then(|| Smoother::new(self.smooth)).transpose()?,
            finish: self.finish,
            look,
        };
        let cut = pipeline::run(opened, first, work, sink)?;
        match cut {
            None => Ok(ExitCode::SUCCESS),
            Some(cut) if self.accept_damaged => {
                log::warn!("{}: {cut}", ui::shown(&self.input));
                Ok(ExitCode::SUCCESS)
            }
            Some(cut) => {
                anyhow::bail!("{}: {cut}; what is there has been written", ui::shown(&self.input))
            }
        }
    }

    /// Where the frames go.
    fn target(&self) -> anyhow::Result<target::Target> {
        match (&self.frames, &self.output) {
            (Some(folder), _) => Ok(target::Target::Numbered(numbered::Pattern::in_folder(folder))),
            (None, Some(path)) => target::Target::of(path),
            (None, None) => Err(usage!("give the output with -o, or a folder with --frames")),
        }
    }

    /// Refuses options that contradict each other.
    fn check(&self, target: &target::Target) -> anyhow::Result<()> {
        self.finish.check(pidinet::save::Format::Png)?;
        if let Some(path) = target.file()
            && is_same(path, &self.input)
        {
            return Err(usage!("{} would overwrite the input; give another name with -o", path.display()));
        }
        let encodes = matches!(target, target::Target::Film(_));
        if !encodes && (self.codec.is_some() || self.crf.is_some() || !self.arguments.is_empty()) {
            return Err(usage!("--codec, --crf and arguments after -- are for films that ffmpeg writes"));
        }
        Ok(())
    }
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other && one.is_file(),
        _ => false,
    }
}
