//! Names, shapes and counts of a network, without computing it.
//!
//! [`Survey`] is the interpreter whose values are shapes. It says which parameters a model file must hold
//! and what each layer costs.

use std::fmt;

use super::{Arch, Build, Conv, pidinet};
use crate::Size;

/// Shape `[c, h, w]` of a map.
pub type Shape = [usize; 3];

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// A convolution.
    Conv(Conv),
    /// Maximum over 2×2 windows.
    MaxPool,
    /// `max(x, 0)`.
    Relu,
    /// `1 / (1 + exp(−x))`.
    Sigmoid,
    /// Sum of two maps.
    Add,
    /// One channel multiplying all of a map.
    Gate,
    /// Bilinear resize.
    Resize,
    /// Channels one after the other.
    Concat,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conv(conv) => {
                let size = conv.folded_shape()[2];
                write!(f, "conv {size}x{size}")?;
                if conv.groups > 1 {
                    write!(f, " depthwise")?;
                }
                if conv.dilation > 1 {
                    write!(f, " dilation {}", conv.dilation)?;
                }
                Ok(())
            }
            Self::MaxPool => f.write_str("max pool"),
            Self::Relu => f.write_str("relu"),
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::Add => f.write_str("add"),
            Self::Gate => f.write_str("gate"),
            Self::Resize => f.write_str("resize"),
            Self::Concat => f.write_str("concat"),
        }
    }
}

/// One operation of a network on an image of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Name under which its parameters are stored; empty where it has none.
    pub name: String,
    /// What it does; for a convolution also its [`Kind`](super::Kind).
    pub operation: Operation,
    /// Shape of its (first) input.
    pub input: Shape,
    /// Shape of its output.
    pub output: Shape,
    /// Number of parameters, before folding.
    pub parameters: usize,
    /// Multiplications of a weight with a pixel, each with its addition; those of convolutions, after folding.
    pub multiply_adds: u64,
    /// Bytes of its output in f32.
    pub activation_bytes: u64,
}

/// A parameter that a model has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterShape {
    /// Its name, as in the published checkpoints.
    pub name: String,
    /// Its shape.
    pub raw: Vec<usize>,
    /// Its shape once pixel differences are folded into ordinary weights.
    pub folded: Vec<usize>,
}

/// What a network consists of, for one size of image.
///
/// ```
/// use pidinet::Size;
/// use pidinet::arch::{Arch, survey::Survey};
/// let survey = Survey::of(&Arch::full(), Size { height: 321, width: 481 });
/// assert_eq!(survey.parameter_count(), 710_149);
/// assert_eq!(survey.parameters[0].name, "init_block.weight");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// The operations, in the order of computation.
    pub layers: Vec<Layer>,
    /// The parameters, in the order of use.
    pub parameters: Vec<ParameterShape>,
}

impl Survey {
    /// The survey of a network on images of this size, sides of at least 8.
    pub fn of(arch: &Arch, size: Size) -> Self {
        let mut survey = Self::default();
        pidinet(arch, &mut survey, &[3, size.height, size.width]);
        survey
    }

    /// The parameters alone, which do not depend on the image.
    pub fn parameters_of(arch: &Arch) -> Vec<ParameterShape> {
        Self::of(arch, Size::square(8)).parameters
    }

    /// The convolutions with their names, in the order of computation.
    pub fn convs(&self) -> impl Iterator<Item = (&str, &Conv)> {
        self.layers.iter().filter_map(|layer| match &layer.operation {
            Operation::Conv(conv) => Some((layer.name.as_str(), conv)),
            _ => None,
        })
    }

    /// Number of parameters, before folding.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds of all convolutions.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }

    /// Bytes of all maps together, in f32; an engine that frees what it has used needs less.
    pub fn activation_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.activation_bytes).sum()
    }

    /// Records an operation without parameters.
    fn layer(&mut self, operation: Operation, input: Shape, output: Shape) -> Shape {
        self.record(String::new(), operation, [input, output], 0, 0)
    }

    fn record(
        &mut self,
        name: String,
        operation: Operation,
        [input, output]: [Shape; 2],
        parameters: usize,
        multiply_adds: u64,
    ) -> Shape {
        let activation_bytes = 4 * pixels(output) * output[0] as u64;
        self.layers.push(Layer {
            name,
            operation,
            input,
            output,
            parameters,
            multiply_adds,
            activation_bytes,
        });
        output
    }
}

