//! Thresholding, inverting and brightening maps.

use super::Mask;
use crate::EdgeMap;

/// Makes every pixel 1 where it is `at` or more, else 0.
pub fn threshold(map: &mut EdgeMap, at: f32) {
    map.data_mut().iter_mut().for_each(|value| *value = f32::from(u8::from(*value >= at)));
}

/// Makes every pixel `1 - v`: dark edges on white.
pub fn invert(map: &mut EdgeMap) {
    map.data_mut().iter_mut().for_each(|value| *value = 1.0 - *value);
}

/// Divides every pixel by the greatest, which becomes 1; a map without a value above 0 stays as it is.
///
/// For show, never for scores: networks with dark maps are often as good as others, and afterwards a value no
/// longer means the same in every image. Values that are infinite or not numbers do not count as the
/// greatest.
pub fn normalize(map: &mut EdgeMap) {
    let finite = map.data().iter().copied().filter(|value| value.is_finite());
    let greatest = finite.fold(0.0, f32::max);
    if greatest > 0.0 {
        map.data_mut().iter_mut().for_each(|value| *value /= greatest);
    }
}

/// Makes every pixel outside `mask` 0.
///
/// # Panics
///
/// If the mask does not have the map's size.
pub fn keep(map: &mut EdgeMap, mask: &Mask) {
    assert_eq!((map.width(), map.height()), (mask.width(), mask.height()), "the mask has another size");
    let width = map.width();
    for (y, row) in map.data_mut().chunks_exact_mut(width.max(1)).enumerate() {
        let words = mask.row(y);
        for (x, value) in row.iter_mut().enumerate() {
            if words[x / 64] >> (x % 64) & 1 == 0 {
                *value = 0.0;
            }
        }
    }
}

/// A mask as a map: 1 in the set, 0 elsewhere.
impl From<&Mask> for EdgeMap {
    fn from(mask: &Mask) -> Self {
        let mut map = Self::new(mask.size(), vec![1.0; mask.size().pixels()]);
        keep(&mut map, mask);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn a_threshold_keeps_equal_values() {
        let mut map = EdgeMap::new(Size { height: 1, width: 4 }, vec![0.2, 0.5, 0.7, f32::NAN]);
        threshold(&mut map, 0.5);
        assert_eq!(map.data(), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn inverting_twice_changes_nothing_that_is_exact() {
        let mut map = EdgeMap::new(Size { height: 1, width: 3 }, vec![0.0, 0.25, 1.0]);
        invert(&mut map);
        assert_eq!(map.data(), [1.0, 0.75, 0.0]);
        invert(&mut map);
        assert_eq!(map.data(), [0.0, 0.25, 1.0]);
    }

    #[test]
    fn the_greatest_value_becomes_white() {
        let after = |data: Vec<f32>| {
            let mut map = EdgeMap::new(Size { height: 1, width: data.len() }, data);
            normalize(&mut map);
            map.into_data()
        };
        assert_eq!(after(vec![0.0, 0.0625, 0.25, 0.125]), [0.0, 0.25, 1.0, 0.5]);
        assert_eq!(after(vec![0.0; 3]), [0.0; 3], "there is nothing to show");
        assert_eq!(after(vec![-1.0, 0.0]), [-1.0, 0.0]);
        assert_eq!(after(vec![0.1, f32::MIN_POSITIVE / 4.0])[0], 1.0);
        assert_eq!(after(vec![f32::MIN_POSITIVE / 4.0])[0], 1.0);
        assert_eq!(after(vec![0.5, f32::INFINITY, f32::NAN])[..1], [1.0]);
    }

    #[test]
    fn what_is_outside_a_mask_goes() {
        let values: Vec<f32> = (0..140).map(|i| 0.1 + i as f32 / 200.0).collect();
        let mut map = EdgeMap::new(Size { height: 2, width: 70 }, values.clone());
        let mask = Mask::from_fn(Size { height: 2, width: 70 }, |x, y| (x + y) % 3 == 0);
        keep(&mut map, &mask);
        for (i, (&got, &value)) in map.data().iter().zip(&values).enumerate() {
            assert_eq!(got, if mask.contains(i % 70, i / 70) { value } else { 0.0 });
        }
        assert_eq!(Mask::at_least(&EdgeMap::from(&mask), 1.0), mask);
    }
}
