//! Names, shapes and counts of a Bi-PiDiNet, without computing it.

use std::fmt;
use std::ops::Range;

use super::convs::{BinaryConv, RealConv};
use super::layout::RecognitionArch;
use super::network::{BuildRecognition, bi_pidinet};
use crate::Size;
use crate::arch::Kind;
use crate::arch::survey::Shape;

/// Multiply-adds of one bit that cost as much as one of floats, in the usual accounting.
pub const BITS_PER_OPERATION: f64 = 64.0;

/// What a layer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecognitionOperation {
    /// A real convolution.
    Conv(RealConv),
    /// A convolution of signs.
    BinaryConv(BinaryConv),
    /// Batch norm.
    BatchNorm,
    /// A shift of each channel before the sign.
    Shift,
    /// RPReLU.
    Rprelu,
    /// Some of the channels.
    Channels(Range<usize>),
    /// All channels twice.
    Twice,
    /// Sum of two maps.
    Add,
    /// Maximum over 3×3 windows.
    MaxPool,
    /// Mean over 2×2 windows.
    AveragePool,
    /// Mean over the map.
    GlobalPool,
    /// A matrix and a bias.
    Linear,
}

impl fmt::Display for RecognitionOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stride = |f: &mut fmt::Formatter<'_>, stride| match stride {
            1 => Ok(()),
            stride => write!(f, " stride {stride}"),
        };
        match self {
            Self::Conv(conv) => {
                write!(f, "conv {0}x{0}", conv.size)?;
                stride(f, conv.stride)
            }
            Self::BinaryConv(conv) => {
                match conv.kind {
                    Kind::Vanilla => write!(f, "binary conv 3x3")?,
                    kind => write!(f, "bi-pdc {}", kind.letters())?,
                }
                stride(f, conv.stride)
            }
            Self::BatchNorm => f.write_str("batch norm"),
            Self::Shift => f.write_str("shift"),
            Self::Rprelu => f.write_str("rprelu"),
            Self::Channels(range) => write!(f, "channels {}..{}", range.start, range.end),
            Self::Twice => f.write_str("twice"),
            Self::Add => f.write_str("add"),
            Self::MaxPool => f.write_str("max pool"),
            Self::AveragePool => f.write_str("average pool"),
            Self::GlobalPool => f.write_str("global pool"),
            Self::Linear => f.write_str("linear"),
        }
    }
}

/// One operation of a network on an image of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognitionLayer {
    /// Name under which its parameters are stored; empty where it has none.
    pub name: String,
    /// What it does.
    pub operation: RecognitionOperation,
    /// Shape of its (first) input.
    pub input: Shape,
    /// Shape of its output.
    pub output: Shape,
    /// Number of real parameters.
    pub parameters: usize,
    /// Number of parameters of one bit.
    pub bits: usize,
    /// FLOPs: multiply-adds of real convolutions and the classifier, each counted once; nothing else is counted.
    pub flops: u64,
    /// BOPs: multiply-adds of one bit.
    pub bops: u64,
}

impl RecognitionLayer {
    /// `FLOPs + BOPs / 64`.
    pub fn ops(&self) -> f64 {
        self.flops as f64 + self.bops as f64 / BITS_PER_OPERATION
    }
}

/// What a number is for, which decides how it is stored and initialised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Weights of a real convolution or of the classifier.
    Real,
    /// Weights used only by their signs.
    Binary,
    /// A factor of each channel: 1 at first.
    Scale,
    /// A term of each channel: 0 at first.
    Offset,
    /// Mean of each channel over the training data: 0 at first.
    Mean,
    /// Variance of each channel over the training data: 1 at first.
    Variance,
    /// Slope of an RPReLU for negative numbers: 0.25 at first.
    Slope,
}

/// A parameter that a model has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecognitionParameter {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

/// What a Bi-PiDiNet consists of, for one size of image.
///
/// ```
/// use pidinet::Size;
/// use pidinet::arch::recognition::{RecognitionArch, Stem, survey::RecognitionSurvey};
/// let survey = RecognitionSurvey::of(&RecognitionArch::eighteen(Stem::Imagenet, 1000), Size::square(224));
/// assert_eq!(survey.bops(), 1_676_279_808);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecognitionSurvey {
    /// The operations, in the order of computation.
    pub layers: Vec<RecognitionLayer>,
    /// The parameters, in the order of use.
    pub parameters: Vec<RecognitionParameter>,
}

impl RecognitionSurvey {
    /// The survey of a network on images of this size.
    pub fn of(arch: &RecognitionArch, size: Size) -> Self {
        let mut survey = Self::default();
        bi_pidinet(arch, &mut survey, &[3, size.height, size.width]);
        survey
    }

