//! The assignment problem on a sparse, changing bipartite graph: which nodes to pair, and at what cost.
//!
//! Knows nothing about pixels. The method is the primal-dual one (Kuhn 1955, Munkres 1957) with the shortest
//! augmenting paths of Jonker and Volgenant (1987), started at one node at a time, so that a solution
//! survives when nodes come and go: each change costs one search among the nodes nearby.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A possible pair and its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Node on the left.
    pub left: u32,
    /// Node on the right.
    pub right: u32,
    /// What the pair costs.
    pub cost: u32,
}

/// The two kinds of nodes; pairs have one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first kind.
    Left,
    /// The second kind.
    Right,
}

/// The best set of pairs among the nodes that are present, kept best as nodes are added and removed.
///
/// Best is: as many pairs as possible; of those sets, the least total cost; of those, the least sum of
/// the `rank`s of the paired nodes. Ranks that look random make the set of paired nodes unique in practice, so that it
/// does not depend on how the present set of nodes came about.
///
/// # The certificate
///
/// Let the worth of a pair be `W - cost`, in units so small that all ranks together are less than one unit of
/// cost, with `W` greater than all costs together. Every node has a price such that, after each change,
///
/// ```text
/// price(l) + price(r) >= worth(l, r)     for all links of present nodes, with equality for pairs
/// price(n) >= rank(n)                    with equality for nodes without partner
/// ```
///
/// which proves that no other set of pairs has a greater sum of worths less ranks (linear programming duality).
#[derive(Clone, Debug)]
pub struct Assignment {
    left: Nodes,
    right: Nodes,
    /// `W`, in the units of prices.
    bonus: i64,
    /// One unit of cost, in the units of prices.
    unit: i64,
    pairs: usize,
    search: Search,
}

/// "No node".
const NONE: u32 = u32::MAX;

/// The price of an absent node, more than any pair is worth. The sum of two prices and a distance does not overflow.
const ABSENT: i64 = 1 << 61;

/// Bits of a rank, if prices have room for them.
const RANK_BITS: u32 = 20;

impl Assignment {
    /// A graph with no nodes present yet. `ranks` are those of the left nodes, then of the right; their
    /// lowest bits are used (20, or fewer in graphs so large that sums would not fit 64 bits).
    ///
    /// The links are given in the order of increasing cost, without repetition.
    ///
    /// # Panics
    ///
    /// If the links are not in order or name a node that has no rank, or if the square of the number of nodes on the
    /// smaller side times the greatest cost exceeds `2^57`.
    pub fn new(ranks: [&[u32]; 2], links: &[Link]) -> Self {
        assert!(links.is_sorted_by_key(|link| link.cost), "links are not in order of cost");
        let most_pairs = ranks[0].len().min(ranks[1].len()).max(1) as u64;
        let most_cost = links.last().map_or(0, |link| u64::from(link.cost));
        let prices = |bits: u32| {
            let unit = (2 * most_pairs) << bits;
            let bonus = u128::from(most_pairs * most_cost + 2) * u128::from(unit);
            (bonus < 1 << 59).then_some((bonus as i64, unit as i64))
        };
        let found = (0..=RANK_BITS).rev().find_map(|bits| Some((bits, prices(bits)?)));
        let (bits, (bonus, unit)) = found.expect("prices that fit 64 bits");
        let ranks = ranks.map(|ranks| ranks.iter().map(|rank| i64::from(rank & ((1 << bits) - 1))).collect());
        let [left, right]: [Vec<i64>; 2] = ranks;
        Self {
            left: Nodes::new(left, links.iter().map(|link| (link.left, link.right, link.cost))),
            right: Nodes::new(right, links.iter().map(|link| (link.right, link.left, link.cost))),
            bonus,
            unit,
            pairs: 0,
            search: Search::default(),
        }
    }

