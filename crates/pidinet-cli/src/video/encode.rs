//! Films that ffmpeg writes.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::str::FromStr;

use anyhow::Context;
use pidinet::Size;
use pidinet::save::Growing;
use pidinet::video::y4m::Matrix;

use super::complaints::{Complaints, after};
use super::decode;
use super::ffmpeg::{self, Ffmpeg};
use super::sink::{Form, Sink, multiple_of};
use super::source::Film;
use crate::children::Helper;

/// What becomes of the input's sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    /// It is copied, packet by packet.
    Copy,
    /// It is left out.
    None,
}

impl FromStr for Sound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "copy" => Ok(Self::Copy),
            "none" => Ok(Self::None),
            _ => Err("expected copy or none".to_owned()),
        }
    }
}

/// How a film is encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoding<'a> {
    pub(super) sound: Sound,
    pub(super) codec: Option<&'a str>,
    pub(super) crf: Option<u32>,
    /// Further arguments of ffmpeg.
    pub(super) arguments: &'a [OsString],
}

/// Starts ffmpeg for a film of frames of a size.
pub(super) fn open(
    path: &Path,
    size: Size,
    is_coloured: bool,
    film: &Film,
    encoding: &Encoding,
) -> anyhow::Result<Box<dyn Sink>> {
    Ffmpeg::find()?;
    let file = Growing::new(path)?;
    let shares_colour = encoding.shares_colour(path);
    let multiple = if shares_colour { 2 } else { 1 };
    let whole = multiple_of(multiple, size);
    if whole != size {
        log::warn!(
            "{}: the format needs even sides, so frames are {}x{} instead of {}x{}; --codec ffv1 and others do without",
            path.display(),
            whole.width,
            whole.height,
            size.width,
            size.height
        );
    }
    let frames = Frames { size: whole, is_coloured, shares_colour };
    let mut command = Command::new("ffmpeg");
    command.args(encoding.before(&frames, film)).arg(ffmpeg::of_file(file.path()));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let (helper, pipes) =
        Helper::start(&mut command).map_err(|error| ffmpeg::not_started(&command, error))?;
    Ok(Box::new(Encoder {
        shown: path.display().to_string(),
        input: Some(pipes.stdin.context("ffmpeg has no input")?),
        complaints: pipes.stderr.map(Complaints::listen).transpose()?,
        copies: encoding.sound == Sound::Copy && film.rest.is_some(),
        helper,
        file,
        multiple,
    }))
}

/// What frames are like.
struct Frames {
    size: Size,
    is_coloured: bool,
    /// Whether 2×2 pixels share a colour.
    shares_colour: bool,
}

