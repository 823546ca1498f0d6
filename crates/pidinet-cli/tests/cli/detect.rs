//! `pidinet detect`: what is read, what is written, and where.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use pidinet::edges::Precision;
use pidinet::image::{Image, ImageLimits, Pixels};
use pidinet::weights::{Model, OpenOptions};
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap};

use crate::sandbox::{Sandbox, photo};

fn open(sandbox: &Sandbox, name: &str) -> Image {
    Image::open(sandbox.path(name), &ImageLimits::default()).unwrap()
}

/// The library's map for [`photo`] of 33×20.
fn edges(sandbox: &Sandbox, options: &DetectorOptions) -> EdgeMap {
    let model = Model::open(sandbox.path("model.safetensors"), &OpenOptions::default()).unwrap();
    EdgeDetector::new(&model, options).unwrap().detect(&photo(33, 20)).unwrap().edges
}

/// The floats of one of our `.npy` files, whose header is as short as possible.
fn npy(sandbox: &Sandbox, name: &str) -> Vec<f32> {
    let file = std::fs::read(sandbox.path(name)).unwrap();
    assert!(file.starts_with(b"\x93NUMPY"));
    file[128..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn precision_is_that_of_the_library_or_is_said_to_be_f32() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    sandbox.run("detect MODEL a.png -o map.npy --precision bf16").code(0);
    let want = edges(&sandbox, &DetectorOptions { precision: Precision::Bf16, ..DetectorOptions::default() });
    assert_eq!(npy(&sandbox, "map.npy"), want.data());

    let ran = sandbox.run("detect MODEL a.png -o map.npy --precision bf16 --isa portable").code(0);
    assert!(
        ran.stderr().contains("portable has no instructions for bf16: computing in f32"),
        "{}",
        ran.stderr()
    );
    let want = edges(
        &sandbox,
        &DetectorOptions { isa: pidinet::Isa::named("portable").ok(), ..DetectorOptions::default() },
    );
    assert_eq!(npy(&sandbox, "map.npy"), want.data());
    assert!(sandbox.run("detect MODEL a.png --precision f64").code(2).stderr().contains("possible values"));
}

#[test]
fn int8_takes_a_calibrated_model() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let ran = sandbox.run("detect MODEL a.png -o map.npy --precision int8").code(1);
    assert!(ran.stderr().contains("not calibrated for int8; `pidinet convert"), "{}", ran.stderr());
    sandbox.run("convert model.safetensors calibrated.safetensors --calibrate a.png").code(0);
    std::fs::rename(sandbox.path("calibrated.safetensors"), sandbox.path("model.safetensors")).unwrap();
    sandbox.run("detect MODEL a.png -o map.npy --precision int8").code(0);
    let want = edges(&sandbox, &DetectorOptions { precision: Precision::Int8, ..DetectorOptions::default() });
    assert_eq!(npy(&sandbox, "map.npy"), want.data());
    sandbox.run("detect -m tiny a.png -o map.npy --precision int8").code(0);
}

#[test]
fn an_image_becomes_the_map_that_the_library_gives() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let ran = sandbox.run("detect MODEL a.png -o map.npy").code(0);
    assert_eq!((ran.stdout(), ran.stderr()), (String::new(), String::new()));
    let want = edges(&sandbox, &DetectorOptions::default());
    assert_eq!(npy(&sandbox, "map.npy"), want.data());

    sandbox.run("detect MODEL a.png -o map.png").code(0);
    let map = open(&sandbox, "map.png");
    assert_eq!((map.width(), map.height()), (33, 20));
    let grey: Vec<u8> = want.to_u8().into_iter().flat_map(|value| [value; 3]).collect();
    assert_eq!(map.pixels(), &Pixels::U8(grey));
    assert_eq!(sandbox.files(), ["a.png", "map.npy", "map.png"]);
}

