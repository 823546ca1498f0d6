//! What works without ffmpeg.

use std::io::Read;
use std::process::Stdio;

use pidinet::Size;
use pidinet::video::y4m::{Chroma, Range};

use super::{detected, fed, film, frames, grey, images};
use crate::sandbox::Sandbox;

/// The program, where there is no ffmpeg.
fn alone(sandbox: &Sandbox, arguments: &str) -> std::process::Command {
    std::fs::create_dir_all(sandbox.path("nothing")).unwrap();
    let mut command = sandbox.command(arguments);
    command.env("PATH", sandbox.path("nothing"));
    command
}

#[test]
fn each_frame_of_a_stream_is_what_detect_finds_in_it() {
    let sandbox = Sandbox::new();
    for kind in ["mono", "420jpeg", "420mpeg2", "422", "444", "411", "420p10", "422p10", "444p10", "mono10"] {
        let input = film(&format!("W33 H21 F30000:1001 Ip A4:3 C{kind}"), 5);
        let ran = fed(alone(&sandbox, "video MODEL - -o -"), &input).code(0);
        assert_eq!(ran.stderr(), "", "{kind}");
        let (header, found) = frames(&ran.0.stdout);
        assert_eq!(
            (header.size, header.chroma, header.range),
            (Size { height: 21, width: 33 }, Chroma::Mono, Range::Full)
        );
        assert_eq!((header.rate.to_string().as_str(), header.aspect), ("30000/1001", (4, 3)));
        assert_eq!(found, detected(&sandbox, &images(&input), ""), "{kind}");
    }
}

#[test]
fn frames_are_in_their_order_for_any_number_of_threads() {
    let sandbox = Sandbox::new();
    let input = film("W40 H30 Cmono", 40);
    let with = |threads: usize, options: &str| {
        fed(alone(&sandbox, &format!("video MODEL - -o - -j {threads} {options}")), &input).code(0).0.stdout
    };
    let one = with(1, "");
    assert_eq!(frames(&one).1, detected(&sandbox, &images(&input), ""));
    let smooth = with(1, "--smooth 0.7 --nms");
    assert_ne!(one, smooth);
    for threads in [2, 3, 8] {
        assert_eq!(with(threads, ""), one);
        assert_eq!(with(threads, "--smooth 0.7 --nms"), smooth);
    }
}

#[test]
fn what_stands_still_does_not_flicker() {
    let sandbox = Sandbox::new();
    let header = "W64 H48 Cmono";
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 / 16
    };
    let mut input = format!("YUV4MPEG2 {header}\n").into_bytes();
    for _ in 0..12 {
        input.extend_from_slice(b"FRAME\n");
        input.extend((0..64 * 48).map(|at| if at % 64 < 30 { 70 } else { 160 } + noise()));
    }
    let flicker = |options: &str| {
        let ran = fed(alone(&sandbox, &format!("video MODEL - -o - {options}")), &input).code(0);
        let (_, frames) = frames(&ran.0.stdout);
        let difference = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b));
        frames.windows(2).map(|two| two[0].iter().zip(&two[1]).map(difference).sum::<u64>()).sum::<u64>()
    };
    let (plain, smooth) = (flicker(""), flicker("--smooth 0.7"));
    assert!(2 * smooth < plain, "{smooth} of {plain}");
}

#[test]
fn options_of_detect_are_those_of_video() {
    let sandbox = Sandbox::new();
    let input = film("W48 H40 C444", 3);
    for options in [
        "--nms",
        "--nms --hysteresis 0.2,0.5 --thin",
        "--style safe",
        "--style scribble",
        "--threshold 0.5 --invert",
        "--max-side 20",
        "--scales 0.5,1",
    ] {
        let ran = fed(alone(&sandbox, &format!("video MODEL - -o - {options}")), &input).code(0);
        assert_eq!(frames(&ran.0.stdout).1, detected(&sandbox, &images(&input), options), "{options}");
    }
}

#[test]
fn edges_are_shown_over_the_picture_or_beside_it() {
    let sandbox = Sandbox::new();
    let input = film("W33 H21 C444", 2);
    let run = |options: &str| {
        frames(&fed(alone(&sandbox, &format!("video MODEL - -o - {options}")), &input).code(0).0.stdout)
    };
    let (plain, (beside, both), (over, painted)) = (run("").1, run("--side-by-side"), run("--overlay"));
    assert_eq!((beside.size, beside.chroma), (Size { height: 21, width: 66 }, Chroma::C444));
    assert_eq!((over.size, over.chroma), (Size { height: 21, width: 33 }, Chroma::C444));
    // The left half is the input, the right one the map, both as brightness of limited range.
    let original = &frames(&input).1[1];
    for y in 0..21 {
        for x in 0..33 {
            let limited = (16.0 + f32::from(plain[1][y * 33 + x]) * 219.0 / 255.0).round() as u8;
            assert_eq!(both[1][y * 66 + 33 + x], limited);
            let luma = both[1][y * 66 + x];
            // Colours that there are not in red, green, blue are brought there.
            assert!(luma.abs_diff(original[y * 33 + x].clamp(16, 235)) < 90, "{luma}");
        }
    }
    assert_ne!(painted[1], *original);
    let run = run("--overlay=0000ff --side-by-side");
    assert_eq!(run.0.size.width, 66);
}