    /// The parameters alone, which do not depend on the image.
    pub fn parameters_of(arch: &RecognitionArch) -> Vec<RecognitionParameter> {
        Self::of(arch, Size::square(1)).parameters
    }

    /// Number of real parameters; this includes the means and variances of batch norms, which are not
    /// trained.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Number of parameters of one bit.
    pub fn bit_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.bits).sum()
    }

    /// Real multiply-adds.
    pub fn flops(&self) -> u64 {
        self.layers.iter().map(|layer| layer.flops).sum()
    }

    /// Multiply-adds of one bit.
    pub fn bops(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bops).sum()
    }

    /// `FLOPs + BOPs / 64`.
    pub fn ops(&self) -> f64 {
        self.layers.iter().map(RecognitionLayer::ops).sum()
    }

    /// Records an operation and its parameters: names after `name` and a dot, shapes and roles.
    fn record(
        &mut self,
        name: &str,
        operation: RecognitionOperation,
        [input, output]: [Shape; 2],
        parameters: &[(&str, Vec<usize>, Role)],
    ) -> Shape {
        let pixels = output[1] as u64 * output[2] as u64;
        let mut layer = RecognitionLayer {
            name: name.to_owned(),
            operation,
            input,
            output,
            parameters: 0,
            bits: 0,
            flops: 0,
            bops: 0,
        };
        for (suffix, shape, role) in parameters {
            let count: usize = shape.iter().product();
            match role {
                Role::Binary => {
                    layer.bits += count;
                    layer.bops += count as u64 * pixels;
                }
                Role::Real => {
                    layer.parameters += count;
                    layer.flops += count as u64 * pixels;
                }
                _ => layer.parameters += count,
            }
            let name = format!("{name}.{suffix}");
            self.parameters.push(RecognitionParameter { name, shape: shape.clone(), role: *role });
        }
        self.layers.push(layer);
        output
    }

    /// Records an operation without parameters.
    fn plain(&mut self, operation: RecognitionOperation, input: Shape, output: Shape) -> Shape {
        self.record("", operation, [input, output], &[])
    }
}

impl BuildRecognition for RecognitionSurvey {
    type Value = Shape;

    fn conv(&mut self, name: &str, conv: &RealConv, x: &Shape) -> Shape {
        assert_eq!(x[0], conv.inputs, "`{name}` gets a wrong number of channels");
        let output = [conv.outputs, x[1].div_ceil(conv.stride), x[2].div_ceil(conv.stride)];
        let weight = ("weight", conv.weight_shape().to_vec(), Role::Real);
        self.record(name, RecognitionOperation::Conv(*conv), [*x, output], &[weight])
    }

    fn binary_conv(&mut self, name: &str, conv: &BinaryConv, x: &Shape) -> Shape {
        assert_eq!(x[0], conv.inputs, "`{name}` gets a wrong number of channels");
        let output = [conv.outputs, x[1].div_ceil(conv.stride), x[2].div_ceil(conv.stride)];
        let weight = ("weight", conv.weight_shape(), Role::Binary);
        self.record(name, RecognitionOperation::BinaryConv(*conv), [*x, output], &[weight])
    }

    fn batch_norm(&mut self, name: &str, channels: usize, x: &Shape) -> Shape {
        assert_eq!(x[0], channels, "`{name}` gets a wrong number of channels");
        let each = [
            ("weight", Role::Scale),
            ("bias", Role::Offset),
            ("running_mean", Role::Mean),
            ("running_var", Role::Variance),
        ];
        let parameters = each.map(|(suffix, role)| (suffix, vec![channels], role));
        self.record(name, RecognitionOperation::BatchNorm, [*x, *x], &parameters)
    }

    fn shift(&mut self, name: &str, channels: usize, x: &Shape) -> Shape {
        assert_eq!(x[0], channels, "`{name}` gets a wrong number of channels");
        self.record(name, RecognitionOperation::Shift, [*x, *x], &[("bias", vec![channels], Role::Offset)])
    }

    fn rprelu(&mut self, name: &str, channels: usize, x: &Shape) -> Shape {
        assert_eq!(x[0], channels, "`{name}` gets a wrong number of channels");
        let each = [("shift", Role::Offset), ("slope", Role::Slope), ("bias", Role::Offset)];
        let parameters = each.map(|(suffix, role)| (suffix, vec![channels], role));
        self.record(name, RecognitionOperation::Rprelu, [*x, *x], &parameters)
    }

    fn channels(&mut self, x: &Shape, channels: Range<usize>) -> Shape {
        assert!(channels.end <= x[0], "channels {channels:?} of {}", x[0]);
        let output = [channels.len(), x[1], x[2]];
        self.plain(RecognitionOperation::Channels(channels), *x, output)
    }

