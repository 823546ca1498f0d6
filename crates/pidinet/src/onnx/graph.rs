//! The network as ONNX nodes: an interpreter of [`crate::arch::Build`] whose values are names.
//!
//! Field numbers are those of `onnx.proto`; the message of each is named where it is written.

use std::collections::HashSet;

use super::protobuf::Message;
use crate::Size;
use crate::arch::{Build, Conv};
use crate::weights::Weights;

/// A map: the name of its tensor, and what is known about its shape.
#[derive(Clone, Debug)]
pub(super) struct Value {
    name: String,
    channels: usize,
    /// How often its sides were halved.
    level: u32,
}

/// `NodeProto`: an operator, what it reads and the one tensor it writes.
struct Node {
    operator: &'static str,
    /// Its own name; that of its parameters if it has any.
    name: String,
    inputs: Vec<String>,
    output: String,
    attributes: Vec<Attribute>,
}

/// `AttributeProto`.
enum Attribute {
    Int(&'static str, i64),
    Ints(&'static str, Vec<i64>),
    Text(&'static str, &'static str),
}

/// `TensorProto.DataType`.
#[derive(Clone, Copy)]
enum Element {
    Float = 1,
    Int64 = 7,
}

/// A side of a tensor.
#[derive(Clone, Copy)]
pub(super) enum Dim {
    Fixed(usize),
    Free(&'static str),
}

/// `ValueInfoProto`: an input or output of floats.
pub(super) struct Info<'a> {
    pub(super) name: &'a str,
    pub(super) dims: [Dim; 4],
    pub(super) doc: &'a str,
}

/// `GraphProto` under construction.
pub(super) struct Graph<'a> {
    weights: &'a Weights,
    size: Option<Size>,
    nodes: Vec<Node>,
    constants: Vec<Message>,
    outputs: Vec<Message>,
    kept: HashSet<String>,
}

/// The name of the input.
pub(super) const IMAGE: &str = "image";

/// Height and width of the images, if they are free.
const SIDES: &str = "image_height_width";

impl<'a> Graph<'a> {
    /// An empty graph with these weights, which must be folded.
    pub(super) fn new(weights: &'a Weights, size: Option<Size>) -> Self {
        let (nodes, constants, outputs, kept) = Default::default();
        let mut graph = Self { weights, size, nodes, constants, outputs, kept };
        if size.is_none() {
            let (start, end) = (Attribute::Int("start", 2), Attribute::Int("end", 4));
            graph.node("Shape", SIDES.to_owned(), vec![IMAGE.to_owned()], vec![start, end]);
        }
        graph
    }

    /// The input.
    pub(super) fn image(&self) -> Value {
        Value { name: IMAGE.to_owned(), channels: 3, level: 0 }
    }

    /// Shape of maps of the images' size.
    pub(super) fn dims(&self, channels: usize) -> [Dim; 4] {
        match self.size {
            Some(Size { height, width }) => [1, channels, height, width].map(Dim::Fixed),
            None => [Dim::Free("n"), Dim::Fixed(channels), Dim::Free("h"), Dim::Free("w")],
        }
    }

    /// `x` combined by an operator with one number for each channel, or one for all.
    pub(super) fn arithmetic(
        &mut self,
        operator: &'static str,
        x: &Value,
        name: &str,
        numbers: &[f32],
    ) -> Value {
        self.floats(name, &[1, numbers.len(), 1, 1], numbers);
        let output = self.fresh(operator);
        self.node(operator, output.clone(), vec![x.name.clone(), name.to_owned()], vec![]);
        Value { name: output, ..x.clone() }
    }

    /// The channels of `x` in another order.
    pub(super) fn channels(&mut self, x: &Value, name: &str, order: &[usize]) -> Value {
        self.integers(name, order.iter().copied());
        let output = self.fresh("Gather");
        let inputs = vec![x.name.clone(), name.to_owned()];
        self.node("Gather", output.clone(), inputs, vec![Attribute::Int("axis", 1)]);
        Value { name: output, channels: order.len(), ..x.clone() }
    }

    /// Makes a map of one channel, which nothing else reads, an output of this name.
    pub(super) fn output(&mut self, value: &Value, name: &str, doc: &str) {
        let node = self.nodes.iter_mut().find(|node| node.output == value.name);
        name.clone_into(&mut node.expect("values come from nodes").output);
        let dims = self.dims(value.channels);
        self.outputs.push(Info { name, dims, doc }.message());
        self.kept.insert(name.to_owned());
    }

    /// `GraphProto`, without nodes that no output needs.
    pub(super) fn finish(mut self, name: &str, image: &Info<'_>) -> Message {
        let mut needed = self.kept;
        let mut nodes: Vec<Node> = Vec::new();
        for node in self.nodes.drain(..).rev() {
            if needed.contains(&node.output) {
                needed.extend(node.inputs.iter().cloned());
                nodes.push(node);
            }
        }
        Message::new()
            .messages(1, nodes.iter().rev().map(Node::message))
            .text(2, name)
            .messages(5, self.constants)
            .message(11, image.message())
            .messages(12, self.outputs)
    }

    fn node(
        &mut self,
        operator: &'static str,
        output: String,
        inputs: Vec<String>,
        attributes: Vec<Attribute>,
    ) {
        self.nodes.push(Node { operator, name: output.clone(), inputs, output, attributes });
    }

    /// A name for the result of an operator without parameters.
    fn fresh(&self, operator: &str) -> String {
        format!("{}_{}", operator.to_lowercase(), self.nodes.len())
    }