#[test]
fn the_greatest_value_becomes_white_for_show() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let greatest = |name: &str| npy(&sandbox, name).into_iter().fold(0.0, f32::max);
    sandbox.run("detect MODEL a.png -o plain.npy").code(0);
    sandbox.run("detect MODEL a.png -o bright.npy --normalize").code(0);
    sandbox.run("detect MODEL a.png -o bright.png --normalize").code(0);
    assert!(greatest("plain.npy") < 1.0);
    assert_eq!(greatest("bright.npy"), 1.0);
    let scaled: Vec<f32> = npy(&sandbox, "plain.npy").iter().map(|x| x / greatest("plain.npy")).collect();
    assert_eq!(npy(&sandbox, "bright.npy"), scaled);
    let Pixels::U8(grey) = open(&sandbox, "bright.png").pixels().clone() else { panic!("8 bits") };
    assert_eq!(grey.iter().max(), Some(&255));

    let ran = sandbox.run("eval edges --normalize").code(2);
    assert!(ran.stderr().contains("--normalize"), "scores know no such thing: {}", ran.stderr());
}

#[test]
fn without_an_output_the_folder_is_edges_and_the_name_is_printed() {
    let sandbox = Sandbox::new().with(&["deep/a.b.png"]);
    let ran = sandbox.run("detect MODEL deep/a.b.png").code(0);
    assert_eq!(ran.stdout().replace('\\', "/"), "edges/a.b.png\n");
    assert_eq!(sandbox.files(), ["deep/a.b.png", "edges/a.b.png"]);
}

#[test]
fn every_format_is_written() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    for format in ["png", "png16", "jpg", "webp", "tiff", "bmp", "pgm", "pbm"] {
        sandbox.run(&format!("detect MODEL a.png -o {format}/ --format {format}")).code(0);
        let extension = format.trim_end_matches("16");
        let map = open(&sandbox, &format!("{format}/a.{extension}"));
        assert_eq!((map.width(), map.height()), (33, 20), "{format}");
        let sixteen = matches!(map.pixels(), Pixels::U16(_));
        assert_eq!(sixteen, format == "png16" || format == "tiff", "{format}");
    }
    sandbox.run("detect MODEL a.png -o map.npz").code(0);
    assert!(std::fs::read(sandbox.path("map.npz")).unwrap().starts_with(b"PK"));
}

#[test]
fn other_tracers_get_black_lines_on_white() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let options = "--threshold 0.4 --thin --invert";
    sandbox.run(&format!("detect MODEL a.png -o a.pbm {options}")).code(0);
    sandbox.run(&format!("detect MODEL a.png -o b.png {options}")).code(0);
    assert_eq!(open(&sandbox, "a.pbm").pixels(), open(&sandbox, "b.png").pixels());
    sandbox.run("detect MODEL a.png -o a.pgm").code(0);
    sandbox.run("lines --map a.pgm -o a.svg --low 0.01 --high 0.01").code(0);
    let ran = sandbox.run("detect MODEL a.png -o c.pbm --overlay").code(2);
    assert!(ran.stderr().contains("colours"), "{}", ran.stderr());
}

#[test]
fn folders_keep_their_tree() {
    let sandbox = Sandbox::new().with(&["in/a.png", "in/x/a.png", "in/x/y/b.jpg"]);
    sandbox.write("in/notes.txt", b"not an image");
    let written = |sandbox: &Sandbox| -> Vec<String> {
        sandbox.files().into_iter().filter(|name| name.starts_with("out")).collect()
    };
    sandbox.run("detect MODEL in -o out").code(0);
    assert_eq!(written(&sandbox), ["out/a.png"]);
    sandbox.run("detect MODEL -r in -o out").code(0);
    assert_eq!(written(&sandbox), ["out/a.png", "out/x/a.png", "out/x/y/b.png"]);
}

