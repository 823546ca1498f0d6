//! Frames that ffmpeg reads.
//!
//! They come as PPM images, one after the other: these say their size, which is that of the film as it is shown, while
//! what ffprobe says is that before a rotation.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use pidinet::Size;

use super::complaints::{Complaints, after};
use super::ffmpeg::{self, Ffmpeg};
use super::frame::{Frame, Kind};
use super::probe::{self, Probed};
use super::seconds::Span;
use super::source::{Ending, Film, Frames, Next, Opened, Request, Rest};
use crate::children::Helper;
use crate::ui::{shown, usage};

/// Opens what ffmpeg reads.
pub(super) fn open(request: &Request) -> anyhow::Result<Opened> {
    let input = request.input;
    let shown = shown(input);
    check(input)?;
    let program = Ffmpeg::find()?;
    let name = ffmpeg::name_of(input);
    let probed = probe(&name, request.format).with_context(|| format!("cannot use {shown}"))?;
    let is_live = probed.seconds.is_none() && !input.is_file();
    for warning in &probed.warnings {
        log::warn!("{shown}: {warning}");
    }
    if let (Some(average), false) = (probed.varies, is_live) {
        log::warn!(
            "{shown}: the frame rate varies ({average:.2} a second on average); the output has {:.2} throughout",
            probed.rate.hertz()
        );
    }
    let format = request.format.map(str::to_owned);
    let film = Film {
        rate: probed.rate,
        aspect: probed.aspect,
        matrix: probed.matrix,
        total: expected(&probed, request.span),
        is_live,
        rest: (!is_live).then_some(Rest { name: name.clone(), format, span: request.span }),
    };
    if is_live && probed.has_sound {
        log::warn!("{shown}: the sound of a camera or stream is not copied");
    }
    let mut command = Command::new("ffmpeg");
    command.args(arguments(&name, request, &probed, program));
    let decoder = Decoder::start(&mut command, &film, request)?;
    Ok(Opened { film, frames: Box::new(decoder) })
}

/// Refuses what cannot be read twice.
fn check(input: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if input.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            let name = input.display();
            return Err(usage!("{name} is a pipe, which can be read only once: use - and YUV4MPEG2 instead"));
        }
    }
    if input.is_dir() {
        return Err(usage!(
            "{} is a folder, expected a film; images may be given as DIR/%05d.png",
            input.display()
        ));
    }
    let is_address = input.to_string_lossy().contains("://");
    // What ffmpeg says of a name that is mistyped is less clear.
    if let (Some(extension), false, false) = (input.extension(), is_address, input.exists()) {
        let text = input.to_string_lossy();
        let is_pattern = text.contains(['%', '*', '=', ':']);
        anyhow::ensure!(
            is_pattern || extension.is_empty(),
            "cannot read {}: there is no such file",
            input.display()
        );
    }
    Ok(())
}

/// Asks ffprobe.
fn probe(name: &OsString, format: Option<&str>) -> anyhow::Result<Probed> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_streams", "-show_format"]);
    if let Some(format) = format {
        command.args(["-f", format]);
    }
    let ran = ffmpeg::run(command.arg("-i").arg(name))?;
    anyhow::ensure!(ran.status.success(), after("ffmpeg cannot read it", &ran.complaints));
    probe::parse(&ran.output)
}

/// How many frames a part of a film has.
fn expected(probed: &Probed, span: Span) -> Option<u64> {
    match (probed.frames, probed.seconds, probed.varies) {
        (Some(frames), _, None) if span == Span::default() => Some(frames),
        (_, Some(seconds), _) => Some(probed.rate.frames_in(span.of(seconds))),
        (_, None, _) => span.duration.map(|duration| probed.rate.frames_in(duration)),
    }
}

/// What ffmpeg is told.
fn arguments(name: &OsString, request: &Request, probed: &Probed, program: Ffmpeg) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-nostdin", "-hide_banner", "-v", "error"].map(OsString::from).into();
    arguments.extend(input(name, request.format, request.span));
    let rate = probed.rate.to_string();
    let stream = format!("0:{}", probed.stream);
    arguments.extend(["-map", &stream, "-r", &rate].map(OsString::from));
    arguments.extend(program.constant_rate().map(OsString::from));
    arguments.extend(["-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1"].map(OsString::from));
    arguments
}

/// How ffmpeg is told of an input, or of a part of it.
pub(super) fn input(name: &OsString, format: Option<&str>, span: Span) -> Vec<OsString> {
    let mut arguments = Vec::new();
    if let Some(format) = format {
        arguments.extend(["-f", format].map(OsString::from));
    }
    if span.start > 0.0 {
        arguments.extend(["-ss".into(), format!("{:.6}", span.start).into()]);
    }
    if let Some(duration) = span.duration {
        arguments.extend(["-t".into(), format!("{duration:.6}").into()]);
    }
    arguments.extend(["-i".into(), name.clone()]);
    arguments
}

/// ffmpeg, which reads a film.
struct Decoder {
    shown: String,
    helper: Helper,
    output: BufReader<ChildStdout>,
    complaints: Option<Complaints>,
    size: Option<Size>,
    max_pixels: u64,
    frames: u64,
    total: Option<u64>,
    /// Whether somebody asked for the end.
    is_over: Arc<AtomicBool>,
}

