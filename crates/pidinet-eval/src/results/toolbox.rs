//! The text files of the BSDS benchmark's MATLAB code, with its names, columns and number formats.
//!
//! | file | a line |
//! |---|---|
//! | `ID_ev1.txt` | threshold, matched and all truth pixels, matched and all predicted pixels |
//! | `eval_bdry_thr.txt` | threshold, recall, precision, F of the whole data set |
//! | `eval_bdry_img.txt` | number, best threshold, recall, precision, F of an image |
//! | `eval_bdry.txt` | best threshold, recall, precision, F; recall, precision, F with the best threshold of each image; AP |
//!
//! Numbers are `%10g`: six significant digits, ten columns at least.

use std::path::{Path, PathBuf};

use crate::edges::counts::f_measure;
use crate::figures::plot::{PrPoint, Run};
use crate::{Error, Result};

/// Numbers as MATLAB's `%10g`, separated by a space.
pub(crate) fn line(numbers: &[f64]) -> String {
    let mut line =
        numbers.iter().map(|&number| format!("{:>10}", general(number))).collect::<Vec<_>>().join(" ");
    line.push('\n');
    line
}

/// A number as C's `%g`: six significant digits without trailing zeros, in the shorter notation.
pub(crate) fn general(value: f64) -> String {
    const DIGITS: i32 = 6;
    if value == 0.0 || !value.is_finite() {
        return match value {
            v if v.is_nan() => "NaN".into(),
            v if v.is_infinite() => if v > 0.0 { "Inf" } else { "-Inf" }.into(),
            _ => "0".into(),
        };
    }
    // Rust rounds to the wanted digits first, which may carry into the next power of ten.
    let scientific = format!("{value:.*e}", (DIGITS - 1) as usize);
    let (mantissa, exponent) = scientific.split_once('e').expect("`e` is written");
    let exponent: i32 = exponent.parse().expect("a whole exponent is written");
    if (-4..DIGITS).contains(&exponent) {
        without_zeros(&format!("{value:.*}", (DIGITS - 1 - exponent) as usize)).into()
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
    }
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Reads a table of numbers separated by white space, all lines of the same length.
pub(crate) fn table(path: &Path) -> Result<Vec<Vec<f64>>> {
    let text = pidinet::files::read_text(path).map_err(|source| Error::Read { path: path.into(), source })?;
    let mut rows = Vec::<Vec<f64>>::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: std::result::Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
        let row =
            row.map_err(|_| Error::content(path, "numbers", format!("`{line}` in line {}", number + 1)))?;
        if rows.first().is_some_and(|first| first.len() != row.len()) {
            let found = format!("{} in line {}", row.len(), number + 1);
            return Err(Error::content(path, format!("{} numbers a line", rows[0].len()), found));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Reads a curve to plot: a folder of results, or a file `*_bdry_thr.txt` with lines of threshold, recall, precision
/// and F, or of the last three, as in published curves.
///
/// The best point comes from `*_bdry.txt` beside it, or else is the best of the curve.
///
/// # Errors
///
/// If there is no such file, or it is malformed.
pub fn read_run(path: &Path) -> Result<Run> {
    let curve = if path.is_dir() { path.join("eval_bdry_thr.txt") } else { path.to_path_buf() };
    let rows = table(&curve)?;
    let points: Vec<PrPoint> = rows
        .iter()
        .map(|row| {
            point(row).ok_or_else(|| Error::content(&curve, "lines `T R P F` or `R P F`", format!("{row:?}")))
        })
        .collect::<Result<_>>()?;
    let highest = points.iter().copied().max_by(|a, b| a.f.total_cmp(&b.f));
    let highest = highest.ok_or_else(|| Error::content(&curve, "a curve", "an empty file"))?;
    let best = summary_beside(&curve).map(|file| best_of_summary(&file)).transpose()?.unwrap_or(highest);
    Ok(Run { name: run_name(path), points, best })
}

/// A line of a curve; scores are in `[0, 1]`.
fn point(row: &[f64]) -> Option<PrPoint> {
    let (threshold, recall, precision) = match *row {
        [threshold, recall, precision, _] => (Some(threshold), recall, precision),
        [recall, precision, _] => (None, recall, precision),
        _ => return None,
    };
    let in_range = |score: f64| (0.0..=1.0).contains(&score);
    let point = PrPoint { threshold, recall, precision, f: f_measure(recall, precision) };
    (in_range(recall) && in_range(precision)).then_some(point)
}

/// `x_bdry.txt` beside `x_bdry_thr.txt`, if it exists.
fn summary_beside(curve: &Path) -> Option<PathBuf> {
    let name = curve.file_name()?.to_str()?;
    let summary = curve.with_file_name(format!("{}.txt", name.strip_suffix("_thr.txt")?));
    summary.is_file().then_some(summary)
}

fn best_of_summary(path: &Path) -> Result<PrPoint> {
    let rows = table(path)?;
    let best = match rows.first().map(Vec::as_slice) {
        Some(&[threshold, recall, precision, f, _, _, _, _]) => Some((Some(threshold), recall, precision, f)),
        Some(&[recall, precision, f, _, _, _, _]) => Some((None, recall, precision, f)),
        _ => None,
    };
    let (threshold, recall, precision, f) = best
        .ok_or_else(|| Error::content(path, "a line of 7 or 8 numbers", format!("{} lines", rows.len())))?;
    Ok(PrPoint { threshold, recall, precision, f })
}

/// The folder's name, or what a file is called before `_bdry_thr.txt`.
fn run_name(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".txt").unwrap_or(&name);
    name.trim_end_matches("_thr").trim_end_matches("_bdry").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of C's `printf("%10g")`.
    #[test]
    fn numbers_are_written_as_c_does() {
        for (value, written) in [
            (0.0, "0"),
            (1.0, "1"),
            (1.0 / 6.0, "0.166667"),
            (0.5, "0.5"),
            (0.99999999, "1"),
            (0.01, "0.01"),
            (0.0001, "0.0001"),
            (0.00001234567, "1.23457e-05"),
            (123456.0, "123456"),
            (1234567.0, "1.23457e+06"),
            (999999.5, "1e+06"),
            (-2.5, "-2.5"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(general(value), written);
        }
    }

    #[test]
    fn the_benchmarks_own_files_are_reproduced_to_the_letter() {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bsds-bench-sample/test_2");
        if !folder.is_dir() {
            println!("skipped: no {}", folder.display());
            return;
        }
        for name in ["eval_bdry.txt", "eval_bdry_thr.txt"] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            let again: String = table(&folder.join(name)).unwrap().iter().map(|row| line(row)).collect();
            assert_eq!(again, text, "{name}");
        }
        let run = read_run(&folder).unwrap();
        assert_eq!((run.name.as_str(), run.points.len()), ("test_2", 5));
        assert_eq!((run.best.threshold, run.best.f), (Some(0.166667), 0.704628));
    }

    #[test]
    fn published_curves_have_no_threshold() {
        let folder = tempfile::tempdir().unwrap();
        let curve = folder.path().join("Net-L_bdry_thr.txt");
        std::fs::write(&curve, "  0.9  0.5  0.642857\n  0.75  0.75  0.75\n").unwrap();
        let run = read_run(&curve).unwrap();
        assert_eq!(run.name, "Net-L");
        assert_eq!(run.best, PrPoint { threshold: None, recall: 0.75, precision: 0.75, f: 0.75 });
        std::fs::write(folder.path().join("Net-L_bdry.txt"), "0.79 0.82 0.81 0.8 0.8 0.8 0.85").unwrap();
        assert_eq!(read_run(&curve).unwrap().best.f, 0.81);
    }

    #[test]
    fn other_files_are_refused_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x_bdry_thr.txt");
        for (text, message) in [
            ("0.1 0.2 0.3\n0.1 0.2\n", "2 in line 2"),
            ("T R P F\n", "line 1"),
            ("0.1 0.2\n", "`R P F`"),
            ("0.1 20 0.3\n", "`R P F`"),
            ("", "an empty file"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = read_run(&path).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
