//! Names similar to one that does not exist.

/// How many names are still helpful.
const MOST: usize = 3;

/// The names that may have been meant by `name`, the most likely first: those that differ by a few letters,
/// and those that contain it. Empty if there are none.
///
/// # Examples
///
/// ```
/// use pidinet::models::near;
/// assert_eq!(near("tinny", ["small", "tiny", "tiny-edges"]), ["tiny"]);
/// assert!(near("photo.jpg", ["small", "tiny"]).is_empty());
/// ```
pub fn near<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    // Names are short, so a long text is not a name.
    if wanted.is_empty() || wanted.len() > 64 {
        return Vec::new();
    }
    let may_differ = 1.max(wanted.len() / 3);
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|other| {
            let letters: Vec<char> = other.chars().collect();
            let is_part = wanted.len() > 2 && letters.windows(wanted.len()).any(|part| part == wanted);
            let differ = distance(&wanted, &letters);
            (differ <= may_differ || is_part).then_some((differ, other))
        })
        .collect();
    found.sort_by_key(|(differ, _)| *differ);
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// How many letters have to be inserted, deleted, replaced or swapped with their neighbour to turn `a` into
/// `b`: the optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["tiny", "tiny-edges", "small", "full", "bi-pidinet-s"];

    #[test]
    fn slips_of_the_keyboard_are_near() {
        for (wrong, right) in
            [("tinny", "tiny"), ("Tiny", "tiny"), ("itny", "tiny"), ("smal", "small"), ("ful", "full")]
        {
            assert_eq!(near(wrong, NAMES).first(), Some(&right), "{wrong}");
        }
        assert_eq!(near("tiny_edge", NAMES), ["tiny-edges"]);
        assert_eq!(near("pidinet", NAMES), ["bi-pidinet-s"]);
        assert_eq!(near("tinie", ["tiny", "tine", "tin", "tini", "tinier"]).len(), MOST);
    }

    #[test]
    fn what_is_something_else_is_not_near() {
        for other in ["", "x", "none", "photo.jpg", "model.safetensors", &"tiny".repeat(100)] {
            assert!(near(other, NAMES).is_empty(), "{other}");
        }
    }

    #[test]
    fn distances_are_known_ones() {
        let of = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, want) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("ca", "abc", 3)]
        {
            assert_eq!((of(a, b), of(b, a)), (want, want), "{a} {b}");
        }
    }
}