    /// Number of pairs.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// The partners of all nodes of a side.
    pub fn partners(&self, side: Side) -> impl ExactSizeIterator<Item = Option<u32>> + '_ {
        let nodes = match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        };
        nodes.partner.iter().map(|&partner| (partner != NONE).then_some(partner))
    }

    /// Adds a node that is absent.
    ///
    /// # Panics
    ///
    /// If the node is present.
    pub fn insert(&mut self, side: Side, node: u32) {
        let (own, other) = sides(side, &mut self.left, &mut self.right);
        let at = node as usize;
        assert!(own.price[at] == ABSENT, "node {node} is there already");
        let offers = own
            .links(node)
            .iter()
            .map(|&(to, cost)| self.bonus - i64::from(cost) * self.unit - other.price[to as usize]);
        own.price[at] = offers.fold(own.rank[at], i64::max);
        self.settle(side, node);
    }

    /// Removes a node that is present.
    ///
    /// # Panics
    ///
    /// If the node is absent.
    pub fn remove(&mut self, side: Side, node: u32) {
        let (own, other) = sides(side, &mut self.left, &mut self.right);
        let at = node as usize;
        assert!(own.price[at] != ABSENT, "node {node} is not there");
        own.price[at] = ABSENT;
        let partner = std::mem::replace(&mut own.partner[at], NONE);
        if partner != NONE {
            other.partner[partner as usize] = NONE;
            self.pairs -= 1;
            match side {
                Side::Left => self.settle(Side::Right, partner),
                Side::Right => self.settle(Side::Left, partner),
            }
        }
    }

    /// Restores the certificate, which only `root` violates: it has no partner, and a price above its rank.
    ///
    /// The cheapest way out is one of three: `root` finds a free partner at the end of an alternating path; or
    /// such a path ends at a node of `root`'s side that gives its partner up; or `root` itself stays alone. Lowering
    /// `root`'s price by `d` brings every node within distance `d`, measured in slack, into play, so the way out is a
    /// shortest path (Dijkstra), and the prices of the nodes nearer than its end change by the difference.
    fn settle(&mut self, side: Side, root: u32) {
        let (own, other) = sides(side, &mut self.left, &mut self.right);
        let Search { queue, reached } = &mut self.search;
        queue.clear();
        reached.clear();
        let mut shortest = own.excess(root);
        if shortest == 0 {
            return;
        }
        let mut end = NONE; // the last node of the other side on the shortest way out; NONE if `root` stays alone
        let (mut node, mut distance) = (root, 0);
        loop {
            let start = distance + own.price[node as usize] - self.bonus;
            for &(to, cost) in own.links(node) {
                let to_free = start + i64::from(cost) * self.unit;
                if to_free >= shortest {
                    break; // prices are not negative, and the other links cost more
                }
                let there = to_free + other.price[to as usize];
                if there >= shortest || there >= other.distance[to as usize] {
                    continue;
                }
                if other.distance[to as usize] == i64::MAX {
                    reached.push(to);
                }
                other.distance[to as usize] = there;
                other.from[to as usize] = node;
                let partner = other.partner[to as usize];
                let way_out = if partner == NONE { there } else { there + own.excess(partner) };
                if way_out < shortest {
                    (shortest, end) = (way_out, to);
                }
                if partner != NONE && there < shortest {
                    queue.push(Reverse((there, to)));
                }
            }
            // An entry that was improved upon later is outdated.
            let nearest = std::iter::from_fn(|| queue.pop())
                .find(|&Reverse((there, to))| there == other.distance[to as usize]);
            match nearest {
                Some(Reverse((there, to))) if there < shortest => {
                    (node, distance) = (other.partner[to as usize], there);
                }
                _ => break,
            }
        }

        own.price[root as usize] -= shortest;
        for &to in reached.iter() {
            let inside = shortest - std::mem::replace(&mut other.distance[to as usize], i64::MAX);
            let partner = other.partner[to as usize];
            if inside > 0 && partner != NONE {
                other.price[to as usize] += inside;
                own.price[partner as usize] -= inside;
            }
        }
        if end == NONE {
            return;
        }
        match other.partner[end as usize] {
            NONE => self.pairs += 1,
            dropped => own.partner[dropped as usize] = NONE,
        }
        let mut to = end;
        loop {
            let from = other.from[to as usize];
            let freed = std::mem::replace(&mut own.partner[from as usize], to);
            other.partner[to as usize] = from;
            if from == root {
                return;
            }
            to = freed;
        }
    }
}

