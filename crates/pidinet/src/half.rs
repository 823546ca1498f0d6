//! Floats of 16 bits.

/// An IEEE 754 binary16 number (1 sign, 5 exponent, 10 fraction bits), exactly.
pub(crate) fn from_f16(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Subnormal: fraction · 2⁻²⁴, which f32 has as a normal number.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13),
    }
}

/// The nearest binary16 number, ties to even; infinite if `value` is too large.
pub(crate) fn to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = f32::from_bits(bits & 0x7fff_ffff);
    if magnitude.is_nan() {
        return sign | 0x7e00;
    }
    // 2⁻¹⁴ is the smallest normal number, 65520 the first that rounds to infinity.
    if magnitude < 6.103_515_6e-5 {
        // Counts steps of 2⁻²⁴. The product is exact; adding 2²³ rounds it to an integer, ties to even.
        let steps = magnitude * 16_777_216.0 + 8_388_608.0;
        return sign | (steps.to_bits() & 0x7ff) as u16;
    }
    if magnitude >= 65_520.0 {
        return sign | 0x7c00;
    }
    let bits = magnitude.to_bits();
    let tie_to_even = bits >> 13 & 1;
    let rounded = (bits + 0xfff + tie_to_even) >> 13;
    sign | (rounded - ((127 - 15) << 10)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binary16_number_survives_the_way_through_f32() {
        for bits in 0..=u16::MAX {
            let value = from_f16(bits);
            if value.is_nan() {
                assert!(from_f16(to_f16(value)).is_nan());
            } else {
                assert_eq!(to_f16(value), bits, "{value}");
            }
        }
    }

    /// Values from the definition in IEEE 754, table 3.5.
    #[test]
    fn binary16_numbers_have_their_values() {
        let smallest = 2f32.powi(-24);
        for (bits, value) in [
            (0x0000, 0.0),
            (0x0001, smallest),
            (0x03ff, 1023.0 * smallest),
            (0x0400, 1024.0 * smallest),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x7c00, f32::INFINITY),
            (0x3555, 1365.0 / 4096.0),
        ] {
            assert_eq!(from_f16(bits), value);
        }
    }

    /// Between two neighbours the nearer one is chosen; halfway, the even one.
    #[test]
    fn rounding_to_binary16_is_to_the_nearest_even() {
        for bits in 0..0x7bff_u16 {
            let (low, high) = (f64::from(from_f16(bits)), f64::from(from_f16(bits + 1)));
            let middle = (low + high) / 2.0; // exact in f32: one more bit than binary16 has
            let even = if bits % 2 == 0 { bits } else { bits + 1 };
            assert_eq!(to_f16(middle as f32), even, "{middle}");
            assert_eq!(to_f16((middle as f32).next_down()), bits, "below {middle}");
            assert_eq!(to_f16((middle as f32).next_up()), bits + 1, "above {middle}");
        }
    }
}
