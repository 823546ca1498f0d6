//! A ffmpeg that only pretends: what it is told, what it may do wrong, and how it ends.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pidinet::image::Image;

use super::detected;
use crate::sandbox::{Ran, Sandbox, photo};
use crate::signals::{end, has, has_proc, send, wait_for};

/// Notes what it is told; gives `film.ppm` when it reads, and keeps its input when it writes.
const FFMPEG: &str = r#"#!/bin/sh
here="${0%/*}"
for last; do :; done
case "$*" in
*-version*) cat "$here/version" ;;
*image2pipe*)
    echo "$*" > "$here/decoder.txt"
    echo $$ > "$here/decoder.pid"
    cat "$here/decoder.err" >&2
    cat "$here/film.ppm"
    while [ -e "$here/endless" ]; do cat "$here/film.ppm" || exit 1; sleep 0.05; done
    [ -e "$here/stalled" ] && exec sleep 1000
    exit "$(cat "$here/decoder.code")" ;;
*)
    echo "$*" > "$here/encoder.txt"
    cat "$here/encoder.err" >&2
    [ "$(cat "$here/encoder.code")" = 0 ] || exit "$(cat "$here/encoder.code")"
    echo $$ > "$here/encoder.pid"
    exec cat > "${last#file:}" ;;
esac
"#;

const FFPROBE: &str = r#"#!/bin/sh
here="${0%/*}"
echo "$*" > "$here/probe.txt"
cat "$here/probe.err" >&2
cat "$here/probe.json"
exit "$(cat "$here/probe.code")"
"#;

const PROBED: &str = r#"{"streams": [
    {"index": 0, "codec_type": "video", "disposition": {"attached_pic": 1}},
    {"index": 1, "codec_type": "video", "r_frame_rate": "30000/1001", "avg_frame_rate": "30000/1001",
     "duration": "0.2002", "nb_frames": "6"},
    {"index": 2, "codec_type": "audio"}], "format": {"duration": "0.2002"}}"#;

/// A folder with a film, and the programs.
struct Fake(Sandbox);

impl Fake {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.path("bin")).unwrap();
        for (name, script) in [("ffmpeg", FFMPEG), ("ffprobe", FFPROBE)] {
            let path = sandbox.path("bin").join(name);
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let fake = Self(sandbox);
        fake.set("version", "ffmpeg version 7.1 Copyright (c) 2000-2024\n");
        for name in ["decoder", "encoder", "probe"] {
            fake.set(&format!("{name}.err"), "");
            fake.set(&format!("{name}.code"), "0");
        }
        fake.set("probe.json", PROBED);
        fake.show(&pictures(6));
        fake.0.write("in.mp4", b"a film");
        fake
    }

    /// A file beside the programs.
    fn set(&self, name: &str, text: &str) {
        std::fs::write(self.0.path("bin").join(name), text).unwrap();
    }

    fn get(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path("bin").join(name)).unwrap_or_default().trim().to_owned()
    }

    /// The frames of the film.
    fn show(&self, pictures: &[Image]) {
        let mut film = Vec::new();
        for picture in pictures {
            film.extend(format!("P6\n{} {}\n255\n", picture.width(), picture.height()).bytes());
            let pidinet::image::Pixels::U8(pixels) = picture.pixels() else { unreachable!() };
            film.extend(pixels);
        }
        std::fs::write(self.0.path("bin/film.ppm"), film).unwrap();
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = self.0.command(arguments);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.0.path("bin")).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).unwrap());
        command
    }

    fn run(&self, arguments: &str) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    fn output(&self) -> Vec<u8> {
        std::fs::read(self.0.path("out.mp4")).unwrap()
    }

    /// The files beside the input and the programs, hidden ones, too.
    fn results(&self) -> Vec<String> {
        let mut files = self.0.files();
        files.retain(|name| !name.starts_with("bin/") && name != "in.mp4");
        files
    }

    /// Whether a program is gone, which wrote its number.
    fn is_gone(&self, name: &str) -> bool {
        let number = self.get(name);
        assert!(!number.is_empty(), "{name}");
        let status = std::fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
        // What has ended may wait for a process that nobody started here, to be asked for.
        status.is_empty() || status.contains("State:\tZ")
    }
}

