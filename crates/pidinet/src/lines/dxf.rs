//! Drawing Exchange Format: AutoCAD 2000 (AC1015), joined polylines, y up.

use std::fmt::Write;

use super::svg::number;
use super::{Drawing, Page, Unit};

/// A drawing as a DXF file in the unit of the page. Curves become straight pieces within `tolerance` pixels, as most programs that cut and
/// engrave take polylines only; strokes are `LWPOLYLINE`s on a layer for each of the drawing's. A page in pixels has no unit.
pub fn dxf(drawing: &Drawing, page: &Page, tolerance: f32) -> String {
    let mut writer = Writer { text: String::new(), handle: FIRST_HANDLE };
    writer.header(drawing, page);
    writer.tables(drawing);
    writer.blocks();
    writer.entities(drawing, page, tolerance);
    writer.objects();
    writer.pair(0, "EOF");
    writer.text
}

/// Handles of what is always there.
mod handle {
    pub(super) const LAYERS: u32 = 0x10;
    pub(super) const LINE_TYPES: u32 = 0x11;
    pub(super) const STYLES: u32 = 0x12;
    pub(super) const VIEWPORTS: u32 = 0x13;
    pub(super) const VIEWS: u32 = 0x14;
    pub(super) const COORDINATES: u32 = 0x15;
    pub(super) const APPLICATIONS: u32 = 0x16;
    pub(super) const DIMENSION_STYLES: u32 = 0x17;
    pub(super) const BLOCK_RECORDS: u32 = 0x18;
    pub(super) const MODEL: u32 = 0x19;
    pub(super) const PAPER: u32 = 0x1A;
    pub(super) const ROOT: u32 = 0x1B;
    pub(super) const GROUPS: u32 = 0x1C;
}

/// The first handle that is free.
const FIRST_HANDLE: u32 = 0x100;

/// The colours of layers, by AutoCAD's numbers: 7 is black on white paper.
const COLOURS: [u8; 6] = [7, 1, 5, 3, 6, 30];

struct Writer {
    text: String,
    handle: u32,
}

impl Writer {
    /// A group code and its value.
    fn pair(&mut self, code: u16, value: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{code:>3}\n{value}");
    }

    fn pairs(&mut self, pairs: &[(u16, &str)]) {
        pairs.iter().for_each(|&(code, value)| self.pair(code, value));
    }

    fn hex(&mut self, code: u16, handle: u32) {
        self.pair(code, format_args!("{handle:X}"));
    }

    fn next_handle(&mut self) -> u32 {
        self.handle += 1;
        self.handle - 1
    }

    fn section(&mut self, name: &str) {
        self.pairs(&[(0, "SECTION"), (2, name)]);
    }

    fn header(&mut self, drawing: &Drawing, page: &Page) {
        let (units, metric) = match page.unit {
            Unit::Pixel => (0, 1),
            Unit::Millimetre => (4, 1),
            Unit::Inch => (1, 0),
        };
        // More than all strokes can need.
        let strokes = drawing.strokes().count() + drawing.layers.len();
        self.section("HEADER");
        self.pairs(&[
            (9, "$ACADVER"),
            (1, "AC1015"),
            (9, "$DWGCODEPAGE"),
            (3, "ANSI_1252"),
            (9, "$HANDSEED"),
        ]);
        self.hex(5, FIRST_HANDLE + strokes as u32 + 0x100);
        self.pair(9, "$INSUNITS");
        self.pair(70, units);
        self.pair(9, "$MEASUREMENT");
        self.pair(70, metric);
        for (name, corner) in
            [("$EXTMIN", [0.0, 0.0]), ("$EXTMAX", [drawing.width as f64, drawing.height as f64])]
        {
            self.pair(9, name);
            self.point(corner.map(|pixels| pixels * page.pixel), true);
        }
        self.pair(0, "ENDSEC");
        self.section("CLASSES");
        self.pair(0, "ENDSEC");
    }

    fn point(&mut self, [x, y]: [f64; 2], with_z: bool) {
        self.pair(10, number(x, 6));
        self.pair(20, number(y, 6));
        if with_z {
            self.pair(30, "0");
        }
    }

    /// The head of a table.
    fn table(&mut self, name: &str, handle: u32, entries: usize) {
        self.pairs(&[(0, "TABLE"), (2, name)]);
        self.hex(5, handle);
        self.pairs(&[(330, "0"), (100, "AcDbSymbolTable")]);
        self.pair(70, entries);
        if name == "DIMSTYLE" {
            self.pair(100, "AcDbDimStyleTable");
        }
    }

    /// The head of an entry of a table.
    fn entry(&mut self, kind: &str, table: u32, class: &str, name: &str) {
        let handle = self.next_handle();
        self.entry_with(kind, handle, table, class, name);
    }

    fn entry_with(&mut self, kind: &str, handle: u32, table: u32, class: &str, name: &str) {
        self.pair(0, kind);
        self.hex(if kind == "DIMSTYLE" { 105 } else { 5 }, handle);
        self.hex(330, table);
        self.pairs(&[(100, "AcDbSymbolTableRecord"), (100, class), (2, name)]);
    }

