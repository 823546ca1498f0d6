//! Films that ffmpeg reads and writes, where there is one.

use std::process::{Command, Stdio};

use pidinet::Size;
use pidinet::image::{PixelFormat, PixelLayout};

use super::{detected, images};
use crate::sandbox::Sandbox;

/// Runs ffmpeg or ffprobe in the sandbox and gives what it prints.
fn tool(sandbox: &Sandbox, line: &str) -> Vec<u8> {
    let mut words = line.split_whitespace();
    let ran = Command::new(words.next().unwrap())
        .args(["-v", "error"])
        .args(words)
        .current_dir(sandbox.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// Makes a film of a moving picture, and sound if the codec for it is given.
fn make(sandbox: &Sandbox, name: &str, picture: &str, options: &str) {
    tool(sandbox, &format!("ffmpeg -y -f lavfi -i testsrc={picture} {options} {name}"));
}

/// What ffprobe says of the first stream of pictures.
fn asked(sandbox: &Sandbox, name: &str, what: &str) -> String {
    let line =
        format!("ffprobe -count_frames -select_streams v:0 -of csv=p=0 -show_entries stream={what} {name}");
    String::from_utf8(tool(sandbox, &line)).unwrap().trim().trim_end_matches(',').to_owned()
}

/// The frames of a film, as ffmpeg reads them.
fn pictures(sandbox: &Sandbox, name: &str) -> Vec<pidinet::image::Image> {
    let stream = tool(sandbox, &format!("ffmpeg -i {name} -f image2pipe -c:v ppm -pix_fmt rgb24 -"));
    let mut rest = &stream[..];
    let mut pictures = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).unwrap().0 + 1;
        let header = std::str::from_utf8(&rest[..end]).unwrap();
        let sides: Vec<usize> = header.split_whitespace().skip(1).map(|side| side.parse().unwrap()).collect();
        let length = 3 * sides[0] * sides[1];
        let layout = PixelLayout::packed(Size { height: sides[1], width: sides[0] }, PixelFormat::Rgb);
        pictures.push(pidinet::image::Image::from_u8(&rest[end..end + length], &layout).unwrap());
        rest = &rest[end + length..];
    }
    pictures
}

/// Whether there is a ffmpeg that can do what is needed here.
fn is_there() -> bool {
    let has = |what: &str, names: &[&str]| {
        let ran = Command::new("ffmpeg").args(["-hide_banner", what]).stdin(Stdio::null()).output();
        let text = ran.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned()).unwrap_or_default();
        names.iter().all(|name| text.contains(name))
    };
    let there = has("-encoders", &["ffv1", "libx264", " aac "]) && Command::new("ffprobe").output().is_ok();
    if !there {
        eprintln!("skipped: there is no ffmpeg with libx264");
    }
    there
}

const SOUND: &str = "-f lavfi -i sine -c:a aac -t";

#[test]
fn length_rate_and_sound_are_kept() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    make(
        &sandbox,
        "in.mp4",
        "s=64x48:r=30000/1001:d=10.01",
        &format!("{SOUND} 10.01 -pix_fmt yuv420p -metadata title=Hello"),
    );
    let ran = sandbox.run("video MODEL in.mp4 -o out.mp4").code(0);
    assert_eq!(ran.stderr(), "");
    for name in ["in.mp4", "out.mp4"] {
        assert_eq!(asked(&sandbox, name, "r_frame_rate,nb_read_frames"), "30000/1001,300", "{name}");
    }
    let seconds = |name| asked(&sandbox, name, "duration").parse::<f64>().unwrap();
    assert!((seconds("in.mp4") - seconds("out.mp4")).abs() < 1.0 / 29.0);
    let sound = |name: &str| tool(&sandbox, &format!("ffmpeg -i {name} -map 0:a -c copy -f md5 -"));
    assert_eq!(sound("in.mp4"), sound("out.mp4"));
    let title = tool(&sandbox, "ffprobe -of csv=p=0 -show_entries format_tags=title out.mp4");
    assert_eq!(String::from_utf8(title).unwrap().trim(), "Hello");
    sandbox.run("video MODEL in.mp4 -o silent.mkv --audio none --start 1 --duration 2").code(0);
    assert_eq!(asked(&sandbox, "silent.mkv", "nb_read_frames"), "60");
    let kinds = tool(&sandbox, "ffprobe -of csv=p=0 -show_entries stream=codec_type silent.mkv");
    assert_eq!(String::from_utf8(kinds).unwrap().trim(), "video");
    assert_eq!(sandbox.files(), ["in.mp4", "out.mp4", "silent.mkv"]);
}