/// Pictures that differ.
fn pictures(count: usize) -> Vec<Image> {
    use pidinet::image::{PixelFormat, PixelLayout, Pixels};
    let turned = |number: usize| {
        let Pixels::U8(mut pixels) = photo(33, 20).pixels().clone() else { unreachable!() };
        pixels.rotate_left(3 * number);
        Image::from_u8(
            &pixels,
            &PixelLayout::packed(pidinet::Size { height: 20, width: 33 }, PixelFormat::Rgb),
        )
        .unwrap()
    };
    (0..count).map(turned).collect()
}

#[test]
fn frames_go_through_in_their_order() {
    let fake = Fake::new();
    let ran = fake.run("video MODEL in.mp4 -o out.mp4 --codec ffv1 -j 3").code(0);
    assert_eq!((ran.stdout(), ran.stderr()), (String::new(), String::new()));
    assert_eq!(fake.output(), detected(&fake.0, &pictures(6), "").concat());
    assert_eq!(fake.results(), ["out.mp4"]);
}

#[test]
fn ffmpeg_is_told_what_to_read_and_to_write() {
    let fake = Fake::new();
    fake.run("video MODEL in.mp4 -o out.mp4 --start 0:01 --duration 2 --codec ffv1 --crf 18 -- -preset slow")
        .code(0);
    assert!(
        fake.get("probe.txt").ends_with("-show_streams -show_format -i file:in.mp4"),
        "{}",
        fake.get("probe.txt")
    );
    assert_eq!(
        fake.get("decoder.txt"),
        "-nostdin -hide_banner -v error -ss 1.000000 -t 2.000000 -i file:in.mp4 -map 0:1 -r 30000/1001 -fps_mode cfr \
         -f image2pipe -c:v ppm -pix_fmt rgb24 pipe:1"
    );
    let told = fake.get("encoder.txt");
    let (before, output) = told.rsplit_once(" file:").unwrap();
    assert_eq!(
        before,
        "-nostdin -hide_banner -v error -y -f rawvideo -pix_fmt gray -s 33x20 -r 30000/1001 -i pipe:0 -ss 1.000000 \
         -t 2.000000 -i file:in.mp4 -map 0:v:0 -map 1:a? -c:a copy -map_metadata 1 -c:v ffv1 -crf 18 -preset slow"
    );
    // A temporary name, which ends so that ffmpeg knows the format.
    assert!(output.contains(".pidinet-") && output.ends_with(".mp4"), "{output}");
    fake.run("video MODEL in.mp4 -o out.mp4 --audio none --side-by-side --input-format mov").code(0);
    assert!(fake.get("probe.txt").contains("-f mov -i"), "{}", fake.get("probe.txt"));
    assert!(fake.get("decoder.txt").contains("-f mov -i"), "{}", fake.get("decoder.txt"));
    let told = fake.get("encoder.txt");
    assert!(told.contains("-pix_fmt rgb24 -s 66x20") && !told.contains("1:a"), "{told}");
}

#[test]
fn options_are_those_of_the_version_that_is_there() {
    let fake = Fake::new();
    for (version, option) in [
        ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", "-vsync cfr"),
        ("ffmpeg version 5.0.3 Copyright", "-vsync cfr"),
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright", "-fps_mode cfr"),
        ("ffmpeg version 6.1.1 Copyright", "-fps_mode cfr"),
        ("ffmpeg version n7.1 Copyright", "-fps_mode cfr"),
        ("ffmpeg version 8.0-full_build Copyright", "-fps_mode cfr"),
        ("ffmpeg version N-118000-gabcdef Copyright", "-fps_mode cfr"),
    ] {
        fake.set("version", version);
        fake.run("video MODEL in.mp4 -o out.y4m").code(0);
        assert!(fake.get("decoder.txt").contains(option), "{version}: {}", fake.get("decoder.txt"));
    }
}

