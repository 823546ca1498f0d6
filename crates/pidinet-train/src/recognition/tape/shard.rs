//! The maps of a batch, in shards that are computed in parallel.

use std::collections::HashMap;
use std::ops::Range;

use super::Tape;
use super::norm::{Moments, Spread};
use super::stack::Stack;

/// Images of a shard.
const IMAGES: usize = 16;

/// All maps of a batch.
///
/// Sums over a batch are sums of those over shards, in their order. So the last bits of a result depend on
/// the number of images in a shard, but not on the number of threads.
#[derive(Debug)]
pub struct Workspace {
    /// Images of each shard except the last, which has the remainder.
    images: usize,
    pub(super) shards: Vec<Shard>,
    /// The moments of each batch norm.
    pub(super) moments: Vec<Vec<Moments>>,
    /// The weights of each convolution, in the order in which a kernel reads them.
    pub(super) weights: Vec<Vec<f32>>,
}

/// The maps of some images. Everything outside the pixels is always zero.
#[derive(Debug)]
pub(super) struct Shard {
    /// Which images of the batch.
    pub(super) images: Range<usize>,
    /// The layout of maps, by level.
    pub(super) stacks: Vec<Stack>,
    pub(super) values: Vec<Vec<f32>>,
    pub(super) gradients: Vec<Option<Vec<f32>>>,
    /// The contribution of these images to the gradient of each parameter; for a convolution's weights,
    /// in the order of its kernel.
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
    /// Room for batches cut into shards of this many images, at least 1.
    pub fn with_shards_of(images: usize) -> Self {
        Self { images: images.max(1), shards: Vec::new(), moments: Vec::new(), weights: Vec::new() }
    }

    /// Makes room for a batch, unless there is room already.
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

    /// Number of pixels in a level's maps, over all images.
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

    /// Planes for a map: zero outside the pixels, arbitrary inside.
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
