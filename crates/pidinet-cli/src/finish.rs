//! Options for post-processing edges.

use std::str::FromStr;

use pidinet::EdgeMap;
use pidinet::post::{self, Mask, Style, Suppression};
use pidinet::save::Format;

use crate::options::{one_of, probability};
use crate::ui::usage;

/// Thinner, binary or stylised edges, in the order of these options.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Post-processing, applied in this order")]
pub(crate) struct Finish {
    /// Apply non-maximum suppression: hed, dollar, rcf, nyud, dexined, or RADIUS,BORDER,MARGIN [default: rcf]
    #[arg(long, value_name = "PRESET", num_args = 0..=1, require_equals = true, default_missing_value = "rcf")]
    nms: Option<Suppression>,

    /// Binarise: probabilities of P and above become white, all others black
    #[arg(long, value_name = "P", value_parser = probability, conflicts_with = "hysteresis")]
    threshold: Option<f32>,

    /// Binarise with hysteresis: keep edges of at least HI, and those of at least LO that are connected to them
    #[arg(long, value_name = "LO,HI")]
    hysteresis: Option<Hysteresis>,

    /// Thin edges to a width of one pixel; requires --nms, --threshold or --hysteresis
    #[arg(long)]
    thin: bool,

    /// Divide each map by its maximum, to make faint edges visible. The result is no longer a probability and is
    /// unsuitable for scoring
    #[arg(long)]
    normalize: bool,

    /// ControlNet style: soft (unchanged), safe (three grey levels) or scribble (broad white lines)
    #[arg(long, value_name = "STYLE", default_value = "soft",
        value_parser = one_of::<Style>(&["soft", "safe", "scribble"]))]
    style: Style,

    /// Draw dark edges on white
    #[arg(long)]
    invert: bool,

    /// Draw the edges over the image, in red or the colour RRGGBB, instead of writing the map
    #[arg(long, value_name = "COLOUR", num_args = 0..=1, require_equals = true,
        default_missing_value = "ff0000", conflicts_with = "invert")]
    pub(crate) overlay: Option<Colour>,
}

impl Finish {
    /// Refuses options that contradict each other.
    pub(crate) fn check(&self, format: Format) -> anyhow::Result<()> {
        if self.thin && self.nms.is_none() && self.threshold.is_none() && self.hysteresis.is_none() {
            return Err(usage!("--thin requires --nms, --threshold or --hysteresis"));
        }
        if self.overlay.is_some() && matches!(format, Format::Npy | Format::Npz) {
            return Err(usage!("--overlay writes a picture, and {format} is not an image format"));
        }
        if self.overlay.is_some() && matches!(format, Format::Pgm | Format::Pbm) {
            return Err(usage!("--overlay writes colours, and {format} has none"));
        }
        Ok(())
    }

    /// Refuses post-processing options when lines are written.
    pub(crate) fn check_unused(&self) -> anyhow::Result<()> {
        let plain = self.style == Style::Soft && !self.invert && !self.normalize && !self.thin;
        let given = self.nms.is_some() || self.threshold.is_some() || self.hysteresis.is_some();
        if given || !plain || self.overlay.is_some() {
            return Err(usage!(
                "options of post-processing do not apply to lines: see `pidinet lines --help`"
            ));
        }
        Ok(())
    }

    /// Applies the options to the edges.
    pub(crate) fn apply(&self, mut edges: EdgeMap) -> EdgeMap {
        if let Some(suppression) = &self.nms {
            edges = post::suppress(&edges, suppression);
        }
        let mask = match (self.threshold, self.hysteresis) {
            (Some(at), _) => Some(Mask::at_least(&edges, at)),
            (_, Some(Hysteresis { low, high })) => Some(post::hysteresis(&edges, low, high)),
            _ => self.thin.then(|| Mask::at_least(&edges, f32::MIN_POSITIVE)),
        };
        if let Some(mut mask) = mask {
            if self.thin {
                post::thin(&mut mask);
            }
            if self.threshold.is_some() || self.hysteresis.is_some() {
                edges = EdgeMap::from(&mask);
            } else {
                post::keep(&mut edges, &mask);
            }
        }
        if self.normalize {
            post::normalize(&mut edges);
        }
        edges = self.style.apply(edges);
        if self.invert {
            post::invert(&mut edges);
        }
        edges
    }
}

