use super::*;
use crate::image::{Image, PixelFormat, PixelLayout, Pixels};
use crate::video::Rate;
use crate::{Result, Size};

const MOST: u64 = 1_000_000;

fn header(line: &str) -> Header {
    Reader::new(format!("{line}\n").as_bytes(), MOST).unwrap().header().clone()
}

fn error(bytes: &[u8]) -> String {
    let mut frame = Vec::new();
    let all = Reader::new(bytes, MOST).and_then(|mut reader| while_read(&mut reader, &mut frame));
    all.unwrap_err().to_string()
}

fn while_read(reader: &mut Reader<&[u8]>, frame: &mut Vec<u8>) -> Result<u64, Y4mError> {
    let mut frames = 0;
    while reader.read(frame)? {
        frames += 1;
    }
    Ok(frames)
}

#[test]
fn headers_of_other_programs_are_read() {
    let ffmpeg =
        header("YUV4MPEG2 W481 H321 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED");
    assert_eq!(ffmpeg.size, Size { width: 481, height: 321 });
    assert_eq!((ffmpeg.rate, ffmpeg.aspect), (Rate { frames: 30000, seconds: 1001 }, (1, 1)));
    assert_eq!((ffmpeg.chroma, ffmpeg.bits, ffmpeg.range), (Chroma::C420, 8, Range::Limited));
    assert_eq!(ffmpeg.frame_bytes(), 481 * 321 + 2 * 241 * 161);
    let short = header("YUV4MPEG2 W4 H2");
    assert_eq!(
        (short.chroma, short.rate, short.range),
        (Chroma::C420, Rate { frames: 25, seconds: 1 }, Range::Limited)
    );
    let kinds =
        ["mono", "420mpeg2", "420paldv", "420", "422", "444", "411", "420p10", "422p12", "mono10", "mono16"];
    let found = kinds.map(|kind| {
        let header = header(&format!("YUV4MPEG2 W5 H3 C{kind} F0:0"));
        (header.chroma, header.bits, header.frame_bytes())
    });
    use Chroma::{C411, C420, C422, C444, Mono};
    let want = [
        (Mono, 8, 15),
        (C420, 8, 27),
        (C420, 8, 27),
        (C420, 8, 27),
        (C422, 8, 33),
        (C444, 8, 45),
        (C411, 8, 27),
        (C420, 10, 54),
        (C422, 12, 66),
        (Mono, 10, 30),
        (Mono, 16, 30),
    ];
    assert_eq!(found, want);
    assert_eq!(header("YUV4MPEG2 W5 H3 Cmono").range, Range::Full);
    assert_eq!(header("YUV4MPEG2 W5 H3 C444 XCOLORRANGE=FULL").range, Range::Full);
}

#[test]
fn headers_are_written_as_they_are_read() {
    for line in [
        "YUV4MPEG2 W481 H321 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED",
        "YUV4MPEG2 W1 H1 F25:1 I? A0:0 Cmono XCOLORRANGE=FULL",
        "YUV4MPEG2 W64 H48 F25:1 It A16:15 C422 XCOLORRANGE=LIMITED",
        "YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C444p10 XCOLORRANGE=FULL",
        "YUV4MPEG2 W64 H48 F25:1 Ip A1:1 Cmono12 XCOLORRANGE=FULL",
    ] {
        assert_eq!(header(line).to_string(), line);
    }
}