#[test]
fn patterns_are_expanded_where_no_shell_does() {
    let sandbox = Sandbox::new().with(&["in/a.png", "in/b.png", "in/c.jpg"]);
    sandbox.run("detect MODEL in/*.png -o out").code(0);
    assert_eq!(sandbox.files(), ["in/a.png", "in/b.png", "in/c.jpg", "out/a.png", "out/b.png"]);
    let ran = sandbox.run("detect MODEL in/*.gif -o out").code(1);
    assert_eq!(ran.stderr(), "error: no file matches in/*.gif\n");
}

#[test]
fn names_that_would_meet_are_refused_before_anything_is_computed() {
    let sandbox = Sandbox::new().with(&["a.png", "a.jpg"]);
    let ran = sandbox.run("detect MODEL a.png a.jpg -o out").code(2);
    assert!(ran.stderr().contains("a.png and a.jpg would both be written to"), "{}", ran.stderr());
    let ran = sandbox.run("detect MODEL a.png -o .").code(2);
    assert!(ran.stderr().contains("would overwrite the image"), "{}", ran.stderr());
    assert_eq!(sandbox.files(), ["a.jpg", "a.png"]);
}

#[test]
fn standard_input_becomes_standard_output() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let mut child =
        sandbox.command("detect MODEL - -o -").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let photo = std::fs::read(sandbox.path("a.png")).unwrap();
    child.stdin.take().unwrap().write_all(&photo).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let map = edges(&sandbox, &DetectorOptions::default());
    let grey: Vec<u8> = map.to_u8().into_iter().flat_map(|value| [value; 3]).collect();
    let image = Image::decode(&output.stdout, &ImageLimits::default()).unwrap();
    assert_eq!(image.pixels(), &Pixels::U8(grey));
    assert_eq!(sandbox.files(), ["a.png"]);
}

#[test]
fn a_bad_image_is_told_and_the_others_are_done() {
    let sandbox = Sandbox::new().with(&["a.png", "c.png"]);
    sandbox.write("b.png", b"not an image");
    let ran = sandbox.run("detect MODEL a.png b.png missing.png c.png -o out").code(1);
    let lines: Vec<String> = ran.stderr().lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("error: cannot use image b.png: not an image"), "{lines:?}");
    assert!(lines[1].starts_with("error: cannot read missing.png: "), "{lines:?}");
    assert_eq!(lines[2], "2 of 4 images failed");
    assert_eq!(sandbox.files(), ["a.png", "b.png", "c.png", "out/a.png", "out/c.png"]);
}

#[test]
fn json_has_a_line_for_each_image() {
    let sandbox = Sandbox::new().with(&["a.png", "b.png"]);
    sandbox.write("c.png", b"");
    let ran = sandbox.run("detect MODEL a.png b.png c.png -o out --json").code(1);
    let records: Vec<serde_json::Value> =
        ran.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 3);
    for (record, name) in records.iter().zip(["a", "b"]) {
        assert_eq!(record["input"], format!("{name}.png"));
        assert!(record["output"].as_str().unwrap().ends_with(&format!("{name}.png")));
        assert_eq!((&record["width"], &record["height"]), (&33.into(), &20.into()));
        for part in ["decode", "network", "post", "write"] {
            assert!(record["milliseconds"][part].as_f64().unwrap() >= 0.0, "{part}");
        }
    }
    assert!(records[2]["error"].as_str().unwrap().contains("not an image"));
    sandbox.run("detect MODEL a.png -o - --json").code(2);
}

#[test]
fn existing_edges_are_skipped() {
    let sandbox = Sandbox::new().with(&["a.png", "b.png"]);
    std::fs::create_dir(sandbox.path("out")).unwrap();
    sandbox.run("detect MODEL b.png -o out/a.png").code(0);
    let kept = std::fs::read(sandbox.path("out/a.png")).unwrap();
    let ran = sandbox.run("detect MODEL a.png b.png -o out --skip-existing --json").code(0);
    assert!(ran.stdout().lines().next().unwrap().contains("\"skipped\":true"), "{}", ran.stdout());
    assert_eq!(std::fs::read(sandbox.path("out/a.png")).unwrap(), kept);
    assert_eq!(open(&sandbox, "out/b.png").width(), 33);
    sandbox.run("detect MODEL a.png -o out").code(0);
    assert_eq!(open(&sandbox, "out/a.png").width(), 33);
}

