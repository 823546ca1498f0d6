//! Fusion: fewer nodes that compute the same result, so that fewer maps are written and read.
//!
//! Each rule looks at one node and those it reads; a node that others need as well is never absorbed.
//! The rules, in the order in which they find work in a PiDiNet:
//!
//! | before | after |
//! |---|---|
//! | `relu(depthwise(x))` | depthwise that stores `max(·, 0)` |
//! | `conv(relu(x))` | convolution that reads `max(x, 0)` |
//! | `conv(x) + conv(y)` | one sum: the four branches of a CDCM, a block's shortcut |
//! | `conv(x) + y` | one sum |
//! | `pointwise(depthwise(x)) + shortcut(x)` | [`Node::Block`] |
//! | `reduce(x · sigmoid(l))` | `(w·x) · sigmoid(l) + b`, as the gate has one channel |
//! | `sigmoid(classifier(concat(resize(m)…)))`, `sigmoid(resize(m))` | [`Node::Fuse`] |

use super::graph::{Graph, Id, Named, Node, Shape, Term};

/// Fuses whatever can be fused. `keep` lists the nodes whose maps are wanted; they are renumbered.
pub(crate) fn fuse(graph: Graph, keep: &mut [Id]) -> Graph {
    let mut fusion = Fusion::new(graph, keep);
    let mut id = 0;
    while id < fusion.graph.nodes.len() {
        while fusion.rewrite(id) {}
        id += 1;
    }
    let mut graph = fusion.graph;
    remove_unused(&mut graph, keep);
    graph
}

struct Fusion<'a> {
    graph: Graph,
    keep: &'a [Id],
}

impl<'a> Fusion<'a> {
    fn new(graph: Graph, keep: &'a [Id]) -> Self {
        Self { graph, keep }
    }

    /// Applies the first rule that fits the node; false if none does.
    fn rewrite(&mut self, id: Id) -> bool {
        let fused = match &self.graph.nodes[id] {
            Node::Relu(x) => self.relu_after_depthwise(*x),
            Node::Add(a, b) => self.sum(*a, *b),
            Node::Dense { terms, relu, add } => self
                .relu_before_dense(terms, *relu, *add)
                .or_else(|| self.block(terms, *relu, *add))
                .or_else(|| self.reduce_of_gated(id)),
            Node::Sigmoid(x) => self.fused_maps(*x),
            _ => None,
        };
        let changed = fused.is_some();
        if let Some(node) = fused {
            self.graph.nodes[id] = node;
        }
        changed
    }

    /// Whether nothing but one node reads `id`.
    fn is_private(&self, id: Id) -> bool {
        let readers = self.live_readers(id);
        readers == 1 && !self.keep.contains(&id)
    }

    /// How often nodes that are still needed read `id`.
    fn live_readers(&self, id: Id) -> usize {
        let live = reachable(&self.graph, self.keep);
        let nodes = self.graph.nodes.iter().zip(live).filter(|(_, live)| *live);
        nodes.map(|(node, _)| node.inputs().iter().filter(|&&input| input == id).count()).sum()
    }

    fn relu_after_depthwise(&self, x: Id) -> Option<Node> {
        match &self.graph.nodes[x] {
            Node::Depthwise { conv, x: source, relu: false } if self.is_private(x) => {
                Some(Node::Depthwise { conv: conv.clone(), x: *source, relu: true })
            }
            _ => None,
        }
    }