impl Encoding<'_> {
    /// The value of an option that the user gave ffmpeg by one of its names.
    fn given(&self, names: &[&str]) -> Option<&str> {
        let at = self.arguments.iter().rposition(|argument| names.iter().any(|name| argument == name))?;
        self.arguments.get(at + 1)?.to_str()
    }

    /// Whether the film is to have one colour for 2×2 pixels, which is all that most players show: where the user has
    /// not said otherwise, and the encoder may do so.
    fn shares_colour(&self, path: &Path) -> bool {
        if self.given(&["-pix_fmt", "-pix_fmt:v"]).is_some() {
            return false;
        }
        match self.given(&["-c:v", "-codec:v", "-vcodec", "-c", "-codec"]).or(self.codec) {
            Some(codec) => LOSSY.iter().any(|known| codec.starts_with(known)),
            None => {
                let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
                !PICTURES.iter().any(|known| extension == *known)
            }
        }
    }

    /// What ffmpeg is told before the name of its output.
    fn before(&self, frames: &Frames, film: &Film) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |some: &[&str]| arguments.extend(some.iter().map(OsString::from));
        let (format, size) = (
            if frames.is_coloured { "rgb24" } else { "gray" },
            format!("{}x{}", frames.size.width, frames.size.height),
        );
        add(&["-nostdin", "-hide_banner", "-v", "error", "-y"]);
        add(&[
            "-f",
            "rawvideo",
            "-pix_fmt",
            format,
            "-s",
            &size,
            "-r",
            &film.rate.to_string(),
            "-i",
            "pipe:0",
        ]);
        if let Some(rest) = &film.rest {
            arguments.extend(decode::input(&rest.name, rest.format.as_deref(), rest.span));
        }
        let mut add = |some: &[&str]| arguments.extend(some.iter().map(OsString::from));
        add(&["-map", "0:v:0"]);
        if film.rest.is_some() {
            if self.sound == Sound::Copy {
                add(&["-map", "1:a?", "-c:a", "copy"]);
            }
            add(&["-map_metadata", "1"]);
        }
        if let Some(codec) = self.codec {
            add(&["-c:v", codec]);
        }
        if let Some(crf) = self.crf {
            add(&["-crf", &crf.to_string()]);
        }
        if frames.shares_colour {
            add(&["-pix_fmt", "yuv420p"]);
            // A conversion without a word is by Rec. 601, as is that of films that do not say.
            if frames.is_coloured
                && film.matrix == Some(Matrix::Bt709)
                && self.given(&["-vf", "-filter:v"]).is_none()
            {
                add(&["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709"]);
                add(&["-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]);
            }
        }
        let (across, down) =
            (film.aspect.0 as usize * frames.size.width, film.aspect.1 as usize * frames.size.height);
        if film.aspect.0 != film.aspect.1 && across > 0 && down > 0 {
            add(&["-aspect", &format!("{across}:{down}")]);
        }
        arguments.extend(self.arguments.iter().cloned());
        arguments
    }
}

/// How names of encoders begin that take one colour for 2×2 pixels, and whose films are else shown by few players.
const LOSSY: [&str; 15] = [
    "libx264",
    "libx265",
    "libopenh264",
    "h264",
    "hevc",
    "mpeg",
    "libxvid",
    "libvpx",
    "libaom",
    "libsvtav1",
    "librav1e",
    "av1",
    "libtheora",
    "flv",
    "wmv",
];

/// Extensions of formats that have pixels of a palette or the like.
const PICTURES: [&str; 5] = ["gif", "apng", "webp", "png", "jxl"];

/// ffmpeg, which writes a film.
struct Encoder {
    shown: String,
    input: Option<ChildStdin>,
    complaints: Option<Complaints>,
    /// Whether sound is copied.
    copies: bool,
    helper: Helper,
    file: Growing,
    multiple: usize,
}

impl Encoder {
    /// Why ffmpeg ended, or does not take frames any more.
    fn failure(&mut self, status: Option<ExitStatus>) -> anyhow::Error {
        let complaints = self.complaints.take().map(Complaints::all).unwrap_or_default();
        let mut sentence = format!("ffmpeg cannot write {}", self.shown);
        if let (Some(status), true) = (status, complaints.is_empty()) {
            sentence = format!("{sentence}: it ends with {status}");
        }
        let mut message = after(&sentence, &complaints);
        let is_about_sound =
            |line: &String| line.contains("codec") || line.contains("tag") || line.contains("muxer");
        if self.copies && complaints.iter().any(is_about_sound) {
            message.push_str(
                "; if the format does not take this sound: --audio none, -- -c:a aac, or an .mkv file",
            );
        }
        anyhow::anyhow!(message)
    }
}

impl Sink for Encoder {
    fn form(&self) -> Form {
        Form::Rows(self.multiple)
    }

