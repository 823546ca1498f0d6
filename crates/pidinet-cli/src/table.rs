//! Tables of text.

use std::fmt::Write;

pub(crate) const LEFT: bool = false;
pub(crate) const RIGHT: bool = true;

/// Rows as lines whose columns are as wide as their widest cell.
pub(crate) fn aligned<const N: usize, T: AsRef<str>>(
    rows: impl Iterator<Item = [T; N]>,
    right: [bool; N],
) -> String {
    let rows: Vec<[T; N]> = rows.collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].as_ref().chars().count()).max().unwrap_or_default()
    });
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(widths).zip(right) {
            let cell = cell.as_ref();
            let written =
                if right { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
            written.expect("a text takes more text");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "1", ""], ["bcd", "23", "x"], ["é", "", "yz"]];
        assert_eq!(aligned(rows.into_iter(), [LEFT, RIGHT, LEFT]), "a     1\nbcd  23  x\né        yz\n");
    }
}