#[test]
fn what_is_no_such_stream_is_told() {
    for (bytes, message) in [
        (&b""[..], "empty"),
        (b"\x89PNG\r\n\x1a\n", "not a YUV4MPEG2 stream"),
        (b"YUV4MPEG W1 H1\n", "not a YUV4MPEG2 stream"),
        (b"YUV4MPEG2 W4\n", "no width or height"),
        (b"YUV4MPEG2 W0 H4\n", "`W0`"),
        (b"YUV4MPEG2 W99999999999999999999 H4\n", "expected a width"),
        (b"YUV4MPEG2 W4 H-4\n", "`H-4`"),
        (b"YUV4MPEG2 W4 H4 F25\xff\n", "not a YUV4MPEG2 stream"),
        (b"YUV4MPEG2 W4 H4 F25:0\n", "`F25:0`"),
        (b"YUV4MPEG2 W4 H4 A1\n", "`A1`"),
        (b"YUV4MPEG2 W4 H4 C444alpha\n", "`444alpha`"),
        (b"YUV4MPEG2 W4 H4 C420p17\n", "`420p17`"),
        (b"YUV4MPEG2 W4 H4 Crgb\n", "`rgb`"),
        (b"YUV4MPEG2 W1001 H1000\n", "1.0 megapixels"),
        (b"YUV4MPEG2 W2 H1 Cmono\nFRAME\n1", "cut short in frame 1"),
        (b"YUV4MPEG2 W2 H1 Cmono\nFRAME\n12FRA", "cut short in frame 2"),
        (b"YUV4MPEG2 W2 H1 Cmono\nFRAME\n123FRAME\n12", "frame 2 does not begin"),
    ] {
        let error = error(bytes);
        assert!(error.contains(message), "{}: {error}", String::from_utf8_lossy(bytes));
    }
    let endless = [b"YUV4MPEG2 W4 H4 ".to_vec(), vec![b'X'; 10_000]].concat();
    assert!(!error(&endless).is_empty());
}

#[test]
fn frames_come_one_by_one() {
    let film = b"YUV4MPEG2 W2 H1 Cmono\nFRAME\n\x01\nFRAME Ixyz\n\x02\x03FRAME\nFR";
    let mut reader = Reader::new(&film[..], MOST).unwrap();
    let mut frame = Vec::new();
    for want in [[1, b'\n'], [2, 3], *b"FR"] {
        assert!(reader.read(&mut frame).unwrap());
        assert_eq!(frame, want);
    }
    assert!(!reader.read(&mut frame).unwrap());
}

#[test]
fn a_header_that_promises_much_takes_no_memory() {
    let film = b"YUV4MPEG2 W65536 H60000 C444p16\nFRAME\n123";
    let mut reader = Reader::new(&film[..], u64::MAX).unwrap();
    let mut frame = Vec::new();
    assert!(reader.read(&mut frame).is_err());
    assert!(frame.capacity() < 100_000, "{}", frame.capacity());
}

fn pixels(header: &Header, frame: &[u8]) -> Vec<u8> {
    match header.image(frame, Matrix::Bt601).unwrap().pixels() {
        Pixels::U8(data) => data.clone(),
        other => panic!("{other:?}"),
    }
}

/// The primary colours as Rec. 601 has them in limited range: white, red, green, blue, black.
const PRIMARIES: [([u8; 3], [u8; 3]); 5] = [
    ([235, 128, 128], [255, 255, 255]),
    ([81, 90, 240], [255, 0, 0]),
    ([145, 54, 34], [0, 255, 0]),
    ([41, 240, 110], [0, 0, 255]),
    ([16, 128, 128], [0, 0, 0]),
];

#[test]
fn colours_are_those_of_the_standard() {
    let one = header("YUV4MPEG2 W1 H1 C444");
    for (yuv, rgb) in PRIMARIES {
        let got = pixels(&one, &yuv);
        // Frames hold whole numbers, which are up to half a level away.
        assert!(got.iter().zip(rgb).all(|(&got, want)| got.abs_diff(want) <= 2), "{got:?} for {rgb:?}");
    }
    let red = [63, 102, 240]; // of Rec. 709
    let image = one.image(&red, Matrix::Bt709).unwrap();
    assert!(image.rgb(0, 0).iter().zip([1.0, 0.0, 0.0]).all(|(got, want)| (got - want).abs() < 0.01));
    assert_eq!((Matrix::likely(719), Matrix::likely(720)), (Matrix::Bt601, Matrix::Bt709));
    assert_eq!("bt709".parse(), Ok(Matrix::Bt709));
    assert!("bt2020".parse::<Matrix>().is_err());
}

