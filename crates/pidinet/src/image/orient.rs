//! Turning an image upright, as its EXIF orientation says.

use ::image::metadata::Orientation;

/// Applies `orientation` to RGB pixels `[height, width, 3]`; returns the pixels and the new width and
/// height. Flips are in place; a quarter turn makes a second copy while it runs.
pub(super) fn upright<S: Copy>(
    mut data: Vec<S>,
    (width, height): (usize, usize),
    orientation: Orientation,
) -> (Vec<S>, (usize, usize)) {
    let (pixels, _) = data.as_chunks_mut::<3>();
    let (last_column, last_row) = (width - 1, height - 1);
    let quarter = match orientation {
        Orientation::NoTransforms => return (data, (width, height)),
        Orientation::FlipHorizontal => {
            pixels.chunks_exact_mut(width).for_each(<[_]>::reverse);
            return (data, (width, height));
        }
        Orientation::Rotate180 => {
            pixels.reverse();
            return (data, (width, height));
        }
        Orientation::FlipVertical => {
            pixels.reverse();
            pixels.chunks_exact_mut(width).for_each(<[_]>::reverse);
            return (data, (width, height));
        }
        Orientation::Rotate90FlipH => turned(pixels, (width, height), |x, y| (y, x)),
        Orientation::Rotate90 => turned(pixels, (width, height), |x, y| (y, last_row - x)),
        Orientation::Rotate270FlipH => {
            turned(pixels, (width, height), |x, y| (last_column - y, last_row - x))
        }
        Orientation::Rotate270 => turned(pixels, (width, height), |x, y| (last_column - y, x)),
    };
    (quarter, (height, width))
}

/// Rows of the result that are written together: their pixels share cache lines of the source.
const BAND: usize = 16;

/// The image of size `height` x `width` whose pixel `(x, y)` is pixel `from(x, y)` of the source.
fn turned<S: Copy>(
    source: &[[S; 3]],
    (width, height): (usize, usize),
    from: impl Fn(usize, usize) -> (usize, usize),
) -> Vec<S> {
    let mut result = vec![source[0]; source.len()];
    for top in (0..width).step_by(BAND) {
        for x in 0..height {
            for y in top..width.min(top + BAND) {
                let (source_x, source_y) = from(x, y);
                result[y * height + x] = source[source_y * width + source_x];
            }
        }
    }
    result.into_flattened()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight pictures of the EXIF standard: row 0 and column 0 of the file lie at the sides of the
    /// scene that its table names.
    #[test]
    fn all_eight_orientations() {
        let picture = |rows: &[&str]| -> Vec<char> { rows.concat().chars().flat_map(|c| [c; 3]).collect() };
        let upside = ["abc", "def"];
        let cases: [(u8, &[&str]); 8] = [
            (1, &["abc", "def"]),
            (2, &["cba", "fed"]),
            (3, &["fed", "cba"]),
            (4, &["def", "abc"]),
            (5, &["ad", "be", "cf"]),
            (6, &["da", "eb", "fc"]),
            (7, &["fc", "eb", "da"]),
            (8, &["cf", "be", "ad"]),
        ];
        for (exif, want) in cases {
            let orientation = Orientation::from_exif(exif).unwrap();
            let (got, size) = upright(picture(&upside), (3, 2), orientation);
            assert_eq!(got, picture(want), "orientation {exif}");
            assert_eq!(size, (want[0].len(), want.len()), "orientation {exif}");
        }
    }

    #[test]
    fn a_large_image_is_turned_whole() {
        let (width, height) = (37, 50);
        let data: Vec<usize> = (0..width * height).flat_map(|i| [i; 3]).collect();
        let (turned, size) = upright(data.clone(), (width, height), Orientation::Rotate90);
        assert_eq!(size, (height, width));
        let (back, size) = upright(turned, size, Orientation::Rotate270);
        assert_eq!((back, size), (data, (width, height)));
    }
}
