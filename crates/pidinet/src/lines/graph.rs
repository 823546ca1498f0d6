//! A skeleton as a graph: nodes where lines end or meet, and the paths of pixels between them.

use super::grid::{NOTHING, steps};
use super::skeleton::Skeleton;

/// Where lines end or meet.
pub(super) struct Node {
    /// Pixels of the padded image that are the node: one, or the cluster in which lines meet.
    pub(super) pixels: Vec<u32>,
    /// The paths that end here; a path that comes back to its start twice.
    pub(super) paths: Vec<u32>,
}

/// Pixels from one node to another, or around to where they began.
#[derive(Clone)]
pub(super) struct Path {
    /// The nodes at its ends; none if it is closed and meets nothing.
    pub(super) ends: Option<[u32; 2]>,
    /// Its pixels in order, without those of the nodes.
    pub(super) pixels: Vec<u32>,
}

/// Nodes and paths; both keep their numbers when others go.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) paths: Vec<Option<Path>>,
}

impl Graph {
    /// The graph of a skeleton.
    ///
    /// Pixels are neighbours if they share a side, or a corner that no third pixel of the skeleton fills (m-adjacency).
    /// With one neighbour a pixel is an end, with two it belongs to a path, with more it is a junction; junctions that
    /// touch are one node as long as they fit into a square of [`CLUSTER`] pixels.
    pub(super) fn of(skeleton: &Skeleton) -> Self {
        let steps = steps(skeleton.stride);
        let mut graph = Self { nodes: Vec::new(), paths: Vec::new() };
        let mut node_at = vec![NO_NODE; skeleton.state.len()];
        for at in skeleton.pixels() {
            let degree = neighbours(skeleton, at).count_ones();
            if degree == 1 {
                node_at[at] = graph.nodes.len() as u32;
                graph.nodes.push(Node { pixels: vec![at as u32], paths: Vec::new() });
            } else if degree > 2 && node_at[at] == NO_NODE {
                for cluster in clusters(skeleton, at, &node_at) {
                    cluster.iter().for_each(|&at| {
                        node_at[at as usize] = graph.nodes.len() as u32;
                    });
                    graph.nodes.push(Node { pixels: cluster, paths: Vec::new() });
                }
            }
        }
        let mut passed = vec![false; skeleton.state.len()];
        for node in 0..graph.nodes.len() as u32 {
            for start in graph.nodes[node as usize].pixels.clone() {
                let out = neighbours(skeleton, start as usize);
                for step in (0..8).filter(|bit| out >> bit & 1 == 1).map(|bit| steps[bit]) {
                    let first = (start as usize).wrapping_add_signed(step);
                    match node_at[first] {
                        NO_NODE if passed[first] => {}
                        NO_NODE => {
                            let (pixels, end) =
                                follow(skeleton, &steps, start as usize, first, &mut passed, &node_at);
                            graph.add(Path { ends: Some([node, end.unwrap_or(node)]), pixels });
                        }
                        other if other == node => {}
                        // Two nodes side by side; each such pair is met from both ends.
                        other => {
                            if start < first as u32 {
                                graph.add(Path { ends: Some([node, other]), pixels: Vec::new() });
                            }
                        }
                    }
                }
            }
        }
        for start in skeleton.pixels() {
            if !passed[start] && node_at[start] == NO_NODE {
                let out = neighbours(skeleton, start);
                if out.count_ones() == 2 {
                    passed[start] = true;
                    let first = start.wrapping_add_signed(steps[out.trailing_zeros() as usize]);
                    let (mut pixels, _) = follow(skeleton, &steps, start, first, &mut passed, &node_at);
                    pixels.push(start as u32);
                    graph.add(Path { ends: None, pixels });
                }
            }
        }
        graph
    }

    /// Adds a path.
    pub(super) fn add(&mut self, path: Path) {
        let number = self.paths.len() as u32;
        for node in path.ends.into_iter().flatten() {
            self.nodes[node as usize].paths.push(number);
        }
        self.paths.push(Some(path));
    }

    /// Takes a path out.
    pub(super) fn remove(&mut self, number: u32) -> Option<Path> {
        let path = self.paths[number as usize].take()?;
        for node in path.ends.into_iter().flatten() {
            self.nodes[node as usize].paths.retain(|&path| path != number);
        }
        Some(path)
    }

