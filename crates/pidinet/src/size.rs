//! The size of an image or a map.

use std::fmt;

/// Height and width in pixels.
///
/// ```
/// use pidinet::Size;
/// assert_eq!(Size { height: 321, width: 481 }.to_string(), "481x321");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    /// As many rows as columns.
    pub const fn square(side: usize) -> Self {
        Self { height: side, width: side }
    }

    /// Number of pixels.
    pub const fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Applies a function to both sides.
    #[must_use]
    pub fn map(self, side: impl Fn(usize) -> usize) -> Self {
        Self { height: side(self.height), width: side(self.width) }
    }

    /// The shorter side.
    pub fn shorter(self) -> usize {
        self.height.min(self.width)
    }
}

impl fmt::Display for Size {
    /// `WIDTHxHEIGHT`, as image sizes are usually written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}
