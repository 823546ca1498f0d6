//! A figure as a list of marks, drawn by [`svg`](crate::figures::svg) as text and by
//! [`raster`](crate::figures::raster) as pixels. Positions are in points from the top left corner.

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// Black enough for text.
    pub const INK: Self = Self([0x1f, 0x23, 0x28]);
    /// For text of less weight.
    pub const GREY: Self = Self([0x6b, 0x72, 0x78]);
    /// For grids.
    pub const FAINT: Self = Self([0xe4, 0xe6, 0xe8]);
    /// The paper.
    pub const WHITE: Self = Self([0xff, 0xff, 0xff]);

    /// `#rrggbb`.
    pub(crate) fn hex(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// Columns to the right and rows downwards, in points.
pub(crate) type Point = (f64, f64);

/// How text sits on its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    /// Lengths of dashes and gaps; 0 draws it solid.
    pub(crate) dash: f64,
}

impl Stroke {
    pub(crate) fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: 0.0 }
    }
}

/// A piece of text; its position is on the base line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) at: Point,
    pub(crate) text: String,
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    pub(crate) colour: Colour,
    /// Whether it reads upwards.
    pub(crate) upwards: bool,
    pub(crate) bold: bool,
}

impl Text {
    /// Upright text of the usual size and colour, beginning at `at`.
    pub(crate) fn new(at: Point, text: impl Into<String>) -> Self {
        let (anchor, colour) = (Anchor::Start, Colour::INK);
        Self { at, text: text.into(), size: 13.0, anchor, colour, upwards: false, bold: false }
    }
}

/// Something drawn; later marks cover earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    Line {
        points: Vec<Point>,
        stroke: Stroke,
    },
    /// A rectangle between two corners, filled and framed.
    Box {
        from: Point,
        to: Point,
        fill: Colour,
        frame: Stroke,
    },
    /// A filled circle with a white rim, which lifts it off the lines it is on.
    Dot {
        centre: Point,
        radius: f64,
        fill: Colour,
    },
    Text(Text),
}

/// A drawing of a size in points.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// What it shows, for those who cannot see it.
    pub(crate) title: String,
    pub(crate) marks: Vec<Mark>,
}

impl Figure {
    pub(crate) fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self { width, height, title: title.into(), marks: Vec::new() }
    }

    pub(crate) fn line(&mut self, points: impl IntoIterator<Item = Point>, stroke: Stroke) {
        self.marks.push(Mark::Line { points: points.into_iter().collect(), stroke });
    }

    pub(crate) fn text(&mut self, text: Text) {
        self.marks.push(Mark::Text(text));
    }
}