#[test]
fn samples_of_colour_are_shared_at_odd_sizes_too() {
    // Grey 126, with red where the colour plane says so.
    for (kind, colours, shared) in [
        ("420jpeg", 2 * 2, vec![0, 1, 3, 4]),
        ("422", 2 * 3, vec![0, 1]),
        ("411", 3, vec![0, 1, 2]),
        ("444", 9, vec![0]),
    ] {
        let odd = header(&format!("YUV4MPEG2 W3 H3 C{kind}"));
        let mut frame = [vec![126; 9], vec![128; 2 * colours]].concat();
        frame[9 + colours] = 200;
        let pixels = pixels(&odd, &frame);
        let is_red = |at: &usize| pixels[3 * at] > 200 && pixels[3 * at + 1] < 100;
        assert_eq!((0..9).filter(is_red).collect::<Vec<_>>(), shared, "{kind}");
    }
}

#[test]
fn grey_is_as_it_is_or_of_limited_range() {
    let full = header("YUV4MPEG2 W2 H1 Cmono XCOLORRANGE=FULL");
    assert_eq!(pixels(&full, &[0, 77]), [0, 0, 0, 77, 77, 77]);
    let limited = header("YUV4MPEG2 W3 H1 Cmono XCOLORRANGE=LIMITED");
    assert_eq!(pixels(&limited, &[3, 16, 235]), [0, 0, 0, 0, 0, 0, 255, 255, 255]);
}

#[test]
fn ten_bits_are_sixteen_bits_of_an_image() {
    let ten = header("YUV4MPEG2 W2 H1 C444p10");
    let samples = [64u16, 940, 512, 512, 512, 512];
    let frame: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let image = ten.image(&frame, Matrix::Bt601).unwrap();
    assert_eq!(image.pixels(), &Pixels::U16(vec![0, 0, 0, 65535, 65535, 65535]));
    assert!(ten.image(&frame[1..], Matrix::Bt601).is_err());
}

#[test]
fn colours_come_back() -> Result<()> {
    let pixels: Vec<u8> = (0..3000u32).map(|at| (at * 7919 % 256) as u8).collect();
    let image =
        Image::from_u8(&pixels, &PixelLayout::packed(Size { height: 20, width: 50 }, PixelFormat::Rgb))?;
    let header = header("YUV4MPEG2 W50 H20 C444");
    for matrix in [Matrix::Bt601, Matrix::Bt709] {
        let back = header.image(&yuv444(&image, matrix), matrix).unwrap();
        let Pixels::U8(back) = back.pixels() else { panic!("8 bits") };
        // Half a level of each of three samples, in steps of 255/219 and up to 1.86 * 255/224.
        let worst = pixels.iter().zip(back).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(3), "{worst:?}");
    }
    Ok(())
}

#[test]
fn frames_of_another_length_are_not_written() {
    let header = header("YUV4MPEG2 W2 H1 Cmono");
    let mut writer = Writer::new(Vec::new(), &header).unwrap();
    writer.write(&[1, 2]).unwrap();
    assert!(matches!(writer.write(&[1]), Err(Y4mError::Length { found: 1, expected: 2 })));
    let end = b"FRAME\n\x01\x02";
    assert!(writer.into_inner().ends_with(end));
}

#[test]
fn damaged_streams_are_no_harm() {
    let mut random = 1u64;
    let mut below = |most: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % most
    };
    let kinds = ["mono", "420jpeg", "422", "444", "411", "420p10", "mono16"];
    for round in 0..20_000 {
        let line = format!("YUV4MPEG2 W5 H3 F25:1 Ip A1:1 C{}\n", kinds[round % kinds.len()]);
        let mut bytes = line.clone().into_bytes();
        for _ in 0..2 {
            bytes.extend_from_slice(b"FRAME\n");
            bytes.extend((0..header(line.trim_end()).frame_bytes()).map(|at| at as u8));
        }
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            match below(3) {
                0 => bytes[at] = below(256) as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, b"0123456789 :WHFC\n"[below(17)]),
            }
        }
        let Ok(mut reader) = Reader::new(&bytes[..], MOST) else { continue };
        let mut frame = Vec::new();
        while reader.read(&mut frame).is_ok_and(|more| more) {
            assert_eq!(reader.header().image(&frame, Matrix::Bt709).unwrap().size(), reader.header().size);
        }
    }
}
