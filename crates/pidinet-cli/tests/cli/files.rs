//! Odd files: what is read correctly, and what is refused with a clear message.

use std::path::{Path, PathBuf};

use pidinet::image::{Image, ImageLimits};

use crate::sandbox::Sandbox;

/// A small file of another program.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pidinet/tests/images").join(name)
}

fn copy(sandbox: &Sandbox, name: &str, to: &str) {
    std::fs::copy(fixture(name), sandbox.path(to)).unwrap();
}

/// A little-endian TIFF of one row of RGB floats.
fn floats(values: &[f32]) -> Vec<u8> {
    let mut file = b"II*\0".to_vec();
    file.extend((8 + 4 * values.len() as u32).to_le_bytes());
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    let tags = [
        (256, values.len() as u32 / 3),
        (257, 1),
        (258, 32),
        (262, 2),
        (273, 8),
        (277, 3),
        (279, 4 * values.len() as u32),
        (339, 3),
    ];
    file.extend((tags.len() as u16).to_le_bytes());
    for (tag, value) in tags {
        file.extend((tag as u16).to_le_bytes());
        file.extend(4_u16.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file
}

#[test]
fn a_value_that_stands_for_no_data_gives_no_map() {
    let sandbox = Sandbox::new();
    for value in [-3.4e38, 1e38, f32::NAN] {
        let mut values = [0.5; 60];
        values[3 * 7 + 2] = value;
        sandbox.write("a.tif", &floats(&values));
        let ran = sandbox.run("detect MODEL a.tif -o map.npy").code(1);
        assert!(ran.stderr().contains("a.tif") && ran.stderr().contains("pixel (7, 0)"), "{}", ran.stderr());
    }
    assert_eq!(sandbox.files(), ["a.tif"]);
}

#[test]
fn floats_of_0_to_255_need_their_range() {
    let sandbox = Sandbox::new();
    let values: Vec<f32> = (0..60).map(|i| (i * 4) as f32).collect();
    sandbox.write("a.tif", &floats(&values));
    let ran = sandbox.run("detect MODEL a.tif -o map.npy").code(1);
    assert!(
        ran.stderr().contains("to 236 at pixel (19, 0)") && ran.stderr().contains("--range"),
        "{}",
        ran.stderr()
    );
    sandbox.run("detect MODEL a.tif -o map.npy --range 0,255").code(0);
    let units: Vec<f32> = values.iter().map(|value| value / 255.0).collect();
    sandbox.write("b.tif", &floats(&units));
    sandbox.run("detect MODEL b.tif -o unit.npy").code(0);
    let [map, unit] = ["map.npy", "unit.npy"].map(|name| std::fs::read(sandbox.path(name)).unwrap());
    assert_eq!(map, unit);
    assert_eq!(sandbox.run("detect MODEL a.tif --range 1,0").code(2).stdout(), "");
}

#[test]
fn what_is_left_out_of_a_folder_is_said_in_one_line() {
    let sandbox = Sandbox::new().with(&["f/a.png"]);
    for name in ["b.heic", "c.jxl", "d.avif", "e.heic", "._a.png", "Thumbs.db", ".DS_Store"] {
        sandbox.write(&format!("f/{name}"), b"\0\x05\x16\x07");
    }
    copy(&sandbox, "rgb.gif", "f/g.gif");
    let ran = sandbox.run("detect MODEL f -o out").code(0);
    assert!(ran.stderr().contains("1 avif, 2 heic, 1 jxl"), "{}", ran.stderr());
    assert_eq!(ran.stderr().lines().count(), 1, "{}", ran.stderr());
    assert!(sandbox.path("out/a.png").exists() && sandbox.path("out/g.png").exists());
}

#[test]
fn what_is_named_is_taken_whatever_its_name() {
    let sandbox = Sandbox::new();
    copy(&sandbox, "rgb.jpg", "a.mpo");
    copy(&sandbox, "rgb.jpg", "b.jfif");
    sandbox.write(
        "c.pam",
        b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n\x01\x02\x03\x04\x05\x06",
    );
    copy(&sandbox, "palette.bmp", "d.dib");
    // The same without the file header.
    let bmp = std::fs::read(fixture("palette.bmp")).unwrap();
    sandbox.write("e.dib", &bmp[14..]);
    for name in ["a.mpo", "b.jfif", "c.pam", "d.dib", "e.dib"] {
        sandbox.run(&format!("detect MODEL {name} -o {name}.npy")).code(0);
    }
    let [d, e] = ["d", "e"].map(|name| std::fs::read(sandbox.path(format!("{name}.dib.npy"))).unwrap());
    assert_eq!(d, e);
}

#[test]
fn kinds_that_are_not_read_are_named_with_the_way_out() {
    let sandbox = Sandbox::new();
    for (start, kind, way) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC", "heif-convert"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF", "avifdec"),
        (b"\xFF\x0A\xFA\x1F", "JPEG XL", "djxl"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000", "magick"),
        (b"PF\n3 2\n-1.0\n", "PFM", "magick"),
        (b"8BPS\0\x01", "Photoshop", "magick"),
        (b"\0\0\x02\0\0\0\0\0\0\0\0\0\x04\0\x04\0\x18\x20\x01\x02", "TGA", "magick"),
    ] {
        sandbox.write("photo.jpg", start);
        let ran = sandbox.run("detect MODEL photo.jpg").code(1);
        assert!(ran.stderr().contains(kind) && ran.stderr().contains(way), "{}", ran.stderr());
    }
}

#[test]
fn a_picture_that_is_cut_is_read_if_that_is_accepted() {
    let sandbox = Sandbox::new().with(&["whole.png"]);
    let jpeg = std::fs::read(fixture("rgb.jpg")).unwrap();
    sandbox.write("a.jpg", &jpeg[..jpeg.len() - 2]);
    let png = std::fs::read(sandbox.path("whole.png")).unwrap();
    sandbox.write("b.png", &png[..png.len() - 12]);
    sandbox.write("c.png", &png[..png.len() * 2 / 3]);
    copy(&sandbox, "rgb.jpg", "whole.jpg");
    for (name, damage) in [("a.jpg", "end mark"), ("b.png", "IEND"), ("c.png", "20 rows are there")] {
        let ran = sandbox.run(&format!("detect MODEL {name} -o {name}.npy")).code(1);
        assert!(ran.stderr().contains("--accept-damaged"), "{}", ran.stderr());
        let ran = sandbox.run(&format!("detect MODEL {name} -o {name}.npy --accept-damaged --json")).code(0);
        assert!(ran.stdout().contains("\"damaged\":") && ran.stdout().contains(damage), "{}", ran.stdout());
        assert!(ran.stderr().contains(damage), "{}", ran.stderr());
    }
    sandbox.run("detect MODEL whole.jpg -o whole.jpg.npy").code(0);
    sandbox.run("detect MODEL whole.png -o whole.png.npy --json --accept-damaged").code(0);
    let read = |name: &str| std::fs::read(sandbox.path(name)).unwrap();
    assert_eq!(read("a.jpg.npy"), read("whole.jpg.npy"));
    assert_eq!(read("b.png.npy"), read("whole.png.npy"));
    assert_eq!(read("c.png.npy").len(), read("whole.png.npy").len());
    sandbox.write("d.png", &png[..60]);
    sandbox.run("detect MODEL d.png --accept-damaged").code(1);
}

#[test]
fn associated_alpha_is_not_multiplied_again() {
    let sandbox = Sandbox::new();
    copy(&sandbox, "tiff/associated-8.tif", "a.tif");
    sandbox.run("detect MODEL a.tif -o a.npy").code(0);
    let image = Image::open(fixture("tiff/associated-8.tif"), &ImageLimits::default()).unwrap();
    let straight = Image::open(fixture("tiff/straight-8.tif"), &ImageLimits::default()).unwrap();
    for (x, y) in [(0, 0), (19, 12), (7, 5)] {
        let off =
            image.rgb(x, y).iter().zip(straight.rgb(x, y)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off <= 1.01 / 255.0, "({x}, {y}): {off}");
    }
}
