//! `pidinet eval` as a process, each test in a folder of its own.
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use image::{GrayImage, Luma};
use serde_json::Value;

/// Data for development, beside the workspace; tests that need it are skipped without it.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !path.exists() {
        println!("skipped: no {}", path.display());
    }
    path.exists().then_some(path)
}

/// A folder with a little data set: images 64 by 48, with a frame drawn by two annotators; the edge maps
/// lack one side of it and have one line too many.
struct Set(tempfile::TempDir);

const IDS: [&str; 3] = ["1", "20", "3"];

impl Set {
    fn new() -> Self {
        let set = Self(tempfile::tempdir().unwrap());
        for (k, id) in (0..).zip(IDS) {
            set.image("truth", &format!("{id}_a.png"), |x, y| frame(x, y, 6 + k, true).then_some(255));
            set.image("truth", &format!("{id}_b.png"), |x, y| frame(x, y, 7 + k, true).then_some(255));
            set.image("maps", &format!("{id}.png"), |x, y| match () {
                () if frame(x, y, 6 + k, false) => Some(160 + (k * 30) as u8),
                () if y == 24 && (20..40).contains(&x) => Some(60),
                () => None,
            });
        }
        set
    }

    fn image(&self, folder: &str, name: &str, value: impl Fn(u32, u32) -> Option<u8>) {
        std::fs::create_dir_all(self.path(folder)).unwrap();
        let image = GrayImage::from_fn(64, 48, |x, y| Luma([value(x, y).unwrap_or(0)]));
        image.save(self.path(folder).join(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn summary(&self, folder: &str) -> Value {
        serde_json::from_str(&self.read(&format!("{folder}/summary.json"))).unwrap()
    }

    /// `pidinet` in the folder.
    fn pidinet(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("pidinet").unwrap();
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// `pidinet eval edges` on the data set, as it is.
    fn edges(&self, out: &str, more: &[&str]) -> Command {
        let mut command =
            self.pidinet(&["eval", "edges", "--pred", "maps", "--gt", "truth", "--nms", "none"]);
        command.args(["--out", out]).args(more);
        command
    }
}

/// Whether a pixel is on a rectangle, `inset` from the border, without its right side unless it is `closed`.
fn frame(x: u32, y: u32, inset: u32, closed: bool) -> bool {
    let (right, bottom) = (63 - inset, 47 - inset);
    let inside = (inset..=right).contains(&x) && (inset..=bottom).contains(&y);
    inside && (x == inset || y == inset || y == bottom || (closed && x == right))
}

fn message(command: &mut Command, code: i32) -> String {
    let output = command.assert().code(code).get_output().clone();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_run_writes_its_files_and_says_the_scores() {
    let set = Set::new();
    // Two pixels, so that the second annotator's frame is matched as well.
    let output = set.edges("out", &["--max-dist", "0.02", "--name", "frames"]).assert().success();
    let stdout = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let summary = set.summary("out");
    let ods = &summary["ods"];
    assert!(stdout.starts_with(&format!("ODS  {:.4}", ods["f"].as_f64().unwrap())), "{stdout}");

    // Above the extra line's value everything found is right, and one side of four is missed.
    assert_eq!(ods["precision"], 1.0);
    let recall = ods["recall"].as_f64().unwrap();
    assert!((0.75..0.9).contains(&recall), "{recall}");
    for key in ["ods", "ois"] {
        for score in ["threshold", "recall", "precision", "f"] {
            assert!(summary[key][score].is_f64(), "{key} {score}");
        }
    }
    assert!(summary["ap"].is_f64() && summary["r50"].is_f64());
    assert_eq!((&summary["images"], &summary["name"]), (&3.into(), &"frames".into()));
    assert_eq!(summary["options"]["max_distance"], 0.02);

    assert_eq!(set.read("out/eval_bdry.txt").split_whitespace().count(), 8);
    assert_eq!(set.read("out/eval_bdry_thr.txt").lines().count(), 99);
    assert_eq!(set.read("out/eval_bdry_img.txt").lines().count(), 3);
    for id in IDS {
        let counts = set.read(&format!("out/{id}_ev1.txt"));
        assert!(counts.lines().all(|line| line.split_whitespace().count() == 5), "{counts}");
        assert_eq!(counts.lines().count(), 99);
    }
    assert!(set.read("out/pr.svg").contains("] frames</text>"));
    assert!(image::open(set.path("out/pr.png")).unwrap().width() > 1000);
    let report = set.read("out/report.html");
    assert!(
        !report.contains("http://")
            || report.matches("http://").count() == report.matches("http://www.w3.org").count()
    );
    assert_eq!(report.matches("data:image/png;base64,").count(), 3);
}

#[test]
fn threads_change_nothing() {
    let set = Set::new();
    set.edges("one", &["--threads", "1"]).assert().success();
    set.edges("four", &["--threads", "4"]).assert().success();
    let mut names = vec!["eval_bdry.txt".to_owned(), "eval_bdry_thr.txt".into(), "eval_bdry_img.txt".into()];
    names.extend(IDS.map(|id| format!("{id}_ev1.txt")));
    names.extend(["pr.svg".to_owned()]);
    for name in names {
        let same = |text: String| text.replace("four", "").replace("one", "");
        assert_eq!(same(set.read(&format!("one/{name}"))), same(set.read(&format!("four/{name}"))), "{name}");
    }
}

#[test]
fn everything_that_does_not_fit_is_named_at_once() {
    let set = Set::new();
    std::fs::remove_file(set.path("maps/20.png")).unwrap();
    std::fs::remove_file(set.path("maps/3.png")).unwrap();
    let text = message(&mut set.edges("out", &[]), 1);
    assert!(text.contains("20_b: no prediction") && text.contains("3_a: no prediction"), "{text}");

    let set = Set::new();
    GrayImage::new(64, 47).save(set.path("maps/1.png")).unwrap();
    std::fs::write(set.path("maps/3.png"), "no image").unwrap();
    let text = message(&mut set.edges("out", &[]), 1);
    assert!(text.contains("1.png is 64x47, its truth 64x48"), "{text}");
    assert!(text.contains("3: cannot use image") && text.contains("2 problems"), "{text}");
    assert!(!set.path("out").exists());
}

#[test]
fn resuming_keeps_what_is_finished_with_the_same_options() {
    let set = Set::new();
    set.edges("out", &[]).assert().success();
    let counts = set.read("out/1_ev1.txt");
    let scores = set.read("out/eval_bdry_img.txt");

    // Counts that no image has show that they were reused.
    let first: String = counts.lines().map(|line| format!("{} 1 2 1 2\n", &line[..10])).collect();
    std::fs::write(set.path("out/1_ev1.txt"), &first).unwrap();
    std::fs::remove_file(set.path("out/3_ev1.txt")).unwrap();
    set.edges("out", &["--resume"]).assert().success();
    assert_eq!(set.read("out/1_ev1.txt"), first);
    assert_eq!(set.summary("out")["seconds"]["resumed"], 2);
    assert_ne!(set.read("out/eval_bdry_img.txt"), scores);

    let text = message(&mut set.edges("out", &["--resume", "--max-dist", "0.05"]), 1);
    assert!(text.contains("0.05") && text.contains("0.0075") && text.contains("options.json"), "{text}");

    set.edges("out", &[]).assert().success();
    assert_eq!(set.read("out/1_ev1.txt"), counts);
    assert_eq!(set.read("out/eval_bdry_img.txt"), scores);
}

#[test]
fn crispness_compares_with_the_maps_as_they_are() {
    let set = Set::new();
    let mut command = set.pidinet(&["eval", "edges", "--pred", "maps", "--gt", "truth", "--out", "out"]);
    command.args(["--crispness", "--nms", "1,0,1.01"]).assert().success();
    set.edges("plain", &[]).assert().success();
    let (with, plain) = (set.summary("out"), set.summary("plain"));
    assert_eq!(with["crispness"]["ods"], plain["ods"]);
    let ratio = with["crispness"]["ratio"]["ods"].as_f64().unwrap();
    let expected = plain["ods"]["f"].as_f64().unwrap() / with["ods"]["f"].as_f64().unwrap();
    assert!((ratio - expected).abs() < 1e-12);
    assert_eq!(set.read("out/unsuppressed/eval_bdry.txt"), set.read("plain/eval_bdry.txt"));
    assert!(set.read("out/report.html").contains("Crispness"));
}

#[test]
fn a_list_is_as_good_as_two_folders() {
    let set = Set::new();
    let lines = IDS.map(|id| format!("maps/{id}.png truth/{id}_a.png truth/{id}_b.png\n"));
    std::fs::write(set.path("test.lst"), lines.concat()).unwrap();
    set.edges("folders", &[]).assert().success();
    let mut command =
        set.pidinet(&["eval", "edges", "--pairs", "test.lst", "--nms", "none", "--out", "list"]);
    command.arg("--no-report").assert().success();
    assert_eq!(set.read("list/eval_bdry_thr.txt"), set.read("folders/eval_bdry_thr.txt"));
    assert!(!set.path("list/report.html").exists());
}

#[test]
fn runs_and_published_curves_are_plotted_together() {
    let set = Set::new();
    set.edges("ours", &[]).assert().success();
    std::fs::write(set.path("Theirs_bdry_thr.txt"), "0.9 0.5 0.642857\n0.75 0.75 0.75\n").unwrap();
    set.pidinet(&["eval", "plot", "ours", "Theirs_bdry_thr.txt", "again & <again>=ours"]).assert().success();
    let svg = set.read("pr.svg");
    for name in ["] ours<", "[F=.750] Theirs<", "] again &amp; &lt;again&gt;<", "Human"] {
        assert!(svg.contains(name), "{name}: {svg}");
    }
    assert!(image::open(set.path("pr.png")).is_ok());
    set.pidinet(&["eval", "plot", "ours", "--no-human", "--out", "one.svg"]).assert().success();
    assert!(!set.read("one.svg").contains("Human"));

    let text = message(&mut set.pidinet(&["eval", "plot", "maps"]), 1);
    assert!(text.contains("eval_bdry_thr.txt"), "{text}");
    let text = message(&mut set.pidinet(&["eval", "plot", "ours", "--out", "plot.pdf"]), 1);
    assert!(text.contains("pdf"), "{text}");
}

/// `pidinet eval edges` with two models that can be mixed, at details.
fn at_details(set: &Set, details: &str, out: &str) -> Command {
    for (seed, name) in [(1, "boundaries.safetensors"), (2, "edges.safetensors")] {
        let arch = pidinet::arch::Arch::tiny().light();
        pidinet::weights::Model::random(arch, seed).save(set.path(name)).unwrap();
    }
    let mut command =
        set.pidinet(&["eval", "edges", "--images", "maps", "--gt", "truth", "--thresholds", "9"]);
    command.args(["--no-report", "--model", "boundaries.safetensors", "--out", out]);
    command.args(["--detail-model", "edges.safetensors", "--detail", details]);
    command
}

#[test]
fn several_details_are_scored_in_one_run_with_the_best_of_each_image() {
    let set = Set::new();
    let output = at_details(&set, "0,.5,1", "out").assert().success().get_output().clone();
    let table = String::from_utf8(output.stdout).unwrap();
    let first: Vec<&str> = table.lines().filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(first, ["detail", "0", "0.5", "1", "best of 3", "3 images"], "{table}");

    // Each detail has the files of a run of its own, and is scored like that mixture.
    let details: Value = serde_json::from_str(&set.read("out/details.json")).unwrap();
    for (number, (detail, model)) in
        [("0", "boundaries"), ("0.5", "half"), ("1", "edges")].into_iter().enumerate()
    {
        if model == "half" {
            let files = ["boundaries.safetensors", "edges.safetensors"];
            set.pidinet(&["mix", files[0], files[1], "-t", ".5", "-o", "half.safetensors"])
                .assert()
                .success();
        }
        let mut alone =
            set.pidinet(&["eval", "edges", "--images", "maps", "--gt", "truth", "--thresholds", "9"]);
        alone.args(["--no-report", "--out", "alone", "--model", &format!("{model}.safetensors")]);
        alone.assert().success();
        let name = format!("out/detail-{detail}/eval_bdry_thr.txt");
        assert_eq!(set.read(&name), set.read("alone/eval_bdry_thr.txt"), "{detail}");
        let summary = set.summary("alone");
        assert_eq!(details["details"][number]["ods"], summary["ods"]);
        assert_eq!(set.summary(&format!("out/detail-{detail}"))["name"], format!("boundaries@{detail}"));
    }

    // For each image, the best detail is at least as good as every other.
    let best = &details["best"];
    assert_eq!((&best["of"], details["details"].as_array().unwrap().len()), (&3.into(), 3));
    for (row, id) in ["1", "20", "3"].into_iter().enumerate() {
        let f = |detail: f64| -> f64 {
            let counts = set.read(&format!("out/detail-{detail}/{id}_ev1.txt"));
            let f = counts.lines().map(|line| {
                let n: Vec<f64> = line.split_whitespace().map(|n| n.parse().unwrap()).collect();
                let (recall, precision) = (n[1] / n[2].max(1.0), n[3] / n[4].max(1.0));
                if recall + precision > 0.0 { 2.0 * recall * precision / (recall + precision) } else { 0.0 }
            });
            f.fold(0.0, f64::max)
        };
        let chosen = best["chosen"][id].as_f64().unwrap_or_else(|| panic!("{row}: {best}"));
        assert!([0.0, 0.5, 1.0].into_iter().all(|detail| f(detail) <= f(chosen)), "{id}: {chosen}");
    }

    let svg = set.read("out/pr.svg");
    for name in ["] boundaries@0<", "] boundaries@0.5<", "] boundaries@1<", "] boundaries, best of 3<"] {
        assert!(svg.contains(name), "{name}: {svg}");
    }
    assert!(image::open(set.path("out/pr.png")).is_ok());
}

#[test]
fn one_detail_is_a_run_like_any_other_and_is_resumed() {
    let set = Set::new();
    at_details(&set, "0.25", "out").assert().success();
    assert_eq!(set.summary("out")["name"], "boundaries@0.25");
    assert!(!set.path("out/details.json").exists());
    let resume = |details: &str, code| {
        let mut command =
            set.pidinet(&["eval", "edges", "--images", "maps", "--gt", "truth", "--thresholds", "9"]);
        command.args(["--no-report", "--model", "boundaries.safetensors", "--out", "out", "--resume"]);
        command.args(["--detail-model", "edges.safetensors", "--detail", details]);
        message(&mut command, code)
    };
    resume("0.25", 0);
    assert_eq!(set.summary("out")["seconds"]["resumed"], 3);
    let text = resume("0.75", 1);
    assert!(text.contains("detail") && text.contains("0.75"), "{text}");
}

#[test]
fn details_that_make_no_sense_are_usage_errors() {
    let set = Set::new();
    for (details, expected) in [("0,2", "from 0 (boundaries) to 1"), ("0,.5,0.50", "--detail has 0.5 twice")]
    {
        let text = message(&mut at_details(&set, details, "out"), 2);
        assert!(text.contains(expected), "{text}");
    }
    let text = message(&mut set.edges("out", &["--detail", "0,1"]), 2);
    assert!(text.contains("not to saved maps"), "{text}");
    assert!(!set.path("out").exists());
}

#[test]
fn wrong_options_are_usage_errors() {
    let set = Set::new();
    for (arguments, expected) in [
        (&["--thresholds", "0"][..], "thresholds"),
        (&["--thresholds", "0.5,0.25"], "rising"),
        (&["--max-dist", "2"], "fraction"),
        (&["--preset", "coco"], "nyud"),
        (&["--model", "x.pth"], "--model"),
    ] {
        let text = message(&mut set.edges("out", arguments), 2);
        assert!(text.contains(expected), "{text}");
    }
    let text = message(&mut set.pidinet(&["eval", "edges", "--nms", "sharp", "--out", "out"]), 2);
    assert!(text.contains("hed, dollar"), "{text}");
    let text = message(&mut set.pidinet(&["eval", "edges", "--gt", "truth", "--out", "out"]), 2);
    assert!(text.contains("--pred"), "{text}");
    let text = message(&mut set.pidinet(&["eval", "edges", "--pred", "maps", "--out", "out"]), 2);
    assert!(text.contains("--gt"), "{text}");
}

/// ODS of a set whose maps and truth are the same frames, in different numbers.
fn ods(set: &Set, out: &str, more: &[&str]) -> f64 {
    set.edges(out, more).arg("--no-report").assert().success();
    set.summary(out)["ods"]["f"].as_f64().unwrap()
}

/// A set of one frame for each name; `map` and `truth` give the saved values of ground (0), lines (1) and a
/// corner (2).
fn frames(map: impl Fn(u32) -> u8, truth: impl Fn(u32) -> u8) -> Set {
    let set = Set(tempfile::tempdir().unwrap());
    let kind = |x, y| if x < 3 && y < 3 { 2 } else { u32::from(frame(x, y, 8, true)) };
    for id in IDS {
        set.image("maps", &format!("{id}.png"), |x, y| Some(map(kind(x, y))));
        set.image("truth", &format!("{id}.png"), |x, y| Some(truth(kind(x, y))));
    }
    set
}

#[test]
fn maps_of_0_and_1_are_edges_in_every_type() {
    let plain = |kind| if kind == 1 { 255 } else { 0 };
    let set = frames(|kind| u8::from(kind == 1), plain);
    assert!(ods(&set, "png", &[]) > 0.98);
    for id in IDS {
        std::fs::remove_file(set.path(&format!("maps/{id}.png"))).unwrap();
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (48, 64), }\n";
        let pixels = (0..48 * 64).map(|i| u8::from(frame(i % 64, i / 64, 8, true)));
        let length = (header.len() as u16).to_le_bytes();
        let file =
            [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &pixels.collect::<Vec<u8>>()].concat();
        std::fs::write(set.path(&format!("maps/{id}.npy")), file).unwrap();
    }
    assert!(ods(&set, "npy", &[]) > 0.98);
}

#[test]
fn a_map_of_0_and_1_among_others_is_almost_black() {
    let set = frames(|kind| if kind == 1 { 255 } else { 0 }, |kind| if kind == 1 { 255 } else { 0 });
    set.image("maps", "3.png", |x, _| Some(u8::from(x % 2 == 0)));
    let text = message(&mut set.edges("out", &[]), 0);
    assert!(text.contains("3.png: only the values 0 and 1"), "{text}");
    assert_eq!(set.summary("out")["ods"]["precision"], 1.0);
}

#[test]
fn truth_of_three_values_is_read_or_refused() {
    let map = |kind| if kind == 1 { 255 } else { 0 };
    // Labels: every one is a boundary, including the corner.
    let labels = frames(|kind| if kind > 0 { 255 } else { 0 }, |kind| kind as u8);
    assert!(ods(&labels, "labels", &[]) > 0.9);

    let ignored = frames(|kind| if kind > 0 { 255 } else { 0 }, |kind| [0, 1, 255][kind as usize]);
    let text = message(&mut ignored.edges("out", &[]), 1);
    assert!(text.contains("20.png") && text.contains("--gt-ignore 255"), "{text}");
    assert!(ods(&ignored, "ignored", &["--gt-ignore", "255"]) > 0.98);
    let text = message(&mut ignored.edges("ignored", &["--gt-ignore", "1", "--resume"]), 1);
    assert!(
        text.contains("gt_ignore") || text.contains("no boundaries") || text.contains("options.json"),
        "{text}"
    );

    let dim = frames(map, |kind| [0, 40, 90][kind as usize]);
    let text = message(&mut dim.edges("out", &[]), 1);
    assert!(text.contains("no boundaries") && text.contains("half white"), "{text}");
}

#[test]
fn inverted_maps_and_truth_are_noticed_and_turned() {
    let (light, dark) = (|kind| if kind == 1 { 255 } else { 0 }, |kind| if kind == 1 { 0 } else { 255 });
    let set = frames(dark, light);
    let text = message(&mut set.edges("out", &[]), 0);
    assert!(text.contains("1.png and 2 more: mostly white") && text.contains("--invert-pred"), "{text}");
    assert!(ods(&set, "turned", &["--invert-pred"]) > 0.98);

    let set = frames(light, dark);
    let text = message(&mut set.edges("out", &[]), 1);
    assert!(text.contains("3.png") && text.contains("--invert-gt"), "{text}");
    assert!(ods(&set, "turned", &["--invert-gt"]) > 0.98);
    let binary = frames(light, |kind| u8::from(kind != 1));
    assert!(ods(&binary, "turned", &["--invert-gt"]) > 0.98);
}

#[test]
fn truth_without_boundaries_is_said() {
    let set = frames(|kind| if kind == 1 { 255 } else { 0 }, |kind| if kind == 1 { 255 } else { 0 });
    set.image("truth", "20.png", |_, _| None);
    let text = message(&mut set.edges("out", &[]), 0);
    assert!(text.contains("20.png: this ground truth has no boundaries"), "{text}");
    let set = frames(|kind| if kind == 1 { 255 } else { 0 }, |_| 0);
    let text = message(&mut set.edges("out", &[]), 1);
    assert!(text.contains("no boundaries"), "{text}");
}

#[test]
fn maps_far_from_white_are_doubted() {
    let set = frames(|kind| if kind == 1 { 9 } else { 3 }, |kind| if kind == 1 { 255 } else { 0 });
    let text = message(&mut set.edges("out", &[]), 0);
    assert!(text.contains("1.png and 2 more: no value near white"), "{text}");
}

#[test]
fn maps_as_jpeg_are_read_with_a_warning() {
    let set = Set::new();
    for id in IDS {
        let map = image::open(set.path(&format!("maps/{id}.png"))).unwrap();
        map.save(set.path(&format!("maps/{id}.jpg"))).unwrap();
    }
    set.edges("png", &[]).assert().success();
    for id in IDS {
        std::fs::remove_file(set.path(&format!("maps/{id}.png"))).unwrap();
    }
    let text = message(&mut set.edges("jpg", &[]), 0);
    assert!(text.contains("JPEG blurs"), "{text}");
    let lines = IDS.map(|id| format!("maps/{id}.jpg truth/{id}_a.png truth/{id}_b.png\n"));
    std::fs::write(set.path("test.lst"), lines.concat()).unwrap();
    let mut list = set.pidinet(&["eval", "edges", "--pairs", "test.lst", "--nms", "none", "--out", "list"]);
    assert!(message(&mut list, 0).contains("JPEG blurs"));
    assert_eq!(set.read("list/eval_bdry_thr.txt"), set.read("jpg/eval_bdry_thr.txt"));

    std::fs::rename(set.path("maps/1.jpg"), set.path("maps/1.npz")).unwrap();
    let text = message(&mut set.edges("out", &[]), 1);
    assert!(text.contains("found 1.npz"), "{text}");
}

#[test]
fn truth_lies_in_folders_and_in_other_formats() {
    let set = Set::new();
    set.edges("files", &[]).assert().success();
    for id in IDS {
        std::fs::create_dir(set.path(&format!("truth/{id}"))).unwrap();
        for annotator in ["a", "b"] {
            let from = set.path(&format!("truth/{id}_{annotator}.png"));
            std::fs::rename(from, set.path(&format!("truth/{id}/{annotator}.png"))).unwrap();
        }
    }
    set.edges("folders", &[]).assert().success();
    assert_eq!(set.read("files/eval_bdry_thr.txt"), set.read("folders/eval_bdry_thr.txt"));

    for extension in ["bmp", "tif", "jpg"] {
        let set = frames(|kind| if kind == 1 { 255 } else { 0 }, |kind| if kind == 1 { 255 } else { 0 });
        for id in IDS {
            let truth = image::open(set.path(&format!("truth/{id}.png"))).unwrap();
            truth.save(set.path(&format!("truth/{id}.{extension}"))).unwrap();
            std::fs::remove_file(set.path(&format!("truth/{id}.png"))).unwrap();
        }
        assert!(ods(&set, "out", &[]) > 0.98, "{extension}");
    }
}

/// The benchmark's own sample and the results of its MATLAB code, without suppression.
#[test]
fn the_sample_of_the_benchmark_is_met() {
    let Some(sample) = shared("data/bsds-bench-sample") else { return };
    let set = Set(tempfile::tempdir().unwrap());
    let mut command = set.pidinet(&["eval", "edges", "--nms", "none", "--thresholds", "5", "--out", "out"]);
    command
        .arg("--pred")
        .arg(sample.join("png"))
        .arg("--gt")
        .arg(sample.join("groundTruth"))
        .assert()
        .success();
    let table = |text: &str| -> Vec<f64> { text.split_whitespace().map(|v| v.parse().unwrap()).collect() };
    for (name, columns) in [("eval_bdry.txt", 8), ("eval_bdry_thr.txt", 4), ("eval_bdry_img.txt", 5)] {
        let theirs = table(&std::fs::read_to_string(sample.join("test_2").join(name)).unwrap());
        let ours = table(&set.read(&format!("out/{name}")));
        assert_eq!(ours.len(), theirs.len());
        for (k, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            // That code breaks ties at random, so its counts differ by a few pixels each time.
            assert!(
                (ours - theirs).abs() < 0.002,
                "{name}, column {} of {columns}: {ours} {theirs}",
                k % columns
            );
        }
    }
}

/// Detecting edges on the fly gives the same scores as saved edge maps.
#[test]
fn a_model_is_scored_as_its_saved_maps_are() {
    let Some(sample) = shared("data/bsds-bench-sample") else { return };
    let Some(model) = shared("data/pidinet-official/weights/table5_pidinet-tiny-l.pth") else { return };
    let set = Set(tempfile::tempdir().unwrap());
    for folder in ["images", "truth"] {
        std::fs::create_dir(set.path(folder)).unwrap();
    }
    for id in ["8068", "3063"] {
        let from = [("images", "jpg", "images"), ("groundTruth", "mat", "truth")];
        for (source, extension, folder) in from {
            let name = format!("{id}.{extension}");
            std::fs::copy(sample.join(source).join(&name), set.path(folder).join(&name)).unwrap();
        }
    }
    let eval = |arguments: &[&str], more: &[&std::ffi::OsStr]| {
        let mut command =
            set.pidinet(&["eval", "edges", "--gt", "truth", "--thresholds", "9", "--no-report"]);
        command.args(arguments).args(more).assert().success();
    };
    eval(&["--images", "images", "--out", "live", "--model"], &[model.as_os_str()]);
    let mut detect = set.pidinet(&["detect", "images", "--format", "npy", "--output", "maps", "--model"]);
    detect.arg(&model).assert().success();
    eval(&["--pred", "maps", "--out", "saved"], &[]);
    assert_eq!(set.read("live/eval_bdry_thr.txt"), set.read("saved/eval_bdry_thr.txt"));
    assert_eq!(set.summary("live")["name"], "table5_pidinet-tiny-l");
    assert!(set.summary("live")["ods"]["f"].as_f64().unwrap() > 0.6);
}
