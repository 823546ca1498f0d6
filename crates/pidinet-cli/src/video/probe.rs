//! What ffprobe says of a film.

use std::collections::BTreeMap;

use anyhow::Context;
use pidinet::video::Rate;
use pidinet::video::y4m::Matrix;
use serde::Deserialize;

/// A film, by its first stream of pictures.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Probed {
    /// The number of that stream.
    pub(super) stream: u32,
    pub(super) rate: Rate,
    /// Frames a second on average, if the time between frames varies.
    pub(super) varies: Option<f64>,
    /// How many frames there are, if the file knows.
    pub(super) frames: Option<u64>,
    /// How long it is, if that is known.
    pub(super) seconds: Option<f64>,
    /// Width and height of a pixel as it is shown; 0:0 if unknown.
    pub(super) aspect: (u32, u32),
    pub(super) matrix: Option<Matrix>,
    pub(super) has_sound: bool,
    /// What the user should know.
    pub(super) warnings: Vec<&'static str>,
}

/// The part of the answer that is of interest.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Deserialize)]
struct Format {
    duration: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    index: u32,
    codec_type: Option<String>,
    pix_fmt: Option<String>,
    field_order: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    sample_aspect_ratio: Option<String>,
    r_frame_rate: Option<String>,
    avg_frame_rate: Option<String>,
    duration: Option<String>,
    nb_frames: Option<String>,
    #[serde(default)]
    disposition: BTreeMap<String, u32>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

/// Reads the answer to `-of json -show_streams -show_format`.
pub(super) fn parse(json: &[u8]) -> anyhow::Result<Probed> {
    let answer: Answer = serde_json::from_slice(json).context("cannot understand what ffprobe says")?;
    let is = |kind: &'static str| move |stream: &&Stream| stream.codec_type.as_deref() == Some(kind);
    let has_sound = answer.streams.iter().any(|stream| is("audio")(&stream));
    let mut pictures = answer.streams.iter().filter(is("video")).peekable();
    let has_cover = pictures.peek().is_some();
    let Some(stream) = pictures.find(|stream| !stream.is_cover()) else {
        return Err(match (has_cover, has_sound) {
            (true, _) => anyhow::anyhow!("there is a cover picture in it, but no film"),
            (false, true) => anyhow::anyhow!("there is sound in it, but no film"),
            (false, false) => anyhow::anyhow!("there is no film in it"),
        });
    };
    let (rate, varies) = stream.rate();
    let seconds = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    let mut warnings = stream.warnings();
    if answer.streams.iter().any(|stream| is("subtitle")(&stream)) {
        warnings.push("its subtitles are not copied");
    }
    let own = seconds(&stream.duration).or_else(|| clock(stream.tags.get("DURATION")?));
    Ok(Probed {
        stream: stream.index,
        rate,
        varies,
        frames: stream.nb_frames.as_ref().and_then(|frames| frames.parse().ok()).filter(|&frames| frames > 0),
        seconds: own.or_else(|| seconds(&answer.format.duration)).filter(|&seconds: &f64| seconds > 0.0),
        aspect: stream.aspect(),
        matrix: match stream.color_space.as_deref() {
            Some("bt709") => Some(Matrix::Bt709),
            Some("smpte170m" | "bt470bg") => Some(Matrix::Bt601),
            _ => None,
        },
        has_sound,
        warnings,
    })
}

impl Stream {
    /// Whether it is a picture of something else, such as the cover of a song.
    fn is_cover(&self) -> bool {
        ["attached_pic", "timed_thumbnails"].iter().any(|kind| self.disposition.get(*kind) == Some(&1))
    }

    /// Frames a second, and the average if the time between frames varies.
    fn rate(&self) -> (Rate, Option<f64>) {
        let read = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Rate>().ok());
        let (nominal, average) = match (read(&self.r_frame_rate), read(&self.avg_frame_rate)) {
            (Some(nominal), Some(average)) => (nominal, average),
            (Some(one), None) | (None, Some(one)) => return (one, None),
            (None, None) => return (Rate { frames: 25, seconds: 1 }, None),
        };
        let ratio = nominal.hertz() / average.hertz();
        match ratio {
            // The average is that of a length that was rounded.
            0.99..1.01 => (nominal, None),
            // What is nominal are fields, two to a frame.
            1.98..2.02 if self.is_interlaced() => (average, None),
            1.01..1.6 if nominal.hertz() <= FASTEST => (nominal, Some(average.hertz())),
            _ => (average, Some(average.hertz())),
        }
    }

