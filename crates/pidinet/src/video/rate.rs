//! How many frames a second.

use std::fmt;
use std::str::FromStr;

use crate::UnknownName;

/// Frames a second, a fraction: 30000/1001 is the rate of NTSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Frames, at least 1.
    pub frames: u32,
    /// In so many seconds, at least 1.
    pub seconds: u32,
}

impl Rate {
    /// Frames a second.
    pub fn hertz(self) -> f64 {
        f64::from(self.frames) / f64::from(self.seconds)
    }

    /// Frames until a time in seconds, to the nearest one.
    pub fn frames_in(self, seconds: f64) -> u64 {
        (seconds * self.hertz()).round() as u64 // saturates
    }
}

impl FromStr for Rate {
    type Err = UnknownName;

    /// Reads `30000/1001`, `30000:1001` or `25`.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let (frames, seconds) = text.split_once(['/', ':']).unwrap_or((text, "1"));
        let part = |text: &str| text.parse().ok().filter(|&part: &u32| part > 0);
        match (part(frames), part(seconds)) {
            (Some(frames), Some(seconds)) => Ok(Self { frames, seconds }),
            _ => Err(UnknownName::new("a frame rate", text, "a fraction such as 30000/1001")),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.frames, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        let ntsc = Rate { frames: 30000, seconds: 1001 };
        assert_eq!(("30000/1001".parse(), "30000:1001".parse()), (Ok(ntsc), Ok(ntsc)));
        assert_eq!("25".parse(), Ok(Rate { frames: 25, seconds: 1 }));
        assert_eq!((ntsc.to_string().as_str(), ntsc.frames_in(10.01)), ("30000/1001", 300));
        for wrong in ["", "0/0", "0", "25/0", "-1/1", "a", "1/2/3", "99999999999"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