#[test]
fn sides_are_made_even_where_the_format_needs_it() {
    let fake = Fake::new();
    let ran = fake.run("video MODEL in.mp4 -o out.mp4").code(0);
    assert!(ran.stderr().contains("34x20 instead of 33x20"), "{}", ran.stderr());
    assert!(
        fake.get("encoder.txt").contains("-s 34x20") && fake.get("encoder.txt").contains("-pix_fmt yuv420p")
    );
    let expected = detected(&fake.0, &pictures(6), "");
    for (row, expected) in fake.output().chunks(34).zip(expected.concat().chunks(33)) {
        assert_eq!((&row[..33], row[33]), (expected, expected[32]));
    }
    let ran = fake.run("video MODEL in.mp4 -o out.mp4 -- -pix_fmt yuv444p").code(0);
    assert_eq!(ran.stderr(), "");
    assert_eq!(fake.output(), expected.concat());
}

#[test]
fn the_sound_of_what_has_no_end_is_left_out() {
    let fake = Fake::new();
    fake.set("probe.json", &PROBED.replace("0.2002", "N/A"));
    // A file without a length, such as a raw stream, has an end.
    fake.run("video MODEL in.mp4 -o out.mp4").code(0);
    assert!(fake.get("encoder.txt").contains("1:a?"));
    let ran = fake.run("video MODEL rtsp://camera/1 -o out.mp4").code(0);
    assert!(ran.stderr().contains("sound of a camera or stream"), "{}", ran.stderr());
    assert!(
        !fake.get("encoder.txt").contains("1:a?") && fake.get("decoder.txt").contains("-i rtsp://camera/1")
    );
}

