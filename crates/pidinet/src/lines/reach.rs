//! Looking for how far something goes.

/// About the last place, from `near`, which is one, to `last`, that a test holds for: steps that double until it fails, and then
/// halves of what is left.
pub(super) fn farthest_that(near: usize, last: usize, mut holds: impl FnMut(usize) -> bool) -> usize {
    let (mut good, mut beyond, mut step) = (near, last + 1, STEP);
    while good + 1 < beyond {
        let place = if beyond > last { (good + step).min(last) } else { good.midpoint(beyond) };
        if holds(place) {
            good = place;
        } else {
            beyond = place;
        }
        step *= 2;
    }
    good
}

/// The first step.
const STEP: usize = 16;