    fn tables(&mut self, drawing: &Drawing) {
        use handle::*;
        self.section("TABLES");

        self.table("VPORT", VIEWPORTS, 0);
        self.pair(0, "ENDTAB");

        self.table("LTYPE", LINE_TYPES, 3);
        for (name, about) in [("ByBlock", ""), ("ByLayer", ""), ("Continuous", "Solid line")] {
            self.entry("LTYPE", LINE_TYPES, "AcDbLinetypeTableRecord", name);
            self.pairs(&[(70, "0"), (3, about), (72, "65"), (73, "0"), (40, "0")]);
        }
        self.pair(0, "ENDTAB");

        self.table("LAYER", LAYERS, drawing.layers.len() + 1);
        let names = drawing.layers.iter().map(|layer| layer.name.as_str());
        for (index, name) in ["0"].into_iter().chain(names).enumerate() {
            self.entry("LAYER", LAYERS, "AcDbLayerTableRecord", name);
            self.pair(70, 0);
            self.pair(62, COLOURS[index.saturating_sub(1) % COLOURS.len()]);
            self.pairs(&[(6, "Continuous"), (370, "-3"), (390, "0")]);
        }
        self.pair(0, "ENDTAB");

        self.table("STYLE", STYLES, 1);
        self.entry("STYLE", STYLES, "AcDbTextStyleTableRecord", "Standard");
        self.pairs(&[(70, "0"), (40, "0"), (41, "1"), (50, "0"), (71, "0"), (42, "1"), (3, "txt"), (4, "")]);
        self.pair(0, "ENDTAB");

        for (name, handle) in [("VIEW", VIEWS), ("UCS", COORDINATES)] {
            self.table(name, handle, 0);
            self.pair(0, "ENDTAB");
        }

        self.table("APPID", APPLICATIONS, 1);
        self.entry("APPID", APPLICATIONS, "AcDbRegAppTableRecord", "ACAD");
        self.pair(70, 0);
        self.pair(0, "ENDTAB");

        self.table("DIMSTYLE", DIMENSION_STYLES, 1);
        self.entry("DIMSTYLE", DIMENSION_STYLES, "AcDbDimStyleTableRecord", "Standard");
        self.pair(70, 0);
        self.pair(0, "ENDTAB");

        self.table("BLOCK_RECORD", BLOCK_RECORDS, 2);
        for (name, handle) in [("*Model_Space", MODEL), ("*Paper_Space", PAPER)] {
            self.entry_with("BLOCK_RECORD", handle, BLOCK_RECORDS, "AcDbBlockTableRecord", name);
        }
        self.pair(0, "ENDTAB");
        self.pair(0, "ENDSEC");
    }

    fn blocks(&mut self) {
        self.section("BLOCKS");
        for (name, owner) in [("*Model_Space", handle::MODEL), ("*Paper_Space", handle::PAPER)] {
            for (kind, class) in [("BLOCK", "AcDbBlockBegin"), ("ENDBLK", "AcDbBlockEnd")] {
                let handle = self.next_handle();
                self.pair(0, kind);
                self.hex(5, handle);
                self.hex(330, owner);
                self.pair(100, "AcDbEntity");
                if owner == handle::PAPER {
                    self.pair(67, 1);
                }
                self.pairs(&[(8, "0"), (100, class)]);
                if kind == "BLOCK" {
                    self.pairs(&[(2, name), (70, "0")]);
                    self.point([0.0, 0.0], true);
                    self.pairs(&[(3, name), (1, "")]);
                }
            }
        }
        self.pair(0, "ENDSEC");
    }

    fn entities(&mut self, drawing: &Drawing, page: &Page, tolerance: f32) {
        self.section("ENTITIES");
        for layer in &drawing.layers {
            for stroke in &layer.strokes {
                let points = stroke.points(tolerance);
                let handle = self.next_handle();
                self.pair(0, "LWPOLYLINE");
                self.hex(5, handle);
                self.hex(330, handle::MODEL);
                self.pairs(&[(100, "AcDbEntity"), (8, &layer.name), (100, "AcDbPolyline")]);
                self.pair(90, points.len());
                self.pair(70, u8::from(stroke.closed()));
                for [x, y] in points {
                    let up = drawing.height as f64 - f64::from(y);
                    self.point([f64::from(x) * page.pixel, up * page.pixel], false);
                }
            }
        }
        self.pair(0, "ENDSEC");
    }

    fn objects(&mut self) {
        self.section("OBJECTS");
        self.pair(0, "DICTIONARY");
        self.hex(5, handle::ROOT);
        self.pairs(&[(330, "0"), (100, "AcDbDictionary"), (281, "1"), (3, "ACAD_GROUP")]);
        self.hex(350, handle::GROUPS);
        self.pair(0, "DICTIONARY");
        self.hex(5, handle::GROUPS);
        self.hex(330, handle::ROOT);
        self.pairs(&[(100, "AcDbDictionary"), (281, "1")]);
        self.pair(0, "ENDSEC");
    }
}