#[test]
fn a_part_of_a_film_is_the_same_part_of_its_edges() {
    let sandbox = Sandbox::new();
    let input = film("W24 H16 F10:1 Cmono", 30);
    let run = |options: &str| {
        frames(&fed(alone(&sandbox, &format!("video MODEL - -o - {options}")), &input).code(0).0.stdout).1
    };
    let all = run("");
    assert_eq!(all.len(), 30);
    assert_eq!(run("--start 1.5"), all[15..]);
    assert_eq!(run("--start 0:01.5 --duration 0.5"), all[15..20]);
    assert_eq!(run("--duration 0:00:02"), all[..20]);
    let ran = fed(alone(&sandbox, "video MODEL - -o - --start 100"), &input).code(1);
    assert!(ran.stderr().contains("there is no frame"), "{}", ran.stderr());
}

#[test]
fn files_of_streams_need_no_ffmpeg() {
    let sandbox = Sandbox::new();
    let input = film("W33 H21 C420jpeg", 4);
    sandbox.write("in.y4m", &input);
    let ran = super::Ran(alone(&sandbox, "video MODEL in.y4m -o out.y4m").output().unwrap()).code(0);
    assert_eq!((ran.stdout(), ran.stderr()), (String::new(), String::new()));
    let piped = fed(alone(&sandbox, "video MODEL - -o -"), &input).code(0);
    assert_eq!(std::fs::read(sandbox.path("out.y4m")).unwrap(), piped.0.stdout);
    assert_eq!(sandbox.files(), ["in.y4m", "out.y4m"]);
}

#[test]
fn frames_are_written_as_images_that_have_numbers() {
    let sandbox = Sandbox::new();
    let input = film("W33 H21 C420jpeg", 14);
    let expected = detected(&sandbox, &images(&input), "");
    sandbox.write("in.y4m", &input);
    for (options, name) in
        [("--frames out", "out/00000"), ("-o out/f%03d.png", "out/f000"), ("-o f-%d.png", "f-")]
    {
        super::Ran(alone(&sandbox, &format!("video MODEL in.y4m {options}")).output().unwrap()).code(0);
        for (number, expected) in expected.iter().enumerate() {
            let digits = (number + 1).to_string();
            let stem = if name.ends_with('0') { &name[..name.len() - digits.len()] } else { name };
            let (stem, digits) = (stem.to_owned(), digits);
            assert_eq!(&grey(&sandbox, &format!("{stem}{digits}.png")), expected, "{options}");
        }
    }
    assert_eq!(sandbox.files().len(), 1 + 3 * 14);
}

#[test]
fn a_film_that_is_cut_short_is_told_and_what_is_there_is_written() {
    let sandbox = Sandbox::new();
    let input = film("W33 H21 Cmono", 5);
    sandbox.write("cut.y4m", &input[..input.len() - 100]);
    for (options, code) in [("", 1), ("--accept-damaged", 0)] {
        let command = format!("video MODEL cut.y4m -o out.y4m {options}");
        let ran = super::Ran(alone(&sandbox, &command).output().unwrap()).code(code);
        assert!(ran.stderr().contains("cut short in frame 5"), "{}", ran.stderr());
        assert_eq!(frames(&std::fs::read(sandbox.path("out.y4m")).unwrap()).1.len(), 4);
    }
    sandbox.write("none.y4m", &input[..80]);
    let ran = super::Ran(alone(&sandbox, "video MODEL none.y4m -o none-out.y4m").output().unwrap()).code(1);
    assert!(ran.stderr().contains("cut short in frame 1"), "{}", ran.stderr());
    assert_eq!(sandbox.files(), ["cut.y4m", "none.y4m", "out.y4m"]);
}

