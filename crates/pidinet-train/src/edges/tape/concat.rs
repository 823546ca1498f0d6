//! The channels of several maps, one after another; forward and backward.

/// The maps, one after another.
pub(super) fn forward<'a>(maps: impl Iterator<Item = &'a [f32]>, dst: &mut [f32]) {
    let mut rest = dst;
    for map in maps {
        let (part, next) = rest.split_at_mut(map.len());
        part.copy_from_slice(map);
        rest = next;
    }
}

/// The gradient of one of the maps, from its part of the result's gradient; added to `dst` if something
/// `is_there`.
pub(super) fn backward(part: &[f32], is_there: bool, dst: &mut [f32]) {
    if is_there {
        for (sum, term) in dst.iter_mut().zip(part) {
            *sum += term;
        }
    } else {
        dst.copy_from_slice(part);
    }
}