#[test]
fn all_tracks_chapters_and_a_late_beginning_are_kept() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    let chapter =
        |start, end| format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle=At {start}\n");
    sandbox
        .write("chapters.txt", format!(";FFMETADATA1\n{}{}", chapter(0, 500), chapter(500, 1000)).as_bytes());
    make(
        &sandbox,
        "in.mkv",
        "s=64x48:r=25:d=1",
        "-f lavfi -i sine=d=1.5 -f lavfi -i sine=f=880:d=1.5 -i chapters.txt -map 0 -map 1 -map 2 -map_metadata 3 \
         -metadata:s:a:1 language=fra -c:a aac",
    );
    sandbox.run("video MODEL in.mkv -o out.mkv").code(0);
    for name in ["in.mkv", "out.mkv"] {
        let line = format!(
            "ffprobe -of csv=p=0 -show_chapters -show_entries stream=codec_type:stream_tags=language {name}"
        );
        let text = String::from_utf8(tool(&sandbox, &line)).unwrap();
        assert_eq!((text.matches("audio").count(), text.matches("fra").count()), (2, 1), "{name}: {text}");
        assert!(text.contains("At 0") && text.contains("At 500"), "{name}: {text}");
    }
    // Sound from the beginning, pictures half a second later: the first one is shown until then.
    tool(&sandbox, "ffmpeg -i in.mkv -itsoffset 0.48 -i in.mkv -map 1:v -map 0:a -c copy late.mkv");
    sandbox.run("video MODEL late.mkv -o late-out.mkv").code(0);
    let frames: u32 = asked(&sandbox, "late-out.mkv", "nb_read_frames").parse().unwrap();
    assert!((36..=38).contains(&frames), "{frames}");
}

#[test]
fn a_frame_of_a_lossless_film_is_what_detect_finds_in_it() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    make(&sandbox, "in.mp4", "s=61x47:r=25:d=0.6", "-pix_fmt yuv444p");
    let expected = detected(&sandbox, &pictures(&sandbox, "in.mp4"), "");
    assert_eq!(expected.len(), 15);
    sandbox.run("video MODEL in.mp4 -o out.mkv --codec ffv1 -j 3").code(0);
    assert_eq!(asked(&sandbox, "out.mkv", "codec_name,width,height,pix_fmt"), "ffv1,61,47,gray");
    let found = tool(&sandbox, "ffmpeg -i out.mkv -f rawvideo -pix_fmt gray -");
    assert_eq!(found, expected.concat());
    let piped = sandbox.run("video MODEL in.mp4 -o -").code(0).0.stdout;
    assert_eq!(super::frames(&piped).1, expected);
    sandbox.run("video MODEL in.mp4 --frames out").code(0);
    assert_eq!(super::grey(&sandbox, "out/00015.png"), expected[14]);
}

#[test]
fn films_are_upright_as_they_are_shown() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    make(&sandbox, "plain.mp4", "s=64x48:r=25:d=0.2", "-pix_fmt yuv444p");
    tool(&sandbox, "ffmpeg -i plain.mp4 -c copy -metadata:s:v rotate=90 turned.mp4");
    let mut upright = pictures(&sandbox, "turned.mp4");
    if upright[0].width() != 48 {
        // Since 6.0 it is written so.
        tool(&sandbox, "ffmpeg -y -display_rotation 90 -i plain.mp4 -c copy turned.mp4");
        upright = pictures(&sandbox, "turned.mp4");
    }
    assert_eq!(upright[0].width(), 48);
    sandbox.run("video MODEL turned.mp4 -o out.mkv --codec ffv1").code(0);
    assert_eq!(asked(&sandbox, "out.mkv", "width,height"), "48,64");
    let found = tool(&sandbox, "ffmpeg -i out.mkv -f rawvideo -pix_fmt gray -");
    assert_eq!(found, detected(&sandbox, &upright, "").concat());
}

#[test]
fn streams_of_every_kind_go_from_ffmpeg_to_ffmpeg() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    for format in ["gray", "yuvj420p", "yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv420p10le", "gray10le"]
    {
        let line = format!(
            "ffmpeg -y -f lavfi -i testsrc=s=62x46:r=30000/1001:d=0.2 -strict -1 -pix_fmt {format} in.y4m"
        );
        tool(&sandbox, &line);
        let input = std::fs::read(sandbox.path("in.y4m")).unwrap();
        for options in ["", "--side-by-side"] {
            let ran = super::fed(sandbox.command(&format!("video MODEL - -o - {options}")), &input).code(0);
            sandbox.write("out.y4m", &ran.0.stdout);
            let width = if options.is_empty() { 62 } else { 124 };
            assert_eq!(
                asked(&sandbox, "out.y4m", "width,height,r_frame_rate,nb_read_frames"),
                format!("{width},46,30000/1001,6"),
                "{format}"
            );
            if options.is_empty() {
                let expected = detected(&sandbox, &images(&input), "").concat();
                assert_eq!(
                    tool(&sandbox, "ffmpeg -i out.y4m -f rawvideo -pix_fmt gray -"),
                    expected,
                    "{format}"
                );
            }
        }
    }
}

