//! Numbers within a header.

/// The order of a number's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The 16-bit number that begins at byte `at`.
    pub(super) fn u16_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        let (number, _) = bytes.get(at..)?.split_first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(*number),
            Self::Big => u16::from_be_bytes(*number),
        })
    }

    /// The 32-bit number that begins at byte `at`.
    pub(super) fn u32_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        let (number, _) = bytes.get(at..)?.split_first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(*number),
            Self::Big => u32::from_be_bytes(*number),
        })
    }
}
