//! From pixels to positions: paths along the crests of their edges, which meet in points.

use super::Line;
use super::graph::{Graph, Path};
use super::ridge::Crest;
use super::skeleton::Skeleton;
use super::straight::{Straight, common, distance};
use crate::EdgeMap;

/// A line for each path of a graph that has a length.
pub(super) fn lines(map: &EdgeMap, skeleton: &Skeleton, graph: &Graph) -> Vec<Line> {
    let crest = |at: u32| {
        let (x, y) = skeleton.position(at as usize);
        let crest = Crest::near(map, x, y);
        (crest.place(x, y), crest.strength)
    };
    let drawn: Vec<Option<Line>> =
        graph.paths.iter().map(|path| path.as_ref().map(|path| along(path, crest))).collect();
    let nodes: Vec<([f32; 2], f32)> = (0..graph.nodes.len() as u32)
        .map(|node| match graph.degree(node) {
            0 => Default::default(),
            _ => place(graph, node, &drawn, crest),
        })
        .collect();
    let paths = graph.paths.iter().flatten().zip(drawn.into_iter().flatten());
    paths
        .map(|(path, mut line)| {
            if let Some(ends) = path.ends {
                let meets = ends.map(|node| graph.degree(node) > 2);
                line.end_at(ends.map(|node| nodes[node as usize]), meets);
            }
            line
        })
        // Two pixels may have their crest at one place.
        .filter(|line| !line.is_dot())
        .collect()
}

/// The crests along a path, smoothed, without its ends.
fn along(path: &Path, crest: impl Fn(u32) -> ([f32; 2], f32)) -> Line {
    let (points, strength) = path.pixels.iter().map(|&at| crest(at)).unzip();
    let mut line = Line { points, strength, closed: path.ends.is_none() };
    for _ in 0..SMOOTHINGS {
        line.smooth();
    }
    line
}

/// Where a node is, and how strong: a free end at the crest of its pixel; a junction where the straight pieces of its lines
/// meet, a few pixels off, as lines bend towards each other just before they meet.
fn place(
    graph: &Graph,
    node: u32,
    drawn: &[Option<Line>],
    crest: impl Fn(u32) -> ([f32; 2], f32),
) -> ([f32; 2], f32) {
    let crests: Vec<_> = graph.nodes[node as usize].pixels.iter().map(|&at| crest(at)).collect();
    let count = crests.len() as f32;
    let mean = [0, 1].map(|axis| crests.iter().map(|(point, _)| point[axis]).sum::<f32>() / count);
    let strength = crests.iter().map(|(_, strength)| strength).sum::<f32>() / count;
    if graph.degree(node) < 3 {
        return (mean, strength);
    }
    let sides: Vec<Straight> = graph.nodes[node as usize]
        .paths
        .iter()
        .filter_map(|&number| {
            let (path, line) = (graph.paths[number as usize].as_ref()?, drawn[number as usize].as_ref()?);
            let [first, last] = path.ends?;
            let reach = BENT..SIDE.min(line.points.len().saturating_sub(BENT));
            if first == last || reach.len() < 3 {
                return None;
            }
            let from_start = first == node;
            let points: Vec<[f32; 2]> = reach
                .map(|far| line.points[if from_start { far } else { line.points.len() - 1 - far }])
                .collect();
            Straight::through(&points)
        })
        .collect();
    let meeting = if sides.len() > 1 { common(&sides) } else { None };
    let near = meeting.filter(|new| (new[0] - mean[0]).hypot(new[1] - mean[1]) <= FARTHEST);
    (near.unwrap_or(mean), strength)
}

/// How often points are smoothed along their line: crests of neighbouring pixels differ by some tenths of a pixel.
const SMOOTHINGS: usize = 2;
/// Points next to a junction that are bent towards it.
const BENT: usize = 3;
/// Points next to a junction that give the direction of a line, the bent ones among them.
const SIDE: usize = 12;
/// How far a junction may lie from its pixels.
const FARTHEST: f32 = 1.5;
/// Points next to a free end that give the course of its line.
const COURSE: usize = 6;
/// How far points that bend may lie from the straight piece that replaces them.
const BESIDE: f32 = 0.4;

impl Line {
    /// Every point but the ends becomes a quarter of its neighbours and half of itself.
    fn smooth(&mut self) {
        let count = self.points.len();
        if count < 3 {
            return;
        }
        let old = self.points.clone();
        let inside = if self.closed { 0..count } else { 1..count - 1 };
        for at in inside {
            let (before, after) = (old[(at + count - 1) % count], old[(at + 1) % count]);
            self.points[at] =
                [0, 1].map(|axis| 0.25 * before[axis] + 0.5 * old[at][axis] + 0.25 * after[axis]);
        }
    }

    /// Adds the ends. Next to those at which lines meet, points that bend go, as far as the line stays near them; free ones
    /// move onto the course of the line.
    fn end_at(&mut self, ends: [([f32; 2], f32); 2], meets: [bool; 2]) {
        let count = self.points.len();
        let inward = |side: usize, far: usize| self.points[if side == 0 { far } else { count - 1 - far }];
        let cut = [0, 1].map(|side| {
            let is_near = |cut: usize| {
                (0..cut).all(|far| distance(inward(side, far), ends[side].0, inward(side, cut)) <= BESIDE)
            };
            let most = if meets[side] { BENT.min(count / 3) } else { 0 };
            (1..=most).rev().find(|&cut| is_near(cut)).unwrap_or(0)
        });
        let places = [0, 1].map(|side| {
            let course: Vec<[f32; 2]> = (0..COURSE.min(count)).map(|far| inward(side, far)).collect();
            let course = Straight::through(&course).filter(|_| !meets[side]);
            let old = ends[side].0;
            let new = course.map(|course| course.foot(old));
            new.filter(|new| (new[0] - old[0]).hypot(new[1] - old[1]) <= FARTHEST).unwrap_or(old)
        });
        let kept = cut[0]..count - cut[1];
        let [first, last] = places;
        self.points = [first].into_iter().chain(self.points.drain(kept.clone())).chain([last]).collect();
        let [first, last] = ends.map(|(_, strength)| strength);
        self.strength = [first].into_iter().chain(self.strength.drain(kept)).chain([last]).collect();
    }
}
