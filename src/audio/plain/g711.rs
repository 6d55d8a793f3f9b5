//! A-law and µ-law: logarithmic 8-bit samples (ITU-T Recommendation G.711, 1988).

/// An A-law sample on the scale of 16-bit integers: a sign, 3 bits of exponent and 4 of mantissa, every other bit
/// inverted.
pub(in crate::audio) fn from_a_law(code: u8) -> i16 {
    // G.711 inverts the even bits, so that silence is no run of zeros on the line.
    let code = code ^ 0x55;
    let (exponent, mantissa) = (code >> 4 & 7, i16::from(code & 15));
    let magnitude = match exponent {
        // The segment nearest to zero has no implicit leading bit.
        0 => mantissa << 4 | 8,
        _ => (mantissa << 4 | 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// A µ-law sample on the scale of 16-bit integers: as A-law, with all bits inverted and 132 added before coding.
pub(in crate::audio) fn from_mu_law(code: u8) -> i16 {
    let code = !code;
    let (exponent, mantissa) = (code >> 4 & 7, i16::from(code & 15));
    let magnitude = ((mantissa << 3 | 0x84) << exponent) - 0x84;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decoder values of G.711's tables 1a to 2b, which stand there on scales of 13 and 14 bits.
    #[test]
    fn the_values_of_the_recommendation() {
        let a_law = [(0xD5, 1), (0x55, -1), (0xD4, 3), (0xC5, 33), (0xF5, 66), (0xAA, 4032), (0x2A, -4032)];
        for (code, expected) in a_law {
            assert_eq!(from_a_law(code), expected * 8, "A-law {code:#04x}");
        }
        let mu_law = [(0xFF, 0), (0x7F, 0), (0xFE, 2), (0xEF, 33), (0xDF, 99), (0x80, 8031), (0x00, -8031)];
        for (code, expected) in mu_law {
            assert_eq!(from_mu_law(code), expected * 4, "µ-law {code:#04x}");
        }
    }
}
