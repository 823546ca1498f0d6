//! The tape forward, from a batch of images to logits, and backward, from their gradients to those of the
//! parameters: all shards from one batch norm to the next.

use pidinet_kernels::Isa;
use rayon::prelude::*;

use super::norm::{Moments, Slopes, Spread};
use super::pass::{Pass, Sums};
use super::shard::{Shard, Workspace};
use super::sums::add;
use super::{ConvOp, Mode, Op, Tape};

impl Tape {
    /// Computes every map of a batch of `images` (`[n, 3, h, w]`, normalised) of `height × width` pixels.
    ///
    /// # Panics
    ///
    /// If `images` does not hold whole images, or `parameters` are not those of this network.
    pub fn forward(
        &self,
        isa: Isa,
        mode: Mode,
        parameters: &[f32],
        images: &[f32],
        (height, width): (usize, usize),
        space: &mut Workspace,
    ) {
        assert_eq!(parameters.len(), self.parameters.len(), "one value for each parameter");
        assert!(images.len().is_multiple_of(3 * height * width), "images of three channels");
        space.prepare(self, images.len() / (3 * height * width), height, width);
        let Workspace { shards, moments, weights, .. } = space;
        self.pack(weights, parameters, |op, own, packed| op.pack(mode, own, packed));
        for (number, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(number + 1).map(|segment| segment.start);
            let measured = next.and_then(|norm| match self.nodes[norm].op {
                Op::Norm { x, .. } if !mode.running => Some(x),
                _ => None,
            });
            let pass = Pass { tape: self, isa, mode, parameters, weights, moments };
            let spreads: Vec<Vec<Spread>> = shards
                .par_iter_mut()
                .map(|shard| {
                    segment.clone().for_each(|number| pass.compute(number, images, shard));
                    measured.map_or_else(Vec::new, |x| shard.spreads(x, self.nodes[x].level))
                })
                .collect();
            let Some(norm) = next else { continue };
            moments[norm] = match (measured, &self.nodes[norm].op) {
                (None, &Op::Norm { weight, .. }) => {
                    let [means, variances] = [2, 3].map(|i| self.parameters.part(weight + i, parameters));
                    let each = means.iter().zip(variances);
                    each.map(|(&mean, &variance)| Moments { mean, variance }).collect()
                }
                _ => totals(&spreads, Spread::merge).into_iter().map(Moments::from).collect(),
            };
        }
    }

    /// Packs the weights of all convolutions.
    fn pack(
        &self,
        packed: &mut [Vec<f32>],
        parameters: &[f32],
        pack: impl Fn(&ConvOp, &[f32], &mut Vec<f32>) + Sync,
    ) {
        packed.par_iter_mut().zip(&self.nodes).for_each(|(packed, node)| {
            if let Op::Conv(op) = &node.op {
                pack(op, self.parameters.part(op.weight, parameters), packed);
            }
        });
    }

    /// Moves the running means and variances towards those of the last batch, which gets the share
    /// `momentum`.
    pub(in crate::recognition) fn note(&self, momentum: f32, space: &Workspace, parameters: &mut [f32]) {
        for (node, moments) in self.nodes.iter().zip(&space.moments) {
            let &Op::Norm { weight, .. } = &node.op else { continue };
            // The unbiased variance is a little more than that of the sample.
            let count = space.count(node.level) as f32;
            let whole = count / (count - 1.0).max(1.0);
            let mut move_to = |tensor: usize, of: &dyn Fn(&Moments) -> f32| {
                for (kept, moments) in self.parameters.part_mut(tensor, parameters).iter_mut().zip(moments) {
                    *kept += momentum * (of(moments) - *kept);
                }
            };
            move_to(weight + 2, &|moments| moments.mean);
            move_to(weight + 3, &|moments| moments.variance * whole);
        }
    }

    /// The logits of the last forward pass, `[n, classes]`.
    pub fn logits(&self, space: &Workspace) -> Vec<f32> {
        let mut logits = Vec::new();
        for shard in &space.shards {
            let stack = shard.stacks[self.nodes[self.logits].level];
            let planes = shard.values[self.logits].chunks_exact(stack.plane());
            for image in 0..stack.images {
                logits.extend(planes.clone().map(|plane| plane[stack.row(image, 0)]));
            }
        }
        logits
    }