#[test]
fn what_cannot_be_done_is_told_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("in.y4m", &film("W33 H21 Cmono", 2));
    sandbox.write("damaged.y4m", b"YUV4MPEG2 W2 H1 Cmono\nFRAME\n12FRAMED");
    sandbox.write("text.y4m", b"no film\n");
    sandbox.write("large.y4m", b"YUV4MPEG2 W2000 H2000 Cmono\nFRAME\n");
    sandbox.write("film.mp4", b"some film");
    for (arguments, code, message) in [
        ("in.y4m", 2, "--output"),
        ("in.y4m -o in.y4m", 2, "would overwrite the input"),
        ("in.y4m -o out", 2, "no extension"),
        ("in.y4m -o out/", 2, "is a folder"),
        ("in.y4m -o out%d.jpg", 2, "PNG"),
        ("in.y4m -o out.y4m --crf 18", 2, "--crf"),
        ("in.y4m -o out.y4m -- -preset slow", 2, "arguments after --"),
        ("in.y4m -o out.y4m --smooth 1", 2, "from 0 to under 1"),
        ("in.y4m -o out.y4m --thin", 2, "--thin requires"),
        ("in.y4m -o out.y4m --start x", 2, "1:30"),
        ("in.y4m -o out.mp4", 1, "install ffmpeg"),
        ("film.mp4 -o out.y4m", 1, "install ffmpeg"),
        ("none.mp4 -o out.y4m", 1, "no such file"),
        ("none.y4m -o out.y4m", 1, "none.y4m"),
        ("text.y4m -o out.y4m", 1, "not a YUV4MPEG2 stream"),
        ("damaged.y4m -o out.y4m", 1, "frame 2 does not begin"),
        ("large.y4m -o out.y4m --max-pixels 1M", 1, "limit is 1.0 megapixels"),
        ("in.y4m -o none/out.y4m", 1, "none/out.y4m"),
    ] {
        let ran =
            super::Ran(alone(&sandbox, &format!("video MODEL {arguments}")).output().unwrap()).code(code);
        assert!(ran.stderr().contains(message), "{arguments}: {}", ran.stderr());
    }
    assert_eq!(sandbox.files(), ["damaged.y4m", "film.mp4", "in.y4m", "large.y4m", "text.y4m"]);
}

#[test]
fn who_reads_no_more_is_let_go() {
    let sandbox = Sandbox::new();
    sandbox.write("in.y4m", &film("W40 H30 Cmono", 400));
    let mut child = alone(&sandbox, "video MODEL in.y4m -o -")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 1000];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let ran = super::Ran(child.wait_with_output().unwrap()).code(0);
    assert_eq!(ran.stderr(), "");
}

#[cfg(unix)]
mod ends {
    use std::io::Write;

    use super::*;
    use crate::signals::{end, handles, has, has_proc, send, wait_for};

    #[test]
    fn an_interruption_leaves_no_film() {
        if !has_proc() || has("self", "SigIgn:", 2) {
            return eprintln!("skipped: no signals here");
        }
        let sandbox = Sandbox::new();
        let input = film("W33 H21 Cmono", 3);
        for (signal, output) in [("-INT", "-o out.y4m"), ("-TERM", "-o out.y4m"), ("-INT", "--frames out")] {
            let mut child =
                alone(&sandbox, &format!("video MODEL - {output}")).stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.as_mut().unwrap().write_all(&input).unwrap();
            wait_for("a handler of signals", || handles(&child, 15));
            wait_for("a beginning", || std::fs::read_dir(sandbox.path("")).unwrap().count() > 2);
            send(signal, &child);
            assert_eq!(end(&mut child).code(), Some(130));
            let _ = std::fs::remove_dir(sandbox.path("out"));
            assert_eq!(sandbox.files(), Vec::<String>::new());
        }
    }

    /// Kilobytes of memory.
    fn memory(child: &std::process::Child) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn memory_does_not_grow_with_the_length_of_a_film() {
        if !has_proc() {
            return;
        }
        let sandbox = Sandbox::new();
        let header = "W160 H120 C420jpeg";
        let input = film(header, 1);
        let begin = input.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let (line, frame) = input.split_at(begin);
        let command = "video MODEL - -o - -j 2 --smooth 0.5 --nms";
        let mut child =
            alone(&sandbox, command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        stdin.write_all(line).unwrap();
        let mut found = vec![0; "YUV4MPEG2 W160 H120 F25:1 Ip A0:0 Cmono XCOLORRANGE=FULL\n".len()];
        let mut marks = Vec::new();
        for number in 1..=300 {
            stdin.write_all(frame).unwrap();
            stdout.read_exact(&mut found).unwrap();
            found.resize("FRAME\n".len() + 160 * 120, 0);
            if number == 1 {
                stdout.read_exact(&mut found).unwrap();
            }
            if number % 30 == 0 {
                marks.push(memory(&child));
            }
        }
        drop(stdin);
        assert!(end(&mut child).success());
        let (first, last) = (marks[0], marks[9]);
        assert!(last as f64 <= 1.05 * first as f64, "{marks:?}");
    }
}