#[test]
fn what_ffmpeg_says_is_told_and_nothing_is_left() {
    let fake = Fake::new();
    let fails = |name: &str, code: &str, error: &str, message: &str| {
        fake.set(&format!("{name}.code"), code);
        fake.set(&format!("{name}.err"), error);
        let ran = fake.run("video MODEL in.mp4 -o out.mp4 --codec ffv1").code(1);
        assert!(ran.stderr().contains(message), "{name}: {}", ran.stderr());
        assert_eq!(fake.results(), Vec::<String>::new(), "{name}");
        fake.set(&format!("{name}.code"), "0");
        fake.set(&format!("{name}.err"), "");
    };
    fails(
        "probe",
        "1",
        "[mov @ 0x5581] moov atom not found\n",
        "cannot use in.mp4: ffmpeg cannot read it: [mov] moov atom not found",
    );
    fails(
        "encoder",
        "234",
        "Unknown encoder 'none'\n",
        "ffmpeg cannot write out.mp4: Unknown encoder 'none'",
    );
    fails("encoder", "1", "", "it ends with exit status: 1");
    fails("encoder", "1", "Could not find tag for codec pcm_s16le\n", "--audio none");
    fake.show(&[]);
    fails("decoder", "1", "Invalid data\n", "ffmpeg cannot read in.mp4: Invalid data");
    fails("decoder", "0", "", "there is no frame");
    fake.set("film.ppm", "GIF89a\n\n\n");
    fails("decoder", "0", "", "something else than frames");
    fake.show(&[photo(33, 20), photo(20, 33)]);
    fails("decoder", "0", "", "frame 2 is 20x33, others are 33x20");
    fake.set("probe.json", r#"{"streams": [{"index": 0, "codec_type": "audio"}]}"#);
    fails("probe", "0", "", "there is sound in it, but no film");
    fake.set("version", "nonsense");
    std::fs::remove_file(fake.0.path("bin/ffprobe")).unwrap();
    let mut alone = fake.command("video MODEL in.mp4 -o out.mp4");
    let programs = ["sh", "cat"].map(|name| (name, which(name)));
    for (name, path) in programs {
        std::os::unix::fs::symlink(path, fake.0.path("bin").join(name)).unwrap();
    }
    let ran = Ran(alone.env("PATH", fake.0.path("bin")).output().unwrap()).code(1);
    assert!(ran.stderr().contains("cannot find the program ffprobe"), "{}", ran.stderr());
}

/// Where a program of the system is.
fn which(name: &str) -> std::path::PathBuf {
    let folders = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
    folders.into_iter().find(|path| path.exists()).unwrap()
}

#[test]
fn a_film_that_ends_early_is_told_and_what_is_there_is_written() {
    let fake = Fake::new();
    fake.set("probe.json", &PROBED.replace("\"6\"", "\"60\""));
    fake.set("decoder.err", "stream 0, partial file\n");
    for (options, code) in [("", 1), ("--accept-damaged", 0)] {
        let ran = fake.run(&format!("video MODEL in.mp4 -o out.mp4 --codec ffv1 {options}")).code(code);
        assert!(
            ran.stderr().contains("after 6 of about 60 frames: stream 0, partial file"),
            "{}",
            ran.stderr()
        );
        assert_eq!(fake.output().len(), 6 * 33 * 20);
        std::fs::remove_file(fake.0.path("out.mp4")).unwrap();
    }
    // A length that is only a guess is no reason to complain.
    fake.set("decoder.err", "");
    assert_eq!(fake.run("video MODEL in.mp4 -o out.mp4 --codec ffv1").code(0).stderr(), "");
    fake.set("decoder.code", "69");
    let ran = fake.run("video MODEL in.mp4 -o out.mp4 --codec ffv1").code(1);
    assert!(ran.stderr().contains("the film ends early"), "{}", ran.stderr());
    fake.set("decoder.code", "0");
    fake.set("probe.json", PROBED);
    fake.set("decoder.err", "a frame was mended\n");
    let ran = fake.run("video MODEL in.mp4 -o out.mp4 --codec ffv1").code(0);
    assert!(ran.stderr().contains("a frame was mended"), "{}", ran.stderr());
}

#[test]
fn an_interruption_leaves_neither_files_nor_programs() {
    if !has_proc() || has("self", "SigIgn:", 2) {
        return eprintln!("skipped: no signals here");
    }
    let fake = Fake::new();
    fake.set("stalled", "");
    for signal in ["-INT", "-TERM"] {
        let _ = std::fs::remove_file(fake.0.path("bin/encoder.pid"));
        let mut child = fake.command("video MODEL in.mp4 -o out.mp4").stderr(Stdio::null()).spawn().unwrap();
        wait_for("ffmpeg at work", || !fake.get("encoder.pid").is_empty());
        send(signal, &child);
        assert_eq!(end(&mut child).code(), Some(130));
        assert_eq!(fake.results(), Vec::<String>::new());
        assert!(fake.is_gone("decoder.pid") && fake.is_gone("encoder.pid"), "{signal}");
    }
}

#[test]
fn a_kill_leaves_no_film() {
    if !has_proc() {
        return;
    }
    let fake = Fake::new();
    fake.set("endless", "");
    let mut child = fake.command("video MODEL in.mp4 -o out.mp4").stderr(Stdio::null()).spawn().unwrap();
    wait_for("ffmpeg at work", || !fake.get("encoder.pid").is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    // One ends as nobody takes its frames, the other as no more come.
    wait_for("the end of both", || fake.is_gone("decoder.pid") && fake.is_gone("encoder.pid"));
    assert!(fake.results().iter().all(|name| name.starts_with(".pidinet-")), "{:?}", fake.results());
}

#[test]
fn the_first_interruption_finishes_the_film_of_a_camera() {
    if !has_proc() || has("self", "SigIgn:", 2) {
        return eprintln!("skipped: no signals here");
    }
    let fake = Fake::new();
    fake.set("probe.json", &PROBED.replace("0.2002", "N/A"));
    for how in ["endless", "stalled"] {
        fake.set(how, "");
        let _ = std::fs::remove_file(fake.0.path("bin/encoder.pid"));
        let mut child = fake.command("video MODEL /dev/camera -o out.mp4 --codec ffv1").spawn().unwrap();
        wait_for("ffmpeg at work", || !fake.get("encoder.pid").is_empty());
        send("-INT", &child);
        assert_eq!(end(&mut child).code(), Some(0), "{how}");
        let frames = fake.output().len() / (33 * 20);
        assert_eq!(fake.output().len() % (33 * 20), 0);
        assert!(frames >= 1, "{how}");
        assert!(fake.is_gone("decoder.pid") && fake.is_gone("encoder.pid"), "{how}");
        assert_eq!(fake.results(), ["out.mp4"]);
        std::fs::remove_file(fake.0.path("out.mp4")).unwrap();
        std::fs::remove_file(fake.0.path("bin").join(how)).unwrap();
    }
}
