//! The plainest image files, which every tracer reads: PGM, grey, and PBM, black and white.

use crate::EdgeMap;

/// From this probability on a pixel is white in black and white.
const WHITE: f32 = 0.5;

/// A map as a binary PGM file of 8 bits.
pub(super) fn pgm(map: &EdgeMap) -> Vec<u8> {
    let mut file = format!("P5\n{} {}\n255\n", map.width(), map.height()).into_bytes();
    file.extend(map.to_u8());
    file
}

/// A map as a binary PBM file, in which 1 is black and rows begin with a byte.
pub(super) fn pbm(map: &EdgeMap) -> Vec<u8> {
    let mut file = format!("P4\n{} {}\n", map.width(), map.height()).into_bytes();
    for y in 0..map.height() {
        file.extend(map.row(y).chunks(8).map(|pixels| {
            let black = pixels.iter().enumerate().filter(|(_, value)| **value < WHITE);
            black.fold(0, |byte, (at, _)| byte | 0x80 >> at)
        }));
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn files_are_as_the_formats_say() {
        let map = EdgeMap::new(
            Size { height: 2, width: 9 },
            (0..18).map(|at| if at % 5 == 0 { 1.0 } else { 0.25 }).collect(),
        );
        assert_eq!(pbm(&map), b"P4\n9 2\n\x7B\x80\xBD\x80");
        let pgm = pgm(&map);
        assert_eq!(&pgm[..14], b"P5\n9 2\n255\n\xFF\x3F\x3F");
        assert_eq!(pgm.len(), 11 + 18);
    }
}
