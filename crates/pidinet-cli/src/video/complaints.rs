//! What ffmpeg says when something is wrong.

use std::io::{BufRead, BufReader, Read};
use std::thread::{Builder, JoinHandle};

/// Lines that are kept: the first ones usually say why.
const MOST: usize = 8;

/// What a program says, which is read as it comes: it would wait for ever for somebody to read it.
#[derive(Debug)]
pub(super) struct Complaints(JoinHandle<Vec<String>>);

impl Complaints {
    pub(super) fn listen(source: impl Read + Send + 'static) -> std::io::Result<Self> {
        let thread = Builder::new().name("complaints".to_owned());
        thread.spawn(move || collect(source)).map(Self)
    }

    /// All of it, once the program has ended.
    pub(super) fn all(self) -> Vec<String> {
        self.0.join().unwrap_or_default()
    }
}

/// Different lines, as many as are kept.
fn collect(source: impl Read) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut source = BufReader::new(source);
    let mut bytes = Vec::new();
    while source.by_ref().take(1 << 16).read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        let line = without_addresses(String::from_utf8_lossy(&bytes).trim());
        if !line.is_empty() && lines.len() < MOST && !lines.contains(&line) {
            lines.push(line);
        }
        bytes.clear();
    }
    lines
}

/// `[h264 @ 0x55d0c8] error` as `[h264] error`.
fn without_addresses(line: &str) -> String {
    let short = line.split_once(" @ 0x").and_then(|(before, rest)| Some((before, rest.split_once(']')?.1)));
    match short {
        Some((before, after)) => format!("{before}]{after}"),
        None => line.to_owned(),
    }
}

/// Lines after a sentence.
pub(super) fn after(sentence: &str, lines: &[String]) -> String {
    if lines.is_empty() { sentence.to_owned() } else { format!("{sentence}: {}", lines.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_once_and_without_addresses() {
        let text = "[mov @ 0x5581] no index\n\n  [mov @ 0x77] no index\nother\r\n";
        let lines = collect(text.as_bytes());
        assert_eq!(lines, ["[mov] no index", "other"]);
        assert_eq!(after("it failed", &lines), "it failed: [mov] no index; other");
        assert_eq!(after("it failed", &[]), "it failed");
        let many: String = (0..100_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(collect(many.as_bytes()).len(), MOST);
    }
}