impl Decoder {
    fn start(command: &mut Command, film: &Film, request: &Request) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (helper, pipes) = Helper::start(command).map_err(|error| ffmpeg::not_started(command, error))?;
        let output = pipes.stdout.context("ffmpeg has no output")?;
        Ok(Self {
            shown: shown(request.input),
            helper,
            output: BufReader::new(output),
            complaints: pipes.stderr.map(Complaints::listen).transpose()?,
            size: None,
            max_pixels: request.max_pixels,
            frames: 0,
            total: film.total,
            is_over: Arc::default(),
        })
    }

    /// The next frame; `None` where nothing more comes.
    fn read(&mut self) -> anyhow::Result<Option<Frame>> {
        let Some(size) = ppm(&mut self.output)? else { return Ok(None) };
        let pixels = size.width as u64 * size.height as u64;
        anyhow::ensure!(
            pixels <= self.max_pixels,
            "frames are {}x{}, and the limit is {:.1} megapixels; raise --max-pixels if they are meant to be that large",
            size.width,
            size.height,
            self.max_pixels as f64 / 1e6
        );
        let first = *self.size.get_or_insert(size);
        anyhow::ensure!(
            size == first,
            "frame {} is {}x{}, others are {}x{}",
            self.frames + 1,
            size.width,
            size.height,
            first.width,
            first.height
        );
        let length = 3 * size.width * size.height;
        let mut bytes = Vec::with_capacity(length);
        self.output.by_ref().take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Ok(None); // the reason is in how ffmpeg ended
        }
        self.frames += 1;
        Ok(Some(Frame { bytes, kind: Kind::Rgb(size) }))
    }

    /// What the end of all frames means.
    fn end(&mut self) -> anyhow::Result<Next> {
        let status = self.helper.wait()?;
        let complaints = self.complaints.take().map(Complaints::all).unwrap_or_default();
        if self.is_over.load(Ordering::SeqCst) {
            return Ok(Next::End);
        }
        if self.frames == 0 {
            anyhow::ensure!(
                status.success(),
                after(&format!("ffmpeg cannot read {}", self.shown), &complaints)
            );
            anyhow::bail!(after(&format!("{}: there is no frame", self.shown), &complaints));
        }
        // The length of a film is rounded, or that of its sound; a frame or two are often missing at its end.
        let is_short = self.total.is_some_and(|total| self.frames + 2 + total / 50 < total);
        if !status.success() || (is_short && !complaints.is_empty()) {
            let frames = match self.total {
                Some(total) if is_short => format!("{} of about {total} frames", self.frames),
                _ => format!("{} frames", self.frames),
            };
            return Ok(Next::Cut(after(&format!("the film ends early, after {frames}"), &complaints)));
        }
        for complaint in complaints {
            log::warn!("{}: {complaint}", self.shown);
        }
        Ok(Next::End)
    }
}

impl Frames for Decoder {
    fn next(&mut self) -> anyhow::Result<Next> {
        match self.read() {
            Ok(Some(frame)) => Ok(Next::Frame(frame)),
            Ok(None) => self.end(),
            Err(error) => Err(error.context(format!("cannot use {}", self.shown))),
        }
    }

    fn ending(&self) -> Ending {
        let (is_over, end) = (Arc::clone(&self.is_over), self.helper.ending());
        Arc::new(move || {
            is_over.store(true, Ordering::SeqCst);
            end();
        })
    }
}

/// Reads the header of a PPM image of 8 bits; `None` at the end.
fn ppm(source: &mut impl BufRead) -> anyhow::Result<Option<Size>> {
    let mut text = Vec::new();
    for _ in 0..3 {
        if source.by_ref().take(64).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
    }
    let text = String::from_utf8_lossy(&text);
    let mut words = text.split_whitespace();
    let number =
        |word: Option<&str>| word.and_then(|word| word.parse::<usize>().ok()).filter(|&side| side > 0);
    match (words.next(), number(words.next()), number(words.next()), words.next()) {
        (Some("P6"), Some(width), Some(height), Some("255")) => Ok(Some(Size { height, width })),
        _ => anyhow::bail!("ffmpeg gives something else than frames"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_frames_are_read() {
        let read = |bytes: &[u8]| ppm(&mut &bytes[..]);
        assert_eq!(read(b"P6\n321 241\n255\n123").unwrap(), Some(Size { height: 241, width: 321 }));
        assert_eq!(read(b"").unwrap(), None);
        assert_eq!(read(b"P6\n321 2").unwrap(), None);
        for wrong in [&b"P5\n1 1\n255\n"[..], b"P6\n0 1\n255\n", b"P6\n1 1\n65535\n", b"GIF89a\n\n\n"] {
            assert!(read(wrong).is_err());
        }
    }

    #[test]
    fn parts_of_a_film_have_fewer_frames() {
        let probed = |frames, seconds, varies| Probed {
            stream: 0,
            rate: "25".parse().unwrap(),
            varies,
            frames,
            seconds,
            aspect: (0, 0),
            matrix: None,
            has_sound: false,
            warnings: Vec::new(),
        };
        let whole = Span::default();
        let part = Span { start: 2.0, duration: Some(1.0) };
        let film = probed(Some(249), Some(10.0), None);
        assert_eq!((expected(&film, whole), expected(&film, part)), (Some(249), Some(25)));
        assert_eq!(expected(&probed(Some(200), Some(10.0), Some(20.0)), whole), Some(250));
        assert_eq!(expected(&probed(None, None, None), part), Some(25));
        assert_eq!(expected(&probed(None, None, None), whole), None);
    }
}
