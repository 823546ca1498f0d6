//! The networks, defined once.
//!
//! [`pidinet`] is the only definition of the network. It is generic over [`Build`], so that counting
//! parameters, checking a model file, running the f64 reference, planning the fast engine and training
//! are all interpreters of the same few lines. Nothing here holds weights or computes anything.

use std::collections::BTreeMap;

mod kinds;
pub mod recognition;
pub mod survey;

pub use kinds::{Kind, Kinds, LAYERS};

/// Blocks in each of the four stages; every stage except the first begins by downsampling.
pub const STAGES: [usize; 4] = [3, 4, 4, 4];

/// Dilations of the four parallel convolutions of a CDCM.
pub const CDCM_DILATIONS: [usize; 4] = [5, 7, 9, 11];

/// The name of the first convolution.
pub const STEM: &str = "init_block";

/// Channels inside a CSAM.
pub const CSAM_WIDTH: usize = 4;

/// Everything that distinguishes one PiDiNet from another, except its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Arch {
    /// Channels of the first stage, C; the second has 2C, the third and fourth 4C.
    pub width: usize,
    /// Kinds of the sixteen layers.
    pub kinds: Kinds,
    /// Channels M of the compact dilation convolution modules (CDCM); `None` leaves them out.
    pub cdcm: Option<usize>,
    /// Whether there are compact spatial attention modules (CSAM).
    pub csam: bool,
    /// Share θ in (0, 1] of the pixel difference in every PDC: at 1 it is the pure difference, below 1
    /// an ordinary convolution is mixed in.
    pub theta: f32,
}

impl Arch {
    /// The published full model: width 60, M = 24.
    pub fn full() -> Self {
        Self { width: 60, kinds: Kinds::default(), cdcm: Some(24), csam: true, theta: 1.0 }
    }

    /// The published small model: width 30, M = 12.
    pub fn small() -> Self {
        Self { width: 30, cdcm: Some(12), ..Self::full() }
    }

    /// The published tiny model: width 20, M = 8.
    pub fn tiny() -> Self {
        Self { width: 20, cdcm: Some(8), ..Self::full() }
    }

    /// The "-L" variant of this model: no CDCM, no CSAM.
    #[must_use]
    pub fn light(self) -> Self {
        Self { cdcm: None, csam: false, ..self }
    }
}

/// A block of a stage: `conv2(relu(conv1(x)))` plus `x`, or plus a projection of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name, such as `block2_1`; the names of its convolutions begin with it.
    pub name: String,
    /// Its stage, from 0.
    pub stage: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Whether it begins with max-pooling, and its shortcut is a convolution.
    pub is_projected: bool,
}

impl Block {
    /// The name of its depthwise convolution.
    pub fn depthwise(&self) -> String {
        format!("{}.conv1", self.name)
    }

    /// The name of its 1×1 convolution.
    pub fn pointwise(&self) -> String {
        format!("{}.conv2", self.name)
    }

    /// The name of the convolution in its shortcut, if there is one.
    pub fn shortcut(&self) -> Option<String> {
        self.is_projected.then(|| format!("{}.shortcut", self.name))
    }
}

impl Arch {
    /// The blocks in the order of computation.
    pub fn blocks(&self) -> Vec<Block> {
        let channels = |stage: usize| self.width << stage.min(2);
        let of_stage = |stage: usize| {
            (1..=STAGES[stage]).map(move |number| {
                let is_projected = stage > 0 && number == 1;
                Block {
                    name: format!("block{}_{number}", stage + 1),
                    stage,
                    inputs: channels(if is_projected { stage - 1 } else { stage }),
                    outputs: channels(stage),
                    is_projected,
                }
            })
        };
        (0..STAGES.len()).flat_map(of_stage).collect()
    }

    /// The module that each convolution belongs to: for a convolution of a block, the name of the block; for
    /// a dilated one of a CDCM, the name of their sum.
    pub(crate) fn modules(&self) -> BTreeMap<String, String> {
        let blocks = self.blocks().into_iter().flat_map(|block| {
            let convs = [Some(block.depthwise()), Some(block.pointwise()), block.shortcut()];
            convs.into_iter().flatten().map(move |conv| (conv, block.name.clone()))
        });
        let sums = (0..STAGES.len()).flat_map(|stage| {
            let sum = format!("{}.conv2", cdcm_name(stage));
            (1..=CDCM_DILATIONS.len()).map(move |branch| (format!("{sum}_{branch}"), sum.clone()))
        });
        blocks.chain(sums).collect()
    }
}