/// The nodes of `side`, and those of the other side.
fn sides<'a>(side: Side, left: &'a mut Nodes, right: &'a mut Nodes) -> (&'a mut Nodes, &'a mut Nodes) {
    match side {
        Side::Left => (left, right),
        Side::Right => (right, left),
    }
}

/// One side of the graph.
#[derive(Clone, Debug)]
struct Nodes {
    /// The links of node `n` are `links[first[n]..first[n + 1]]`, cheapest first.
    first: Vec<u32>,
    /// Node of the other side, and cost.
    links: Vec<(u32, u32)>,
    rank: Vec<i64>,
    price: Vec<i64>,
    partner: Vec<u32>,
    /// In a search: the shortest known way from its root, `i64::MAX` if there is none.
    distance: Vec<i64>,
    /// In a search: the last node on that way.
    from: Vec<u32>,
}

impl Nodes {
    /// Nodes with links `(own, other, cost)`, which keep their order at each node.
    fn new(rank: Vec<i64>, links: impl Iterator<Item = (u32, u32, u32)> + Clone) -> Self {
        let count = rank.len();
        let mut first = vec![0u32; count + 1];
        for (own, ..) in links.clone() {
            first[own as usize + 1] += 1;
        }
        for node in 0..count {
            first[node + 1] += first[node];
        }
        let mut next = first.clone();
        let mut sorted = vec![(NONE, 0); first[count] as usize];
        for (own, other, cost) in links {
            sorted[next[own as usize] as usize] = (other, cost);
            next[own as usize] += 1;
        }
        Self {
            first,
            links: sorted,
            rank,
            price: vec![ABSENT; count],
            partner: vec![NONE; count],
            distance: vec![i64::MAX; count],
            from: vec![NONE; count],
        }
    }

    /// The links of a node, cheapest first.
    fn links(&self, node: u32) -> &[(u32, u32)] {
        &self.links[self.first[node as usize] as usize..self.first[node as usize + 1] as usize]
    }

    /// How much the price of a node may fall until it is its rank.
    fn excess(&self, node: u32) -> i64 {
        self.price[node as usize] - self.rank[node as usize]
    }
}

/// What a search needs, kept to save allocations.
#[derive(Clone, Debug, Default)]
struct Search {
    /// Nodes to go on from, nearest first.
    queue: BinaryHeap<Reverse<(i64, u32)>>,
    /// Nodes that have a distance.
    reached: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use pathfinding::matrix::Matrix;
    use pathfinding::prelude::kuhn_munkres;
    use proptest::prelude::*;

    use super::*;

    /// More than all costs of the test graphs together.
    const MANY: i64 = 1_000_000;

    /// Pairs and total cost of the best assignment, from a dense solver.
    fn dense(lefts: &[u32], rights: &[u32], links: &[Link]) -> (usize, u64) {
        if lefts.is_empty() || rights.is_empty() {
            return (0, 0);
        }
        let worth = |left: u32, right: u32| {
            let link = links.iter().find(|link| (link.left, link.right) == (left, right));
            link.map_or(0, |link| MANY - i64::from(link.cost))
        };
        let (rows, columns) = (lefts.len().min(rights.len()), lefts.len().max(rights.len()));
        let matrix = Matrix::from_fn(rows, columns, |(row, column)| match lefts.len() <= rights.len() {
            true => worth(lefts[row], rights[column]),
            false => worth(lefts[column], rights[row]),
        });
        let (total, _) = kuhn_munkres(&matrix);
        let pairs = (total + MANY - 1) / MANY;
        (pairs as usize, (pairs * MANY - total) as u64)
    }