#[test]
fn odd_films_go_through() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    // Odd sides, in colours, for a player.
    make(&sandbox, "odd.mp4", "s=61x47:r=25:d=0.4", "-pix_fmt yuv444p");
    let ran = sandbox.run("video MODEL odd.mp4 -o odd-out.mp4 --overlay").code(0);
    assert!(ran.stderr().contains("62x48 instead of 61x47"), "{}", ran.stderr());
    assert_eq!(asked(&sandbox, "odd-out.mp4", "width,height,pix_fmt,nb_read_frames"), "62,48,yuv420p,10");
    // Ten bits; high dynamic range.
    make(&sandbox, "deep.mkv", "s=64x48:r=25:d=0.2", "-c:v ffv1 -pix_fmt yuv420p10le");
    let ran = sandbox.run("video MODEL deep.mkv -o deep-out.mkv").code(0);
    assert!(ran.stderr().contains("more than 8 bits"), "{}", ran.stderr());
    make(
        &sandbox,
        "high.mp4",
        "s=64x48:r=25:d=0.2",
        "-pix_fmt yuv420p10le -color_trc smpte2084 -color_primaries bt2020 -colorspace bt2020nc",
    );
    let ran = sandbox.run("video MODEL high.mp4 -o high-out.mp4").code(0);
    assert!(ran.stderr().contains("tone mapping"), "{}", ran.stderr());
    // Interlaced.
    make(
        &sandbox,
        "fields.mkv",
        "s=64x48:r=25:d=0.2",
        "-c:v ffv1 -field_order tt -vf setfield=tff,fieldorder=tff -flags +ildct+ilme",
    );
    let ran = sandbox.run("video MODEL fields.mkv -o fields-out.mkv").code(0);
    if asked(&sandbox, "fields.mkv", "field_order") == "tt" {
        assert!(ran.stderr().contains("yadif"), "{}", ran.stderr());
    }
    // With a cover picture, and with nothing but one.
    make(&sandbox, "cover.png", "s=40x40", "-frames:v 1");
    tool(
        &sandbox,
        "ffmpeg -i cover.png -i odd.mp4 -map 0 -map 1 -c copy -disposition:v:0 attached_pic -disposition:v:1 default covered.mp4",
    );
    sandbox.run("video MODEL covered.mp4 -o covered-out.mkv --codec ffv1").code(0);
    assert_eq!(asked(&sandbox, "covered-out.mkv", "width,height,nb_read_frames"), "61,47,10");
    tool(
        &sandbox,
        "ffmpeg -f lavfi -i sine=d=1 -i cover.png -map 0 -map 1 -c:a aac -c:v copy -disposition:v:0 attached_pic song.m4a",
    );
    let ran = sandbox.run("video MODEL song.m4a -o song.mp4").code(1);
    assert!(ran.stderr().contains("cover picture in it, but no film"), "{}", ran.stderr());
    // Transparent, an animation, other formats.
    make(&sandbox, "animation.gif", "s=64x48:r=10:d=0.5", "");
    sandbox.run("video MODEL animation.gif -o animation.webm").code(0);
    assert_eq!(asked(&sandbox, "animation.webm", "codec_name,nb_read_frames"), "vp9,5");
    sandbox.run("video MODEL animation.gif -o animation-out.gif").code(0);
    assert_eq!(asked(&sandbox, "animation-out.gif", "nb_read_frames"), "5");
    // Numbered images.
    sandbox.run("video MODEL animation.gif --frames images").code(0);
    sandbox.run("video MODEL images/%05d.png -o images.mkv --codec ffv1").code(0);
    assert_eq!(asked(&sandbox, "images.mkv", "nb_read_frames"), "5");
    // A picture is a film of one frame.
    sandbox.run("video MODEL cover.png -o cover.mkv --codec ffv1").code(0);
    assert_eq!(asked(&sandbox, "cover.mkv", "width,height,nb_read_frames"), "40,40,1");
    assert!(sandbox.files().iter().all(|name| !name.starts_with(".pidinet")), "{:?}", sandbox.files());
}

