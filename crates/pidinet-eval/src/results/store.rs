//! Stores the counts of finished images, so that an interrupted run can resume.
//!
//! An image is finished if its `ID_ev1.txt` exists, is newer than its inputs, and was made with the same options, which
//! are in `options.json`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pidinet::save::{FolderLock, write_atomically};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::edges::counts::Counts;
use crate::results::toolbox::{general, table};
use crate::{Error, Result};

const OPTIONS: &str = "options.json";

/// What to do with existing counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Use them.
    Keep,
    /// Compute them again.
    Replace,
}

/// A folder of results.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    thresholds: Vec<f64>,
    existing: Existing,
    /// Keeps other processes out.
    _lock: FolderLock,
}

impl Store {
    /// Opens or creates the folder and writes the options, an object, into it.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written, or another process uses it; with [`Existing::Keep`], also if the options
    /// differ, which the message lists.
    pub fn open(
        folder: &Path,
        options: &impl Serialize,
        thresholds: &[f64],
        existing: Existing,
    ) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.into(), source })?;
        let lock = FolderLock::take(folder)?;
        let path = folder.join(OPTIONS);
        let mut text = serde_json::to_vec_pretty(options).expect("options are plain data");
        text.push(b'\n');
        if existing == Existing::Keep
            && let Ok(before) = pidinet::files::read(&path, pidinet::files::MOST_TEXT)
        {
            // Parse both, as parsing may round the last digit of a number.
            let [now, before] = [&text, &before].map(|text| serde_json::from_slice(text).unwrap_or_default());
            if let Some((expected, found)) = difference(&now, &before) {
                return Err(Error::content(&path, expected, found));
            }
        }
        write_atomically(&path, &text)?;
        Ok(Self { folder: folder.into(), thresholds: thresholds.to_vec(), existing, _lock: lock })
    }

    /// The counts of a finished image that are not older than the files they were made from.
    pub fn load(&self, id: &str, made_from: &[&Path]) -> Option<Vec<Counts>> {
        if self.existing == Existing::Replace {
            return None;
        }
        let path = self.path(id);
        let written = modified(&path)?;
        let current = made_from.iter().all(|file| modified(file).is_some_and(|changed| changed <= written));
        current.then(|| parse(&table(&path).ok()?, &self.thresholds)).flatten()
    }

    /// Writes the counts of an image.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    ///
    /// # Panics
    ///
    /// If there are not as many counts as thresholds.
    pub fn save(&self, id: &str, counts: &[Counts]) -> Result<()> {
        assert_eq!(counts.len(), self.thresholds.len(), "one count for each threshold");
        Ok(write_atomically(self.path(id), ev1(&self.thresholds, counts).as_bytes())?)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}_ev1.txt"))
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

/// The options that differ, as they are now and as they were.
fn difference(now: &Value, before: &Value) -> Option<(String, String)> {
    let empty = Map::new();
    let (now, before) = (now.as_object().unwrap_or(&empty), before.as_object().unwrap_or(&empty));
    let keys: std::collections::BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let differ: Vec<&String> = keys.into_iter().filter(|&key| now.get(key) != before.get(key)).collect();
    let show = |options: &Map<String, Value>| {
        let pairs = differ.iter().map(|&key| match options.get(key) {
            Some(value) => format!("{key} = {}", shortened(&value.to_string())),
            None => format!("no {key}"),
        });
        pairs.collect::<Vec<_>>().join(", ")
    };
    let hint = "; choose another folder, or do not resume";
    (!differ.is_empty()).then(|| (show(now), show(before) + hint))
}

/// The beginning of a long text, such as a list of thresholds.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// The lines of `ID_ev1.txt`. Counts are written in full where `%10g` would round them.
fn ev1(thresholds: &[f64], counts: &[Counts]) -> String {
    let lines = thresholds.iter().zip(counts).map(|(&threshold, c)| {
        let Counts { found, truth, right, predicted } = c;
        format!("{:>10} {found:>10} {truth:>10} {right:>10} {predicted:>10}\n", general(threshold))
    });
    lines.collect()
}

