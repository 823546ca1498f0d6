//! The maps of a batch, in shards that are computed at the same time.

use std::collections::HashMap;
use std::ops::Range;

use super::Tape;
use super::norm::{Moments, Spread};
use super::stack::Stack;

/// Images of a shard.
const IMAGES: usize = 16;

/// All maps of a batch.
///
/// Sums over a batch are sums of those over shards, in their order, so results depend, in their last bits, on the
/// images of a shard, and not on how many threads there are.
#[derive(Debug)]
pub struct Workspace {
    /// Images of each shard but the last, which has what is left.
    images: usize,
    pub(super) shards: Vec<Shard>,
    /// What each batch norm saw.
    pub(super) moments: Vec<Vec<Moments>>,
    /// The weights of each convolution, in the order in which a kernel reads them.
    pub(super) weights: Vec<Vec<f32>>,
}

/// The maps of some images. What is outside of pixels is zero, always.
#[derive(Debug)]
pub(super) struct Shard {
    /// Which images of the batch.
    pub(super) images: Range<usize>,
    /// How maps lie, by level.
    pub(super) stacks: Vec<Stack>,
    pub(super) values: Vec<Vec<f32>>,
    pub(super) gradients: Vec<Option<Vec<f32>>>,
    /// What these images say of the gradient of each parameter; that of a convolution's weights is in the
    /// order of its kernel.
    pub(super) sums: Vec<f32>,
    /// Free buffers, by level and planes.
    free: HashMap<(usize, usize), Vec<Vec<f32>>>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self::with_shards_of(IMAGES)
    }
}

impl Workspace {
    /// Room for batches that are cut into shards of so many images, of 1 at least.
    pub fn with_shards_of(images: usize) -> Self {
        Self { images: images.max(1), shards: Vec::new(), moments: Vec::new(), weights: Vec::new() }
    }

    /// Makes room for a batch, unless it is there.
    pub(super) fn prepare(&mut self, tape: &Tape, images: usize, height: usize, width: usize) {
        let starts = (0..images).step_by(self.images);
        let shards = starts.map(|start| start..(start + self.images).min(images));
        let same = |(shard, images): (&Shard, Range<usize>)| {
            let first = shard.stacks[0];
            shard.images == images && (first.height, first.width) == (height, width)
        };
        let nodes = self.shards.first().map_or(0, |shard| shard.values.len());
        if nodes == tape.nodes.len()
            && self.shards.len() == shards.len()
            && self.shards.iter().zip(shards.clone()).all(same)
        {
            return;
        }
        self.shards.clear(); // before there are new ones, for their memory
        self.shards.extend(shards.map(|images| Shard::new(tape, images, height, width)));
        self.moments = vec![Vec::new(); tape.nodes.len()];
        self.weights = vec![Vec::new(); tape.nodes.len()];
    }

    /// Pixels of a level's maps, of all images.
    pub(super) fn count(&self, level: usize) -> usize {
        self.shards.iter().map(|shard| shard.stacks[level].count()).sum()
    }
}

impl Shard {
    fn new(tape: &Tape, images: Range<usize>, mut height: usize, mut width: usize) -> Self {
        let (vectors, maps) = tape.borders.split_last().expect("there are vectors");
        let mut stacks = Vec::new();
        for &border in maps {
            stacks.push(Stack::new(images.len(), height, width, border));
            (height, width) = (height.div_ceil(2), width.div_ceil(2));
        }
        stacks.push(Stack::new(images.len(), 1, 1, *vectors));
        Self {
            values: tape
                .nodes
                .iter()
                .map(|node| vec![0.0; node.channels * stacks[node.level].plane()])
                .collect(),
            gradients: vec![None; tape.nodes.len()],
            sums: vec![0.0; tape.parameters.len()],
            free: HashMap::new(),
            images,
            stacks,
        }
    }

    /// The spread of each channel of a map.
    pub(super) fn spreads(&self, node: usize, level: usize) -> Vec<Spread> {
        let stack = &self.stacks[level];
        self.values[node].chunks_exact(stack.plane()).map(|plane| Spread::of(plane, stack)).collect()
    }

    /// Planes for a map: zero outside of pixels; inside, anything.
    pub(super) fn take(&mut self, level: usize, planes: usize) -> Vec<f32> {
        let free = self.free.get_mut(&(level, planes)).and_then(Vec::pop);
        free.unwrap_or_else(|| vec![0.0; planes * self.stacks[level].plane()])
    }

    /// Gives planes back.
    pub(super) fn give(&mut self, level: usize, buffer: Vec<f32>) {
        let planes = buffer.len() / self.stacks[level].plane();
        self.free.entry((level, planes)).or_default().push(buffer);
    }
}
