//! Images to rows of pixels: decode, orientation, limits, presets.