/// The name of the CDCM of a stage, from 0.
fn cdcm_name(stage: usize) -> String {
    format!("dilations.{stage}")
}

/// One convolution of a network. Stride is 1, padding keeps the size and is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Which pixels the weights multiply.
    pub kind: Kind,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Groups: 1, or `inputs` for a depthwise convolution.
    pub groups: usize,
    /// Side of the kernel before folding: 1 or 3.
    pub size: usize,
    /// Distance of neighbouring taps in pixels.
    pub dilation: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Share of the pixel difference, see [`Arch::theta`].
    pub theta: f32,
}

impl Conv {
    /// A pointwise (1×1) convolution.
    pub fn pointwise(inputs: usize, outputs: usize) -> Self {
        Self {
            kind: Kind::Vanilla,
            inputs,
            outputs,
            groups: 1,
            size: 1,
            dilation: 1,
            bias: false,
            theta: 1.0,
        }
    }

    /// An ordinary 3×3 convolution.
    pub fn dense(inputs: usize, outputs: usize) -> Self {
        Self { size: 3, ..Self::pointwise(inputs, outputs) }
    }

    /// The same with a bias.
    #[must_use]
    pub fn with_bias(self) -> Self {
        Self { bias: true, ..self }
    }

    /// Shape `[outputs, inputs / groups, size, size]` of the weights before folding.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs / self.groups, self.size, self.size]
    }

    /// Shape of the folded weights: `[outputs, inputs / groups, 5, 5]` for a radial one.
    pub fn folded_shape(&self) -> [usize; 4] {
        let size = if self.kind == Kind::Radial { self.kind.folded_size() } else { self.size };
        [self.outputs, self.inputs / self.groups, size, size]
    }
}

/// What a network is built from: one method for each operation, called in the order of computation.
///
/// An interpreter decides what a value is: a shape, a map, a node number, a tensor with gradients.
/// All maps are `[c, h, w]` (or `[n, c, h, w]`, where an interpreter has batches).
pub trait Build {
    /// A map, or what stands for one.
    type Value: Clone;

    /// Convolves `x`; the parameters are `{name}.weight` and, where [`Conv::bias`] says so, `{name}.bias`.
    fn conv(&mut self, name: &str, conv: &Conv, x: &Self::Value) -> Self::Value;

    /// Maximum over windows of 2×2, stride 2; an odd last row or column is dropped.
    fn max_pool(&mut self, x: &Self::Value) -> Self::Value;

    /// `max(x, 0)`.
    fn relu(&mut self, x: &Self::Value) -> Self::Value;

    /// `1 / (1 + exp(−x))`.
    fn sigmoid(&mut self, x: &Self::Value) -> Self::Value;

