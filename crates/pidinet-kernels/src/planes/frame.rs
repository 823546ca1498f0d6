//! How a plane lies in memory.

/// Elements after a plane that a kernel may read but never uses: the widest tile.
const SLACK: usize = 128;

/// The layout of a plane of `height × width` in its frame of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Rows of the map.
    pub height: usize,
    /// Columns of the map.
    pub width: usize,
    /// Rows and columns of zeros on each side.
    pub border: usize,
}

impl Frame {
    /// Elements from one row to the next. The columns right of a row are also those left of the next.
    pub fn stride(&self) -> usize {
        self.width + self.border
    }

    /// Position of the first pixel in its plane: a multiple of 16, so that a whole vector which ends in the first row
    /// begins in the plane, too.
    pub fn start(&self) -> usize {
        (self.border * self.stride() + self.border).next_multiple_of(16)
    }

    /// Elements from the first pixel to the end of the last row, including borders between rows.
    pub fn len(&self) -> usize {
        self.height * self.stride()
    }

    /// Whether there is no pixel.
    pub fn is_empty(&self) -> bool {
        self.height * self.width == 0
    }

    /// Elements from one plane to the next: an odd number of cache lines, so that equal pixels of many
    /// planes do not compete for the same lines of a cache.
    pub fn plane(&self) -> usize {
        let needed = self.start() + self.len() + self.start() + SLACK;
        let lines = needed.div_ceil(16);
        (lines | 1) * 16
    }

    /// Distance in memory to the pixel `dy` rows below and `dx` columns right.
    pub fn distance(&self, dy: isize, dx: isize) -> isize {
        assert!(dy.unsigned_abs() <= self.border && dx.unsigned_abs() <= self.border, "reads past the frame");
        dy * self.stride() as isize + dx
    }

    /// Position of the first pixel of row `y`.
    pub fn row(&self, y: usize) -> usize {
        self.start() + y * self.stride()
    }

    /// The range of `width` pixels of row `y`.
    pub fn pixels(&self, y: usize) -> std::ops::Range<usize> {
        self.row(y)..self.row(y) + self.width
    }

    /// Sets the frame right of the rows `rows` of one plane to zero.
    pub fn clear(&self, plane: &mut [f32], rows: std::ops::Range<usize>) {
        for y in rows {
            let end = self.row(y) + self.width;
            let right = &mut plane[end..end + self.border];
            // Most frames are this narrow, and a call to fill two numbers takes longer than to write them.
            if let [first, second] = right {
                (*first, *second) = (0.0, 0.0);
            } else {
                right.fill(0.0);
            }
        }
    }
}