    /// Pairs and total cost of the assignment, after checking partners, certificate, and the cleared search.
    fn checked(assignment: &Assignment, links: &[Link]) -> (usize, u64) {
        let Assignment { left, right, bonus, unit, .. } = assignment;
        let mut total = 0;
        let mut pairs = 0;
        for link in links {
            let (l, r) = (link.left as usize, link.right as usize);
            let slack = left.price[l] + right.price[r] - (bonus - i64::from(link.cost) * unit);
            assert!(slack >= 0, "{link:?} is worth more than its prices");
            if left.partner[l] == link.right {
                assert_eq!(right.partner[r], link.left);
                assert_eq!(slack, 0, "{link:?} is a pair but not worth its prices");
                pairs += 1;
                total += u64::from(link.cost);
            }
        }
        for nodes in [left, right] {
            for node in 0..nodes.rank.len() {
                assert!(nodes.price[node] >= nodes.rank[node]);
                let alone = nodes.partner[node] == NONE;
                assert!(!alone || nodes.price[node] == nodes.rank[node] || nodes.price[node] == ABSENT);
                assert_eq!(nodes.distance[node], i64::MAX);
            }
        }
        assert_eq!(pairs, assignment.pairs());
        (pairs, total)
    }

    /// Graphs of up to 9 + 9 nodes, from sparse to complete, with few or many equal costs, and an order of changes.
    fn graphs() -> impl Strategy<Value = (usize, usize, Vec<Link>, Vec<usize>)> {
        (1usize..10, 1usize..10, 1u32..12, 1u32..40).prop_flat_map(|(lefts, rights, density, costs)| {
            let weights = proptest::collection::vec((0..12u32, 0..costs), lefts * rights);
            let changes = proptest::collection::vec(0..lefts + rights, 0..60);
            (weights, changes).prop_map(move |(weights, changes)| {
                let mut links: Vec<Link> = (0..lefts * rights)
                    .filter(|&at| weights[at].0 < density)
                    .map(|at| Link {
                        left: (at / rights) as u32,
                        right: (at % rights) as u32,
                        cost: weights[at].1,
                    })
                    .collect();
                links.sort_by_key(|link| link.cost);
                (lefts, rights, links, changes)
            })
        })
    }

    fn ranks(count: usize, salt: u32) -> Vec<u32> {
        (0..count as u32).map(|node| (node + salt).wrapping_mul(0x9E37_79B1) >> 7).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// Cardinality and cost after every change are those of a dense solver started afresh, and the paired nodes
        /// do not depend on what was there before.
        #[test]
        fn every_change_keeps_it_best((lefts, rights, links, changes) in graphs()) {
            let ranks = [ranks(lefts, 1), ranks(rights, 100)];
            let mut assignment = Assignment::new([&ranks[0], &ranks[1]], &links);
            let mut present = vec![false; lefts + rights];
            for node in changes {
                let (side, at) = if node < lefts { (Side::Left, node) } else { (Side::Right, node - lefts) };
                match present[node] {
                    true => assignment.remove(side, at as u32),
                    false => assignment.insert(side, at as u32),
                }
                present[node] = !present[node];
                let found = checked(&assignment, &links);
                let here = |nodes: std::ops::Range<usize>| -> Vec<u32> {
                    let start = nodes.start;
                    nodes.filter(|&node| present[node]).map(|node| (node - start) as u32).collect()
                };
                prop_assert_eq!(found, dense(&here(0..lefts), &here(lefts..lefts + rights), &links));
            }
            let mut fresh = Assignment::new([&ranks[0], &ranks[1]], &links);
            for node in (0..lefts + rights).rev().filter(|&node| present[node]) {
                match node < lefts {
                    true => fresh.insert(Side::Left, node as u32),
                    false => fresh.insert(Side::Right, (node - lefts) as u32),
                }
            }
            for side in [Side::Left, Side::Right] {
                let taken = |from: &Assignment| from.partners(side).map(|p| p.is_some()).collect::<Vec<_>>();
                prop_assert_eq!(taken(&fresh), taken(&assignment));
            }
        }
    }
}