    fn is_interlaced(&self) -> bool {
        matches!(self.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt"))
    }

    fn is_turned(&self) -> bool {
        let by_side = self.side_data_list.iter().find_map(|data| data.rotation);
        let by_tag = || self.tags.get("rotate")?.parse().ok();
        by_side.or_else(by_tag).is_some_and(|angle| angle.abs() % 180.0 == 90.0)
    }

    /// Width and height of a pixel, as it is shown.
    fn aspect(&self) -> (u32, u32) {
        let text = self.sample_aspect_ratio.as_deref().and_then(|text| text.split_once(':'));
        let sides = text.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        match sides.unwrap_or((0, 0)) {
            (width, height) if self.is_turned() => (height, width),
            sides => sides,
        }
    }

    /// More than 8 bits a sample.
    fn is_deep(&self) -> bool {
        let name = self.pix_fmt.as_deref().unwrap_or_default();
        let name = name.trim_end_matches("le").trim_end_matches("be");
        ["9", "10", "12", "14", "16", "48", "64"].iter().any(|bits| {
            let rest = name.strip_suffix(bits);
            rest.is_some_and(|rest| rest.ends_with(['p', 'y', 'b', 'a']) || rest.ends_with("p0"))
        }) || ["p010", "p012", "p016"]
            .iter()
            .any(|name| self.pix_fmt.as_deref().is_some_and(|f| f.starts_with(name)))
    }

    /// Whether pixels may be transparent.
    fn is_transparent(&self) -> bool {
        let name = self.pix_fmt.as_deref().unwrap_or_default();
        let named = ["yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16"];
        named.iter().any(|start| name.starts_with(start))
            || self.tags.get("alpha_mode").is_some_and(|mode| mode == "1")
    }

    fn warnings(&self) -> Vec<&'static str> {
        let is_high = matches!(self.color_transfer.as_deref(), Some("smpte2084" | "arib-std-b67"));
        let mut warnings = Vec::new();
        if is_high {
            warnings.push(
                "high dynamic range: edges are those of its plain samples in 8 bits, without tone mapping; for others, \
                 convert it first (ffmpeg's filters zscale and tonemap)",
            );
        } else if self.is_deep() {
            warnings.push("more than 8 bits a sample: edges are those of the film in 8 bits");
        }
        if self.is_transparent() {
            warnings.push("transparency is left out: edges are those of the colours beneath it");
        }
        if self.is_interlaced() {
            warnings.push("interlaced, which shows as combs of edges: use ffmpeg's filter yadif first");
        }
        warnings
    }
}

/// More frames a second than this are a clock that counts in other units.
const FASTEST: f64 = 250.0;