    /// A node without parameters.
    fn plain(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: Vec<Attribute>,
        like: &Value,
    ) -> Value {
        let output = self.fresh(operator);
        let inputs = inputs.iter().map(|value| value.name.clone()).collect();
        self.node(operator, output.clone(), inputs, attributes);
        Value { name: output, ..like.clone() }
    }

    /// A parameter of the model becomes a constant of the same name.
    fn parameter(&mut self, name: String) -> String {
        let parameter = &self.weights[&name];
        self.floats(&name, &parameter.shape, &parameter.data);
        name
    }

    fn floats(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constants.push(tensor(name, shape, Element::Float, &bytes));
    }

    fn integers(&mut self, name: &str, numbers: impl ExactSizeIterator<Item = usize>) {
        let shape = [numbers.len()];
        let bytes: Vec<u8> = numbers.flat_map(|number| (number as i64).to_le_bytes()).collect();
        self.constants.push(tensor(name, &shape, Element::Int64, &bytes));
    }
}

impl Build for Graph<'_> {
    type Value = Value;

    fn conv(&mut self, name: &str, conv: &Conv, x: &Value) -> Value {
        let [.., side] = conv.folded_shape();
        let mut inputs = vec![x.name.clone(), self.parameter(format!("{name}.weight"))];
        if conv.bias {
            inputs.push(self.parameter(format!("{name}.bias")));
        }
        let attributes = vec![
            Attribute::Ints("kernel_shape", vec![side as i64; 2]),
            Attribute::Ints("dilations", vec![conv.dilation as i64; 2]),
            Attribute::Ints("pads", vec![(side / 2 * conv.dilation) as i64; 4]),
            Attribute::Int("group", conv.groups as i64),
        ];
        self.node("Conv", name.to_owned(), inputs, attributes);
        Value { name: name.to_owned(), channels: conv.outputs, level: x.level }
    }

    fn max_pool(&mut self, x: &Value) -> Value {
        let window = ["kernel_shape", "strides"].map(|name| Attribute::Ints(name, vec![2, 2]));
        let like = Value { level: x.level + 1, ..x.clone() };
        self.plain("MaxPool", &[x], window.into(), &like)
    }

    fn relu(&mut self, x: &Value) -> Value {
        self.plain("Relu", &[x], vec![], x)
    }

    fn sigmoid(&mut self, x: &Value) -> Value {
        self.plain("Sigmoid", &[x], vec![], x)
    }

    fn add(&mut self, a: &Value, b: &Value) -> Value {
        self.plain("Add", &[a, b], vec![], a)
    }

    fn gate(&mut self, x: &Value, gate: &Value) -> Value {
        self.plain("Mul", &[x, gate], vec![], x)
    }

    fn resize(&mut self, x: &Value, like: &Value) -> Value {
        assert_eq!(like.level, 0, "maps are resized to the size of the image");
        if x.level == 0 {
            return x.clone();
        }
        let output = self.fresh("Resize");
        let target = format!("{output}_size");
        match self.size {
            Some(Size { height, width }) => {
                self.integers(&target, [1, x.channels, height, width].into_iter());
            }
            None => {
                let outer = format!("{output}_outer");
                self.node("Shape", outer.clone(), vec![x.name.clone()], vec![Attribute::Int("end", 2)]);
                let parts = vec![outer, SIDES.to_owned()];
                self.node("Concat", target.clone(), parts, vec![Attribute::Int("axis", 0)]);
            }
        }
        let attributes = vec![
            Attribute::Text("mode", "linear"),
            Attribute::Text("coordinate_transformation_mode", "half_pixel"),
        ];
        // Without a region of interest and scales.
        let inputs = vec![x.name.clone(), String::new(), String::new(), target];
        self.node("Resize", output.clone(), inputs, attributes);
        Value { name: output, level: 0, ..x.clone() }
    }

    fn concat(&mut self, maps: &[Value]) -> Value {
        let channels = maps.iter().map(|map| map.channels).sum();
        let inputs: Vec<&Value> = maps.iter().collect();
        let like = Value { channels, ..maps[0].clone() };
        self.plain("Concat", &inputs, vec![Attribute::Int("axis", 1)], &like)
    }
}

impl Node {
    fn message(&self) -> Message {
        Message::new()
            .texts(1, self.inputs.iter().map(String::as_str))
            .text(2, &self.output)
            .text(3, &self.name)
            .text(4, self.operator)
            .messages(5, self.attributes.iter().map(Attribute::message))
    }
}

impl Attribute {
    fn message(&self) -> Message {
        // The last field is `AttributeType`.
        match self {
            Self::Int(name, value) => Message::new().text(1, name).int(3, *value).int(20, 2),
            Self::Text(name, value) => Message::new().text(1, name).text(4, value).int(20, 3),
            Self::Ints(name, values) => {
                Message::new().text(1, name).ints(8, values.iter().copied()).int(20, 7)
            }
        }
    }
}

impl Info<'_> {
    pub(super) fn message(&self) -> Message {
        let dims = self.dims.map(|dim| match dim {
            Dim::Fixed(side) => Message::new().int(1, side as i64),
            Dim::Free(name) => Message::new().text(2, name),
        });
        let shape = Message::new().messages(1, dims);
        let tensor = Message::new().int(1, Element::Float as i64).message(2, shape);
        Message::new().text(1, self.name).message(2, Message::new().message(1, tensor)).text(3, self.doc)
    }
}

/// `TensorProto` of little-endian bytes.
fn tensor(name: &str, shape: &[usize], element: Element, bytes: &[u8]) -> Message {
    Message::new()
        .ints(1, shape.iter().map(|&side| side as i64))
        .int(2, element as i64)
        .text(8, name)
        .bytes(9, bytes)
}