    fn twice(&mut self, x: &Shape) -> Shape {
        self.plain(RecognitionOperation::Twice, *x, [2 * x[0], x[1], x[2]])
    }

    fn add(&mut self, a: &Shape, b: &Shape) -> Shape {
        assert_eq!(a, b, "maps of different shapes cannot be added");
        self.plain(RecognitionOperation::Add, *a, *a)
    }

    fn max_pool(&mut self, x: &Shape) -> Shape {
        self.plain(RecognitionOperation::MaxPool, *x, [x[0], x[1].div_ceil(2), x[2].div_ceil(2)])
    }

    fn average_pool(&mut self, x: &Shape) -> Shape {
        self.plain(RecognitionOperation::AveragePool, *x, [x[0], x[1].div_ceil(2), x[2].div_ceil(2)])
    }

    fn global_pool(&mut self, x: &Shape) -> Shape {
        self.plain(RecognitionOperation::GlobalPool, *x, [x[0], 1, 1])
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize, x: &Shape) -> Shape {
        assert_eq!(*x, [inputs, 1, 1], "`{name}` gets a wrong number of channels");
        let parameters =
            [("weight", vec![outputs, inputs], Role::Real), ("bias", vec![outputs], Role::Offset)];
        self.record(name, RecognitionOperation::Linear, [*x, [outputs, 1, 1]], &parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::recognition::{Stage, Stem};

    fn eighteen() -> RecognitionArch {
        RecognitionArch::eighteen(Stem::Imagenet, 1000)
    }

    /// Bi-Real Net (Liu et al., ECCV 2018) counts 1.63e8 for its 18 layers, convolutions only.
    #[test]
    fn the_plain_layout_costs_what_bi_real_net_says() {
        let survey = RecognitionSurvey::of(&eighteen(), Size::square(224));
        let convolutions: f64 = survey
            .layers
            .iter()
            .filter(|layer| layer.operation != RecognitionOperation::Linear)
            .map(RecognitionLayer::ops)
            .sum();
        assert_eq!((convolutions / 1e6).floor(), 163.0);
        // By hand: the 7×7 stem, three projections, the classifier; four 3×3 stages.
        assert_eq!(survey.flops(), 147 * 64 * 112 * 112 + 3 * 64 * 128 * 28 * 28 + 512 * 1000);
        let stage = 9 * 64 * 64 * 56 * 56;
        assert_eq!(survey.bops(), 4 * stage + 3 * (stage / 2 + 3 * stage));
        assert_eq!(survey.bit_count(), 9 * (4 * 64 * 64 + 7 * (64 * 128 + 128 * 256 + 256 * 512)));
    }

    #[test]
    fn the_light_layout_costs_half_of_it() {
        let light = RecognitionSurvey::of(&eighteen().light(), Size::square(224));
        assert!(light.ops() <= 0.85e8, "{}", light.ops());
        assert_eq!(light.bops(), RecognitionSurvey::of(&eighteen(), Size::square(224)).bops());
        let differences = eighteen().light().with_differences(Kind::Central, 0.2);
        assert!(
            RecognitionSurvey::of(&differences, Size::square(224)).ops() < light.ops(),
            "eight signs instead of nine"
        );
    }

    #[test]
    fn the_small_network_is_trained_in_two_hours() {
        let survey = RecognitionSurvey::of(&RecognitionArch::small(10), Size::square(32));
        let multiply_adds = survey.flops() + survey.bops();
        assert!((25_000_000..40_000_000).contains(&multiply_adds), "{multiply_adds}");
    }

    #[test]
    fn parameters_are_named_once_and_counted() {
        let mut arch = RecognitionArch::small(10).with_differences(Kind::Angular, 0.5);
        arch.stages[1] = Stage { rho: 1.0, ..arch.stages[1] };
        for arch in [arch.clone(), arch.light(), eighteen().light()] {
            let survey = RecognitionSurvey::of(&arch, Size { height: 33, width: 40 });
            let names: std::collections::BTreeSet<&str> =
                survey.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            assert_eq!(names.len(), survey.parameters.len());
            let sum: usize = survey.parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum();
            assert_eq!(sum, survey.parameter_count() + survey.bit_count());
        }
    }

    #[test]
    fn halves_are_rounded_up() {
        let survey = RecognitionSurvey::of(&RecognitionArch::small(10), Size { height: 7, width: 5 });
        let output = |name: &str| survey.layers.iter().find(|layer| layer.name == name).unwrap().output;
        assert_eq!(output("block1_2.norm"), [24, 7, 5]);
        assert_eq!(output("block2_1.norm"), [48, 4, 3]);
        assert_eq!(output("block4_1.shortcut_norm"), [192, 1, 1]);
        assert_eq!(output("classifier"), [10, 1, 1]);
    }
}
