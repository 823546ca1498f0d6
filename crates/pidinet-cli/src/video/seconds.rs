//! Times in a film.

/// A part of a film.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Span {
    /// Where it begins, in seconds.
    pub(super) start: f64,
    /// How long it is, in seconds; to the end if that is not said.
    pub(super) duration: Option<f64>,
}

impl Span {
    /// How long the part of a film of so many seconds is.
    pub(super) fn of(self, seconds: f64) -> f64 {
        let rest = (seconds - self.start).max(0.0);
        self.duration.map_or(rest, |duration| duration.min(rest))
    }
}

/// Reads a time: `90`, `1:30` or `0:01:30.5`.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || "expected a time such as 90, 1:30 or 0:01:30.5".to_owned();
    let parts: Vec<&str> = text.trim().split(':').collect();
    let (last, whole) = parts.split_last().ok_or_else(wrong)?;
    let is_digit = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() > 2 || !last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong());
    }
    let mut minutes = 0.0;
    for part in whole {
        let part = Some(part).filter(|part| is_digit(part)).and_then(|part| part.parse::<f64>().ok());
        minutes = 60.0 * minutes + part.ok_or_else(wrong)?;
    }
    let seconds = 60.0 * minutes + last.parse::<f64>().map_err(|_| wrong())?;
    Some(seconds).filter(|seconds| *seconds < 1e8).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, want) in
            [("90", 90.0), ("1:30", 90.0), ("0:01:30.5", 90.5), ("2:00:00", 7200.0), (".5", 0.5)]
        {
            assert_eq!(seconds(text), Ok(want), "{text}");
        }
        for wrong in ["", ":", "a", "-1", "1:2:3:4", "1e5", "1:-2", "inf", "1.5:2", ".", "999999999999"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_part_is_no_longer_than_the_film() {
        let part = |start, duration| Span { start, duration }.of(10.0);
        assert_eq!((part(0.0, None), part(4.0, None), part(4.0, Some(2.0))), (10.0, 6.0, 2.0));
        assert_eq!((part(9.0, Some(2.0)), part(11.0, None)), (1.0, 0.0));
    }
}
