//! Lines: positions along the crests of edges.

/// Lines of an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// Columns of the image.
    pub width: usize,
    /// Rows of the image.
    pub height: usize,
    /// The lines. They end where they meet others: those that meet share the point.
    pub lines: Vec<Line>,
}

/// Points along the crest of an edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Positions in pixels, `[x, y]`, from the upper left corner of the image, y down: the centre of the first pixel is
    /// `[0.5, 0.5]`.
    pub points: Vec<[f32; 2]>,
    /// The probability of an edge at each point, smoothed by `[1 2 1] / 4` both ways.
    pub strength: Vec<f32>,
    /// Whether the last point is joined to the first.
    pub closed: bool,
}

impl Lines {
    /// Points of all lines.
    pub fn point_count(&self) -> usize {
        self.lines.iter().map(|line| line.points.len()).sum()
    }
}

impl Line {
    /// The mean probability along the line.
    pub fn mean_strength(&self) -> f32 {
        self.strength.iter().sum::<f32>() / self.strength.len().max(1) as f32
    }

    /// Whether all its points are one.
    pub(super) fn is_dot(&self) -> bool {
        self.points.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Length in pixels.
    pub fn length(&self) -> f32 {
        let points =
            self.points.windows(2).map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]));
        let last = match (self.closed, self.points.first(), self.points.last()) {
            (true, Some(first), Some(last)) => (first[0] - last[0]).hypot(first[1] - last[1]),
            _ => 0.0,
        };
        points.sum::<f32>() + last
    }
}