#[test]
fn a_rate_that_varies_becomes_constant_and_the_length_stays() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    // A second of 30 frames, then one of 10. The option was renamed.
    let varies = |option: &str| {
        let line = format!(
            "-v error -y -f lavfi -i testsrc=s=64x48:r=30:d=2 -vf select=lt(n\\,30)+not(mod(n\\,3)) {option} vfr in.mp4"
        );
        let ran = Command::new("ffmpeg")
            .args(line.split(' '))
            .current_dir(sandbox.path(""))
            .stdin(Stdio::null())
            .output();
        ran.unwrap().status.success()
    };
    assert!(varies("-fps_mode") || varies("-vsync"));
    let ran = sandbox.run("video MODEL in.mp4 -o out.mkv").code(0);
    assert!(ran.stderr().contains("frame rate varies"), "{}", ran.stderr());
    let frames: f64 = asked(&sandbox, "out.mkv", "nb_read_frames").parse().unwrap();
    let rate: pidinet::video::Rate = asked(&sandbox, "out.mkv", "r_frame_rate").parse().unwrap();
    assert!((frames / rate.hertz() - 2.0).abs() < 0.12, "{frames} at {rate}");
}

#[test]
fn cut_and_broken_films_are_told() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    make(&sandbox, "whole.mp4", "s=64x48:r=25:d=4", "-pix_fmt yuv420p -movflags +faststart -g 10");
    let bytes = std::fs::read(sandbox.path("whole.mp4")).unwrap();
    sandbox.write("cut.mp4", &bytes[..bytes.len() * 2 / 3]);
    let ran = sandbox.run("video MODEL cut.mp4 -o out.mkv").code(1);
    assert!(
        ran.stderr().contains("the film ends early") && ran.stderr().contains("of about 100"),
        "{}",
        ran.stderr()
    );
    let frames: u32 = asked(&sandbox, "out.mkv", "nb_read_frames").parse().unwrap();
    assert!((20..95).contains(&frames), "{frames}");
    let ran = sandbox.run("video MODEL cut.mp4 -o out.mkv --accept-damaged").code(0);
    assert!(ran.stderr().contains("the film ends early"), "{}", ran.stderr());
    make(&sandbox, "late.mp4", "s=64x48:r=25:d=1", "-pix_fmt yuv420p");
    let bytes = std::fs::read(sandbox.path("late.mp4")).unwrap();
    sandbox.write("late.mp4", &bytes[..bytes.len() / 2]);
    let ran = sandbox.run("video MODEL late.mp4 -o none.mkv").code(1);
    assert!(ran.stderr().contains("moov"), "{}", ran.stderr());
    sandbox.write("text.mp4", b"no film at all");
    sandbox.run("video MODEL text.mp4 -o none.mkv").code(1);
    let ran = sandbox.run("video MODEL whole.mp4 -o none.mp4 --codec nonsense").code(1);
    assert!(ran.stderr().contains("nonsense"), "{}", ran.stderr());
    let ran = sandbox.run("video MODEL whole.mp4 -o none.nonsense").code(1);
    assert!(ran.stderr().contains("cannot write none.nonsense"), "{}", ran.stderr());
    assert_eq!(sandbox.files(), ["cut.mp4", "late.mp4", "out.mkv", "text.mp4", "whole.mp4"]);
}

#[test]
fn sound_that_does_not_fit_is_told() {
    if !is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    make(&sandbox, "in.mp4", "s=64x48:r=25:d=40", &format!("{SOUND} 40 -pix_fmt yuv420p"));
    let ran = sandbox.run("video MODEL in.mp4 -o out.webm").code(1);
    assert!(ran.stderr().contains("--audio none"), "{}", ran.stderr());
    sandbox.run("video MODEL in.mp4 -o out.webm --audio none").code(0);
    sandbox.run("video MODEL in.mp4 -o out.mkv -- -c:a pcm_s16le -t 0.4").code(0);
    assert_eq!(asked(&sandbox, "out.mkv", "nb_read_frames"), "10");
    assert_eq!(sandbox.files(), ["in.mp4", "out.mkv", "out.webm"]);
}

#[cfg(unix)]
#[test]
fn the_first_interruption_finishes_what_has_no_end() {
    use crate::signals::{end, has, has_proc, send, wait_for};
    if !is_there() || !has_proc() || has("self", "SigIgn:", 2) {
        return;
    }
    let sandbox = Sandbox::new();
    let mut command =
        sandbox.command("video MODEL --input-format lavfi testsrc=s=64x48:r=25 -o out.mkv --codec ffv1");
    let mut child = command.spawn().unwrap();
    let is_written = || {
        let entries = std::fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap());
        let mut films = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".mkv"));
        films.any(|film| film.metadata().is_ok_and(|metadata| metadata.len() > 3000))
    };
    wait_for("some frames", is_written);
    send("-INT", &child);
    assert_eq!(end(&mut child).code(), Some(0));
    assert!(asked(&sandbox, "out.mkv", "nb_read_frames").parse::<u32>().unwrap() > 1);
    assert_eq!(sandbox.files(), ["out.mkv"]);
}
