//! Lists of pairs for cross-validation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Two images (LFW) or folders of frames (YouTube Faces) that show the same person or not, as paths relative to the
/// data set's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The fold, from 0.
    pub fold: usize,
    /// The two images or folders.
    pub sides: [PathBuf; 2],
    /// Whether they show the same person.
    pub same: bool,
}

/// Pairs in the order of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairList {
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Number of folds, at least 2.
    pub folds: usize,
}

impl PairList {
    /// Reads a list in one of the two formats.
    ///
    /// `pairs.txt` begins with the number of folds and of pairs of either kind in each; then come, fold by fold,
    /// lines of a name and two numbers for images of one person (`NAME/NAME_0001.jpg`), and of two names with a number
    /// each. `splits.txt` has lines of fold, number, two folders, and 1 for the same person or 0, with commas.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Content`] with the first line that does not fit.
    pub fn open(path: &Path) -> Result<Self> {
        let text = pidinet::files::read_text(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|(line, expected)| {
            let found =
                text.lines().nth(line).map_or("the end of the file".to_owned(), |text| format!("`{text}`"));
            Error::content(path, format!("{expected} in line {}", line + 1), found)
        })
    }

    /// Parses a list; an error is the number of a line and what it should be.
    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let list = if text.contains(',') { Self::splits(text)? } else { Self::pairs(text)? };
        if list.folds < 2 {
            return Err((0, "at least two folds"));
        }
        Ok(list)
    }

    /// The format of LFW.
    fn pairs(text: &str) -> Result<Self, (usize, &'static str)> {
        const HEADER: &str = "a number of folds and one of pairs";
        let mut lines = text.lines().enumerate();
        let (_, header) = lines.next().ok_or((0, HEADER))?;
        let numbers: Vec<usize> = header.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let (folds, each) = match numbers[..] {
            [folds, each] => (folds, each),
            [each] => (1, each),
            _ => return Err((0, HEADER)),
        };
        if each == 0 {
            return Err((0, "at least one pair in each fold"));
        }
        let image = |name: &str, number: &str| {
            let number: u32 = number.parse().ok()?;
            let is_plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
            is_plain.then(|| PathBuf::from(name).join(format!("{name}_{number:04}.jpg")))
        };
        let mut pairs = Vec::new();
        for fold in 0..folds {
            for same in [true, false] {
                for _ in 0..each {
                    const EXPECTED: [&str; 2] = ["two names and their numbers", "a name and two numbers"];
                    let expected = EXPECTED[usize::from(same)];
                    let (line, text) = lines.next().ok_or((text.lines().count(), expected))?;
                    let words: Vec<&str> = text.split_whitespace().collect();
                    let sides = match (same, &words[..]) {
                        (true, [name, a, b]) => image(name, a).zip(image(name, b)),
                        (false, [name, a, other, b]) => image(name, a).zip(image(other, b)),
                        _ => None,
                    };
                    let (a, b) = sides.ok_or((line, expected))?;
                    pairs.push(Pair { fold, sides: [a, b], same });
                }
            }
        }
        match lines.find(|(_, text)| !text.trim().is_empty()) {
            Some((line, _)) => Err((line, "nothing more")),
            None => Ok(Self { pairs, folds }),
        }
    }

    /// The format of YouTube Faces.
    fn splits(text: &str) -> Result<Self, (usize, &'static str)> {
        const EXPECTED: &str = "a fold, a number, two folders, and 1 or 0";
        let mut folds = BTreeMap::new();
        let mut pairs = Vec::new();
        for (line, text) in text.lines().enumerate() {
            let words: Vec<&str> = text.split(',').map(str::trim).collect();
            let is_header = line == 0 && words[0].parse::<u32>().is_err();
            if text.trim().is_empty() || is_header {
                continue;
            }
            let [fold, _, a, b, same, ..] = words[..] else { return Err((line, EXPECTED)) };
            let fold: u32 = fold.parse().map_err(|_| (line, EXPECTED))?;
            let is_inside = |name: &str| {
                let parts = Path::new(name).components();
                !name.is_empty()
                    && parts.into_iter().all(|part| matches!(part, std::path::Component::Normal(_)))
            };
            let same = match same {
                "1" => true,
                "0" => false,
                _ => return Err((line, EXPECTED)),
            };
            if !is_inside(a) || !is_inside(b) {
                return Err((line, EXPECTED));
            }
            let count = folds.len();
            let fold = *folds.entry(fold).or_insert(count);
            pairs.push(Pair { fold, sides: [a, b].map(PathBuf::from), same });
        }
        Ok(Self { pairs, folds: folds.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_lfw_are_read() {
        let text = "2\t1\nAnn_A\t1\t12\nAnn_A\t2\tBo\t3\nBo\t1\t2\nBo\t4\tCy\t10000\n";
        let list = PairList::parse(text).unwrap();
        assert_eq!((list.folds, list.pairs.len()), (2, 4));
        let pair = |fold, a: &str, b: &str, same| Pair { fold, sides: [a, b].map(PathBuf::from), same };
        assert_eq!(list.pairs[0], pair(0, "Ann_A/Ann_A_0001.jpg", "Ann_A/Ann_A_0012.jpg", true));
        assert_eq!(list.pairs[3], pair(1, "Bo/Bo_0004.jpg", "Cy/Cy_10000.jpg", false));
    }

    #[test]
    fn pairs_of_youtube_faces_are_read() {
        let text = "split number, pair number, first name, second name, is same\n\
                    1, 1, Ann/0, Ann/3, 1\n1 , 2, Ann/0, Bo/1, 0, 0\n2, 1, Bo/2, Cy/0, 0\n";
        let list = PairList::parse(text).unwrap();
        assert_eq!((list.folds, list.pairs.len()), (2, 3));
        assert_eq!(list.pairs[1], Pair { fold: 0, sides: ["Ann/0", "Bo/1"].map(PathBuf::from), same: false });
        assert_eq!(list.pairs[2].fold, 1);
    }

    #[test]
    fn what_is_no_list_is_named_by_its_line() {
        for (text, line) in [
            ("", 0),
            ("1000000000000000 0\n", 0),
            ("two folds\n", 0),
            ("2 1\nAnn 1 2\nAnn 1 Bo x\n", 2),
            ("2 1\nAnn 1 2\n", 2),
            ("2 1\nA 1 2\nA 1 B 1\nA 1 2\nA 1 B 1\nmore 1 2\n", 5),
            ("2 1\n../x 1 2\n", 1),
            ("1 1\nA 1 2\nA 1 B 1\n", 0),
            ("1, 1, a, b, 2\n", 0),
            ("1, 1, a, b, 1\n2, 1, /etc, b, 1\n", 1),
            ("1, 1, a\n", 0),
        ] {
            assert_eq!(PairList::parse(text).unwrap_err().0, line, "{text:?}");
        }
    }
}