    /// Makes two nodes one, which keeps the first's number, and takes a path between them out.
    pub(super) fn contract(&mut self, number: u32) {
        let Some(Path { ends: Some([into, from]), pixels }) = self.remove(number) else { return };
        if into == from {
            return;
        }
        let gone = std::mem::take(&mut self.nodes[from as usize].paths);
        let gone_pixels = std::mem::take(&mut self.nodes[from as usize].pixels);
        for &path in &gone {
            for node in self.paths[path as usize].iter_mut().filter_map(|path| path.ends.as_mut()).flatten() {
                if *node == from {
                    *node = into;
                }
            }
        }
        let node = &mut self.nodes[into as usize];
        node.paths.extend(gone);
        node.pixels.extend(pixels);
        node.pixels.extend(gone_pixels);
    }

    /// How many paths end at a node.
    pub(super) fn degree(&self, node: u32) -> usize {
        self.nodes[node as usize].paths.len()
    }

    /// Joins the two paths that end at a node, if they are two, and returns the number of the joined one.
    pub(super) fn join(&mut self, node: u32) -> Option<u32> {
        let &[first, second] = self.nodes[node as usize].paths.as_slice() else { return None };
        let middle = self.nodes[node as usize].pixels.clone();
        let middle = middle[middle.len() / 2];
        if first == second {
            // A loop that meets nothing else.
            let mut path = self.remove(first)?;
            path.ends = None;
            path.pixels.push(middle);
            self.add(path);
            return Some(self.paths.len() as u32 - 1);
        }
        let (mut head, mut tail) = (self.remove(first)?, self.remove(second)?);
        if head.ends.map(|ends| ends[1]) != Some(node) {
            head.turn();
        }
        if tail.ends.map(|ends| ends[0]) != Some(node) {
            tail.turn();
        }
        let ends = head.ends.zip(tail.ends).map(|(head, tail)| [head[0], tail[1]]);
        head.pixels.push(middle);
        head.pixels.extend(tail.pixels);
        self.add(Path { ends, pixels: head.pixels });
        Some(self.paths.len() as u32 - 1)
    }
}

impl Path {
    /// The same path from its other end.
    fn turn(&mut self) {
        self.pixels.reverse();
        if let Some(ends) = &mut self.ends {
            ends.reverse();
        }
    }
}

/// What stands at pixels that belong to no node.
const NO_NODE: u32 = u32::MAX;

/// Sides of the square into which the junctions of one node fit.
const CLUSTER: usize = 3;

/// The neighbours of a pixel over sides, and over corners that no pixel beside both fills, as bits of the ring.
fn neighbours(skeleton: &Skeleton, at: usize) -> u8 {
    let ring = skeleton.ring(at);
    let sides = ring & 0b0101_0101;
    let beside = sides.rotate_left(1) | sides.rotate_right(1);
    sides | (ring & 0b1010_1010 & !beside)
}

/// The junction at a pixel and those that touch it, as one node or, if they reach far, a node each.
fn clusters(skeleton: &Skeleton, start: usize, node_at: &[u32]) -> Vec<Vec<u32>> {
    let mut cluster = vec![start as u32];
    let mut next = 0;
    while let Some(&at) = cluster.get(next) {
        next += 1;
        for step in steps(skeleton.stride) {
            let near = (at as usize).wrapping_add_signed(step);
            let junction = skeleton.state[near] != NOTHING && neighbours(skeleton, near).count_ones() > 2;
            if junction && node_at[near] == NO_NODE && !cluster.contains(&(near as u32)) {
                cluster.push(near as u32);
            }
        }
        if cluster.len() > CLUSTER * CLUSTER {
            return vec![vec![start as u32]];
        }
    }
    let (columns, rows): (Vec<_>, Vec<_>) = cluster.iter().map(|&at| skeleton.position(at as usize)).unzip();
    let extent = |of: &[usize]| of.iter().max().unwrap_or(&0) - of.iter().min().unwrap_or(&0) + 1;
    match extent(&columns).max(extent(&rows)) <= CLUSTER {
        true => vec![cluster],
        false => cluster.into_iter().map(|at| vec![at]).collect(),
    }
}

/// Follows a path from its first pixel to a node, or until it comes back to its start.
fn follow(
    skeleton: &Skeleton,
    steps: &[isize; 8],
    start: usize,
    first: usize,
    passed: &mut [bool],
    node_at: &[u32],
) -> (Vec<u32>, Option<u32>) {
    let (mut before, mut at) = (start, first);
    let mut pixels = Vec::new();
    loop {
        if node_at[at] != NO_NODE {
            return (pixels, Some(node_at[at]));
        }
        if passed[at] {
            return (pixels, None);
        }
        passed[at] = true;
        pixels.push(at as u32);
        let out = neighbours(skeleton, at);
        let onward = (0..8)
            .filter(|bit| out >> bit & 1 == 1)
            .map(|bit| at.wrapping_add_signed(steps[bit]))
            .find(|&near| near != before);
        let Some(onward) = onward else { return (pixels, None) };
        (before, at) = (at, onward);
    }
}
