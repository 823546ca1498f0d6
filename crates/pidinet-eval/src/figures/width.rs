//! How wide text is, without the font: by the widths of its letters.

/// Widths of the letters from U+0020 to U+007E in Inter, in thousandths of the size, without kerning.
#[rustfmt::skip]
const ASCII: [u16; 95] = [
    281, 288, 466, 633, 642, 982, 644, 300, 365, 365, 501, 662, 288, 460, 288, 360, 631, 407, 610, 618,
    646, 593, 620, 566, 619, 620, 288, 302, 662, 662, 662, 511, 966, 690, 654, 730, 722, 601, 590, 746,
    743, 269, 571, 672, 565, 903, 753, 765, 639, 765, 644, 642, 646, 744, 690, 985, 682, 679, 629, 365,
    360, 365, 471, 456, 323, 562, 612, 571, 612, 583, 370, 613, 591, 242, 242, 549, 242, 876, 591, 600,
    612, 612, 376, 528, 327, 591, 562, 818, 546, 562, 552, 426, 333, 426, 662,
];
/// Width of other letters of European alphabets, about.
const OTHER: u16 = 650;
/// Width of letters of East Asia, which begin at U+2E80.
const WIDE: u16 = 1000;

/// Width of a line of text in points; size is that of [`Text::new`](super::figure::Text::new).
pub(crate) fn width(text: &str) -> f64 {
    let letter = |c: char| match u32::from(c) {
        code @ 0x20..0x7f => ASCII[code as usize - 0x20],
        0x2e80.. => WIDE,
        _ => OTHER,
    };
    text.chars().map(|c| f64::from(letter(c))).sum::<f64>() / 1000.0 * super::figure::SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "raster")]
    #[test]
    fn widths_are_those_of_what_is_drawn() {
        for text in ["0123456789", "[F=.803] Human", "The quick brown fox, and PiDiNet-tiny_v2 (w/o NMS)"] {
            let drawn = super::super::raster::width(text);
            assert!((width(text) - drawn).abs() < 0.03 * drawn + 2.0, "{text}: {} {drawn}", width(text));
        }
    }

    #[test]
    fn every_letter_has_a_width() {
        assert_eq!(width(""), 0.0);
        assert!(width("Łódź") > width("ii") && width("中文") > width("aa") && width("\u{1}") > 0.0);
    }
}