    /// `a + b`, of equal shapes.
    fn add(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// `x · gate`, where `gate` has one channel that multiplies all of `x`.
    fn gate(&mut self, x: &Self::Value, gate: &Self::Value) -> Self::Value;

    /// Bilinear resize of `x` to the height and width of `like` (half-pixel centres, PyTorch's
    /// `align_corners=False`).
    fn resize(&mut self, x: &Self::Value, like: &Self::Value) -> Self::Value;

    /// The channels of all maps, one after the other.
    fn concat(&mut self, maps: &[Self::Value]) -> Self::Value;
}

/// The maps that a PiDiNet returns.
#[derive(Clone, Debug)]
pub struct Outputs<V> {
    /// After the stem: `[C, h, w]`.
    pub stem: V,
    /// After each stage: `[C, h, w]`, `[2C, h/2, w/2]`, `[4C, h/4, w/4]`, `[4C, h/8, w/8]`, halves rounded down.
    pub stages: [V; 4],
    /// Edge probability seen by each stage, `[1, h, w]`, in `[0, 1]`.
    pub sides: [V; 4],
    /// The answer: edge probability from all four, `[1, h, w]`, in `[0, 1]`.
    pub fused: V,
}

/// PiDiNet on an image `[3, h, w]`, h and w at least 8.
pub fn pidinet<B: Build>(arch: &Arch, b: &mut B, image: &B::Value) -> Outputs<B::Value> {
    let mut kinds = arch.kinds.layers().iter();
    let mut difference = |conv: Conv| Conv {
        kind: *kinds.next().expect("the stem and fifteen blocks are sixteen layers"),
        theta: arch.theta,
        ..conv
    };

    let stem = b.conv(STEM, &difference(Conv::dense(3, arch.width)), image);
    let mut x = stem.clone();
    let blocks = arch.blocks();
    let stages: [_; 4] = std::array::from_fn(|stage| {
        for block in blocks.iter().filter(|block| block.stage == stage) {
            let channels = block.inputs;
            let depthwise = Conv { groups: channels, ..difference(Conv::dense(channels, channels)) };
            let pointwise = Conv::pointwise(channels, block.outputs);
            if block.is_projected {
                x = b.max_pool(&x);
            }
            let y = b.conv(&block.depthwise(), &depthwise, &x);
            let y = b.relu(&y);
            let y = b.conv(&block.pointwise(), &pointwise, &y);
            if let Some(shortcut) = block.shortcut() {
                x = b.conv(&shortcut, &pointwise.with_bias(), &x);
            }
            x = b.add(&y, &x);
        }
        x.clone()
    });

    let logits: [_; 4] = std::array::from_fn(|stage| {
        let channels = arch.width << (stage.min(2));
        let side = side_output(arch, b, stage, channels, &stages[stage]);
        b.resize(&side, image)
    });
    let all = b.concat(&logits);
    let fused = b.conv("classifier", &Conv::pointwise(4, 1).with_bias(), &all);
    let sides = std::array::from_fn(|stage| b.sigmoid(&logits[stage]));
    Outputs { stem, stages, sides, fused: b.sigmoid(&fused) }
}

/// From a stage's output to one channel: CDCM, CSAM, and a 1×1 convolution.
fn side_output<B: Build>(
    arch: &Arch,
    b: &mut B,
    stage: usize,
    mut channels: usize,
    x: &B::Value,
) -> B::Value {
    let mut x = x.clone();
    if let Some(width) = arch.cdcm {
        x = cdcm(b, &cdcm_name(stage), channels, width, &x);
        channels = width;
    }
    if arch.csam {
        x = csam(b, &format!("attentions.{stage}"), channels, &x);
    }
    b.conv(&format!("conv_reduces.{stage}.conv"), &Conv::pointwise(channels, 1).with_bias(), &x)
}

/// Compact dilation convolution module: context from four dilations.
fn cdcm<B: Build>(b: &mut B, name: &str, inputs: usize, width: usize, x: &B::Value) -> B::Value {
    let x = b.relu(x);
    let x = b.conv(&format!("{name}.conv1"), &Conv::pointwise(inputs, width).with_bias(), &x);
    let mut branches = CDCM_DILATIONS.iter().enumerate().map(|(branch, &dilation)| {
        let conv = Conv { dilation, ..Conv::dense(width, width) };
        (format!("{name}.conv2_{}", branch + 1), conv)
    });
    let (first, conv) = branches.next().expect("four dilations");
    let sum = b.conv(&first, &conv, &x);
    branches.fold(sum, |sum, (branch, conv)| {
        let y = b.conv(&branch, &conv, &x);
        b.add(&sum, &y)
    })
}

/// Compact spatial attention module: one gate for each pixel.
fn csam<B: Build>(b: &mut B, name: &str, inputs: usize, x: &B::Value) -> B::Value {
    let y = b.relu(x);
    let y = b.conv(&format!("{name}.conv1"), &Conv::pointwise(inputs, CSAM_WIDTH).with_bias(), &y);
    let y = b.conv(&format!("{name}.conv2"), &Conv::dense(CSAM_WIDTH, 1), &y);
    let gate = b.sigmoid(&y);
    b.gate(x, &gate)
}