    fn relu_before_dense(&self, terms: &[Term], relu: bool, add: Option<Id>) -> Option<Node> {
        match (terms, relu) {
            ([term], false) => match self.graph.nodes[term.x] {
                Node::Relu(x) => {
                    let term = Term { conv: term.conv.clone(), x };
                    Some(Node::Dense { terms: vec![term], relu: true, add })
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn sum(&self, a: Id, b: Id) -> Option<Node> {
        let dense = |id: Id| match &self.graph.nodes[id] {
            Node::Dense { terms, relu, add: None } if self.is_private(id) => Some((terms, *relu)),
            _ => None,
        };
        match (dense(a), dense(b)) {
            (Some((first, relu)), Some((second, other))) if relu == other => {
                Some(Node::Dense { terms: [first.as_slice(), second].concat(), relu, add: None })
            }
            (Some((terms, relu)), _) => Some(Node::Dense { terms: terms.clone(), relu, add: Some(b) }),
            (_, Some((terms, relu))) => Some(Node::Dense { terms: terms.clone(), relu, add: Some(a) }),
            _ => None,
        }
    }

    fn block(&self, terms: &[Term], relu: bool, add: Option<Id>) -> Option<Node> {
        let (pointwise, shortcut) = match (terms, add) {
            ([pointwise], Some(_)) => (pointwise, None),
            ([pointwise, shortcut], None) => (pointwise, Some(shortcut)),
            _ => return None,
        };
        let is_pointwise = |term: &Term| term.conv.conv.size == 1;
        let source = shortcut.map_or(add, |term| Some(term.x))?;
        match &self.graph.nodes[pointwise.x] {
            Node::Depthwise { conv, x, relu: true }
                if *x == source
                    && !relu
                    && is_pointwise(pointwise)
                    && shortcut.is_none_or(is_pointwise)
                    && self.is_private(pointwise.x) =>
            {
                Some(Node::Block {
                    depthwise: conv.clone(),
                    pointwise: pointwise.conv.clone(),
                    shortcut: shortcut.map(|term| term.conv.clone()),
                    x: *x,
                })
            }
            _ => None,
        }
    }

    /// `w·(x·sigmoid(l)) + b = (w·x)·sigmoid(l) + b`: the convolution moves before the gate, where it
    /// leaves one channel to multiply.
    fn reduce_of_gated(&mut self, id: Id) -> Option<Node> {
        let Node::Dense { terms, relu: false, add: None } = &self.graph.nodes[id] else { return None };
        let [term] = terms.as_slice() else { return None };
        let Node::Gate { x, gate } = self.graph.nodes[term.x] else { return None };
        let Node::Sigmoid(logit) = self.graph.nodes[gate] else { return None };
        let reduce = &term.conv;
        if reduce.conv.size != 1 || reduce.conv.outputs != 1 || !self.is_private(term.x) {
            return None;
        }
        let bias = reduce.conv.bias.then(|| format!("{}.bias", reduce.name));
        let unbiased = Named { conv: crate::arch::Conv { bias: false, ..reduce.conv }, ..reduce.clone() };
        // Nothing else reads the gated map, so its node can become the reduced one.
        let gated = term.x;
        self.graph.nodes[gated] =
            Node::Dense { terms: vec![Term { conv: unbiased, x }], relu: false, add: None };
        self.graph.shapes[gated] = Shape { channels: 1, ..self.graph.shapes[gated] };
        Some(Node::GatedBias { x: gated, logit, bias })
    }

    fn fused_maps(&self, x: Id) -> Option<Node> {
        let resized = |id: Id| match self.graph.nodes[id] {
            Node::Resize(map) if self.graph.shapes[map].channels == 1 => Some(map),
            _ => None,
        };
        if let Some(map) = resized(x) {
            return Some(Node::Fuse { maps: vec![map], classifier: None });
        }
        let Node::Dense { terms, relu: false, add: None } = &self.graph.nodes[x] else { return None };
        let [Term { conv, x: all }] = terms.as_slice() else { return None };
        let Node::Concat(maps) = &self.graph.nodes[*all] else { return None };
        let maps = maps.iter().map(|&map| resized(map)).collect::<Option<Vec<_>>>()?;
        (conv.conv.size == 1 && conv.conv.outputs == 1 && self.is_private(x))
            .then(|| Node::Fuse { maps, classifier: Some(conv.clone()) })
    }
}

/// Which nodes those in `keep` depend on.
fn reachable(graph: &Graph, keep: &[Id]) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    for &id in keep {
        live[id] = true;
    }
    // Inputs precede their readers, so one pass from the end sees every reader first.
    for id in (0..graph.nodes.len()).rev() {
        if live[id] {
            for input in graph.nodes[id].inputs() {
                live[input] = true;
            }
        }
    }
    live
}

/// Removes the nodes that nothing in `keep` needs.
pub(crate) fn remove_unused(graph: &mut Graph, keep: &mut [Id]) {
    let live = reachable(graph, keep);
    let numbers: Vec<Id> = live
        .iter()
        .scan(0, |next, &live| {
            let number = *next;
            *next += usize::from(live);
            Some(number)
        })
        .collect();
    let mut at = live.iter();
    graph.nodes.retain(|_| *at.next().expect("one flag a node"));
    let mut at = live.iter();
    graph.shapes.retain(|_| *at.next().expect("one flag a node"));
    for node in &mut graph.nodes {
        node.renumber(|id| numbers[id]);
    }
    for id in keep {
        *id = numbers[*id];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Arch, pidinet};

    fn fused(arch: &Arch) -> Vec<&'static str> {
        let mut graph = Graph::default();
        let image = graph.image();
        let outputs = pidinet(arch, &mut graph, &image);
        let mut keep = [outputs.fused];
        let graph = fuse(graph, &mut keep);
        assert_eq!(keep[0], graph.nodes.len() - 1);
        graph
            .nodes
            .iter()
            .map(|node| match node {
                Node::Image => "image",
                Node::Dense { terms, .. } if terms.len() == 4 => "cdcm",
                Node::Dense { .. } => "dense",
                Node::MaxPool(_) => "pool",
                Node::Block { shortcut: None, .. } => "block",
                Node::Block { .. } => "projecting block",
                Node::GatedBias { .. } => "gate",
                Node::Fuse { maps, .. } if maps.len() == 4 => "fuse",
                other => panic!("{other:?} is left"),
            })
            .collect()
    }

    #[test]
    fn a_light_network_is_blocks_and_four_reductions() {
        let stage = ["pool", "projecting block", "block", "block", "block"];
        let body = [&["image", "dense", "block", "block", "block"][..], &stage, &stage, &stage].concat();
        let heads = ["dense", "dense", "dense", "dense", "fuse"];
        assert_eq!(fused(&Arch::full().light()), [body.as_slice(), &heads].concat());
    }

    #[test]
    fn a_head_is_five_steps() {
        let all = fused(&Arch::tiny());
        // reduce to M, dilated sum, attention 1x1 and 3x3, reduce to one channel, gate
        assert_eq!(all[20..26], ["dense", "cdcm", "dense", "dense", "dense", "gate"]);
        assert_eq!(all.len(), 20 + 4 * 6 + 1);
    }
}