/// The counts of `ID_ev1.txt`; `None` if they are not of these thresholds.
fn parse(rows: &[Vec<f64>], thresholds: &[f64]) -> Option<Vec<Counts>> {
    if rows.len() != thresholds.len() {
        return None;
    }
    rows.iter()
        .zip(thresholds)
        .map(|(row, &wanted)| {
            let &[threshold, found, truth, right, predicted] = &row[..] else { return None };
            let counts = [found, truth, right, predicted];
            let whole = counts.iter().all(|count| (0.0..9e15).contains(count) && count.fract() == 0.0);
            let [found, truth, right, predicted] = counts.map(|count| count as u64);
            let consistent = whole && found <= truth && right <= predicted;
            (consistent && general(threshold) == general(wanted)).then_some(Counts {
                found,
                truth,
                right,
                predicted,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const THRESHOLDS: [f64; 2] = [1.0 / 3.0, 2.0 / 3.0];

    fn counts() -> Vec<Counts> {
        let many = Counts { found: 1_234_567, truth: 2_000_000, right: 5, predicted: 12_345_678_901 };
        vec![many, Counts { found: 0, truth: 2_000_000, right: 0, predicted: 0 }]
    }

    fn open(folder: &Path, distance: f64, existing: Existing) -> Result<Store> {
        Store::open(
            folder,
            &json!({ "max_distance": distance, "nms": "rcf", "one": 0.09999999999999999 }),
            &THRESHOLDS,
            existing,
        )
    }

    #[test]
    fn counts_come_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), 0.0075, Existing::Keep).unwrap();
        assert_eq!(store.load("1", &[]), None);
        store.save("1", &counts()).unwrap();
        assert_eq!(store.load("1", &[]), Some(counts()));
        let text = std::fs::read_to_string(folder.path().join("1_ev1.txt")).unwrap();
        assert_eq!(text.lines().next(), Some("  0.333333    1234567    2000000          5 12345678901"));
        let error = open(folder.path(), 0.0075, Existing::Keep).unwrap_err().to_string();
        assert!(error.contains("another run"), "{error}");
        drop(store);
        assert_eq!(open(folder.path(), 0.0075, Existing::Replace).unwrap().load("1", &[]), None);
    }

    #[test]
    fn counts_older_than_what_they_are_made_from_are_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), 0.0075, Existing::Keep).unwrap();
        store.save("1", &counts()).unwrap();
        let map = folder.path().join("1.png");
        std::fs::write(&map, "").unwrap();
        let an_hour = std::time::Duration::from_secs(3600);
        let set = |time| std::fs::File::options().write(true).open(&map).unwrap().set_modified(time).unwrap();
        set(SystemTime::now() - an_hour);
        assert!(store.load("1", &[&map]).is_some());
        set(SystemTime::now() + an_hour);
        assert_eq!(store.load("1", &[&map]), None);
        assert_eq!(store.load("1", &[Path::new("/nowhere")]), None);
    }

    #[test]
    fn other_options_are_an_error_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path(), 0.0075, Existing::Keep).unwrap();
        let message = open(folder.path(), 0.011, Existing::Keep).unwrap_err().to_string();
        assert!(
            message.contains("max_distance = 0.011") && message.contains("found max_distance = 0.0075"),
            "{message}"
        );
        assert!(!message.contains("nms"), "{message}");
        open(folder.path(), 0.011, Existing::Replace).unwrap();
        open(folder.path(), 0.011, Existing::Keep).unwrap();
    }

    #[test]
    fn files_of_something_else_are_not_counts() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), 0.0075, Existing::Keep).unwrap();
        for text in [
            "",
            "0.333333 1 2 3 4",
            "0.3 1 2 3 4\n0.6 1 2 3 4\n",
            "0.333333 3 2 3 4\n0.666667 1 2 3 4\n",
            "x",
        ] {
            std::fs::write(folder.path().join("1_ev1.txt"), text).unwrap();
            assert_eq!(store.load("1", &[]), None, "{text}");
        }
    }
}
