//! `pidinet lines`: vector files from photographs and maps.

use std::path::Path;

use pidinet::Size;
use pidinet::image::{Image, ImageLimits, PixelFormat, PixelLayout};
use pidinet::save::SaveOptions;

use crate::sandbox::Sandbox;

/// A sandbox with `map.png`, a white cross of lines on black.
fn with_map() -> Sandbox {
    let sandbox = Sandbox::new();
    let white = |at: usize| (at / 60 == 20 && at % 60 > 4) || (at % 60 == 30 && at / 60 > 4);
    let grey: Vec<u8> = (0..60 * 40).map(|at| if white(at) { 255 } else { 0 }).collect();
    let image =
        Image::from_u8(&grey, &PixelLayout::packed(Size { height: 40, width: 60 }, PixelFormat::Grey))
            .unwrap();
    image.save(sandbox.path("map.png"), &SaveOptions::default()).unwrap();
    sandbox
}

fn read(sandbox: &Sandbox, name: impl AsRef<Path>) -> String {
    std::fs::read_to_string(sandbox.path(name)).unwrap()
}

#[test]
fn a_map_becomes_a_file_of_each_format() {
    let sandbox = with_map();
    assert_eq!(sandbox.run("lines --map map.png").code(0).stdout().replace('\\', "/"), "lines/map.svg\n");
    let svg = read(&sandbox, "lines/map.svg");
    assert_eq!(svg.matches("<path").count(), 2, "{svg}");
    assert!(svg.contains(r#"viewBox="0 0 60 40""#), "{svg}");
    sandbox.run("lines --map map.png -o a.dxf --width-mm 120").code(0);
    let dxf = read(&sandbox, "a.dxf");
    assert_eq!(dxf.matches("LWPOLYLINE").count(), 2, "{dxf}");
    assert!(dxf.contains("$INSUNITS\n 70\n4\n") && dxf.contains("$EXTMAX\n 10\n120\n 20\n80\n"), "{dxf}");
    sandbox.run("lines --map map.png -o apart.svg --no-join").code(0);
    assert_eq!(read(&sandbox, "apart.svg").matches("<path").count(), 4);
    sandbox.run("lines --map map.png -o a.geojson").code(0);
    assert!(read(&sandbox, "a.geojson").contains("pixels of an image of 60x40"));
    sandbox.run("lines --map map.png -o a.json --polylines").code(0);
    assert!(read(&sandbox, "a.json").contains(r#""points":[["#));
    let out = sandbox.run("lines --map map.png -o - --format json").code(0).stdout();
    assert!(out.contains(r#""cubics""#), "{out}");
}

#[test]
fn maps_need_no_network_and_come_by_standard_input_too() {
    let sandbox = with_map().with(&["photo.png"]);
    sandbox.run("lines --map map.png -o a.svg").code(0);
    let from = |name: &str| {
        let file = std::fs::File::open(sandbox.path(name)).unwrap();
        sandbox.command("lines --map - -o b.svg").stdin(file).output().unwrap()
    };
    assert!(from("map.png").status.success());
    assert_eq!(read(&sandbox, "a.svg"), read(&sandbox, "b.svg"));
    let coloured = from("photo.png");
    let message = String::from_utf8_lossy(&coloured.stderr).into_owned();
    assert!(coloured.status.code() == Some(1) && message.contains("coloured"), "{message}");
}

#[test]
fn photographs_go_through_the_network_and_detect_writes_lines_too() {
    let sandbox = Sandbox::new().with(&["a.png"]);
    sandbox.run("lines MODEL a.png -o lines.svg --low 0.01 --high 0.01").code(0);
    sandbox.run("detect MODEL a.png -o map.npy").code(0);
    sandbox.run("lines --map map.npy -o same.svg --low 0.01 --high 0.01").code(0);
    assert_eq!(read(&sandbox, "lines.svg"), read(&sandbox, "same.svg"));
    sandbox.run("lines MODEL a.png -o plain.svg").code(0);
    sandbox.run("detect MODEL a.png -o detect.svg").code(0);
    assert_eq!(read(&sandbox, "plain.svg"), read(&sandbox, "detect.svg"));
    let ran = sandbox.run("detect MODEL a.png -o detect.svg --nms").code(2);
    assert!(ran.stderr().contains("pidinet lines"), "{}", ran.stderr());
}

#[test]
fn a_preview_is_a_picture_beside_the_lines() {
    let sandbox = with_map();
    sandbox.run("lines --map map.png -o a.svg --preview --width strength:4").code(0);
    let preview = Image::open(sandbox.path("a-preview.png"), &ImageLimits::default()).unwrap();
    assert_eq!((preview.width(), preview.height()), (120, 80));
    assert!(preview.rgb(80, 41)[0] < 0.5 && preview.rgb(10, 10)[0] == 1.0);
    std::fs::remove_file(sandbox.path("a.svg")).unwrap();
    sandbox.run("lines --map map.png -o a.svg --preview --skip-existing").code(0);
    assert!(sandbox.path("a.svg").is_file());
}

#[test]
fn a_world_file_beside_the_image_places_lines_on_the_map() {
    let sandbox = with_map();
    sandbox.write("map.pgw", b"0.5\n0\n0\n-0.5\n1000\n2000\n");
    sandbox.run("lines --map map.png -o a.geojson").code(0);
    let text = read(&sandbox, "a.geojson");
    assert!(text.contains("1990") && !text.contains("pixels"), "{text}");
    sandbox.run("lines --map map.png -o a.geojson --no-world").code(0);
    assert!(read(&sandbox, "a.geojson").contains("pixels"));
    sandbox.write("map.pgw", b"0.5\n0\n0\n");
    let ran = sandbox.run("lines --map map.png -o b.geojson").code(1);
    assert!(ran.stderr().contains("map.pgw") && ran.stderr().contains("6 numbers"), "{}", ran.stderr());
    assert!(!sandbox.path("b.geojson").exists());
}

#[test]
fn a_world_file_that_cannot_be_used_is_told_before_anything_is_computed() {
    let sandbox = Sandbox::new();
    sandbox.write("photo.jpg", b"no image");
    sandbox.write("model.safetensors", b"no model");
    let refused = |arguments: &str, why: &str| {
        let ran = sandbox.run(arguments).code(1);
        assert!(ran.stderr().contains(why) && !ran.stderr().contains("model"), "{}", ran.stderr());
    };
    refused("lines MODEL photo.jpg -o a.geojson --world none.jgw", "none.jgw");
    sandbox.write("bad.jgw", b"1 2 3");
    refused("lines MODEL photo.jpg -o a.geojson --world bad.jgw", "6 numbers");
    sandbox.write("photo.JGW", b"1 2 3");
    sandbox.run("lines --map photo.jpg -o a.geojson --no-world").code(1);
    let ran = sandbox.run("lines --map photo.jpg -o a.geojson").code(1);
    assert!(ran.stderr().contains("6 numbers") && !ran.stderr().contains("image"), "{}", ran.stderr());
}

#[test]
fn maps_are_as_large_as_the_limits_allow() {
    let sandbox = with_map();
    let ran = sandbox.run("lines --map map.png -o a.svg --max-pixels 2399").code(1);
    assert!(ran.stderr().contains("60x40"), "{}", ran.stderr());
    sandbox.run("lines --map map.png -o a.svg --max-pixels 2400").code(0);
    let from_stdin = |arguments: &str| {
        let file = std::fs::File::open(sandbox.path("map.png")).unwrap();
        sandbox.command(arguments).stdin(file).output().unwrap().status.code()
    };
    assert_eq!(from_stdin("lines --map - -o b.svg --max-pixels 2399"), Some(1));
    sandbox.run("lines --map map.png -o c.json --polylines --max-side 30 --low 0.1").code(0);
    let text = read(&sandbox, "c.json");
    assert!(text.contains(r#""width":30,"height":20"#), "{text}");
    sandbox.write("map.pgw", b"1\n0\n0\n-1\n0.5\n-0.5\n");
    for (side, decimals) in [("", 4), ("--max-side 30 --low 0.1 --spur 0", 4)] {
        sandbox.run(&format!("lines --map map.png -o d.geojson --decimals {decimals} {side}")).code(0);
        let text = read(&sandbox, "d.geojson");
        // The lower end of the vertical line: in the coordinates of the map, whatever the size.
        let lowest =
            text.split(['[', ']', ',']).filter_map(|word| word.parse::<f64>().ok()).fold(0.0, f64::min);
        assert!((-40.5..=-38.0).contains(&lowest), "{side}: {lowest}");
    }
}

#[test]
fn options_of_the_network_are_refused_with_maps() {
    let sandbox = with_map();
    for option in
        ["-m tiny", "--detail 0.5", "--scales 0.5,1", "--preset imagenet", "--strip off", "--isa portable"]
    {
        let ran = sandbox.run(&format!("lines --map map.png -o a.svg {option}")).code(2);
        assert!(ran.stderr().contains("no network runs"), "{option}: {}", ran.stderr());
    }
    sandbox.run("lines --map map.png -o a.svg -j 2 --strip auto").code(0);
}

#[test]
fn layers_widths_and_inversion_are_as_asked() {
    let sandbox = with_map();
    sandbox.run("lines --map map.png -o a.svg --layers 3 --width 0.5 --units mm --dpi 25.4").code(0);
    let svg = read(&sandbox, "a.svg");
    assert_eq!(svg.matches("inkscape:groupmode=\"layer\"").count(), 3, "{svg}");
    assert!(svg.contains(r#"width="60mm" height="40mm""#) && svg.contains(r#"stroke-width="0.5""#), "{svg}");
    sandbox.run("lines --map map.png -o b.svg --invert").code(0);
    assert_ne!(svg, read(&sandbox, "b.svg"));
}

#[test]
fn what_cannot_be_is_refused() {
    let sandbox = with_map();
    let refused = |arguments: &str, why: &str| {
        let ran = sandbox.run(arguments).code(2);
        assert!(ran.stderr().contains(why), "{arguments}: {}", ran.stderr());
    };
    refused("lines --map map.png -o a.bmp", "svg, dxf, geojson or json");
    refused("lines --map map.png -o a.svg --low 2", "0 to 1");
    refused("lines --map map.png -o a.svg --width none", "strength");
    refused("lines --map map.png -o a.svg --world map.pgw", "geojson");
    refused("lines --map map.png -o a.svg --tolerance 101", "0 to 100");
    refused("lines map.png -o a.svg --invert", "--map");
    sandbox.write("broken.png", b"no image");
    let ran = sandbox.run("lines --map broken.png map.png -o out/").code(1);
    assert!(ran.stderr().contains("broken.png"), "{}", ran.stderr());
    assert_eq!(sandbox.files(), ["broken.png", "map.png", "out/map.svg"]);
}
