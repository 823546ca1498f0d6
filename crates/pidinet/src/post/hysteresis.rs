//! Thresholding with hysteresis: weak edges stay where they lead to strong ones.

use super::Mask;
use crate::{EdgeMap, Size};

/// The pixels of value `low` or more that are connected, over their eight neighbours, to a pixel of value
/// `high` or more.
///
/// ```
/// use pidinet::{EdgeMap, Size, post::hysteresis};
/// let map = EdgeMap::new(Size { height: 1, width: 5 }, vec![0.3, 0.9, 0.3, 0.1, 0.3]);
/// let edges = hysteresis(&map, 0.25, 0.8);
/// assert_eq!(edges.pixels().collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0)]);
/// ```
pub fn hysteresis(map: &EdgeMap, low: f32, high: f32) -> Mask {
    let (width, height) = (map.width(), map.height());
    let mut edges = Mask::new(Size { height, width });
    let mut open: Vec<(usize, usize)> =
        Mask::at_least(map, high.max(low)).pixels().inspect(|&(x, y)| edges.insert(x, y)).collect();
    while let Some((x, y)) = open.pop() {
        for near_y in y.saturating_sub(1)..(y + 2).min(height) {
            for near_x in x.saturating_sub(1)..(x + 2).min(width) {
                if map.row(near_y)[near_x] >= low && !edges.contains(near_x, near_y) {
                    edges.insert(near_x, near_y);
                    open.push((near_x, near_y));
                }
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `#` is strong, `+` weak, `.` nothing; capitals of the answer are in the set.
    fn edges(rows: &[&str]) -> Vec<String> {
        let (width, height) = (rows[0].len(), rows.len());
        let value = |c| match c {
            '#' => 0.8,
            '+' => 0.4,
            _ => 0.1,
        };
        let mask = hysteresis(
            &EdgeMap::new(Size { height, width }, rows.concat().chars().map(value).collect()),
            0.4,
            0.8,
        );
        (0..height)
            .map(|y| (0..width).map(|x| if mask.contains(x, y) { 'X' } else { '.' }).collect())
            .collect()
    }

    #[test]
    fn weak_edges_stay_if_they_lead_to_a_strong_one() {
        assert_eq!(
            edges(&["#++.++", "...+..", "+....+", ".+..+.", "..+..."]),
            ["XXX.XX", "...X..", "......", "......", "......"]
        );
    }

    #[test]
    fn diagonals_connect_and_borders_do_not_wrap() {
        assert_eq!(edges(&["+....", "+...#", ".+.+.", "..+.."]), ["X....", "X...X", ".X.X.", "..X.."]);
        assert_eq!(edges(&["#...+", "+...+"]), ["X....", "X...."]);
    }

    #[test]
    fn equal_thresholds_are_one_threshold() {
        let map = EdgeMap::new(Size { height: 1, width: 9 }, (0..9).map(|i| i as f32 / 8.0).collect());
        assert_eq!(hysteresis(&map, 0.5, 0.5), Mask::at_least(&map, 0.5));
        assert_eq!(hysteresis(&map, 0.5, 0.1), Mask::at_least(&map, 0.5), "high below low counts as low");
    }
}