#[test]
fn side_outputs_are_written_beside() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    sandbox.run("detect MODEL a.png -o out/ --side-outputs").code(0);
    let names = ["a-side1", "a-side2", "a-side3", "a-side4", "a"].map(|name| format!("out/{name}.png"));
    assert_eq!(sandbox.files()[1..], names);
    sandbox.run("detect MODEL a.png -o all.npz --side-outputs").code(0);
    let archive = std::fs::read(sandbox.path("all.npz")).unwrap();
    for name in ["edges.npy", "side1.npy", "side4.npy"] {
        assert!(archive.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "{name}");
    }
    assert!(!sandbox.path("all-side1.npz").exists());
    sandbox.run("detect MODEL a.png -o - --side-outputs").code(2);
}

#[test]
fn options_after_the_network_change_the_map() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let map = edges(&sandbox, &DetectorOptions::default());
    let mut sorted = map.data().to_vec();
    sorted.sort_by(f32::total_cmp);
    let middle = sorted[sorted.len() / 2];

    sandbox.run(&format!("detect MODEL a.png -o t.npy --threshold {middle}")).code(0);
    let want: Vec<f32> = map.data().iter().map(|&v| if v >= middle { 1.0 } else { 0.0 }).collect();
    assert_eq!(npy(&sandbox, "t.npy"), want);

    sandbox.run("detect MODEL a.png -o i.npy --invert").code(0);
    assert_eq!(npy(&sandbox, "i.npy"), map.data().iter().map(|v| 1.0 - v).collect::<Vec<_>>());

    sandbox.run(&format!("detect MODEL a.png -o o.png --overlay=00ff00 --threshold {middle}")).code(0);
    let (painted, under) = (open(&sandbox, "o.png"), photo(33, 20));
    for (i, &edge) in want.iter().enumerate() {
        let (x, y) = (i % 33, i / 33);
        assert_eq!(painted.rgb(x, y), if edge == 1.0 { [0.0, 1.0, 0.0] } else { under.rgb(x, y) });
    }
}

#[test]
fn scales_presets_and_the_longest_side_reach_the_network() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    sandbox.run("detect MODEL a.png -o s.npy --scales 0.5,1,1.5").code(0);
    let scales = DetectorOptions { scales: vec![0.5, 1.0, 1.5], ..DetectorOptions::default() };
    assert_eq!(npy(&sandbox, "s.npy"), edges(&sandbox, &scales).data());

    sandbox.run("detect MODEL a.png -o c.npy --preset controlnet").code(0);
    let preset =
        DetectorOptions { preset: Some(pidinet::image::Preset::Controlnet), ..DetectorOptions::default() };
    assert_eq!(npy(&sandbox, "c.npy"), edges(&sandbox, &preset).data());

    sandbox.run("detect MODEL a.png -o m.png --max-side 16").code(0);
    assert_eq!((open(&sandbox, "m.png").width(), open(&sandbox, "m.png").height()), (16, 10));
}

#[test]
fn threads_and_tiles_do_not_change_the_edges() {
    let sandbox = Sandbox::new();
    sandbox.photo("a.png".as_ref(), 70, 61);
    sandbox.run("detect MODEL a.png -o 1.npy -j 1 --strip off").code(0);
    let want = npy(&sandbox, "1.npy");
    for (name, options) in
        [("2", "-j 2"), ("3", "-j 3 --strip 8"), ("4", "-j 1 --strip 17"), ("5", "--strip auto")]
    {
        sandbox.run(&format!("detect MODEL a.png -o {name}.npy {options}")).code(0);
        for (got, want) in npy(&sandbox, &format!("{name}.npy")).iter().zip(&want) {
            assert!((got - want).abs() < 1e-5, "{options}: {got} for {want}");
        }
    }
}