/// Reads `00:00:10.010000000`.
fn clock(text: &str) -> Option<f64> {
    let mut parts = text.split(':').map(|part| part.parse::<f64>().ok());
    parts.try_fold(0.0, |sum, part| Some(60.0 * sum + part?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(stream: &str) -> Probed {
        let json =
            format!(r#"{{"streams": [{{"index": 0, "codec_type": "video", {stream}}}], "format": {{}}}}"#);
        parse(json.as_bytes()).unwrap()
    }

    const FILM: &str = r#"{
        "streams": [
            {"index": 0, "codec_type": "video", "disposition": {"attached_pic": 1}, "r_frame_rate": "90000/1"},
            {"index": 1, "codec_type": "audio", "r_frame_rate": "0/0", "sample_rate": "44100"},
            {"index": 2, "codec_type": "video", "pix_fmt": "yuv420p", "r_frame_rate": "30000/1001",
             "avg_frame_rate": "30000/1001", "duration": "10.010000", "nb_frames": "300", "color_space": "bt709",
             "sample_aspect_ratio": "4:3", "disposition": {"attached_pic": 0},
             "side_data_list": [{"side_data_type": "Display Matrix", "rotation": -90}]}
        ],
        "format": {"duration": "11.5"}
    }"#;

    #[test]
    fn the_film_is_found_beside_a_cover_and_sound() {
        let want = Probed {
            stream: 2,
            rate: Rate { frames: 30000, seconds: 1001 },
            varies: None,
            frames: Some(300),
            seconds: Some(10.01),
            aspect: (3, 4),
            matrix: Some(Matrix::Bt709),
            has_sound: true,
            warnings: Vec::new(),
        };
        assert_eq!(parse(FILM.as_bytes()).unwrap(), want);
    }

    #[test]
    fn what_is_no_film_is_told() {
        for (streams, message) in [
            ("", "there is no film in it"),
            (r#"{"index": 0, "codec_type": "audio"}"#, "sound in it, but no film"),
            (r#"{"index": 0, "codec_type": "video", "disposition": {"attached_pic": 1}}"#, "cover picture"),
        ] {
            let error = parse(format!(r#"{{"streams": [{streams}]}}"#).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!(parse(b"nonsense").is_err());
    }

    #[test]
    fn rates_are_constant_or_made_so() {
        let rate = |nominal: &str, average: &str, more: &str| {
            let probed =
                with(&format!(r#""r_frame_rate": "{nominal}", "avg_frame_rate": "{average}"{more}"#));
            (probed.rate.to_string(), probed.varies.map(f64::round))
        };
        let plain = |nominal, average| rate(nominal, average, "");
        assert_eq!(plain("25/1", "25/1"), ("25/1".into(), None));
        assert_eq!(plain("30000/1001", "29970/1000"), ("30000/1001".into(), None));
        assert_eq!(plain("30/1", "24/1"), ("30/1".into(), Some(24.0)));
        assert_eq!(plain("1000/1", "359/12"), ("359/12".into(), Some(30.0)));
        assert_eq!(plain("90000/1", "0/0"), ("90000/1".into(), None));
        assert_eq!(plain("0/0", "0/0"), ("25/1".into(), None));
        assert_eq!(rate("50/1", "25/1", r#", "field_order": "tt""#), ("25/1".into(), None));
        assert_eq!(plain("50/1", "25/1"), ("25/1".into(), Some(25.0)));
    }

    #[test]
    fn lengths_are_those_of_the_stream_or_the_file() {
        assert_eq!(with(r#""tags": {"DURATION": "00:01:10.500000000"}"#).seconds, Some(70.5));
        assert_eq!(with(r#""duration": "N/A""#).seconds, None);
        let file = br#"{"streams": [{"index": 0, "codec_type": "video"}], "format": {"duration": "5.0"}}"#;
        assert_eq!(parse(file).unwrap().seconds, Some(5.0));
    }

    #[test]
    fn what_is_special_is_told() {
        let warned = |stream: &str| with(stream).warnings.join(" ");
        for deep in ["yuv420p10le", "yuv444p12be", "gray16le", "rgb48be", "rgba64le", "p010le", "gbrap10le"] {
            assert!(warned(&format!(r#""pix_fmt": "{deep}""#)).contains("8 bits"), "{deep}");
        }
        for flat in
            ["yuv420p", "gray", "rgb24", "nv12", "yuvj420p", "pal8", "nv16", "yuv410p", "rgb565le", "bgr0"]
        {
            assert_eq!(warned(&format!(r#""pix_fmt": "{flat}""#)), "", "{flat}");
        }
        let high = warned(r#""pix_fmt": "yuv420p10le", "color_transfer": "smpte2084""#);
        assert!(high.contains("tone mapping"), "{high}");
        assert!(warned(r#""field_order": "tt""#).contains("yadif"));
        assert_eq!(warned(r#""field_order": "progressive""#), "");
        for clear in [r#""pix_fmt": "yuva420p""#, r#""pix_fmt": "rgba""#, r#""tags": {"alpha_mode": "1"}"#] {
            assert!(warned(clear).contains("transparency is left out"), "{clear}");
        }
        let subtitled = FILM.replace(r#""codec_type": "audio""#, r#""codec_type": "subtitle""#);
        assert_eq!(parse(subtitled.as_bytes()).unwrap().warnings, ["its subtitles are not copied"]);
    }

    #[test]
    fn pixels_that_are_turned_have_their_sides_swapped() {
        assert_eq!(with(r#""sample_aspect_ratio": "16:15""#).aspect, (16, 15));
        assert_eq!(with(r#""sample_aspect_ratio": "16:15", "tags": {"rotate": "270"}"#).aspect, (15, 16));
        assert_eq!(with(r#""sample_aspect_ratio": "N/A""#).aspect, (0, 0));
    }
}