/// Two thresholds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hysteresis {
    low: f32,
    high: f32,
}

impl FromStr for Hysteresis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let both = text.split_once(',').map(|(low, high)| (probability(low), probability(high)));
        match both {
            Some((Ok(low), Ok(high))) if low <= high => Ok(Self { low, high }),
            _ => Err("expected two probabilities, the lower one first, such as 0.2,0.5".to_owned()),
        }
    }
}

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) [u8; 3]);

impl FromStr for Colour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        match u32::from_str_radix(digits, 16) {
            Ok(colour) if digits.len() == 6 => {
                let [_, red, green, blue] = colour.to_be_bytes();
                Ok(Self([red, green, blue]))
            }
            _ => Err("expected six hexadecimal digits RRGGBB such as ff8000".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use pidinet::Size;

    use super::*;

    #[derive(Parser, Debug)]
    struct Line {
        #[command(flatten)]
        finish: Finish,
    }

    fn finish(options: &[&str]) -> Finish {
        Line::try_parse_from([&["x"], options].concat()).unwrap().finish
    }

    /// A ridge of five columns.
    fn ridge() -> EdgeMap {
        let value = |x| match x {
            10 => 0.9,
            9 | 11 => 0.6,
            8 | 12 => 0.3,
            _ => 0.0,
        };
        EdgeMap::new(Size::square(21), (0..441).map(|i| value(i % 21)).collect())
    }

    /// The middle row.
    fn row(map: &EdgeMap) -> Vec<(usize, f32)> {
        map.row(10).iter().copied().enumerate().filter(|(_, value)| *value > 0.0).collect()
    }

    #[test]
    fn options_act_in_their_order() {
        let after = |options: &[&str]| row(&finish(options).apply(ridge()));
        assert_eq!(after(&[]), [(8, 0.3), (9, 0.6), (10, 0.9), (11, 0.6), (12, 0.3)]);
        assert_eq!(after(&["--nms"]), [(10, 0.9)]);
        assert_eq!(after(&["--threshold", "0.6"]), [(9, 1.0), (10, 1.0), (11, 1.0)]);
        assert_eq!(after(&["--hysteresis", "0.3,0.9"]), [8, 9, 10, 11, 12].map(|x| (x, 1.0)));
        assert_eq!(after(&["--hysteresis", "0.3,0.95"]), []);
        assert_eq!(after(&["--threshold", "0.6", "--thin"]), [(10, 1.0)]);
        assert_eq!(after(&["--nms", "--thin"]), [(10, 0.9)]);
        assert_eq!(after(&["--style", "safe"]), [(9, 0.5), (10, 1.0), (11, 0.5)]);
        assert_eq!(after(&["--normalize"])[1..4], [(9, 0.6 / 0.9), (10, 1.0), (11, 0.6 / 0.9)]);
        assert_eq!(after(&["--normalize", "--threshold", "0.95"]), [], "thresholds are probabilities");
        let inverted = finish(&["--threshold", "0.6", "--invert"]).apply(ridge());
        assert_eq!(inverted.row(10)[7..14], [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn values_are_read() {
        assert_eq!("0.2, 0.5".parse(), Ok(Hysteresis { low: 0.2, high: 0.5 }));
        for wrong in ["0.5", "0.5,0.2", "a,b", "0,2", "NaN,1", ""] {
            assert!(wrong.parse::<Hysteresis>().is_err(), "{wrong}");
        }
        assert_eq!("#ff8000".parse(), Ok(Colour([255, 128, 0])));
        assert_eq!("00ff01".parse(), Ok(Colour([0, 255, 1])));
        for wrong in ["red", "fff", "+ff0000", "ff00000", "#"] {
            assert!(wrong.parse::<Colour>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(finish(&["--thin"]).check(Format::Png).is_err());
        assert!(finish(&["--thin", "--nms"]).check(Format::Png).is_ok());
        assert!(finish(&["--overlay"]).check(Format::Npy).is_err());
        assert!(finish(&["--overlay"]).check(Format::Pgm).is_err());
        assert!(finish(&["--overlay=0000ff"]).check(Format::Jpg).is_ok());
    }
}