    /// Adds to `gradients` the gradient of every parameter, from those of the logits, `[n, classes]`. The maps
    /// in `space` are those of the last [`Tape::forward`], in the same mode.
    ///
    /// # Panics
    ///
    /// If there are not as many logits, or if batch norms did not use the moments of the batch.
    pub fn backward(
        &self,
        isa: Isa,
        mode: Mode,
        parameters: &[f32],
        logits: &[f32],
        space: &mut Workspace,
        gradients: &mut [f32],
    ) {
        assert!(!mode.running, "gradients need the moments of the batch");
        let (classes, images) = (self.nodes[self.logits].channels, space.count(self.borders.len() - 1));
        assert_eq!(logits.len(), images * classes, "a gradient for each logit");
        let counts: Vec<f64> = self.nodes.iter().map(|node| space.count(node.level) as f64).collect();
        let Workspace { shards, moments, weights, .. } = space;
        self.pack(weights, parameters, |op, own, packed| op.pack_transposed(mode, own, packed));
        let pass = Pass { tape: self, isa, mode, parameters, weights, moments };
        shards.par_iter_mut().for_each(|shard| {
            shard.sums.fill(0.0);
            let own = shard.images.start * classes..shard.images.end * classes;
            pass.seed(&logits[own], shard);
        });
        // The batch norm that ends a segment of the backward pass, and its sums.
        let mut known: Option<(usize, Sums)> = None;
        for segment in self.segments.iter().rev() {
            let norm = segment.start;
            let slopes: Vec<Vec<Slopes>> = shards
                .par_iter_mut()
                .map(|shard| {
                    if let Some((norm, sums)) = &known {
                        pass.differentiate_norm(*norm, sums, shard);
                    }
                    segment.clone().skip(1).rev().for_each(|number| pass.differentiate(number, shard));
                    pass.slopes(norm, shard)
                })
                .collect();
            known = Some((norm, (totals(&slopes, Slopes::merge), counts[norm])));
            if let (&Op::Norm { weight, .. }, Some((_, (slopes, _)))) = (&self.nodes[norm].op, &known) {
                for (i, slope) in slopes.iter().enumerate() {
                    self.parameters.part_mut(weight, gradients)[i] += slope.weight as f32;
                    self.parameters.part_mut(weight + 1, gradients)[i] += slope.bias as f32;
                }
            }
        }
        self.collect(mode, parameters, shards, gradients);
    }

    /// Adds the contributions of all shards to the gradients of the parameters.
    fn collect(&self, mode: Mode, parameters: &[f32], shards: &mut [Shard], gradients: &mut [f32]) {
        const PART: usize = 1 << 14;
        let Some((first, others)) = shards.split_first_mut() else { return };
        first.sums.par_chunks_mut(PART).enumerate().for_each(|(number, sums)| {
            for shard in &*others {
                add(sums, &shard.sums[number * PART..]);
            }
        });
        let mut packed = vec![None; self.parameters.tensors().len()];
        for node in &self.nodes {
            if let Op::Conv(op) = &node.op {
                packed[op.weight] = Some(op);
            }
        }
        for (number, (tensor, op)) in self.parameters.tensors().iter().zip(packed).enumerate() {
            let sums = &first.sums[tensor.range.clone()];
            let gradients = self.parameters.part_mut(number, gradients);
            match op {
                Some(op) => op.unpack(mode, self.parameters.part(number, parameters), sums, gradients),
                None => add(gradients, sums),
            }
        }
    }
}

/// The results of the shards for each channel, merged in their order.
fn totals<T: Copy + Default>(shards: &[Vec<T>], merge: impl Fn(T, T) -> T) -> Vec<T> {
    let channels = shards.first().map_or(0, Vec::len);
    let total = |channel| shards.iter().fold(T::default(), |total, shard| merge(total, shard[channel]));
    (0..channels).map(total).collect()
}