    fn write(&mut self, frame: Vec<u8>) -> anyhow::Result<bool> {
        let Some(input) = &mut self.input else { return Ok(false) };
        if input.write_all(&frame).is_ok() {
            return Ok(true);
        }
        self.input = None;
        // It ends well before the last frame where its arguments say so, such as -t.
        match self.helper.wait() {
            Ok(status) if status.success() => Ok(false),
            status => Err(self.failure(status.ok())),
        }
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        self.input = None; // the end of its input
        let status = self.helper.wait()?;
        if !status.success() {
            return Err(self.failure(Some(status)));
        }
        for complaint in self.complaints.take().map(Complaints::all).unwrap_or_default() {
            log::warn!("{}: {complaint}", self.shown);
        }
        Ok(self.file.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::seconds::Span;
    use super::super::source::Rest;
    use super::*;

    fn film() -> Film {
        let rest =
            Rest { name: "file:in.mp4".into(), format: None, span: Span { start: 1.5, duration: Some(2.0) } };
        Film {
            rate: "30000/1001".parse().unwrap(),
            aspect: (1, 1),
            matrix: None,
            total: None,
            is_live: false,
            rest: Some(rest),
        }
    }

    const PLAIN: Encoding = Encoding { sound: Sound::Copy, codec: None, crf: None, arguments: &[] };

    fn line(encoding: &Encoding, frames: &Frames, film: &Film) -> String {
        let arguments = encoding.before(frames, film);
        arguments.iter().map(|argument| argument.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn arguments_are_those_of_the_film() {
        let frames = Frames { size: Size { width: 64, height: 48 }, is_coloured: false, shares_colour: true };
        assert_eq!(
            line(&PLAIN, &frames, &film()),
            "-nostdin -hide_banner -v error -y -f rawvideo -pix_fmt gray -s 64x48 -r 30000/1001 -i pipe:0 \
             -ss 1.500000 -t 2.000000 -i file:in.mp4 -map 0:v:0 -map 1:a? -c:a copy -map_metadata 1 -pix_fmt yuv420p"
        );
        let more: Vec<OsString> = ["-preset", "slow"].map(OsString::from).into();
        let encoding = Encoding { sound: Sound::None, codec: Some("ffv1"), crf: Some(18), arguments: &more };
        let frames = Frames { size: Size { width: 64, height: 48 }, is_coloured: true, shares_colour: false };
        let alone = Film { rest: None, aspect: (16, 15), ..film() };
        assert_eq!(
            line(&encoding, &frames, &alone),
            "-nostdin -hide_banner -v error -y -f rawvideo -pix_fmt rgb24 -s 64x48 -r 30000/1001 -i pipe:0 -map 0:v:0 \
             -c:v ffv1 -crf 18 -aspect 1024:720 -preset slow"
        );
    }

    #[test]
    fn colours_of_high_definition_stay_those() {
        let frames = Frames { size: Size { width: 64, height: 48 }, is_coloured: true, shares_colour: true };
        let high = Film { matrix: Some(Matrix::Bt709), ..film() };
        assert!(line(&PLAIN, &frames, &high).contains("-vf scale=out_color_matrix=bt709"));
        assert!(!line(&PLAIN, &frames, &film()).contains("-vf"));
        let own: Vec<OsString> = ["-vf", "hflip"].map(OsString::from).into();
        assert_eq!(line(&Encoding { arguments: &own, ..PLAIN }, &frames, &high).matches("-vf").count(), 1);
    }

    #[test]
    fn players_get_films_that_they_show() {
        let own = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let shares = |path: &str, codec, arguments: &[OsString]| {
            Encoding { codec, arguments, ..PLAIN }.shares_colour(Path::new(path))
        };
        assert!(
            shares("a.mp4", None, &[])
                && shares("a.webm", None, &[])
                && shares("a.mkv", Some("libx265"), &[])
        );
        assert!(!shares("a.gif", None, &[]) && !shares("a.mkv", Some("ffv1"), &[]));
        assert!(!shares("a.mp4", None, &own(&["-pix_fmt", "yuv444p"])));
        assert!(!shares("a.mkv", None, &own(&["-c:v", "ffv1"])));
        assert!(shares("a.mkv", Some("ffv1"), &own(&["-c:v", "libx264"])));
    }
}
