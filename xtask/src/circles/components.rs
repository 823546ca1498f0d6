//! Strongly connected components of a small graph.

/// The sets of nodes that can all reach each other, where node `i` points at `edges[i]`, never at itself.
pub(super) fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let reached: Vec<Vec<bool>> = (0..edges.len()).map(|start| reached_from(start, edges)).collect();
    let mut components: Vec<Vec<usize>> = Vec::new();
    for (node, from_here) in reached.iter().enumerate() {
        let is_known = components.iter().any(|component| component.contains(&node));
        if !is_known && from_here[node] {
            components
                .push((0..edges.len()).filter(|&other| from_here[other] && reached[other][node]).collect());
        }
    }
    components
}

/// Which nodes can be reached from one, in one step or more.
fn reached_from(start: usize, edges: &[Vec<usize>]) -> Vec<bool> {
    let mut reached = vec![false; edges.len()];
    let mut open = edges[start].clone();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut reached[node], true) {
            open.extend(&edges[node]);
        }
    }
    reached
}