/// Pixels of one channel.
fn pixels([_, height, width]: Shape) -> u64 {
    height as u64 * width as u64
}

impl Build for Survey {
    type Value = Shape;

    fn conv(&mut self, name: &str, conv: &Conv, x: &Shape) -> Shape {
        let [channels, height, width] = *x;
        assert_eq!(channels, conv.inputs, "`{name}` gets a wrong number of channels");
        let (raw, folded) = (conv.weight_shape(), conv.folded_shape());
        let mut parameters: usize = raw.iter().product();
        let weight =
            ParameterShape { name: format!("{name}.weight"), raw: raw.into(), folded: folded.into() };
        self.parameters.push(weight);
        if conv.bias {
            parameters += conv.outputs;
            let shape = vec![conv.outputs];
            let bias = ParameterShape { name: format!("{name}.bias"), raw: shape.clone(), folded: shape };
            self.parameters.push(bias);
        }
        let taps: u64 = folded.iter().map(|&n| n as u64).product();
        let output = [conv.outputs, height, width];
        let operation = Operation::Conv(*conv);
        self.record(name.to_owned(), operation, [*x, output], parameters, taps * pixels(output))
    }

    fn max_pool(&mut self, x: &Shape) -> Shape {
        self.layer(Operation::MaxPool, *x, [x[0], x[1] / 2, x[2] / 2])
    }

    fn relu(&mut self, x: &Shape) -> Shape {
        self.layer(Operation::Relu, *x, *x)
    }

    fn sigmoid(&mut self, x: &Shape) -> Shape {
        self.layer(Operation::Sigmoid, *x, *x)
    }

    fn add(&mut self, a: &Shape, b: &Shape) -> Shape {
        assert_eq!(a, b, "maps of different shapes cannot be added");
        self.layer(Operation::Add, *a, *a)
    }

    fn gate(&mut self, x: &Shape, gate: &Shape) -> Shape {
        assert_eq!([1, x[1], x[2]], *gate, "a gate has one channel and the map's size");
        self.layer(Operation::Gate, *x, *x)
    }

    fn resize(&mut self, x: &Shape, like: &Shape) -> Shape {
        self.layer(Operation::Resize, *x, [x[0], like[1], like[2]])
    }

    fn concat(&mut self, maps: &[Shape]) -> Shape {
        let channels = maps.iter().map(|map| map[0]).sum();
        self.layer(Operation::Concat, maps[0], [channels, maps[0][1], maps[0][2]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three sizes and their "-L" variants: the published number of parameters, and the multiply-adds
    /// on a BSDS image as a few lines of Python count them.
    #[test]
    fn counts_are_the_published_ones() {
        for (arch, parameters, multiply_adds) in [
            (Arch::full(), Some(710_149), 12_470_536_536),
            (Arch::full().light(), None, 7_806_536_664),
            (Arch::small(), Some(183_763), 3_381_460_044),
            (Arch::small().light(), None, 2_207_974_434),
            (Arch::tiny(), Some(84_477), 1_621_902_744),
            (Arch::tiny().light(), None, 1_095_388_224),
        ] {
            let survey = Survey::of(&arch, Size { height: 321, width: 481 });
            if let Some(parameters) = parameters {
                assert_eq!(survey.parameter_count(), parameters, "{arch:?}");
            }
            assert_eq!(survey.multiply_adds(), multiply_adds, "{arch:?}");
        }
    }

    #[test]
    fn parameters_are_named_once_and_counted() {
        let survey = Survey::of(&Arch::full(), Size { height: 33, width: 40 });
        let names: std::collections::BTreeSet<&str> =
            survey.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names.len(), 83);
        assert_eq!(survey.parameters.len(), 83);
        let sum: usize =
            survey.parameters.iter().map(|parameter| parameter.raw.iter().product::<usize>()).sum();
        assert_eq!(sum, survey.parameter_count());
    }

    #[test]
    fn layers_have_the_shapes_of_their_stage() {
        let survey = Survey::of(&Arch::tiny(), Size { height: 33, width: 40 });
        let output = |name: &str| survey.layers.iter().find(|layer| layer.name == name).unwrap().output;
        assert_eq!(output("init_block"), [20, 33, 40]);
        assert_eq!(output("block2_1.conv2"), [40, 16, 20]);
        assert_eq!(output("block4_3.conv2"), [80, 4, 5]);
        assert_eq!(output("classifier"), [1, 33, 40]);
    }
}