#[test]
fn sizes_from_one_pixel_work() {
    let sandbox = Sandbox::new();
    for (width, height) in [(1, 1), (1, 9), (9, 1), (7, 7), (8, 8)] {
        sandbox.photo("a.png".as_ref(), width, height);
        sandbox.run("detect MODEL a.png -o map.png").code(0);
        let map = open(&sandbox, "map.png");
        assert_eq!((map.width(), map.height()), (width, height));
    }
}

#[test]
fn the_pixel_limit_is_an_option() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    let ran = sandbox.run("detect MODEL a.png -o map.png --max-pixels 659").code(1);
    assert!(ran.stderr().contains("--max-pixels"), "{}", ran.stderr());
    assert!(!sandbox.path("map.png").exists());
    sandbox.run("detect MODEL a.png -o map.png --max-pixels 660").code(0);
}

#[test]
fn the_embedded_model_is_the_default_and_has_a_name() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    sandbox.run("detect a.png -o default.npy").code(0);
    sandbox.run("detect -m tiny a.png -o tiny.npy").code(0);
    let read = |name: &str| std::fs::read(sandbox.path(name)).unwrap();
    assert!(read("default.npy") == read("tiny.npy"));
}

#[test]
fn wrong_usage_is_code_2_and_says_what_is_right() {
    let sandbox = Sandbox::new().with(&["a.png", "b.png"]);
    for (arguments, says) in [
        ("detect MODEL", "<INPUT>"),
        (
            "detect -m nowhere a.png",
            "there is no file and no built-in model named nowhere; the built-in models are tiny",
        ),
        ("detect MODEL a.png --scales 0", "0.5,1,1.5"),
        ("detect MODEL a.png --format gif", "png16"),
        ("detect MODEL a.png -o map.gif", "png, jpg, webp, tiff, bmp, pgm, pbm, npy, npz"),
        ("detect MODEL a.png b.png -o -", "-o - writes one image"),
        ("detect MODEL a.png --hysteresis 0.5,0.2", "lower one first"),
        ("detect MODEL a.png --thin", "--threshold"),
        ("detect MODEL a.png --strip 0", "auto, off or"),
        ("detect MODEL a.png --nms=best", "dollar"),
        ("detect MODEL a.png --overlay=pink", "RRGGBB"),
        ("detect MODEL - -", "twice"),
        ("frobnicate", "frobnicate"),
    ] {
        let ran = sandbox.run(arguments).code(2);
        assert!(ran.stderr().contains(says), "{arguments}: {}", ran.stderr());
    }
    assert_eq!(sandbox.files(), ["a.png", "b.png"]);
}

#[test]
fn many_images_at_a_time_give_what_each_alone_does() {
    let names: Vec<String> = (0..7).map(|number| format!("in/{number}.png")).collect();
    let sandbox = Sandbox::new();
    for (number, name) in names.iter().enumerate() {
        sandbox.photo(Path::new(name), 20 + 13 * number, 90 - 11 * number);
    }
    // An image too large to run beside others, and one that fails.
    sandbox.photo(Path::new("in/7.png"), 2100, 2000);
    sandbox.write("in/8.png", b"");
    let alone = sandbox.run("detect -j 1 MODEL in -o alone --json").code(1);
    let together = sandbox.run("detect -j 3 MODEL in -o together --json").code(1);
    for name in names.iter().map(|name| &name[3..]).chain(["7.png"]) {
        let read = |folder: &str| std::fs::read(sandbox.path(folder).join(name)).unwrap();
        assert!(read("alone") == read("together"), "{name}");
    }
    let inputs = |lines: &str| -> Vec<String> {
        let records = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        records.map(|record| record["input"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(inputs(&alone.stdout()), inputs(&together.stdout()));
    assert!(together.stderr().contains("1 of 9 images failed"));
    let small = sandbox.run("detect -j 2 MODEL in -o small --max-pixels 2000").code(1);
    assert!(small.stderr().contains("2000"), "{}", small.stderr());
}
