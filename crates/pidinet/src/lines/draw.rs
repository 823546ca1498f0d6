//! Lines as pixels again.

use super::{Line, Lines};
use crate::{EdgeMap, Size};

impl Lines {
    /// A map of the image's size in which lines are one pixel wide and as strong as they are, 0 elsewhere; the strongest counts
    /// where several pass.
    pub fn drawn(&self) -> EdgeMap {
        let mut map = EdgeMap::new(
            Size { height: self.height, width: self.width },
            vec![0.0; self.width * self.height],
        );
        self.lines.iter().for_each(|line| line.draw(&mut map));
        map
    }
}

impl Line {
    fn draw(&self, map: &mut EdgeMap) {
        let (width, height) = (map.width(), map.height());
        let count = self.points.len();
        let sides = if self.closed { count } else { count.saturating_sub(1) };
        for from in 0..sides {
            let to = (from + 1) % count;
            let (a, b) = (self.points[from], self.points[to]);
            // Along the longer side every row or column has one pixel.
            let steps = (b[0] - a[0]).abs().max((b[1] - a[1]).abs()).ceil().max(1.0);
            for step in 0..=steps as usize {
                let share = step as f32 / steps;
                let at = |axis: usize| a[axis] + share * (b[axis] - a[axis]);
                let strength = self.strength[from] + share * (self.strength[to] - self.strength[from]);
                if at(0) >= 0.0 && at(1) >= 0.0 && (at(0) as usize) < width && (at(1) as usize) < height {
                    let pixel = &mut map.data_mut()[at(1) as usize * width + at(0) as usize];
                    *pixel = pixel.max(strength);
                }
            }
        }
    }
}
