//! The channels of several maps, one after another. Their gradients are parts of that of the result.

/// The maps, one after another.
pub(super) fn forward<'a>(maps: impl Iterator<Item = &'a [f32]>, dst: &mut [f32]) {
    let mut rest = dst;
    for map in maps {
        let (part, next) = rest.split_at_mut(map.len());
        part.copy_from_slice(map);
        rest = next;
    }
}
